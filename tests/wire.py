"""Both ends of the gateway as raw sockets: what a client may send, and an upstream that keeps every byte it receives.

The readers here are written apart from the gateway's own: they judge it.
"""

import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.world import World, running

PATIENCE_S = 10.0
"""Nothing in a test takes so long; a wait that does has failed."""

_REQUEST = re.compile(rb"([A-Z]+(?:-[A-Z]+)*) (/[!-~]*) HTTP/1\.1")
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
    pieces = []
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

    def __init__(self, port: int) -> None:
        self.sock = socket.create_connection(("127.0.0.1", port), PATIENCE_S)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
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
        """Wait for the gateway to close; False when it says another word first."""
        return self.rest() == b""


@dataclass
class Seen:
    """One request as the canary received it."""

    method: str
    target: bytes
    fields: Fields
    connection: int
    """Which of the canary's connections, counted from 0."""
    body: bytes = b""
    whole: bool = False
    """Whether the body came to its declared end."""

    def values(self, name: str) -> list[bytes]:
        return values(self.fields, name)


@dataclass
class Exchange:
    """A request whose head has come; the body is read when the script asks for it."""

    seen: Seen
    stream: Stream

    def body(self) -> bytes:
        self.seen.body = read_body(self.stream, self.seen.fields, until_close=False)
        self.seen.whole = True
        return self.seen.body

    def send(self, data: bytes) -> None:
        self.stream.sock.sendall(data)


Script = Callable[[Exchange], bool | None]
"""Answer one request; True closes the connection afterwards."""


def ok(body: bytes = b"ok", *fields: bytes) -> bytes:
    """A plain answer."""
    lines = b"".join(each + b"\r\n" for each in fields)
    return b"HTTP/1.1 200 OK\r\n%bContent-Length: %d\r\n\r\n%b" % (lines, len(body), body)


def polite(exchange: Exchange) -> None:
    """Read it all, then answer with the target."""
    exchange.body()
    exchange.send(ok(exchange.seen.target))


def always(data: bytes, *, close: bool = False) -> Script:
    """Read it all, then answer with exactly these bytes."""

    def script(exchange: Exchange) -> bool:
        exchange.body()
        exchange.send(data)
        return close

    return script


class Canary:
    """A raw-socket upstream: it keeps every byte, judges every request, and answers as it is told."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port: int = self._listener.getsockname()[1]
        self.script: Script = polite
        self.seen: list[Seen] = []
        self.mangled: list[str] = []
        self.received = bytearray()
        self.connections = 0
        self.keep_bytes = True
        self._open: set[socket.socket] = set()
        self._changed = threading.Condition()
        threading.Thread(target=self._accept, daemon=True).start()

    def forget(self) -> None:
        """Begin a new test; connections stay as they are."""
        with self._changed:
            self.script = polite
            self.seen, self.mangled, self.received = [], [], bytearray()

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.drop()

    def drop(self) -> None:
        """Close every connection at once."""
        for each in list(self._open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def wait(self, condition: Callable[[], bool]) -> None:
        """Until what the canary saw makes it true."""
        with self._changed:
            assert self._changed.wait_for(condition, PATIENCE_S), f"the canary saw only {self.seen}"

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            with self._changed:
                number, self.connections = self.connections, self.connections + 1
            threading.Thread(target=self._serve, args=(sock, number), daemon=True).start()

    def _keep(self, data: bytes) -> None:
        with self._changed:
            if self.keep_bytes:
                self.received += data
            self._changed.notify_all()

    def _serve(self, sock: socket.socket, number: int) -> None:
        self._open.add(sock)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        stream = Stream(sock, self._keep)
        try:
            while not self._one(stream, number):
                pass
        except Mangled as error:
            with self._changed:
                self.mangled.append(str(error))
        except (Ended, OSError):
            pass
        finally:
            self._open.discard(sock)
            sock.close()
            with self._changed:
                self._changed.notify_all()

    def _one(self, stream: Stream, number: int) -> bool | None:
        line, *lines = stream.until(b"\r\n\r\n").split(b"\r\n")
        found = _REQUEST.fullmatch(line)
        if found is None:
            raise Mangled(f"request line {line!r}")
        seen = Seen(found[1].decode("ascii"), found[2], read_fields(lines), number)
        if len(seen.values("host")) != 1:
            raise Mangled("not one Host")
        with self._changed:
            self.seen.append(seen)
            self._changed.notify_all()
        closes = self.script(Exchange(seen, stream))
        with self._changed:
            self._changed.notify_all()
        return closes


_ROUTES = """
  - {path: /pub/, upstream: "http://127.0.0.1:CANARY", policy: public, name: pub}
  - {path: /app/, upstream: "http://127.0.0.1:CANARY", policy: signed-in, name: app}
  - {path: /small/, upstream: "http://127.0.0.1:CANARY", policy: public, name: small, max_body_bytes: 1000}
  - {path: /stream/, upstream: "http://127.0.0.1:CANARY", policy: public, name: stream, body: unbound, max_body_bytes: 200000000}
"""


@dataclass
class Fronted:
    """A running gateway with a canary behind it."""

    world: World
    canary: Canary
    _logs_at: int = field(default=0)

    @property
    def authority(self) -> bytes:
        return self.world.url.removeprefix("http://").encode("ascii")

    @property
    def port(self) -> int:
        return int(self.authority.rpartition(b":")[2])

    def fill(self, template: bytes) -> bytes:
        """`HOST` is where the gateway answers."""
        return template.replace(b"HOST", self.authority)

    def raw(self) -> Raw:
        return Raw(self.port)

    def ask(self, template: bytes, method: str = "GET") -> Answered:
        """One request on a connection of its own."""
        with self.raw() as raw:
            return raw.send(self.fill(template)).answer(method)

    def forget(self) -> None:
        self.canary.forget()
        self._logs_at = len(self.world.logs.getvalue())

    def logged(self, event: str) -> list[dict[str, object]]:
        """The log lines of one kind since `forget`."""
        lines = self.world.logs.getvalue()[self._logs_at :].splitlines()
        return [line for line in map(json.loads, lines) if line["event"] == event]

    def nothing_was_forwarded(self) -> None:
        """A legal request follows: what was sent upstream before it would be seen before it."""
        self.canary.script = polite
        answer = self.ask(b"GET /pub/fence HTTP/1.1\r\nHost: HOST\r\n\r\n")
        assert answer.status == 200, answer
        assert [seen.target for seen in self.canary.seen] == [b"/pub/fence"]
        assert self.canary.received.count(b"HTTP/1.") == 1
        assert not self.canary.mangled

    def cookie(self, login: str = "test", path: str = "/compte/") -> bytes:
        """A Cookie line of somebody who has just signed in."""
        person = self.world.person()
        self.world.sign_in(person, path, login)
        pairs = [f"{name}={value}" for name, value in person.client.cookies.items()]
        return b"Cookie: " + "; ".join(pairs).encode("ascii") + b"\r\n"


@contextmanager
def gateway_at(folder: Path, *, routes: str = "", limits: str = "", **files: object) -> Iterator[Fronted]:
    """The shipped gateway with routes to a canary; `routes` are more of them (`CANARY` is its port)."""
    canary = Canary()
    text = (_ROUTES + routes).replace("CANARY", str(canary.port))
    try:
        with running(folder, routes=f"{text}\nlimits: {{{limits}}}\n", **files) as world:  # type: ignore[arg-type]
            yield Fronted(world, canary)
    finally:
        canary.close()


def eventually(condition: Callable[[], bool], within_s: float = PATIENCE_S) -> bool:
    """For what another process or thread does in its own time."""
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True
