"""One allowed request carried below ASGI: the client's connection and the upstream's, with no task between them.

The quick lane answers with it, and every WebSocket does. It decides nothing: it is handed a `Permit`.
"""

from collections import deque
from collections.abc import Callable, Iterator
from typing import Protocol

from gateway.core.errors import DependencyFailed, GatewayError
from gateway.core.headers import response_headers
from gateway.core.http1.request import RequestHead
from gateway.core.http1.response import ResponseHead
from gateway.core.model import NormalPath
from gateway.core.websocket_frames import GOING_AWAY, SESSION_ENDED, FrameStream
from gateway.upstream_ports import Sending, UpstreamRequest
from gateway.web.audit import CLIENT_LEFT, audit_allowed
from gateway.web.bodies import EMPTY, Body, HeldBody
from gateway.web.failures import failure, log_failure
from gateway.web.forward import Asked, Permit, answer_length, dressed, upstream_request
from gateway.web.server.connection import ClientConnection
from gateway.web.server.responder import Responder
from gateway.web.services import Services
from gateway.web.snapshot import snapshot_of

SWITCHING = 101

Application = Callable[[RequestHead, ClientConnection, Iterator[bytes]], Responder]
"""Who answers what a lane leaves alone; the last: what was held of the body."""


class Lane(Protocol):
    """Who decided, and decides again once a body has come."""

    application: Application

    def renewed(
        self, given: Permit, head: RequestHead, connection: ClientConnection, path: NormalPath
    ) -> Permit | None:
        """The permit as it would be given now; None: the application decides."""
        ...


class Relay:
    """A `Responder` towards the client and an `Answer` towards the upstream."""

    __slots__ = (
        "_began",
        "_behind",
        "_blocked",
        "_connection",
        "_frames",
        "_head",
        "_held",
        "_lane",
        "_over",
        "_permit",
        "_pieces",
        "_prepared",
        "_reference",
        "_request",
        "_sending",
        "_sent_at",
        "_services",
        "_session_id",
        "_status",
        "_waited_s",
        "_whole",
    )

    def __init__(
        self,
        services: Services,
        connection: ClientConnection,
        given: Permit,
        head: RequestHead,
        request: Asked,
        reference: str,
        session_id: str,
        lane: Lane | None = None,
    ) -> None:
        """`lane`: None for a request that has no body."""
        self._services = services
        self._connection = connection
        self._permit = given
        self._head = head
        self._request = request
        self._reference = reference
        self._session_id = session_id
        self._lane = lane
        self._held: HeldBody | None = None
        self._frames: FrameStream | None = None
        self._pieces: Iterator[bytes] | None = None
        """What was held and is still to be sent."""
        self._behind: deque[bytes] | None = None
        """What came meanwhile."""
        self._whole = False
        self._blocked = False
        self._sending: Sending | None = None
        self._prepared: UpstreamRequest | None = None
        """Ready to leave with the others of its turn."""
        self._status = 0
        self._over = False
        self._began = self._sent_at = services.clock()
        self._waited_s: float | None = None

    # -- Responder: what comes from the client

    def begin(self) -> None:
        self._services.live.add(self._session_id, self)
        if not self._head.length:
            self._connection.leave_together(self)
            return
        try:
            self._held = HeldBody(self._permit.route, self._head.length)
        except GatewayError as error:
            self._fail(error)
            return
        self._connection.want_body()
        if self._held.unbound:
            self._send(self._held.so_far())

    def prepare(self) -> None:
        """Sign a request without a body, unless its client has left."""
        if not self._over:
            self._prepared = self._signed(EMPTY)

    def depart(self) -> None:
        request, self._prepared = self._prepared, None
        if request is not None:
            self._start(request)

    def strand(self) -> None:
        self._connection.cut()

    def body(self, piece: bytes) -> None:
        if self._status == SWITCHING and self._sending is not None:
            self._sending.send(piece)
        elif self._held is not None and not self._over:
            try:
                self._take(self._held, piece)
            except GatewayError as error:
                self._fail(error)

    def _take(self, held: HeldBody, piece: bytes) -> None:
        if self._sending is None:
            held.add(piece)
            if held.unbound:
                self._send_held(held)
            return
        held.count(piece)
        if self._pieces is None:
            self._sending.send(piece)
        else:
            self._behind = self._behind or deque()
            self._behind.append(piece)

    def body_ended(self) -> None:
        if self._status == SWITCHING:
            self._stop()
            self._connection.close()
            return
        if self._over or self._held is None:
            return
        self._whole = True
        if self._sending is None:
            self._send_held(self._held)
        elif self._pieces is None:
            self._sending.finish()

    def _send_held(self, held: HeldBody) -> None:
        lane = self._lane
        if lane is not None:
            given = lane.renewed(self._permit, self._head, self._connection, self._request.target.path)
            if given is None:
                self._leave_to(lane.application, held)
                return
            self._permit = given
        self._pieces = held.pieces()
        self._send(held.so_far())
        self._pump()

    def _leave_to(self, application: Application, held: HeldBody) -> None:
        """While the body came, what was known of its sender has grown old, or changed: all is judged again."""
        self._over = True
        self._services.live.discard(self._session_id, self)
        responder = application(self._head, self._connection, held.pieces())
        self._connection.hand_over(responder)
        if self._whole:
            responder.body_ended()

    def _pump(self) -> None:
        """What was held leaves as the upstream takes it: a spooled body is never all in memory."""
        while self._pieces is not None and self._sending is not None and not (self._blocked or self._over):
            piece = next(self._pieces, None) or (self._behind.popleft() if self._behind else None)
            if piece is not None:
                self._sending.send(piece)
                continue
            self._pieces = None
            if self._whole:
                self._sending.finish()
            else:
                self._connection.resume_body()

    def pause(self) -> None:
        if self._sending is not None:
            self._sending.pause_answer()

    def resume(self) -> None:
        if self._sending is not None:
            self._sending.resume_answer()

    def gone(self) -> None:
        if not self._over:
            self._stop()
            self._finish(self._status or CLIENT_LEFT)

    # -- towards the upstream

    def _send(self, body: Body) -> None:
        request = self._signed(body)
        if request is not None:
            self._start(request)

    def _signed(self, body: Body) -> UpstreamRequest | None:
        """None: it cannot be, and the client was told."""
        try:
            return upstream_request(self._services, self._permit, self._request, body, self._reference)
        except GatewayError as error:
            self._fail(error)
            return None

    def _start(self, request: UpstreamRequest) -> None:
        self._sent_at = self._services.clock()
        sending = self._services.upstream.start(request, self)
        if not self._over:
            self._sending = sending

    def _stop(self) -> None:
        if self._sending is not None:
            self._sending.abort()

    # -- Answer: what comes from the upstream

    def started(self, head: ResponseHead) -> None:
        self._status, self._waited_s = head.status, self._services.clock() - self._sent_at
        try:
            if head.status == SWITCHING:
                self._switch(head)
            else:
                last = self._connection.dressed
                self._connection.dressed = last = dressed(self._services, self._permit, head, last)
                self._connection.start_answer(head.status, (), answer_length(head), lines=last.lines)
        except GatewayError as error:
            # Raised while its fields were read: nothing of it was written.
            self._status, self._waited_s = 0, None
            self._fail(error)

    def _switch(self, head: ResponseHead) -> None:
        fields = response_headers(head.fields, self._services.cookies.names, private=self._permit.private)
        self._frames = FrameStream()
        self._connection.tunnel([*fields, (b"Connection", b"Upgrade"), (b"Upgrade", b"websocket")])

    def received(self, piece: bytes) -> None:
        if self._frames is not None:
            self._frames.feed(piece)
            self._connection.send_raw(piece)
        elif not self._over:
            self._connection.write(piece)

    def ended(self) -> None:
        if self._over:
            return
        self._finish(self._status)
        if self._status == SWITCHING:
            self._connection.close()
        else:
            self._connection.end_answer()

    def failed(self, error: DependencyFailed) -> None:
        if self._over:
            return
        self._fail(error)

    def pause_body(self) -> None:
        self._blocked = True
        self._connection.pause_body()

    def resume_body(self) -> None:
        self._blocked = False
        if self._pieces is None:
            self._connection.resume_body()
        else:
            self._pump()

    # -- ends

    def expel(self) -> None:
        """The session has ended: this answer ends with it."""
        if not self._over:
            self._connection.cut(self._last_word(SESSION_ENDED))

    def draining(self) -> None:
        """A WebSocket has no end of its own; any other answer is finished."""
        if self._frames is not None and not self._over:
            self._connection.cut(self._last_word(GOING_AWAY))

    def _last_word(self, frame: bytes) -> bytes:
        """A WebSocket is told why, where a frame may stand."""
        return frame if self._frames is not None and self._frames.takes_another else b""

    def _fail(self, error: GatewayError) -> None:
        """Say what happened, on a page or in a problem; an answer that has begun can only be cut."""
        self._stop()
        if self._status:
            log_failure(self._services, error, self._reference)
            self._finish(self._status)
            self._connection.cut()
            return
        self._finish(error.status)
        tell_failure(self._services, self._connection, self._head, error, self._reference)

    def _finish(self, status: int) -> None:
        self._over = True
        self._prepared = None
        if self._held is not None:
            self._held.close()
        self._services.live.discard(self._session_id, self)
        services, method = self._services, self._head.method
        audit_allowed(services, self._permit, method, status, self._reference, self._began, self._waited_s)


def tell_failure(
    services: Services, connection: ClientConnection, head: RequestHead, error: GatewayError, reference: str
) -> None:
    """The whole answer to a request of which nothing was answered yet."""
    response = failure(services, snapshot_of(head, connection.peer), error, reference)
    body = bytes(response.body)
    connection.start_answer(response.status_code, connection.own(response.raw_headers), len(body))
    if body and head.method != "HEAD":
        connection.write(body)
    connection.end_answer()
