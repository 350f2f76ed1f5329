"""Figures of one run, and what must be true of them."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from bench.day.people import LATE_S, Visit
from gateway.sandbox.api_particulier import SandboxApiParticulier


@dataclass(frozen=True)
class Figures:
    """Of one mode."""

    mode: str
    people: int
    addresses: int
    most_of_one_address: int
    simulated_s: float
    real_s: float
    requests: int
    calls: int
    most_in_an_hour: int
    most_in_a_minute: int
    refused: int
    bans: int
    outcomes: dict[str, int]
    statuses: dict[str, int]
    told_error_min: dict[str, float]
    """Minutes between the time that was told first and the place, of those who stayed."""
    longest_line: int
    faults: tuple[str, ...] = field(default=())


def figures(
    mode: str, visits: Sequence[Visit], api: SandboxApiParticulier, *, requests: int, simulated_s: float, real_s: float
) -> Figures:
    outcomes = Counter(visit.outcome for visit in visits)
    addresses = Counter(visit.address for visit in visits)
    errors = sorted(
        (visit.placed_at - visit.joined_at - visit.told_s) / 60
        for visit in visits
        if visit.placed_at is not None and visit.told_s is not None
    )
    return Figures(
        mode=mode,
        people=len(visits),
        addresses=len(addresses),
        most_of_one_address=max(addresses.values()),
        simulated_s=simulated_s,
        real_s=real_s,
        requests=requests,
        calls=len(api.call_times),
        most_in_an_hour=_most(api.call_times, 3600),
        most_in_a_minute=_most(api.call_times, 60),
        refused=api.doorkeeper.refused,
        bans=api.doorkeeper.bans,
        outcomes=dict(outcomes.most_common()),
        statuses=dict(Counter(visit.status for visit in visits if visit.status).most_common()),
        told_error_min=_spread(errors),
        longest_line=max((visit.position for visit in visits), default=0),
        faults=tuple(_faults(visits, api)),
    )


def _most(times: Sequence[float], period_s: float) -> int:
    most, first = 0, 0
    for last, time in enumerate(times):
        while times[first] <= time - period_s:
            first += 1
        most = max(most, last - first + 1)
    return most


def _spread(values: Sequence[float]) -> dict[str, float]:
    if not values:
        return {}
    at = {"p5": 0.05, "median": 0.5, "p95": 0.95}
    return {name: round(values[int((len(values) - 1) * share)], 1) for name, share in at.items()} | {
        "count": len(values),
        "mean": round(sum(values) / len(values), 1),
    }


def _faults(visits: Sequence[Visit], api: SandboxApiParticulier) -> list[str]:
    """Whatever must never be."""
    found = []
    if api.doorkeeper.bans or api.doorkeeper.refused:
        found.append(f"{api.doorkeeper.refused} refusals for the quota, {api.doorkeeper.bans} bans")
    for visit in visits:
        if visit.outcome in {"under way", "not told", "lost the turn"} or visit.outcome.startswith("no way"):
            found.append(f"nobody took care of one who came: {visit.outcome} {visit.status}")
        if visit.outcome == "without" and visit.status not in {"unavailable", ""}:
            found.append(f"went on without waiting, status {visit.status}")
        if visit.outcome == "came back, no answer" and not (
            visit.status == "unavailable" and visit.away_s > LATE_S - 25
        ):
            found.append(f"came back within the time of their place, status {visit.status}")
    return found


def as_text(result: Figures) -> str:
    lines = [
        f"| {name} | {value} |"
        for name, value in (
            ("logins in the peak hour", result.people),
            ("addresses they come from / most from one", f"{result.addresses} / {result.most_of_one_address}"),
            ("calls to API Particulier", result.calls),
            ("most calls in any hour / minute", f"{result.most_in_an_hour} / {result.most_in_a_minute}"),
            ("refused by API Particulier (429) / bans", f"{result.refused} / {result.bans}"),
            ("longest line told", result.longest_line),
            *((f"— {outcome}", count) for outcome, count in result.outcomes.items()),
            *((f"status `{status}` at the application", count) for status, count in result.statuses.items()),
            ("place minus told time, minutes", json.dumps(result.told_error_min)),
            ("simulated / real time", f"{result.simulated_s / 3600:.1f} h / {result.real_s:.0f} s"),
            ("HTTP requests of browsers", result.requests),
            ("faults", len(result.faults)),
        )
    ]
    return "\n".join([f"### Mode `{result.mode}`", "", "| | |", "|---|---|", *lines, ""])
