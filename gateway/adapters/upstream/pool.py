"""A target: one place that serves, however many routes name it. Its kept connections, its load, its troubles."""

from collections import deque

from gateway.adapters.upstream.connection import Connection
from gateway.core.rules import Upstream, UpstreamTls

IDLE_S = 4.0
"""Under the 5 s after which Apache and Node hang up: who closes first loses no request to the other's close."""

LIFE_S = 60.0
"""However busy a connection is, its name is looked up again after this long: applications move."""

IDLE_COUNT = 512

REST_S = 0.002
"""Before a connection serves again. What an upstream writes beyond its answer comes at once, if in a packet of its own:
a connection in use by then would hand it to the next person. Costs as many connections as requests come in that time.
"""

FAILURES = 5
"""In a row, before a breaker opens."""

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 5.0
"""Short: a refused connection costs nothing, and an application that is back must not wait for us."""

TargetKey = tuple[str, str, int, str, UpstreamTls | None]


class Breaker:
    """Closed until `FAILURES` in a row; then open, letting one try through after each pause. A success closes it."""

    __slots__ = ("_failures", "_pause_s", "_probing", "until")

    def __init__(self) -> None:
        self.succeeded()

    def succeeded(self) -> None:
        self._failures = 0
        self._pause_s = 0.0
        self._probing = False
        self.until = 0.0
        """Nobody tries before then; 0 while it is closed."""

    def claim(self, now: float) -> None:
        """This caller tries; on an open breaker nobody else for another pause: a probe that hangs blocks nothing."""
        if self.until:
            self.until, self._probing = now + self._pause_s, True

    def failed(self, now: float) -> None:
        self._failures += 1
        if self._failures < FAILURES or (now < self.until and not self._probing):
            return
        self._pause_s = min(self._pause_s * 2 or FIRST_PAUSE_S, LONGEST_PAUSE_S)
        self.until, self._probing = now + self._pause_s, False

    @property
    def troubled(self) -> bool:
        return self._failures > 0


class Target:
    """Connections rest first; the rested are taken last in, first out: the surplus grows old and is closed."""

    def __init__(self, upstream: Upstream, tls: UpstreamTls, rest_s: float = REST_S) -> None:
        self.upstream = upstream
        self.tls = tls
        self.active = 0
        """Requests under way, those of all routes."""
        self.unreachable = Breaker()
        self.faulty = Breaker()
        self._rest_s = rest_s
        self._resting: deque[Connection] = deque()
        self._idle: list[Connection] = []
        self._retired = False

    @property
    def idle(self) -> int:
        return len(self._idle) + len(self._resting)

    def take(self, now: float) -> Connection | None:
        """A connection that may serve at once."""
        resting, idle = self._resting, self._idle
        while resting and now - resting[0].idle_since >= self._rest_s:
            idle.append(resting.popleft())
        while idle:
            connection = idle.pop()
            if now - connection.idle_since <= IDLE_S and connection.usable:
                connection.reused = True
                return connection
            connection.close()
        return None

    def keep(self, connection: Connection, now: float) -> None:
        if self._retired or self.idle >= IDLE_COUNT or now - connection.opened_at > LIFE_S:
            connection.close()
            return
        connection.idle_since = now
        self._resting.append(connection)

    def sweep(self, now: float) -> None:
        """Close what was idle for too long, forget what the upstream closed."""
        kept: list[Connection] = []
        for connection in self._idle:
            if now - connection.idle_since <= IDLE_S and connection.usable:
                kept.append(connection)
            else:
                connection.close()
        self._idle = kept
        while self._resting and now - self._resting[0].idle_since > IDLE_S:
            self._resting.popleft().close()

    def retire(self) -> None:
        """No route names it any more: nothing is kept from now on."""
        self._retired = True
        for connection in (*self._idle, *self._resting):
            connection.close()
        self._idle.clear()
        self._resting.clear()


def target_key(upstream: Upstream, tls: UpstreamTls) -> TargetKey:
    """Routes share a target when they mean the same place and the same TLS identity; weights are each route's own."""
    return (upstream.scheme, upstream.host, upstream.port, upstream.socket, tls if upstream.scheme == "https" else None)
