"""Quotas, places and the line before them: one claim settled against a ledger. Pure; the ledger is handed in.

A *use* is a call, counted in every series it belongs to. A *place* is the right to one use, held for a while: it counts
from the moment it is given, so that whoever holds one finds room whenever they come within that while. Who finds no
room *waits* in a line, in order of arrival.

Windows slide: in no `period_s` seconds, wherever they begin, are there more than `most` uses. A provider that counts in
fixed windows (rack-attack does) never counts more than that.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, Protocol


class Window(NamedTuple):
    """At most `most` uses of a series in any `period_s` seconds."""

    series: str
    most: int
    period_s: float


class Wish(StrEnum):
    USE = "use"
    """Call now, or at a moment booked within `patience_s`. A place of one's own is turned into the use."""
    HOLD = "hold"
    """A place, or else to wait in the line."""
    STAY = "stay"
    """The same for one who already waits or holds; nobody joins by it."""
    LEAVE = "leave"
    """Give up the place, and the turn in the line."""
    CLOSE = "close"
    """Nobody uses any of these series before `closed_s` seconds have passed; 0 only asks whether one is closed."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What one member wants of one or more windows at once: all of them give way, or none."""

    wish: Wish
    windows: tuple[Window, ...]
    member: str = ""
    """Opaque; a member holds one place and waits once, however often they ask."""
    line: str = ""
    """The series that places are held in and waited for; the others count uses alone."""
    patience_s: float = 0
    hold_s: float = 0
    """Of a place from when it is asked for again; it ends twice as long after it was first given, whatever happens."""
    keep_s: float = 0
    """A turn in the line is kept for so long unless its member asks again,"""
    keep_share: float = 0
    """and for this share of the expected wait on top: who waits an hour need not come as often."""
    waiting_at_most: int = 0
    away_s: float = 0
    """Expected between a place and its use; only what is told of the waiting depends on it."""
    closed_s: float = 0


class Turn(NamedTuple):
    """What came of a claim."""

    granted: bool
    wait_s: float = 0
    """Granted: until the moment that was booked. Else: until room is expected, if everybody before comes."""
    ahead: int = 0
    """Members before this one in the line."""
    waits: bool = False
    """Whether this member stands in the line now; false with `granted` false: the line is full, or was left."""
    until_s: float = 0
    """How long the place that was granted, or the turn in the line, is kept."""
    closed: bool = False
    """The provider has said to wait."""


class Ledger(Protocol):
    """What a store knows of one quota, at one moment; what has ended is not there any more."""

    def nth_last(self, series: str, place: int) -> float | None:
        """The time of the `place`-th latest use, the latest being 1; None when there are fewer."""
        ...

    def closed_until(self, series: str) -> float: ...

    def held_by_others(self, line: str, member: str) -> int: ...

    def held_since(self, line: str, member: str) -> float | None:
        """When the member's place was first given."""
        ...

    def waits(self, line: str, member: str) -> bool: ...

    def ahead(self, line: str, member: str) -> int:
        """How many wait before the member; all who wait when the member does not."""
        ...

    def use(self, series: str, at: float, ends_at: float) -> None: ...

    def hold(self, line: str, member: str, since: float, ends_at: float) -> None:
        """The member waits no more."""
        ...

    def wait(self, line: str, member: str, ends_at: float) -> None:
        """At the end of the line, or where the member already stands."""
        ...

    def leave(self, line: str, member: str) -> None: ...

    def close(self, series: str, until: float) -> None:
        """Never earlier than it was."""
        ...


def settle(ledger: Ledger, now: float, claim: Claim) -> Turn:
    """Apply one claim. Whoever calls sees to it that nothing else touches the ledger meanwhile."""
    if claim.wish is Wish.LEAVE:
        ledger.leave(claim.line, claim.member)
        return Turn(granted=False)
    if claim.wish is Wish.CLOSE:
        for window in claim.windows if claim.closed_s else ():
            ledger.close(window.series, now + claim.closed_s)
        return Turn(granted=False, closed=_opening(ledger, now, claim, 0)[1])
    return _used(ledger, now, claim) if claim.wish is Wish.USE else _held(ledger, now, claim)


def _used(ledger: Ledger, now: float, claim: Claim) -> Turn:
    others = ledger.held_by_others(claim.line, claim.member)
    opens_at, closed = _opening(ledger, now, claim, others)
    if closed or opens_at > now + claim.patience_s:
        return Turn(granted=False, wait_s=opens_at - now, closed=closed)
    for series, period_s in _longest(claim.windows).items():
        ledger.use(series, opens_at, opens_at + period_s)
    ledger.leave(claim.line, claim.member)
    return Turn(granted=True, wait_s=opens_at - now)


def _held(ledger: Ledger, now: float, claim: Claim) -> Turn:
    line, member = claim.line, claim.member
    since = ledger.held_since(line, member)
    if since is None:
        waits, ahead = ledger.waits(line, member), ledger.ahead(line, member)
        if not waits and claim.wish is Wish.STAY:
            return Turn(granted=False, ahead=ahead)
        opens_at, closed = _opening(ledger, now, claim, ledger.held_by_others(line, member) + ahead)
        if opens_at > now:
            queued = waits or ahead < claim.waiting_at_most
            keep_s = claim.keep_s + claim.keep_share * (opens_at - now)
            if queued:
                ledger.wait(line, member, now + keep_s)
            return Turn(False, opens_at - now, ahead, queued, keep_s if queued else 0, closed)
        since = now
    ends_at = min(now + claim.hold_s, since + 2 * claim.hold_s)
    ledger.hold(line, member, since, ends_at)
    return Turn(granted=True, until_s=ends_at - now)


def _opening(ledger: Ledger, now: float, claim: Claim, before: int) -> tuple[float, bool]:
    """When there is room in all windows for one who has so many before them; and whether a closed door is why not."""
    doors = max((ledger.closed_until(window.series) for window in claim.windows), default=now)
    rooms = (
        _room(ledger, now, window, before if window.series == claim.line else 0, claim.away_s)
        for window in claim.windows
    )
    return max(now, doors, *rooms), doors > now


def _room(ledger: Ledger, now: float, window: Window, before: int, away_s: float) -> float:
    # Who has as many before them as the window holds waits for one of those to come and to go: one period more.
    rounds, rest = divmod(before, window.most)
    last = ledger.nth_last(window.series, window.most - rest)
    first = now if last is None else max(now, last + window.period_s)
    return first + rounds * (window.period_s + away_s)


def _longest(windows: Sequence[Window]) -> dict[str, float]:
    periods: dict[str, float] = {}
    for window in windows:
        periods[window.series] = max(window.period_s, periods.get(window.series, 0))
    return periods
