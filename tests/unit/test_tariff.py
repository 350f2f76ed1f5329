"""Quotient → bracket."""

from datetime import date

import pytest

from gateway.core.rules import Bracket, Schedule
from gateway.core.tariff import bracket_of, faults, schedule_on
from tests.builders import SCHEDULE

OLD = Schedule(date(2025, 9, 1), (Bracket("A", None),), "2025-06-12 n° 4")


@pytest.mark.parametrize(
    ("quotient", "name"),
    [(0, "T1"), (400, "T1"), (401, "T2"), (800, "T2"), (801, "T3"), (99_999, "T3")],
)
def test_a_bound_is_inclusive_and_the_last_bracket_has_none(quotient: int, name: str) -> None:
    bracket = bracket_of(SCHEDULE, quotient)
    assert bracket is not None
    assert bracket.name == name


def test_no_quotient_is_not_zero() -> None:
    assert bracket_of(SCHEDULE, None) is None


def test_a_schedule_may_say_that_zero_is_no_value() -> None:
    strict = Schedule(SCHEDULE.valid_from, SCHEDULE.brackets, SCHEDULE.council_decision, zero_is_a_value=False)
    assert bracket_of(strict, 0) is None
    assert bracket_of(strict, 1) == Bracket("T1", 400)


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        pytest.param(date(2025, 8, 31), None, id="before the first schedule"),
        pytest.param(date(2025, 9, 1), OLD, id="the day it begins"),
        pytest.param(date(2026, 8, 31), OLD, id="the day before the next"),
        pytest.param(date(2026, 9, 1), SCHEDULE, id="the day of the next"),
    ],
)
def test_the_schedule_in_force_is_chosen_by_the_date_of_the_request(day: date, expected: Schedule | None) -> None:
    assert schedule_on([SCHEDULE, OLD], day) is expected


def test_a_table_that_covers_every_quotient_once_has_no_fault() -> None:
    assert faults(SCHEDULE.brackets) == []


@pytest.mark.parametrize(
    ("table", "row", "said"),
    [
        pytest.param((), 0, "at least one", id="empty"),
        pytest.param((Bracket("A", 400),), 0, "above 400", id="a gap above the last bound"),
        pytest.param(
            (Bracket("A", 400), Bracket("B", 400), Bracket("C", None)), 1, "overlaps", id="the same bound twice"
        ),
        pytest.param(
            (Bracket("A", 800), Bracket("B", 400), Bracket("C", None)), 1, "overlaps", id="bounds out of order"
        ),
        pytest.param(
            (Bracket("A", None), Bracket("B", None)), 0, "never reached", id="an open bracket that is not the last"
        ),
        pytest.param((Bracket("A", 1), Bracket("A", None)), 0, "named `A`", id="one name for two brackets"),
    ],
)
def test_gaps_and_overlaps_are_found(table: tuple[Bracket, ...], row: int, said: str) -> None:
    assert any(index == row and said in text for index, text in faults(table))
