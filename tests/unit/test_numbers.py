import pytest

from gateway.core.model import CafNumber
from gateway.core.numbers import faults, parse_caf_number


@pytest.mark.parametrize(
    ("number", "postal_code", "expected"),
    [
        ("1234567", "33000", CafNumber("1234567", "33000")),
        (" 12 345 ", " 2a004 ", CafNumber("12345", "2A004")),
        ("1", "97400", CafNumber("1", "97400")),
    ],
)
def test_what_a_person_types_is_read_with_its_spaces(number: str, postal_code: str, expected: CafNumber) -> None:
    assert parse_caf_number(number, postal_code) == expected


@pytest.mark.parametrize(
    ("number", "postal_code", "code"),
    [
        ("", "33000", "number_malformed"),
        ("12345678", "33000", "number_malformed"),
        ("1234567A", "33000", "number_malformed"),
        ("١٢٣", "33000", "number_malformed"),
        ("1234567", "", "postal_code_malformed"),
        ("1234567", "330000", "postal_code_malformed"),
        ("1234567", "33-00", "postal_code_malformed"),
    ],
)
def test_a_malformed_number_is_refused_by_its_code(number: str, postal_code: str, code: str) -> None:
    with pytest.raises(ValueError, match=code):
        parse_caf_number(number, postal_code)


def test_both_fields_are_said_at_once() -> None:
    assert faults("12A", "33-00") == ("number_malformed", "postal_code_malformed")
    assert faults("12 345", "2a004") == ()
