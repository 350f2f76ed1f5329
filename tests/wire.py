"""HTTP/1.1 on raw sockets, for tests: any bytes may be sent, and what comes back is read strictly.

The readers here are written apart from the gateway's own: they judge it.
"""

import json
import re
import socket
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Self

PATIENCE_S = 10.0
"""Nothing in a test takes so long; a wait that does has failed."""

CLOSE_S = 3.0
"""A connection that is to be closed is closed well before."""

_STATUS = re.compile(rb"HTTP/1\.1 ([1-5][0-9]{2}) [ -~]*")
_FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+): ?([^\x00-\x08\x0a-\x1f\x7f]*)")
_SIZE = re.compile(rb"[0-9a-fA-F]{1,8}")

Fields = list[tuple[str, bytes]]


class Mangled(Exception):
    """Bytes that a strict reader cannot take as one HTTP/1.1 message."""


class Ended(Exception):
    """The other end closed; `partial` is what had come of a message."""

    def __init__(self, partial: bytes) -> None:
        super().__init__(f"closed after {len(partial)} bytes")
        self.partial = partial


class Stream:
    """A socket read by lines and lengths."""

    def __init__(self, sock: socket.socket, kept: Callable[[bytes], None] = lambda _: None) -> None:
        self.sock = sock
        self.buffer = b""
        self._kept = kept

    def _more(self) -> None:
        try:
            data = self.sock.recv(262_144)
        except ConnectionResetError:
            data = b""
        if not data:
            raise Ended(self.buffer)
        self._kept(data)
        self.buffer += data

    def until(self, end: bytes) -> bytes:
        while end not in self.buffer:
            self._more()
        found, _, self.buffer = self.buffer.partition(end)
        return found

    def exactly(self, size: int) -> bytes:
        if size > len(self.buffer):
            pieces, have = [self.buffer], len(self.buffer)
            self.buffer = b""
            while have < size:
                try:
                    self._more()
                except Ended:
                    raise Ended(b"".join(pieces)) from None
                pieces.append(self.buffer)
                have += len(self.buffer)
                self.buffer = b""
            self.buffer = b"".join(pieces)
        found, self.buffer = self.buffer[:size], self.buffer[size:]
        return found

    def rest(self) -> bytes:
        """Everything up to the close."""
        with suppress(Ended):
            while True:
                self._more()
        found, self.buffer = self.buffer, b""
        return found


def read_fields(lines: list[bytes]) -> Fields:
    fields: Fields = []
    for line in lines:
        found = _FIELD.fullmatch(line)
        if found is None:
            raise Mangled(f"field line {line!r}")
        fields.append((found[1].decode("ascii").lower(), found[2].strip(b" \t")))
    return fields


def values(fields: Fields, name: str) -> list[bytes]:
    return [value for key, value in fields if key == name.lower()]


def read_body(stream: Stream, fields: Fields, *, until_close: bool) -> bytes:
    """The body that a head announces; `Mangled` when it announces two, or one that cannot be read."""
    lengths, codings = values(fields, "content-length"), values(fields, "transfer-encoding")
    if len(lengths) + len(codings) > 1:
        raise Mangled(f"framed twice: {lengths} {codings}")
    if codings:
        if codings != [b"chunked"]:
            raise Mangled(f"coding {codings}")
        return _read_chunks(stream)
    if lengths:
        if not re.fullmatch(rb"[0-9]{1,15}", lengths[0]):
            raise Mangled(f"length {lengths}")
        return stream.exactly(int(lengths[0]))
    return stream.rest() if until_close else b""


def _read_chunks(stream: Stream) -> bytes:
    pieces: list[bytes] = []
    while True:
        size = stream.until(b"\r\n")
        if not _SIZE.fullmatch(size):
            raise Mangled(f"chunk size {size!r}")
        if int(size, 16) == 0:
            if stream.exactly(2) != b"\r\n":
                raise Mangled("a trailer was forwarded")
            return b"".join(pieces)
        pieces.append(stream.exactly(int(size, 16)))
        if stream.exactly(2) != b"\r\n":
            raise Mangled("chunk without its end")


@dataclass
class Answered:
    """One answer as the client received it."""

    status: int
    fields: Fields
    body: bytes
    interim: list[int]

    def values(self, name: str) -> list[bytes]:
        return values(self.fields, name)

    @property
    def problem(self) -> dict[str, object]:
        found = json.loads(self.body)
        assert isinstance(found, dict)
        return found


class Raw:
    """A client that sends any bytes it likes and reads answers strictly."""

    def __init__(self, port: int, tls: ssl.SSLContext | None = None, name: str = "") -> None:
        self.sock = socket.create_connection(("127.0.0.1", port), PATIENCE_S)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls is not None:
            self.sock = tls.wrap_socket(self.sock, server_hostname=name)
        self._stream = Stream(self.sock)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.sock.close()

    def send(self, data: bytes) -> Self:
        """Send; a gateway that has already answered and closed is no failure of the client's."""
        with suppress(BrokenPipeError, ConnectionResetError):
            self.sock.sendall(data)
        return self

    def interim(self) -> int:
        """The status of an interim answer, read alone."""
        status = self._head()[0]
        assert 100 <= status < 200, status
        return status

    def answer(self, method: str = "GET") -> Answered:
        interim: list[int] = []
        while True:
            status, fields = self._head()
            if status >= 200 or status == 101:
                break
            interim.append(status)
        bodiless = method == "HEAD" or status in {101, 204, 304}
        body = b"" if bodiless else read_body(self._stream, fields, until_close=True)
        return Answered(status, fields, body, interim)

    def _head(self) -> tuple[int, Fields]:
        line, *lines = self._stream.until(b"\r\n\r\n").split(b"\r\n")
        found = _STATUS.fullmatch(line)
        if found is None:
            raise Mangled(f"status line {line!r}")
        return int(found[1]), read_fields(lines)

    def exactly(self, size: int) -> bytes:
        return self._stream.exactly(size)

    def until(self, end: bytes) -> bytes:
        return self._stream.until(end)

    def rest(self) -> bytes:
        """Whatever else comes until the gateway closes."""
        return self._stream.rest()

    def is_closed(self) -> bool:
        """Wait for the gateway to close; False when it says another word first, or lets us wait."""
        self.sock.settimeout(CLOSE_S)
        try:
            return self.rest() == b""
        except TimeoutError:
            return False


def eventually(condition: Callable[[], bool], within_s: float = PATIENCE_S) -> bool:
    """For what another process or thread does in its own time."""
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True
