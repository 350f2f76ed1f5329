"""What was answered, what is excused and why, what was wrong."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

RECOVERY_S = 6.0
"""After an upstream is back, the gateway may still find dead connections, or leave it alone for as long as its circuit breaker pauses."""

TOLD_AT_MOST = 20


@dataclass
class Person:
    """Somebody signed in, or nobody; `away` while they sign out and in again."""

    name: str
    cookie: bytes
    away: "Disturbance"


@dataclass
class Disturbance:
    """Spans of time in which one kind of trouble is the right answer."""

    spans: list[tuple[float, float]] = field(default_factory=list)
    _since: float = 0.0

    @contextmanager
    def lasting(self, after_s: float = 0.0) -> Iterator[None]:
        self._since = time.monotonic()
        try:
            yield
        finally:
            self.spans.append((self._since, time.monotonic() + after_s))
            self._since = 0.0

    def touched(self, since: float) -> bool:
        """Whether any of it fell into the time from `since` until now."""
        return bool(self._since) or any(end >= since for _, end in self.spans[-3:])


@dataclass
class Ledger:
    upstream_down: Disturbance = field(default_factory=Disturbance)
    counts: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def right(self, kind: str) -> None:
        self.counts[kind] += 1

    def say(self, what: str) -> None:
        """Something that may never happen."""
        self.counts["WRONG"] += 1
        if len(self.wrong) < TOLD_AT_MOST:
            self.wrong.append(what)

    def refused(self, status: int, person: Person, began: float, what: str) -> None:
        """An honest error, if there was a cause for it at that time."""
        if status in {502, 503, 504} and self.upstream_down.touched(began):
            self.counts["unavailable while the upstream was down"] += 1
        elif status in {303, 401} and person.away.touched(began):
            self.counts["unauthorised after a logout"] += 1
        else:
            self.say(f"{status} for {what}")

    def cut(self, person: Person, began: float, what: str) -> None:
        """An answer that broke off, visibly."""
        if self.upstream_down.touched(began) or person.away.touched(began):
            self.counts["cut while the upstream died or the session ended"] += 1
        else:
            self.say(f"cut: {what}")
