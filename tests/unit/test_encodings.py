"""Values → text → header bytes."""

from datetime import date

import pytest

from gateway.core.encodings import encode, leaves, plain, render
from gateway.core.errors import ValueRefused
from gateway.core.model import PartialDate
from gateway.core.rules import Encoding


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("DUBOIS", "DUBOIS"),
        (648, "648"),
        (0, "0"),
        (True, "true"),
        (False, "false"),
        (["Angela", "Claire"], "Angela Claire"),
        ((8, 4), "8 4"),
        (date(2026, 9, 1), "2026-09-01"),
        (PartialDate(1984, 2), "1984-02-00"),
        ({"city": "PARIS", "lines": ["1 RUE", "É"]}, '{"city":"PARIS","lines":["1 RUE","É"]}'),
        ([{"birthdate": PartialDate(2018)}], '[{"birthdate":"2018-00-00"}]'),
    ],
)
def test_a_value_is_written_as_the_contract_says(value: object, text: str) -> None:
    assert render(value) == text


@pytest.mark.parametrize("value", [1.5, None, object()])
def test_another_kind_of_value_is_refused(value: object) -> None:
    with pytest.raises(ValueRefused, match="value_not_renderable"):
        render(value)


@pytest.mark.parametrize("value", [{"a": "b\nc"}, {"a\n": 1}, [{"a": ["\x01"]}]])
def test_a_control_within_a_structure_is_refused(value: object) -> None:
    with pytest.raises(ValueRefused, match="value_control_character"):
        render(value)


@pytest.mark.parametrize(
    ("encoding", "raw"),
    [
        (Encoding.UTF_8, "Zoë œ".encode()),
        (Encoding.PERCENT, b"Zo%C3%AB%20%C5%93"),
        (Encoding.BASE64, b"Wm/DqyDFkw=="),
        (Encoding.RFC8187, b"UTF-8''Zo%C3%AB%20%C5%93"),
    ],
)
def test_each_encoding_carries_text_outside_ascii(encoding: Encoding, raw: bytes) -> None:
    assert encode("Zoe\u0308 œ", encoding) == raw


def test_latin_1_carries_its_letters_and_refuses_the_others() -> None:
    assert encode("Zoë", Encoding.LATIN_1) == b"Zo\xeb"
    with pytest.raises(ValueRefused, match="value_not_latin1"):
        encode("Lœtitia", Encoding.LATIN_1)


@pytest.mark.parametrize("encoding", list(Encoding))
@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("a\r\nb", "value_control_character"),
        ("a\x85", "value_control_character"),
        ("", "value_empty"),
        ("\ud800", "value_not_unicode"),
    ],
)
def test_no_encoding_carries_controls_or_nothing(encoding: Encoding, text: str, code: str) -> None:
    with pytest.raises(ValueRefused, match=code):
        encode(text, encoding)


def test_outer_spaces_are_lost_in_a_raw_header_and_kept_in_an_encoded_one() -> None:
    with pytest.raises(ValueRefused, match="value_outer_space"):
        encode(" a", Encoding.UTF_8)
    assert encode(" a", Encoding.PERCENT) == b"%20a"


def test_leaves_and_plain_walk_a_structure() -> None:
    assert list(leaves({"a": [1, {"b": "c"}]})) == ["a", "1", "b", "c"]
    assert plain({"a": (True, 1, "e\u0301")}) == {"a": [True, 1, "é"]}
