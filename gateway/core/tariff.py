"""Quotient familial → bracket, and resources → hourly rate of a nursery, from schedules and scales that are dated."""

from collections.abc import Sequence
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise
from typing import TypeVar

from gateway.core.model import Childcare
from gateway.core.rules import Bracket, Scale, Schedule

Dated = TypeVar("Dated", Schedule, Scale)

_CENT = Decimal("0.01")


def schedule_on(schedules: Sequence[Dated], day: date) -> Dated | None:
    """The one in force on a day, or None before the first one."""
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


def hourly_rate(scale: Scale, known: Childcare | None) -> Decimal | None:
    """Euros an hour, to the cent: monthly resources between floor and ceiling, times the rate for so many children.

    A child for whom AEEH is paid counts as one more. None when a parameter is not known.
    """
    if known is None or known.annual_resources is None:
        return None
    if known.dependent_children is None or known.aeeh_children is None:
        return None
    month = min(max(Decimal(known.annual_resources) / 12, scale.floor), scale.ceiling)
    rate = rate_for(scale, known.dependent_children + known.aeeh_children)
    return (month * rate / 100).quantize(_CENT, ROUND_HALF_UP)


def rate_for(scale: Scale, children: int) -> Decimal:
    """Percent of a month's resources for one hour. A child not born yet is the first one."""
    return [rate for start, rate in scale.rates if start <= max(children, 1)][-1]


def scale_faults(scale: Scale) -> list[str]:
    """Why figures are not a scale; empty when every family has one rate and a floor below its ceiling."""
    starts = [start for start, _ in scale.rates]
    found = []
    if not starts or starts[0] != 1:
        found.append("the rates begin with 1 child")
    if starts != sorted(set(starts)):
        found.append("the numbers of children go up, each once")
    if not 0 < scale.floor < scale.ceiling:
        found.append("`floor` is below `ceiling`, both in euros of monthly resources")
    if any(not 0 < rate < 1 for _, rate in scale.rates):
        found.append("a rate is a percent between 0 and 1, such as 0.0619")
    return found
