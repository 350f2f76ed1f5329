"""One upstream connection: each answer read strictly, and nothing of it left for the next.

What decides whether the connection may serve again is settled here, where the bytes are seen.
"""

import asyncio
import select
import ssl
from collections.abc import Callable
from typing import Protocol, cast

from gateway.core.http1.chunked import ChunkedReader
from gateway.core.http1.fields import CHUNKED, HEAD_END, Fields, Malformed, has_bare_lf
from gateway.core.http1.response import ResponseHead, read_response
from gateway.upstream_ports import Answer

HEAD_BYTES = 65_536
FIELDS = 200
INTERIM_ANSWERS = 16
"""100, 102 and 103 before one final answer; more is a flood (CVE-2024-23326)."""

WRITE_HIGH_BYTES = 262_144
WRITE_LOW_BYTES = 65_536

_START = b"HTTP/1."
_SWITCHED = 101


class Asking(Protocol):
    """Who waits for the answer on a connection; one at a time."""

    answer: Answer
    method: str
    upgrade: bool
    unread: bool
    """Its method gives a body no meaning, and it has one: what a server left of it would be its next request."""
    sent: bool
    """The request is whole on this connection."""
    moved: bool
    """Set at each sign of life."""

    def started(self, head: ResponseHead) -> None: ...

    def ended(self, *, keep: bool) -> None: ...

    def malformed(self) -> None: ...

    def lost(self, error: Exception | None) -> None: ...

    def blocked(self) -> None: ...

    def unblocked(self) -> None: ...


class Connection(asyncio.Protocol):
    """`ask` gives it a request; from then on the answer's bytes go to the asker, until `ended`, `lost` or `leave`."""

    __slots__ = (
        "_asking",
        "_body",
        "_chunks",
        "_interim",
        "_keep",
        "_last",
        "_left",
        "_over",
        "_paused",
        "_pending",
        "_poller",
        "_transport",
        "heard",
        "idle_since",
        "opened_at",
        "reused",
    )

    def __init__(self) -> None:
        self._transport = cast(asyncio.Transport, None)
        self._asking: Asking | None = None
        self._body: Callable[[Asking, bytes], None] | None = None
        self._last: ResponseHead | None = None
        self._pending = b""
        self._interim = self._left = 0
        self._chunks = ChunkedReader(small=True)
        self._poller = select.poll()
        self._keep = self._paused = self._over = False
        self.heard = False
        """A byte of the present answer came."""
        self.reused = False
        """It served before: its death before an answer says nothing about the upstream."""
        self.idle_since = self.opened_at = 0.0

    @property
    def usable(self) -> bool:
        """Nothing came since its last answer, not even what the loop has not read yet: leftovers, or the end."""
        return not (self._over or self._transport.is_closing() or self._poller.poll(0))

    @property
    def unsent_bytes(self) -> int:
        return self._transport.get_write_buffer_size()

    def ask(self, asking: Asking, data: bytes) -> None:
        """Write a request's first bytes; the connection is the asker's until the answer has ended."""
        self._asking = asking
        self.heard = False
        self._transport.write(data)

    def send(self, data: bytes) -> None:
        self._transport.write(data)

    def pause(self) -> None:
        self._paused = True
        self._transport.pause_reading()

    def resume(self) -> None:
        self._paused = False
        self._transport.resume_reading()

    def leave(self) -> None:
        """The asker wants no more of it: closed at once, whatever is on its way."""
        self._asking = self._body = None
        self._transport.abort()

    def close(self) -> None:
        """An idle connection is closed politely."""
        self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(WRITE_HIGH_BYTES, WRITE_LOW_BYTES)
        self._poller.register(transport.get_extra_info("socket").fileno(), select.POLLIN)

    def data_received(self, data: bytes) -> None:
        asking = self._asking
        if asking is None:  # nobody asked: what comes now would be read as the next person's answer
            self._transport.abort()
            return
        self.heard = True
        if self._body is None:
            self._head(asking, data)
        else:
            self._body(asking, data)

    def eof_received(self) -> None:
        self._over = True
        asking = self._asking
        if asking is not None and self._body == self._open_ended and _announced(self._transport):
            self._end(asking)

    def connection_lost(self, error: Exception | None) -> None:
        asking, self._asking, self._body = self._asking, None, None
        if asking is not None:
            asking.lost(error)

    def pause_writing(self) -> None:
        if self._asking is not None:
            self._asking.blocked()

    def resume_writing(self) -> None:
        if self._asking is not None:
            self._asking.unblocked()

    def _head(self, asking: Asking, data: bytes) -> None:
        try:
            found = self._final_head(asking, self._pending + data)
        except Malformed:
            asking.malformed()
            return
        if found is None:
            return
        head, rest = found
        self._prepare(asking, head)
        asking.started(head)
        if self._asking is asking and self._body is not None:
            self._body(asking, rest)

    def _final_head(self, asking: Asking, data: bytes) -> tuple[ResponseHead, bytes] | None:
        """The head and what follows it; None, and the bytes kept, until it is whole."""
        while (end := data.find(HEAD_END, 0, HEAD_BYTES)) >= 0:
            head = self._last = read_response(data[:end], asking.method, self._last)
            data = data[end + 4 :]
            if len(head.fields) > FIELDS or (head.status == _SWITCHED and not asking.upgrade):
                raise Malformed("head_refused")
            if head.status >= 200 or head.status == _SWITCHED:
                self._pending, self._interim = b"", 0
                return head, data
            self._interim += 1
            if self._interim > INTERIM_ANSWERS:
                raise Malformed("interim_flood")
        if len(data) >= HEAD_BYTES or has_bare_lf(data) or data[:7] != _START[: len(data)]:
            raise Malformed("head_unfinished")
        self._pending = data
        return None

    def _prepare(self, asking: Asking, head: ResponseHead) -> None:
        whole = asking.sent and not asking.upgrade and not self._transport.get_write_buffer_size()
        self._keep = head.keep_alive and whole and not asking.unread
        self._left = head.length
        if head.length > 0:
            self._body = self._sized
        elif head.length == 0:
            self._body = self._sized
            if asking.method == "HEAD" or head.status in {204, 304}:
                self._keep = self._keep and not _declares_body(head.fields)
            elif head.status == _SWITCHED:
                self._body = self._open_ended
        elif head.length == CHUNKED:
            self._chunks = ChunkedReader(small=True)
            self._body = self._chunked
        else:
            self._body = self._open_ended

    def _sized(self, asking: Asking, data: bytes) -> None:
        left = self._left - len(data)
        if left < 0:
            data, left, self._keep = data[:left], 0, False
        self._left = left
        if data:
            asking.moved = True
            asking.answer.received(data)
        if not left and self._asking is asking:
            self._end(asking)

    def _chunked(self, asking: Asking, data: bytes) -> None:
        chunks = self._chunks
        try:
            pieces = chunks.feed(data)
        except Malformed:
            asking.malformed()
            return
        asking.moved = True
        if pieces:
            asking.answer.received(pieces[0] if len(pieces) == 1 else b"".join(pieces))
        if chunks.done and self._asking is asking:
            self._keep = self._keep and not chunks.rest
            self._end(asking)

    def _open_ended(self, asking: Asking, data: bytes) -> None:
        """A body that lasts as long as its connection, and a tunnel."""
        if data:
            asking.moved = True
            asking.answer.received(data)

    def _end(self, asking: Asking) -> None:
        self._asking = self._body = None
        if self._paused:
            self.resume()
        asking.ended(keep=self._keep)


def _declares_body(fields: Fields) -> bool:
    """Whether an answer that has no body speaks of one: a server that sends it all the same does so a moment later."""
    return any(
        (name.lower() == b"content-length" and value.strip(b"0")) or name.lower() == b"transfer-encoding"
        for name, value in fields
    )


def _announced(transport: asyncio.BaseTransport) -> bool:
    """Whether the end is the upstream's own: over TLS it says so, and one who cuts the wire cannot (RFC 9112 §9.8)."""
    tls = transport.get_extra_info("ssl_object")
    if tls is None:
        return True
    try:
        return not tls.read(1)
    except ssl.SSLZeroReturnError:
        return True
    except ssl.SSLError:  # it still waits for more: no close_notify came
        return False
