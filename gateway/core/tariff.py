"""Quotient familial → bracket, from a schedule that the council voted and dated."""

from collections.abc import Sequence
from datetime import date
from itertools import pairwise

from gateway.core.rules import Bracket, Schedule


def schedule_on(schedules: Sequence[Schedule], day: date) -> Schedule | None:
    """The schedule in force on a day, or None before the first one."""
    in_force = [schedule for schedule in schedules if schedule.valid_from <= day]
    return max(in_force, key=lambda schedule: schedule.valid_from, default=None)


def bracket_of(schedule: Schedule, quotient: int | None) -> Bracket | None:
    """The bracket of a quotient in whole euros, or None when there is no quotient: no quotient is not zero."""
    if quotient is None or (quotient == 0 and not schedule.zero_is_a_value):
        return None
    fitting = (bracket for bracket in schedule.brackets if bracket.up_to is None or quotient <= bracket.up_to)
    return next(fitting, None)


def faults(brackets: Sequence[Bracket]) -> list[tuple[int, str]]:
    """Why a table is not a tariff: (index of the row, what is wrong), empty when it covers every quotient once."""
    found: list[tuple[int, str]] = []
    if not brackets:
        return [(0, "a schedule needs at least one bracket")]
    for index, (before, after) in enumerate(pairwise(brackets), start=1):
        if before.up_to is None:
            found.append(
                (index - 1, "only the last bracket may leave out `up_to`: the ones after it are never reached")
            )
        elif after.up_to is not None and after.up_to <= before.up_to:
            found.append((index, f"`up_to: {after.up_to}` overlaps the bracket before, which ends at {before.up_to}"))
    if brackets[-1].up_to is not None:
        found.append(
            (len(brackets) - 1, f"a quotient above {brackets[-1].up_to} has no bracket: leave out the last `up_to`")
        )
    names = [bracket.name for bracket in brackets]
    found.extend(
        (names.index(name), f"two brackets are named `{name}`")
        for name in dict.fromkeys(names)
        if names.count(name) > 1
    )
    return found
