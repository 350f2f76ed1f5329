"""One client connection. What has not exactly one reading is refused, and the connection closed: nothing was sent.

One request at a time is answered by a `Responder`, the quick lane's or the ASGI application's; what follows waits.
"""

import asyncio
from collections.abc import Iterable
from typing import Any, cast

from gateway.core.errors import RequestRejected
from gateway.core.http1.bodies import reader_of
from gateway.core.http1.chunked import LAST_CHUNK, ChunkedReader, write_chunk
from gateway.core.http1.fields import CHUNKED, HEAD_END, Malformed, has_bare_lf, write_fields
from gateway.core.http1.request import Block, RequestHead, read_request
from gateway.core.http1.sized import SizedReader
from gateway.web.server.front import PARTING_S, Front, Phase, status_line
from gateway.web.server.responder import Responder
from gateway.web.server.turn import Departing

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

WAITING_BYTES = 65_536
"""Of later, pipelined requests that may wait; then reading stops until their turn."""

WRITE_HIGH_BYTES = 262_144
"""A responder is paused while this much waits for the client."""

SMALL_BYTES = 16_384
_NO_BODY = frozenset({204, 304})


class ClientConnection(asyncio.Protocol):
    """Reads requests strictly, hands each to a responder, writes one answer each."""

    def __init__(self, front: Front) -> None:
        self._front = front
        self._transport: asyncio.Transport = cast(asyncio.Transport, None)
        self._buffer = b""
        self._responder: Responder | None = None
        self._head: RequestHead | None = None
        self._body: SizedReader | ChunkedReader | None = None
        """What is still to come of the request under way."""
        self._reading = True
        self._answer_head = b""
        self._answer_left = 0
        self._answering = self._welcomed = False
        self._choked = False
        """More than `WRITE_HIGH_BYTES` wait for the client."""
        self._unsent = 0
        self._block: Block | None = None
        self.kept: object = None
        """What the quick lane worked out from `RequestHead.block`, for the next request that repeats it."""
        self.dressed: Any = None
        """What a relay made of the last upstream head, for the next that repeats it."""
        self._keep_alive = True
        self._stopping = False
        self.phase = Phase.NEW
        self.deadline = 0.0
        self.peer = ""

    # -- from the event loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=WRITE_HIGH_BYTES)
        name = self._transport.get_extra_info("peername")
        self.peer = name[0] if isinstance(name, tuple) else ""
        self._front.opened(self)
        self._enter(Phase.NEW)

    def connection_lost(self, exc: Exception | None) -> None:
        self._front.closed(self)
        self.phase = Phase.CLOSED
        self._drop_responder()

    def data_received(self, data: bytes) -> None:
        if self.phase is Phase.LINGER:
            return
        if self._responder is None and not self._choked:
            self._buffer = self._buffer + data if self._buffer else data
            self._next_request()
        elif self._body is not None:
            self._read_body(self._body, data)
        elif self.phase is Phase.TUNNEL and self._responder is not None:
            self._responder.body(data)
        else:
            self._buffer += data
            if len(self._buffer) > WAITING_BYTES:
                self._transport.pause_reading()
                self._reading = False

    def eof_received(self) -> bool:
        """A half-closed client still receives the answer to a whole request; one that leaves a stream is gone."""
        self._keep_alive = False
        if self.phase is Phase.TUNNEL and self._responder is not None:
            self._responder.body_ended()
            return True
        streaming = self._answering and self._answer_left == CHUNKED
        return self._responder is not None and self._body is None and not streaming

    def pause_writing(self) -> None:
        self._choked = True
        if self._responder is None:
            return
        self._responder.pause()
        if self.phase is not Phase.TUNNEL:
            self._enter(Phase.STALLED)

    def resume_writing(self) -> None:
        self._choked = False
        stalled = self.phase is Phase.STALLED
        if self._responder is not None:
            if stalled:
                self._enter(Phase.BODY if self._body is not None else Phase.ANSWER)
            self._responder.resume()
        elif stalled:
            self._enter(Phase.IDLE)
            self._go_on()

    # -- from the server

    def shutdown(self) -> None:
        """Finish the request under way, take no other."""
        self._stopping = True
        self._keep_alive = False
        if self._responder is None:
            self._transport.close()
        else:
            self._responder.draining()

    def expired(self) -> None:
        """The deadline of this phase has passed. A client that still takes what was written is slow, not stalled."""
        unsent, self._unsent = self._unsent, self._transport.get_write_buffer_size()
        if self._unsent and (not unsent or self._unsent < unsent):
            self.deadline = self._front.deadline(self.phase)
        elif self.phase is Phase.HEAD:
            self.refuse("head_timeout", 408)
        elif self.phase is Phase.BODY:
            if self._answering:
                self.cut()
            else:
                self._drop_responder()
                self.refuse("body_timeout", 408)
        elif self.phase is Phase.STALLED:
            self.cut()
        else:
            self._transport.abort()

    # -- reading

    def _next_request(self) -> None:
        try:
            self._head = head = self._read_head()
            if head is not None:
                self._front.check_sizes(head)
        except (Malformed, RequestRejected) as error:
            self.refuse(error.code, error.status)
            return
        if head is not None:
            self._start(head)

    def _read_head(self) -> RequestHead | None:
        """The next head, once whole; `Malformed` as soon as it can no longer become one."""
        buffer, limits = self._buffer, self._front.limits
        end = buffer.find(HEAD_END, 0, limits.head_bytes + len(HEAD_END))
        if end < 0:
            if len(buffer) >= limits.head_bytes + len(HEAD_END):
                too_long = b"\r\n" not in buffer[: limits.target_bytes + 64]
                raise Malformed(*(("target_too_long", 414) if too_long else ("headers_too_large", 431)))
            if has_bare_lf(buffer):
                raise Malformed("head_line_end")
            if self.phase is Phase.NEW:
                self.phase = Phase.HEAD
            elif self.phase is not Phase.HEAD:
                self._enter(Phase.HEAD)
            return None
        head = read_request(buffer[:end], self._block)
        self._buffer = buffer[end + len(HEAD_END) :]
        self._block = head.block
        return head

    def _start(self, head: RequestHead) -> None:
        self._keep_alive = head.keep_alive and not self._stopping
        self._answering = self._welcomed = False
        self._body = reader_of(head.length)
        self._enter(Phase.BODY if head.length else Phase.ANSWER)
        responder = self._front.responder(head, self)
        self._responder = responder
        responder.begin()
        if self._buffer and self._responder is responder and self._body is not None:
            waiting, self._buffer = self._buffer, b""
            self._read_body(self._body, waiting)

    def _read_body(self, reader: SizedReader | ChunkedReader, data: bytes) -> None:
        self.deadline = self._front.now() + self._front.limits.idle_s
        try:
            pieces = reader.feed(data)
        except Malformed as error:
            self._drop_responder()
            if self._answering:
                self._transport.abort()
            else:
                self.refuse(error.code, error.status)
            return
        for piece in pieces:
            if self._responder is not None:
                self._responder.body(piece)
        if reader.done and self._responder is not None:
            self._body, self._buffer = None, reader.rest
            self._body_over()

    def _body_over(self) -> None:
        if self._responder is not None:
            if self.phase is Phase.BODY:
                self._enter(Phase.ANSWER)
            self._responder.body_ended()

    # -- for the responder

    def hand_over(self, responder: Responder) -> None:
        """Another responder takes the request under way; nothing of its answer was sent yet."""
        self._responder = responder
        responder.begin()

    def leave_together(self, each: Departing) -> None:
        """`each` is prepared and departs in a moment, with the other requests that came in this turn of the loop."""
        self._front.turn.add(each)

    def want_body(self) -> None:
        """The body is welcome: a client that waits for a word (`Expect: 100-continue`) is told so, once."""
        head = self._head
        awaited = head is not None and head.expects_continue and not self._welcomed
        if awaited and self._body is not None and not self._answering:
            self._welcomed = True
            if not self._buffer:
                self._transport.write(CONTINUE)

    def pause_body(self) -> None:
        if self._reading and self.phase is not Phase.CLOSED:
            self._reading = False
            self._transport.pause_reading()
            if self.phase is Phase.BODY:
                self._enter(Phase.ANSWER)

    def resume_body(self) -> None:
        if not self._reading and self.phase is not Phase.CLOSED:
            self._reading = True
            if self._body is not None and self.phase is Phase.ANSWER:
                self._enter(Phase.BODY)
            self._transport.resume_reading()

    def own(self, fields: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        """Fields of an answer of the gateway's: dated, and `Connection: close` obeyed instead of written."""
        kept = []
        for name, value in fields:
            if name.lower() != b"connection":
                kept.append((name, value))
            elif value.lower() == b"close":
                self._keep_alive = False
        return [*kept, (b"Date", self.date)]

    @property
    def date(self) -> bytes:
        return self._front.date()

    def start_answer(
        self, status: int, fields: Iterable[tuple[bytes, bytes]], length: int, *, lines: bytes = b""
    ) -> None:
        """Begin the answer. `length` as the fields declare it; `CHUNKED` when they do not. `lines`: more, written."""
        head = cast(RequestHead, self._head)
        self._answering = True
        bodiless = head.method == "HEAD" or status in _NO_BODY
        self._answer_left = 0 if bodiless else length
        extra = self._framing(head, bodiless=bodiless, length=length)
        self._answer_head = b"%b%b%b%b\r\n" % (status_line(status), write_fields(fields), lines, extra)
        if not 0 <= self._answer_left <= SMALL_BYTES:
            self._front.soon(self._write_head)

    def _write_head(self) -> None:
        """A stream's head leaves before its first event; a small answer's waits, and leaves with its body."""
        if self._answer_head and self.phase is not Phase.CLOSED:
            self._transport.write(self._answer_head)
            self._answer_head = b""

    def _framing(self, head: RequestHead, *, bodiless: bool, length: int) -> bytes:
        extra = b""
        if length == CHUNKED and not bodiless:
            if head.http11:
                extra = b"Transfer-Encoding: chunked\r\n"
            else:
                self._keep_alive = False
        if self._body is not None:
            self._keep_alive = False
        return extra if self._keep_alive else extra + b"Connection: close\r\n"

    def write(self, piece: bytes) -> None:
        """One piece of the answer's body; more than was declared cuts the connection."""
        if self._answer_left == CHUNKED:
            data = write_chunk(piece) if self._head is not None and self._head.http11 else piece
        else:
            if len(piece) > self._answer_left:
                self.cut()
                return
            self._answer_left -= len(piece)
            data = piece
        if self._answer_head:
            head, self._answer_head = self._answer_head, b""
            if len(data) > SMALL_BYTES:
                self._transport.write(head)
            else:
                data = head + data
        self._transport.write(data)

    def end_answer(self) -> None:
        """The answer is whole; a body shorter than was declared cuts the connection."""
        if self._answer_left > 0:
            self.cut()
            return
        chunked = self._answer_left == CHUNKED and self._head is not None and self._head.http11
        if self._answer_head or chunked:
            self._transport.write(self._answer_head + (LAST_CHUNK if chunked else b""))
            self._answer_head = b""
        self._responder = self._head = None
        if self._keep_alive and self._body is None:
            # Who does not read its answers is answered nothing more: nobody would tell the next responder to pause.
            self._enter(Phase.STALLED if self._choked else Phase.IDLE)
            self._go_on()
        else:
            self._linger()

    def tunnel(self, fields: list[tuple[bytes, bytes]]) -> None:
        """101: from here on both ends speak raw bytes; `send_raw` to the client, `Responder.body` from it."""
        self._answering, self._keep_alive = True, False
        self._enter(Phase.TUNNEL)
        self._transport.write(status_line(101) + write_fields(fields) + b"\r\n")
        if self._buffer and self._responder is not None:
            early, self._buffer = self._buffer, b""
            self._responder.body(early)
            self.resume_body()
        if self._stopping and self._responder is not None:
            self._responder.draining()

    def send_raw(self, data: bytes) -> None:
        self._transport.write(data)

    def close(self) -> None:
        """End after what was written."""
        self._responder = None
        if self.phase is not Phase.CLOSED:
            self._transport.close()

    def cut(self, last: bytes = b"") -> None:
        """End now: the client must see that its answer is not whole. `last` has a moment to leave."""
        self._drop_responder()
        if last and not self._transport.is_closing():
            self._transport.write(last)
            self._linger()
            asyncio.get_running_loop().call_later(PARTING_S, self._transport.abort)
        elif self.phase is not Phase.CLOSED:
            self._transport.abort()

    def refuse(self, code: str, status: int) -> None:
        """Answer a request that was not one, say so in one coded line, and close. A HEAD gets no body even then."""
        bodiless = self._head.method == "HEAD" if self._head is not None else self._buffer.startswith(b"HEAD ")
        self._transport.write(self._front.refusal(code, status, bodiless=bodiless))
        self._linger()

    # -- keeping order

    def _go_on(self) -> None:
        if not self._reading:
            self._reading = True
            self._transport.resume_reading()
        if self._buffer:
            self._front.soon(self._turn)

    def _turn(self) -> None:
        if self._responder is None and self.phase is Phase.IDLE and self._buffer:
            self._next_request()

    def _linger(self) -> None:
        self._responder = self._head = None
        self._buffer, self._body = b"", None
        if self._transport.is_closing():
            return
        if not self._reading:
            self._reading = True
            self._transport.resume_reading()
        self._enter(Phase.LINGER)
        if self._transport.can_write_eof():
            self._transport.write_eof()

    def _drop_responder(self) -> None:
        responder, self._responder = self._responder, None
        if responder is not None:
            responder.gone()

    def _enter(self, phase: Phase) -> None:
        self.phase = phase
        self.deadline = self._front.deadline(phase)
