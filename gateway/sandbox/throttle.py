"""The doorkeeper of API Particulier, simulated as strict as its sheet: who ignores a 429 hears nothing for 12 hours.

Windows slide here. The real ones are fixed (rack-attack): whoever passes here passes there.
"""

from collections import defaultdict, deque
from collections.abc import Sequence
from math import ceil
from typing import NamedTuple

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.ports import Clock

BAN_S = 12 * 3600


class Throttle(NamedTuple):
    at_most: int
    period_s: float


FRANCECONNECT = (Throttle(30, 60), Throttle(600, 3600))
TOKEN = (Throttle(20, 1),)
NETWORK = Throttle(1000, 60)


class Doorkeeper:
    """Counts calls by key, remembers who was told to wait, and bans addresses."""

    def __init__(self, clock: Clock) -> None:
        self.refused = 0
        """429 given."""
        self.bans = 0
        self._clock = clock
        self._seen: dict[str, deque[float]] = defaultdict(deque)
        self._told_to_wait: dict[str, float] = {}
        self._banned: dict[str, float] = {}

    def hears(self, address: str) -> bool:
        """Whether this address gets an answer at all."""
        now = self._clock()
        if self._banned.get(address, 0) > now:
            return False
        self._seen[address].append(now)
        if self._told_to_wait.get(address, 0) > now or self._count(address, NETWORK.period_s) > NETWORK.at_most:
            self._banned[address] = now + BAN_S
            self.bans += 1
            return False
        return True

    def admits(self, key: str, address: str, throttles: Sequence[Throttle]) -> int | None:
        """None when the call may pass; else the seconds of its `Retry-After`."""
        now, name = self._clock(), f"{key} {address}"
        for throttle in throttles:
            if self._count(name, throttle.period_s) >= throttle.at_most:
                times = self._seen[name]
                wait_s = max(1, ceil(times[len(times) - throttle.at_most] + throttle.period_s - now))
                self._told_to_wait[address] = now + wait_s
                self.refused += 1
                return wait_s
        self._seen[name].append(now)
        return None

    def limit(self, response: Response, key: str, address: str, throttle: Throttle) -> None:
        """`RateLimit-*`, as on every answer that one throttle alone applies to."""
        times = self._seen[f"{key} {address}"]
        used = self._count(f"{key} {address}", throttle.period_s)
        reset = (times[-used] if used else self._clock()) + throttle.period_s
        response.headers["ratelimit-limit"] = str(throttle.at_most)
        response.headers["ratelimit-remaining"] = str(max(0, throttle.at_most - used))
        response.headers["ratelimit-reset"] = str(ceil(reset))

    def _count(self, name: str, period_s: float) -> int:
        times, now = self._seen[name], self._clock()
        while times and now - times[0] >= 3600:
            times.popleft()
        return sum(1 for _ in _since(times, now - period_s))


def _since(times: deque[float], when: float) -> Sequence[float]:
    found: list[float] = []
    for each in reversed(times):
        if each <= when:
            break
        found.append(each)
    return found


class Network:
    """In front of everything: a banned address gets no answer, until it hangs up."""

    def __init__(self, app: ASGIApp, doorkeeper: Doorkeeper) -> None:
        self._app = app
        self._doorkeeper = doorkeeper

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        address = scope["client"][0] if scope.get("client") else ""
        if scope["type"] == "http" and not self._doorkeeper.hears(address):
            while (await receive())["type"] != "http.disconnect":
                pass
            return
        await self._app(scope, receive, send)
