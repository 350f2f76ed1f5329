"""What all client connections of a process share: who answers, what is refused and how, and what takes too long."""

import asyncio
import time
from collections.abc import Callable
from email.utils import formatdate
from enum import IntEnum
from functools import cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Protocol

from gateway.core.errors import RequestRejected
from gateway.core.http1.fields import write_fields
from gateway.core.http1.request import RequestHead
from gateway.settings import Limits
from gateway.web.server.turn import Turn

if TYPE_CHECKING:
    from gateway.web.server.connection import ClientConnection
    from gateway.web.server.responder import Responder


class Phase(IntEnum):
    """Where a connection is; each phase but `ANSWER` and `TUNNEL` has an end in time."""

    NEW = 0
    """Connected, silent."""
    HEAD = 1
    """Part of a head has come."""
    BODY = 2
    """We wait for the client's body."""
    ANSWER = 3
    """The client waits for us."""
    STALLED = 4
    """We wait for the client to read."""
    IDLE = 5
    """Kept open between two requests."""
    TUNNEL = 6
    LINGER = 7
    """Answered and closed on our side; what still comes is dropped."""
    CLOSED = 8


LINGER_S = 2
PARTING_S = 0.1
"""For a last word to one whose session has ended: it must be over within the second."""


class Refusal(Protocol):
    """A coded log line, and the answer to a request that was not one: fields and body."""

    def __call__(self, code: str, status: int) -> tuple[list[tuple[bytes, bytes]], bytes]: ...


MakeResponder = Callable[[RequestHead, "ClientConnection"], "Responder"]


@cache
def status_line(status: int) -> bytes:
    """Our own reason phrase: an upstream's could carry anything."""
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = ""
    return f"HTTP/1.1 {status} {phrase}\r\n".encode("ascii")


class Front:
    """Made once a process, inside its event loop."""

    def __init__(
        self,
        limits: Limits,
        responder: MakeResponder,
        refusal: Refusal,
        connections: "set[ClientConnection]",
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self.limits = limits
        self.responder = responder
        self.now = loop.time
        self.soon = loop.call_soon
        self.turn = Turn(loop.call_soon)
        self._refusal = refusal
        self._loop = loop
        self._connections = connections
        self._every_s = min(1.0, max(0.05, min(limits.head_s, limits.idle_s) / 4))
        self._sweeping = False
        self._dated_at = 0
        self._date = b""

    def opened(self, connection: "ClientConnection") -> None:
        self._connections.add(connection)
        if not self._sweeping:
            self._sweeping = True
            self._loop.call_later(self._every_s, self._sweep)

    def closed(self, connection: "ClientConnection") -> None:
        self._connections.discard(connection)

    def check_sizes(self, head: RequestHead) -> None:
        if len(head.target) > self.limits.target_bytes:
            raise RequestRejected("target_too_long", 414)
        if len(head.fields) > self.limits.header_fields:
            raise RequestRejected("headers_too_many", 431)

    def refusal(self, code: str, status: int, *, bodiless: bool) -> bytes:
        """The whole answer, on a connection that closes."""
        fields, body = self._refusal(code, status)
        dated = [*fields, (b"Date", self.date()), (b"Connection", b"close")]
        return status_line(status) + write_fields(dated) + b"\r\n" + (b"" if bodiless else body)

    def date(self) -> bytes:
        """RFC 9110 §6.6.1, worked out once a second."""
        now = int(time.time())
        if now != self._dated_at:
            self._dated_at, self._date = now, formatdate(now, usegmt=True).encode("ascii")
        return self._date

    def deadline(self, phase: Phase) -> float:
        """When a phase that begins now is over; 0 for never."""
        # One by one: a member's hash is worked out in Python, and two phases begin for each request.
        if phase is Phase.ANSWER or phase is Phase.TUNNEL or phase is Phase.CLOSED:
            return 0.0
        if phase is Phase.NEW or phase is Phase.HEAD:
            return self.now() + self.limits.head_s
        return self.now() + (LINGER_S if phase is Phase.LINGER else self.limits.idle_s)

    def _sweep(self) -> None:
        """One look at every connection costs less than a timer for every request."""
        now = self.now()
        # Armed before anything can raise: without it no client of this process is ever told that its time is over.
        self._sweeping = bool(self._connections)
        if self._sweeping:
            self._loop.call_later(self._every_s, self._sweep)
        for connection in self._connections:
            if 0 < connection.deadline < now:
                # Each by itself: what one raises keeps no other from its end.
                self.soon(self._expire, connection, now)

    def _expire(self, connection: "ClientConnection", now: float) -> None:
        if 0 < connection.deadline < now:
            connection.expired()
