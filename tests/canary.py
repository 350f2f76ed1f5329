"""An upstream on raw sockets that keeps every byte it receives, judges every request, and answers as it is told."""

import re
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from tests.wire import PATIENCE_S, Ended, Fields, Mangled, Stream, read_body, read_fields, values

_REQUEST = re.compile(rb"([A-Z]+(?:-[A-Z]+)*) (/[!-~]*) HTTP/1\.1")


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
    over: bool = False
    """Whether its exchange has ended, in whatever way."""

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
    answer = ok(exchange.seen.target)
    exchange.send(answer.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" if exchange.seen.method == "HEAD" else answer)


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
        self._open: dict[socket.socket, Stream] = {}
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

    @property
    def open(self) -> int:
        """Connections that the gateway still holds."""
        return len(self._open)

    def leftover(self) -> bytes:
        """What lies unread on open connections: no request, or not a whole one."""
        return b"".join(stream.buffer for stream in list(self._open.values()))

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
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        stream = self._open[sock] = Stream(sock, self._keep)
        try:
            while not self._one(stream, number):
                pass
        except Mangled as error:
            with self._changed:
                self.mangled.append(str(error))
        except (Ended, OSError):
            pass
        finally:
            sock.close()
            with self._changed:
                self._open.pop(sock)
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
        try:
            return self.script(Exchange(seen, stream))
        finally:
            with self._changed:
                seen.over = True
                self._changed.notify_all()
