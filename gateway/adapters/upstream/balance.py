"""Which of a route's upstreams is asked: the least busy of those that work; none when none does."""

from collections.abc import Collection
from typing import Protocol

from gateway.adapters.upstream.pool import Target
from gateway.core.rules import Route


class Member:
    """A target as one route sees it."""

    __slots__ = ("_credit", "sick", "target", "weight")

    def __init__(self, target: Target, weight: int = 1) -> None:
        self.target = target
        self.weight = weight
        self.sick = False
        """The route's own health check says so."""
        self._credit = 0

    def open(self, now: float) -> bool:
        return not self.sick and now >= self.target.unreachable.until

    def earn(self) -> int:
        self._credit += self.weight
        return self._credit

    def pay(self, total: int) -> None:
        self._credit -= total


class Choice(Protocol):
    def choose(self, now: float, tried: Collection[Target] = ()) -> Target | None:
        """The next target to try; None when no other may be."""
        ...


class Group:
    """The upstreams of one route."""

    def __init__(self, route: Route, members: tuple[Member, ...]) -> None:
        self.route = route
        self.members = members
        self._only = members[0] if len(members) == 1 else None

    def choose(self, now: float, tried: Collection[Target] = ()) -> Target | None:
        """The fewest requests under way for its weight; among equals, each in turn as often as its weight says.

        A target whose answers were faulty is avoided while there is another, and never given up for that alone: one
        address that makes an application fail must not close it to everybody.
        """
        member = self._only
        if member is None or tried or not member.open(now):
            member = self._least_busy(
                [each for each in self.members if each.open(now) and each.target not in tried], now
            )
        if member is None:
            return None
        member.target.unreachable.claim(now)
        member.target.faulty.claim(now)
        return member.target

    def _least_busy(self, members: list[Member], now: float) -> Member | None:
        if not members:
            return None
        sound = [each for each in members if now >= each.target.faulty.until] or members
        load = min(each.target.active / each.weight for each in sound)
        equals = [each for each in sound if each.target.active / each.weight == load]
        chosen = max(equals, key=Member.earn)
        chosen.pay(sum(each.weight for each in equals))
        return chosen


class Only:
    """One target, asked whatever is thought of it: a health check."""

    def __init__(self, target: Target) -> None:
        self._target = target

    def choose(self, now: float, tried: Collection[Target] = ()) -> Target | None:
        return None if self._target in tried else self._target
