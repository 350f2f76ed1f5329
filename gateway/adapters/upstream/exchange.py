"""One request and its answer: which connection carries it, what of it is sent, how long it may wait, how it fails."""

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field

from gateway.adapters.upstream.balance import Choice
from gateway.adapters.upstream.connection import Connection
from gateway.adapters.upstream.dial import Dialler, failure
from gateway.adapters.upstream.pool import Target
from gateway.core.errors import DependencyFailed
from gateway.core.http1.chunked import LAST_CHUNK, write_chunk
from gateway.core.http1.response import ResponseHead
from gateway.upstream_ports import Answer, UpstreamRequest

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_BODILESS = SAFE | {"DELETE"}
"""A body has no defined meaning (RFC 9110 §9.3): some servers answer without reading it."""


@dataclass(frozen=True, slots=True)
class Hub:
    """What the exchanges of one client share."""

    clock: Callable[[], float]
    """Seconds that only grow."""
    dialler: Dialler = field(default_factory=Dialler)
    under_way: set["Exchange"] = field(default_factory=set)


class _Nobody:
    """The answer of an exchange that is over: nothing reaches the real one any more, and nothing keeps it alive."""

    def started(self, head: ResponseHead) -> None: ...

    def received(self, piece: bytes) -> None: ...

    def ended(self) -> None: ...

    def failed(self, error: DependencyFailed) -> None: ...

    def pause_body(self) -> None: ...

    def resume_body(self) -> None: ...


_NOBODY = _Nobody()


class Exchange:
    """A `Sending` towards the gate and an `Asking` towards its connection.

    It is tried again in two cases only: nothing was written yet (on another target), or a kept connection died without
    a byte of answer to a safe request without a body (once, on a fresh connection).
    """

    __slots__ = (
        "_began",
        "_blocked",
        "_body_paused",
        "_choice",
        "_connection",
        "_dialling",
        "_done",
        "_head_seen",
        "_hub",
        "_left",
        "_paused",
        "_request",
        "_since",
        "_target",
        "_tried",
        "_tunnel",
        "_unsent_bytes",
        "_waiting",
        "answer",
        "method",
        "moved",
        "sent",
        "unread",
        "upgrade",
    )

    def __init__(self, hub: Hub, choice: Choice, request: UpstreamRequest, answer: Answer) -> None:
        self._hub = hub
        self._choice = choice
        self._request = request
        self.answer: Answer = answer
        self.method = request.method
        self.upgrade = request.upgrade
        self.unread = bool(request.length) and request.method in _BODILESS
        self.sent = not request.length
        self.moved = False
        self._left = request.length
        self._began = self._since = hub.clock()
        self._connection: Connection | None = None
        self._target: Target | None = None
        self._tried: tuple[Target, ...] = ()
        self._dialling: asyncio.Task[None] | None = None
        self._waiting: list[bytes] = []
        self._unsent_bytes = 0
        self._done = self._head_seen = self._tunnel = False
        self._paused = self._blocked = self._body_paused = False

    def begin(self) -> None:
        """On a kept connection at once; else a task opens one, and the body is asked to wait."""
        self._hub.under_way.add(self)
        target = self._choice.choose(self._began)
        if target is None:  # a little later: the caller must have its `Sending` first
            asyncio.get_running_loop().call_soon(self._fail, failure("upstream_circuit_open", 503))
            return
        self._target = target
        target.active += 1
        connection = target.take(self._began)
        if connection is None:
            self._dial(target)
        else:
            self._connection = connection
            connection.ask(self, _head(self._request, target))

    # Sending: what the gate calls

    def send(self, piece: bytes) -> None:
        if self._done or not piece:
            return
        if self._tunnel:
            self._write(piece)
        elif self.sent or 0 <= self._left < len(piece):
            self._fail(failure("upstream_body_length"))
        elif self._left < 0:
            self._write(write_chunk(piece))
        else:
            self._left -= len(piece)
            self._write(piece)
            if not self._left:
                self._whole()

    def finish(self) -> None:
        if self._done or self.sent:
            return
        if self._left > 0:
            self._fail(failure("upstream_body_length"))
            return
        self._write(LAST_CHUNK)
        self._whole()

    def pause_answer(self) -> None:
        self._paused = True
        if self._connection is not None:
            self._connection.pause()

    def resume_answer(self) -> None:
        self._paused = False
        self.moved = self.moved or self._head_seen
        if self._connection is not None:
            self._connection.resume()

    def abort(self) -> None:
        if not self._done:
            self._leave()

    # Asking: what the connection calls

    def started(self, head: ResponseHead) -> None:
        self._head_seen = self.moved = True
        self._tunnel = head.status == 101
        self.answer.started(head)

    def ended(self, *, keep: bool) -> None:
        answer = self.answer
        connection, target = self._release()
        if connection is not None and target is not None:
            if target.faulty.troubled:
                target.faulty.succeeded()
            if keep:
                target.keep(connection, self._hub.clock())
            else:
                connection.leave()
        answer.ended()

    def malformed(self) -> None:
        self._blame()
        self._fail(failure("upstream_protocol"))

    def lost(self, error: Exception | None) -> None:
        connection, target = self._connection, self._target
        kept = connection is not None and connection.reused and not connection.heard
        if kept and target is not None and self.method in SAFE and not self._request.length:
            self._dial(target)
        elif self._head_seen:
            self._fail(failure("upstream_cut"))
        else:
            if not kept:
                self._blame()
            self._fail(failure("upstream_tls" if isinstance(error, ssl.SSLError) else "upstream_broken"))

    def blocked(self) -> None:
        self._blocked = self.moved = True
        self._unsent_bytes = 0
        self._pause_body()

    def unblocked(self) -> None:
        self._blocked = False
        self.moved = True
        self._resume_body()

    # What the client calls

    def cut(self) -> None:
        """The gateway stops."""
        self._fail(failure("upstream_cut" if self._head_seen else "upstream_broken"))

    def check(self, now: float) -> None:
        """Fail when the upstream let its time pass; its time runs only while the next step is the upstream's."""
        timeouts = self._request.route.timeouts
        if self._tunnel:
            return
        if timeouts.total_s is not None and now - self._began > timeouts.total_s:
            self._late()
        elif self.moved or not self._upstreams_turn():
            self.moved, self._since = False, now
        elif now - self._since > (timeouts.idle_s if self._blocked or self._head_seen else timeouts.header_s):
            self._late()

    def _upstreams_turn(self) -> bool:
        connection = self._connection
        if connection is None or (self._head_seen and self._paused):
            return False
        if self._blocked:
            before, self._unsent_bytes = self._unsent_bytes, connection.unsent_bytes
            return self._unsent_bytes >= before > 0
        return self.sent

    def _late(self) -> None:
        self._fail(failure("upstream_cut") if self._head_seen else failure("upstream_timeout", 504))

    # Connecting

    def _dial(self, target: Target) -> None:
        self._connection = None
        if self._request.length:
            self._pause_body()
            if self._done:  # given up while it was told so
                return
        self._dialling = asyncio.get_running_loop().create_task(self._connect(target))

    async def _connect(self, target: Target | None) -> None:
        """Try each target once; what comes first is the first one's trouble."""
        trouble: DependencyFailed | None = None
        while target is not None:
            self._move_to(target)
            found = await self._opened(target)
            if isinstance(found, Connection):
                target.unreachable.succeeded()
                self._dialling = None
                self._connected(found, _head(self._request, target))
                return
            trouble = trouble or found
            target.unreachable.failed(self._hub.clock())
            self._tried += (target,)
            target = self._choice.choose(self._hub.clock(), self._tried)
        self._dialling = None
        self._fail(trouble or failure("upstream_connect"))

    async def _opened(self, target: Target) -> Connection | DependencyFailed:
        """Given back, not raised: a failure held by a frame it came through waits for the collector, bodies and all."""
        try:
            return await self._hub.dialler.dial(target.upstream, target.tls, self._request.route.timeouts.connect_s)
        except DependencyFailed as error:
            return error

    def _move_to(self, target: Target) -> None:
        if self._target is not None and self._target is not target:
            self._target.active -= 1
            target.active += 1
            self._target = target

    def _connected(self, connection: Connection, head: bytes) -> None:
        self._connection, self._since = connection, self._hub.clock()
        connection.opened_at = self._since
        data, self._waiting = b"".join([head, *self._waiting]), []
        if self._paused:
            connection.pause()
        connection.ask(self, data)
        if not self._blocked:
            self._resume_body()

    # Small steps

    def _write(self, data: bytes) -> None:
        self.moved = self.moved or self._head_seen
        if self._connection is None:
            self._waiting.append(data)
        else:
            self._connection.send(data)

    def _whole(self) -> None:
        self.sent = True
        self._since = self._hub.clock()

    def _pause_body(self) -> None:
        if not self._body_paused:
            self._body_paused = True
            self.answer.pause_body()

    def _resume_body(self) -> None:
        if self._body_paused:
            self._body_paused = False
            self.answer.resume_body()

    def _blame(self) -> None:
        if self._target is not None:
            self._target.faulty.failed(self._hub.clock())

    def _release(self) -> tuple[Connection | None, Target | None]:
        """Nothing of the exchange is under way any more; its connection is the caller's to keep or to close."""
        self._done = True
        self.answer = _NOBODY
        self._hub.under_way.discard(self)
        connection, target = self._connection, self._target
        self._connection = self._target = None
        if target is not None:
            target.active -= 1
        return connection, target

    def _leave(self) -> None:
        connection, _ = self._release()
        dialling, self._dialling = self._dialling, None
        if dialling is not None:
            dialling.cancel()
        if connection is not None:
            connection.leave()

    def _fail(self, error: DependencyFailed) -> None:
        if not self._done:
            answer = self.answer
            self._leave()
            answer.failed(error)


def _head(request: UpstreamRequest, target: Target) -> bytes:
    return request.heads.get(target.upstream.authority, request.head) if request.heads else request.head
