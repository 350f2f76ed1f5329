"""The ledger of one quota in this process."""

from bisect import insort
from collections.abc import Mapping, Sized
from typing import TypeVar

Kept = TypeVar("Kept", bound=Sized)


class MemoryLedger:
    """`core.quota.Ledger`. `forget` first: what has ended is not there any more."""

    def __init__(self) -> None:
        self._uses: dict[str, list[tuple[float, float]]] = {}
        self._held: dict[str, dict[str, tuple[float, float]]] = {}
        self._waiting: dict[str, dict[str, float]] = {}
        self._closed: dict[str, float] = {}

    @property
    def empty(self) -> bool:
        return not (self._uses or self._held or self._waiting or self._closed)

    def __len__(self) -> int:
        parts = (*self._uses.values(), *self._held.values(), *self._waiting.values())
        return sum(len(part) for part in parts)

    def forget(self, now: float) -> None:
        self._uses = _left({series: [use for use in uses if use[1] > now] for series, uses in self._uses.items()})
        self._held = _left(
            {line: {who: place for who, place in held.items() if place[1] > now} for line, held in self._held.items()}
        )
        self._waiting = _left(
            {line: {who: end for who, end in waiting.items() if end > now} for line, waiting in self._waiting.items()}
        )
        self._closed = {series: until for series, until in self._closed.items() if until > now}

    def nth_last(self, series: str, place: int) -> float | None:
        uses = self._uses.get(series, [])
        return uses[-place][0] if place <= len(uses) else None

    def closed_until(self, series: str) -> float:
        return self._closed.get(series, 0)

    def held_by_others(self, line: str, member: str) -> int:
        held = self._held.get(line, {})
        return len(held) - (member in held)

    def held_since(self, line: str, member: str) -> float | None:
        place = self._held.get(line, {}).get(member)
        return place[0] if place else None

    def waits(self, line: str, member: str) -> bool:
        return member in self._waiting.get(line, {})

    def ahead(self, line: str, member: str) -> int:
        waiting = self._waiting.get(line, {})
        if member not in waiting:
            return len(waiting)
        return next(place for place, each in enumerate(waiting) if each == member)

    def use(self, series: str, at: float, ends_at: float) -> None:
        insort(self._uses.setdefault(series, []), (at, ends_at))

    def hold(self, line: str, member: str, since: float, ends_at: float) -> None:
        self._waiting.get(line, {}).pop(member, None)
        self._held.setdefault(line, {})[member] = (since, ends_at)

    def wait(self, line: str, member: str, ends_at: float) -> None:
        # A dictionary keeps the order of arrival, and a member's place in it when its value changes.
        self._waiting.setdefault(line, {})[member] = ends_at

    def leave(self, line: str, member: str) -> None:
        self._waiting.get(line, {}).pop(member, None)
        self._held.get(line, {}).pop(member, None)

    def close(self, series: str, until: float) -> None:
        self._closed[series] = max(until, self.closed_until(series))


def _left(parts: Mapping[str, Kept]) -> dict[str, Kept]:
    return {name: part for name, part in parts.items() if part}
