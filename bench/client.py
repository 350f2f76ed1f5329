"""Loads that wrk cannot make: gigabytes, WebSocket round trips, the first byte of a stream. Prints one JSON object.

    python -m bench.client bulk-down PORT TARGET COOKIES CONNECTIONS BYTES
    python -m bench.client bulk-up   PORT TARGET COOKIES CONNECTIONS BYTES
    python -m bench.client ws        PORT TARGET COOKIES CONNECTIONS SECONDS
    python -m bench.client first     PORT TARGET COOKIES COUNT

COOKIES is a file, one Cookie header a line, "-" for none.
"""

import asyncio
import json
import socket
import statistics
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import uvloop

_CHUNK = 1 << 18
_GIVE_UP_S = 300.0


@dataclass(frozen=True)
class Target:
    port: int
    path: str
    cookies: list[str]

    def head(self, number: int, method: str = "GET", *more: str) -> bytes:
        """A request head with the cookie of the connection's number."""
        cookie = self.cookies[number % len(self.cookies)]
        lines = [f"{method} {self.path} HTTP/1.1", f"Host: 127.0.0.1:{self.port}", *more]
        lines += [] if cookie == "-" else [f"Cookie: {cookie}"]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


async def _connected(port: int) -> socket.socket:
    own = socket.socket()
    own.setblocking(False)
    own.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    await asyncio.get_running_loop().sock_connect(own, ("127.0.0.1", port))
    return own


async def _answer_head(own: socket.socket) -> tuple[bytes, bytes]:
    """The head of an answer, and what of its body came with it."""
    received = b""
    while b"\r\n\r\n" not in received:
        more = await asyncio.get_running_loop().sock_recv(own, _CHUNK)
        if not more:
            raise ConnectionError("closed before an answer")
        received += more
    head, _, body = received.partition(b"\r\n\r\n")
    return head, body


async def _down(target: Target, number: int, size: int) -> int:
    """1 when the whole file did not arrive."""
    loop, own, buffer = asyncio.get_running_loop(), await _connected(target.port), bytearray(_CHUNK)
    with own:
        await loop.sock_sendall(own, target.head(number))
        head, body = await _answer_head(own)
        left = size - len(body)
        while left > 0 and (count := await loop.sock_recv_into(own, buffer)):
            left -= count
        return int(left != 0 or not head.startswith(b"HTTP/1.1 200"))


async def _up(target: Target, number: int, size: int) -> int:
    """1 when the whole body was not taken."""
    loop, own, chunk = asyncio.get_running_loop(), await _connected(target.port), bytes(_CHUNK)
    with own:
        await loop.sock_sendall(own, target.head(number, "POST", f"Content-Length: {size}"))
        for _ in range(size // _CHUNK):
            await loop.sock_sendall(own, chunk)
        head, _ = await _answer_head(own)
        return int(not head.startswith(b"HTTP/1.1 200"))


async def bulk(kind: str, target: Target, connections: int, size: int) -> dict[str, float]:
    """`size` bytes (a multiple of 256 KB) through each connection at once."""
    one, began = (_down if kind == "bulk-down" else _up), time.perf_counter()
    calls = [asyncio.wait_for(one(target, number, size), _GIVE_UP_S) for number in range(connections)]
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    taken_s = time.perf_counter() - began
    errors = sum(outcome if isinstance(outcome, int) else 1 for outcome in outcomes)
    return {"seconds": taken_s, "bytes": size * (connections - errors), "errors": errors}


@dataclass
class Echo(asyncio.Protocol):
    """One WebSocket connection that always has one frame under way."""

    target: Target
    number: int
    until: float
    times: list[float] = field(default_factory=list)
    errors: int = 0
    _opened: bool = False
    _received: bytes = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self.done = asyncio.get_running_loop().create_future()
        payload, mask = b"a frame of thirty-two bytes, echo", b"\x01\x02\x03\x04"
        masked = bytes(byte ^ mask[index & 3] for index, byte in enumerate(payload[:32]))
        self._frame, self._expected = b"\x81\xa0" + mask + masked, b"\x81\x20" + payload[:32]
        self._transport.write(
            self.target.head(
                self.number,
                "GET",
                "Upgrade: websocket",
                "Connection: Upgrade",
                "Sec-WebSocket-Version: 13",
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
                f"Origin: http://127.0.0.1:{self.target.port}",
            )
        )

    def data_received(self, data: bytes) -> None:
        self._received += data
        if not self._opened:
            self._open()
        elif len(self._received) >= len(self._expected):
            self._echoed()

    def _open(self) -> None:
        head, found, self._received = self._received.partition(b"\r\n\r\n")
        if not found:
            self._received = head
        elif head.startswith(b"HTTP/1.1 101"):
            self._opened = True
            self._send()
        else:
            self._fail()

    def _send(self) -> None:
        self._sent_at = time.perf_counter()
        self._transport.write(self._frame)

    def _echoed(self) -> None:
        now = time.perf_counter()
        if self._received != self._expected:
            self._fail()
            return
        self._received = b""
        self.times.append(now - self._sent_at)
        if now < self.until:
            self._send()
        else:
            self._transport.close()

    def _fail(self) -> None:
        self.errors += 1
        self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self.errors += int(exc is not None or not self._opened)
        if not self.done.done():
            self.done.set_result(None)


async def websocket(target: Target, connections: int, seconds: float) -> dict[str, float]:
    """Round trips of one small frame on each connection."""
    loop, began = asyncio.get_running_loop(), time.perf_counter()
    echoes = [Echo(target, number, began + seconds) for number in range(connections)]
    for each in echoes:
        await loop.create_connection(lambda each=each: each, "127.0.0.1", target.port)  # type: ignore[misc]
    await asyncio.wait_for(asyncio.gather(*(each.done for each in echoes)), seconds + 30)
    times = sorted(taken for each in echoes for taken in each.times) or [0.0]
    return {
        "requests": len(times),
        "seconds": time.perf_counter() - began,
        "p50_ms": times[len(times) // 2] * 1000,
        "p99_ms": times[len(times) * 99 // 100] * 1000,
        "errors": sum(each.errors for each in echoes),
    }


async def first_byte(target: Target, count: int) -> dict[str, float]:
    """Milliseconds from a request's last byte to the first event, each on a connection already open."""
    loop, times = asyncio.get_running_loop(), []
    for number in range(count):
        own = await _connected(target.port)
        with own:
            began = time.perf_counter()
            await loop.sock_sendall(own, target.head(number))
            _, body = await _answer_head(own)
            while b"data: 0" not in body:
                more = await asyncio.wait_for(loop.sock_recv(own, _CHUNK), 10)
                if not more:
                    raise ConnectionError("the stream ended before its first event")
                body += more
            times.append((time.perf_counter() - began) * 1000)
    times.sort()
    return {"p50_ms": statistics.median(times), "p99_ms": times[-1], "errors": 0}


def main() -> None:
    kind, port, path, cookies, *rest = sys.argv[1:]
    target = Target(int(port), path, Path(cookies).read_text(encoding="ascii").split("\n"))
    if kind == "ws":
        said = uvloop.run(websocket(target, int(rest[0]), float(rest[1])))
    elif kind == "first":
        said = uvloop.run(first_byte(target, int(rest[0])))
    else:
        said = uvloop.run(bulk(kind, target, int(rest[0]), int(rest[1])))
    print(json.dumps(said))


if __name__ == "__main__":
    main()
