"""Whatever colour an authority may have, every pair of colours that pages put together can be read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.colours import BLACK, WHITE, contrast, readable
from gateway.web.stylesheet import sheet
from gateway.web.theme import custom_properties, dark, light

TEXT = [
    ("text", "ground"), ("text", "card"), ("muted", "ground"), ("muted", "card"), ("link", "ground"), ("link", "card"),
    ("link", "quiet"), ("on-accent", "accent"), ("on-accent", "pressed"), ("alert", "card"), ("text", "quiet"),
]  # fmt: skip
EDGES = [("line", "card"), ("line", "ground"), ("accent", "card"), ("accent", "ground")]

colours = (
    st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}").map(lambda colour: readable(colour, (WHITE,), BLACK))
)


@given(colour=colours)
def test_every_pair_can_be_read_in_both_schemes(colour: str) -> None:
    for palette in (light(colour), dark(colour)):
        for one, other in TEXT:
            assert contrast(palette[one], palette[other]) >= 4.5, (colour, one, other)
        for one, other in EDGES:
            assert contrast(palette[one], palette[other]) >= 3, (colour, one, other)


@pytest.mark.parametrize("colour", ["#000000", "#0b4f6c", "#767676"])
def test_the_sheet_names_each_property_that_it_uses(colour: str) -> None:
    text = sheet(colour).decode()
    used = {part.partition(")")[0] for part in text.split("var(--")[1:]}
    assert used <= set(light(colour))
    assert set(light(colour)) == set(dark(colour))
    assert custom_properties(colour) in text
