"""Whether people can read a colour on another (WCAG 2.1), and the nearest that they can."""

import pytest

from gateway.core.colours import BLACK, WHITE, contrast, mixed, readable


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [
        (BLACK, WHITE, 21.0),
        (WHITE, BLACK, 21.0),
        ("#767676", WHITE, 4.54),
        ("#777777", WHITE, 4.48),
        ("#ff0000", "#ff0000", 1.0),
        ("#0a0a0a", WHITE, 19.80),
    ],
)
def test_contrast_is_the_one_of_wcag(one: str, other: str, ratio: float) -> None:
    assert contrast(one, other) == pytest.approx(ratio, abs=0.01)


def test_a_mix_goes_from_one_colour_to_the_other() -> None:
    assert [mixed("#102030", WHITE, share) for share in (0, 1)] == ["#102030", WHITE]
    assert mixed(BLACK, WHITE, 0.5) == "#808080"


def test_a_readable_colour_stays_as_it_is() -> None:
    assert readable("#0b4f6c", (WHITE,), BLACK) == "#0b4f6c"


@pytest.mark.parametrize("colour", ["#ffff00", "#ff6600", "#33aaff", WHITE])
def test_a_colour_that_is_too_light_becomes_the_nearest_that_is_not(colour: str) -> None:
    found = readable(colour, (WHITE, "#f4f6f8"), BLACK)
    assert all(contrast(found, ground) >= 4.5 for ground in (WHITE, "#f4f6f8"))
    assert contrast(found, WHITE) < 5.4


def test_the_end_is_taken_when_nothing_before_it_reads() -> None:
    assert readable("#808080", (BLACK, WHITE), WHITE, 21) == WHITE
