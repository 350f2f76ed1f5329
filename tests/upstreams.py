"""A raw upstream that answers what a script says, byte for byte, and someone who asks and writes down what comes."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from gateway.adapters.upstream.client import Upstreams
from gateway.core.errors import DependencyFailed
from gateway.core.http1.fields import CHUNKED
from gateway.core.http1.response import ResponseHead
from gateway.core.rules import Route, Upstream
from gateway.upstream_ports import Sending, UpstreamRequest
from tests.builders import a_route

PATIENCE_S = 10


@pytest.fixture(
    scope="module",
    params=[("asyncio", {"use_uvloop": True}), ("asyncio", {"use_uvloop": False})],
    ids=["uvloop", "asyncio"],
)
def both_loops(request: pytest.FixtureRequest) -> object:
    """For `anyio_backend`: what is served is uvloop; the other loop keeps us to what asyncio promises."""
    return request.param


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
POISON = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"


class Peer:
    """One connection as the upstream sees it."""

    def __init__(self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.number = number
        self.reader = reader
        self.writer = writer

    async def head(self) -> bytes:
        """The next request's head; raises `EOFError` when the connection ends instead."""
        return await self.reader.readuntil(b"\r\n\r\n")

    async def request(self) -> bytes:
        """The next request, with its body."""
        head = await self.head()
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                return head + await self.reader.readexactly(int(line.split(b":")[1]))
            if line.startswith(b"transfer-encoding:"):
                return head + await self.reader.readuntil(b"0\r\n\r\n")
        return head

    async def say(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def is_closed(self) -> bool:
        """Wait for the other side's end."""
        try:
            return await self.reader.read(1) == b""
        except OSError:
            return True


Script = Callable[[Peer], Awaitable[None]]


def always(answer: bytes) -> Script:
    async def script(peer: Peer) -> None:
        while True:
            await peer.request()
            await peer.say(answer)

    return script


class Canary:
    """Runs a script on each connection; the connection is closed when the script ends."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.connections = 0
        self.port = 0
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def upstream(self) -> Upstream:
        return Upstream("http", "127.0.0.1", self.port)

    def route(self, **changes: Any) -> Route:
        return a_route(**({"upstreams": (self.upstream,)} | changes))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self.script(Peer(self.connections, reader, writer))
        except (EOFError, OSError, asyncio.CancelledError):
            pass
        finally:
            writer.close()
            self._tasks.discard(task)

    async def stop(self) -> None:
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def canary(
    script: Script, *, path: Path | None = None, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Canary]:
    raw = Canary(script)
    if path is not None:
        server: asyncio.Server = await asyncio.start_unix_server(raw.serve, path)
    else:
        server = await asyncio.start_server(raw.serve, "127.0.0.1", 0, ssl=tls)
        raw.port = server.sockets[0].getsockname()[1]
    try:
        yield raw
    finally:
        server.close()
        await raw.stop()


@asynccontextmanager
async def a_client(**settings: Any) -> AsyncIterator[Upstreams]:
    client = Upstreams(**({"sweep_s": 0.01, "rest_s": 0} | settings))
    try:
        yield client
    finally:
        await client.close()
        await asyncio.sleep(0)


@contextmanager
def refusing_port() -> Iterator[int]:
    """A port that is ours and that nobody listens on."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


class Recorder:
    """An `Answer` that keeps everything and checks the order of the calls."""

    def __init__(self) -> None:
        self.sending: Sending | None = None
        self.head: ResponseHead | None = None
        self.pieces: list[bytes] = []
        self.error: DependencyFailed | None = None
        self.calls: list[str] = []
        self.over = asyncio.Event()
        self.on_end: Callable[[], None] = lambda: None

    @property
    def body(self) -> bytes:
        return b"".join(self.pieces)

    def started(self, head: ResponseHead) -> None:
        assert self.head is None
        assert not self.over.is_set()
        self.calls.append("started")
        self.head = head

    def received(self, piece: bytes) -> None:
        assert self.head is not None
        assert piece
        assert not self.over.is_set()
        self.pieces.append(piece)

    def ended(self) -> None:
        assert self.head is not None
        self._finish("ended")
        self.on_end()

    def failed(self, error: DependencyFailed) -> None:
        self.error = error
        self._finish("failed")

    def pause_body(self) -> None:
        self.calls.append("pause_body")

    def resume_body(self) -> None:
        self.calls.append("resume_body")

    def _finish(self, call: str) -> None:
        assert not self.over.is_set()
        self.calls.append(call)
        self.over.set()

    async def outcome(self) -> tuple[int, bytes] | tuple[str, int]:
        """Status and body, or the failure's code and status."""
        async with asyncio.timeout(PATIENCE_S):
            await self.over.wait()
        if self.error is not None:
            return self.error.code, self.error.status
        assert self.head is not None
        return self.head.status, self.body


def a_request(
    route: Route, method: str = "GET", length: int = 0, *, upgrade: bool = False, target: str = "/"
) -> UpstreamRequest:
    framing = "Transfer-Encoding: chunked\r\n" if length == CHUNKED else f"Content-Length: {length}\r\n" * bool(length)
    switch = "Connection: upgrade\r\nUpgrade: websocket\r\n" * upgrade
    head = f"{method} {target} HTTP/1.1\r\nHost: services.ville.example\r\n{framing}{switch}\r\n"
    return UpstreamRequest(route, method, head.encode(), length, upgrade)


def begin(client: Upstreams, request: UpstreamRequest, recorder: Recorder | None = None) -> Recorder:
    recorder = recorder or Recorder()
    recorder.sending = client.start(request, recorder)
    return recorder


async def ask(client: Upstreams, route: Route, method: str = "GET") -> tuple[int, bytes] | tuple[str, int]:
    """One request without a body, from its start to its outcome."""
    return await begin(client, a_request(route, method)).outcome()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110 - what a script saw has no event
            await asyncio.sleep(0.002)
