"""Time and memory: how long an upstream may be silent, and who waits for whom when a body is large."""

import asyncio
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path

import pytest

from gateway.adapters.upstream.client import Upstreams
from gateway.core.http1.fields import CHUNKED
from gateway.core.rules import Route, Timeouts, Upstream
from tests.upstreams import (
    OK,
    Canary,
    Peer,
    Recorder,
    a_client,
    a_request,
    always,
    ask,
    begin,
    canary,
    until,
)
from tests.upstreams import both_loops as anyio_backend  # noqa: F401 - a fixture

pytestmark = pytest.mark.anyio

LATE = ("upstream_timeout", 504)
CUT = ("upstream_cut", 502)

LARGE_BYTES = 64 * 1024 * 1024
PIECE = bytes(range(256)) * 256
BOUND_BYTES = 16 * 1024 * 1024
"""More than the kernel's buffers on loopback and ours together; a quarter of what is sent."""


def _route(app: Canary, **timeouts: float) -> Route:
    return app.route(timeouts=Timeouts(**timeouts))


class Time:
    """Moved by hand, so that a machine that stalls is not taken for an upstream that is slow."""

    now = 0.0

    def __call__(self) -> float:
        return self.now

    def pass_by(self, client: Upstreams, seconds: float) -> None:
        """What the sweeper sees on its way."""
        for _ in range(5):
            self.now += seconds / 5
            client.sweep()


async def _silent(peer: Peer) -> None:
    await peer.request()
    await peer.is_closed()


async def test_an_upstream_that_never_answers_is_given_up_after_header_s() -> None:
    async with canary(_silent) as app, a_client() as client:
        assert await ask(client, _route(app, header_s=0.05)) == LATE


async def test_the_time_to_answer_begins_when_the_request_is_whole() -> None:
    time = Time()
    async with canary(always(OK)) as app, a_client(clock=time) as client:
        recorder = begin(client, a_request(_route(app, header_s=5, idle_s=5), "POST", 2))
        assert recorder.sending is not None
        recorder.sending.send(b"a")
        await until(lambda: app.connections == 1)
        time.pass_by(client, 100)
        recorder.sending.send(b"b")
        assert await recorder.outcome() == (200, b"hello")


async def test_a_whole_request_with_a_body_is_given_up_after_header_s_too() -> None:
    async with canary(_silent) as app, a_client() as client:
        recorder = begin(client, a_request(_route(app, header_s=0.05), "POST", CHUNKED))
        assert recorder.sending is not None
        recorder.sending.send(b"a")
        recorder.sending.finish()
        assert await recorder.outcome() == LATE


async def test_an_answer_that_stops_in_the_middle_is_cut_after_idle_s() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
        await peer.is_closed()

    async with canary(script) as app, a_client() as client:
        assert await ask(client, _route(app, idle_s=0.05)) == CUT


async def test_a_slow_answer_that_never_stops_for_idle_s_is_let_through() -> None:
    time, wanted = Time(), asyncio.Semaphore(0)

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n")
        while True:
            await wanted.acquire()
            await peer.say(b"x")

    async with canary(script) as app, a_client(clock=time) as client:
        recorder = begin(client, a_request(_route(app, idle_s=5, header_s=5)))
        for count in range(20):
            wanted.release()
            await until(lambda count=count: len(recorder.body) > count)  # type: ignore[misc]
            time.pass_by(client, 4)
        assert await recorder.outcome() == (200, b"x" * 20)


async def test_the_time_does_not_run_while_our_client_takes_nothing() -> None:
    time = Time()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfirst")
        await peer.is_closed()

    async with canary(script) as app, a_client(clock=time) as client:
        recorder = begin(client, a_request(_route(app, idle_s=5)))
        assert recorder.sending is not None
        await until(lambda: recorder.body == b"first")
        recorder.sending.pause_answer()
        time.pass_by(client, 100)
        assert not recorder.over.is_set()
        recorder.sending.resume_answer()
        time.pass_by(client, 20)
        assert await recorder.outcome() == CUT


async def test_total_s_bounds_a_request_whatever_happens() -> None:
    async with canary(_silent) as app, a_client() as client:
        assert await ask(client, _route(app, total_s=0.05)) == LATE


async def test_a_tunnel_may_be_silent_for_as_long_as_it_lives() -> None:
    time = Time()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\n\r\n")
        await peer.say(await peer.reader.readexactly(2))

    async with canary(script) as app, a_client(clock=time) as client:
        recorder = begin(client, a_request(_route(app, header_s=5, idle_s=5, total_s=5), upgrade=True))
        assert recorder.sending is not None
        await until(lambda: recorder.head is not None)
        time.pass_by(client, 100)
        recorder.sending.send(b"hi")
        assert await recorder.outcome() == (101, b"hi")


class Uploader:
    """Sends a large body as fast as it may, and counts."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.sent = 0

    @property
    def may_send(self) -> bool:
        calls = self.recorder.calls
        return calls.count("pause_body") == calls.count("resume_body") and not self.recorder.over.is_set()

    async def run(self) -> None:
        sending = self.recorder.sending
        assert sending is not None
        while self.sent < LARGE_BYTES and not self.recorder.over.is_set():
            await until(lambda: self.may_send or self.recorder.over.is_set())
            sending.send(PIECE)
            self.sent += len(PIECE)
        sending.finish()


@pytest.mark.parametrize("length", [LARGE_BYTES, CHUNKED])
async def test_a_large_upload_goes_at_the_pace_of_the_upstream(length: int) -> None:
    may_read = asyncio.Event()
    received: list[int] = []

    async def script(peer: Peer) -> None:
        await peer.head()
        await may_read.wait()
        count = 0
        while count < LARGE_BYTES:
            count += len(await peer.reader.read(1 << 20))
        received.append(count)
        await peer.say(OK.replace(b"OK\r\n", b"OK\r\nConnection: close\r\n"))

    async with canary(script) as app, a_client() as client:
        recorder = begin(client, a_request(app.route(), "POST", length))
        uploader = Uploader(recorder)
        running = asyncio.create_task(uploader.run())
        await until(lambda: recorder.calls.count("pause_body") == 2)
        await asyncio.sleep(0.05)
        assert uploader.sent < BOUND_BYTES
        may_read.set()
        assert await recorder.outcome() == (200, b"hello")
        await running
        assert uploader.sent == LARGE_BYTES
        assert received[0] >= LARGE_BYTES


async def test_an_upstream_that_stops_taking_the_body_is_given_up_after_idle_s() -> None:
    async def script(peer: Peer) -> None:
        await peer.head()
        peer.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await asyncio.sleep(5)

    async with canary(script) as app, a_client() as client:
        recorder = begin(client, a_request(_route(app, idle_s=0.05), "POST", LARGE_BYTES))
        running = asyncio.create_task(Uploader(recorder).run())
        assert await recorder.outcome() == LATE
        await running


async def test_an_upstream_that_takes_the_body_slowly_is_waited_for(tmp_path: Path) -> None:
    """Over a Unix socket, whose kernel buffer is small: what we hold shrinks in several steps, each within idle_s."""
    path, body, time = tmp_path / "app.sock", PIECE * 16, Time()

    async def script(peer: Peer) -> None:
        await peer.head()
        count = 0
        while count < len(body) // 2:
            count += len(await peer.reader.read(8_192))
            await asyncio.sleep(0.002)
            time.now += 0.1
            client.sweep()
        await peer.reader.readexactly(len(body) - count)
        await peer.say(OK)

    async with canary(script, path=path) as app, a_client(clock=time) as client:
        upstreams = (Upstream("http", "localhost", 80, socket=str(path)),)
        route = app.route(upstreams=upstreams, timeouts=Timeouts(idle_s=4, header_s=4))
        recorder = begin(client, a_request(route, "POST", len(body)))
        assert recorder.sending is not None
        recorder.sending.send(body)
        assert await recorder.outcome() == (200, b"hello")
        assert time.now > 6


class Pouring:
    """An upstream that sends a large body as fast as it may, and counts."""

    def __init__(self, *, chunked: bool = False) -> None:
        self.chunked = chunked
        self.sent = 0

    async def __call__(self, peer: Peer) -> None:
        await peer.request()
        framing = b"Transfer-Encoding: chunked" if self.chunked else b"Content-Length: %d" % LARGE_BYTES
        await peer.say(b"HTTP/1.1 200 OK\r\n%b\r\n\r\n" % framing)
        piece = b"%x\r\n%b\r\n" % (len(PIECE), PIECE) if self.chunked else PIECE
        while self.sent < LARGE_BYTES:
            await peer.say(piece)
            self.sent += len(PIECE)
        await peer.say(b"0\r\n\r\n" if self.chunked else b"")
        await peer.is_closed()


class Counting(Recorder):
    """Keeps the count and the digest of a body, not the body."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0
        self.digest = sha256()

    def received(self, piece: bytes) -> None:
        self.count += len(piece)
        self.digest.update(piece)


LARGE_DIGEST = sha256(PIECE * (LARGE_BYTES // len(PIECE))).hexdigest()


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_large_answer_goes_at_the_pace_of_our_client(*, chunked: bool) -> None:
    app = Pouring(chunked=chunked)
    async with canary(app) as server, a_client() as client:
        recorder = Counting()
        begin(client, a_request(server.route()), recorder)
        assert recorder.sending is not None
        await until(lambda: recorder.head is not None)
        recorder.sending.pause_answer()
        seen = recorder.count
        await asyncio.sleep(0.05)
        assert recorder.count == seen
        assert app.sent < BOUND_BYTES
        recorder.sending.resume_answer()
        await recorder.outcome()
        assert (recorder.count, recorder.digest.hexdigest()) == (LARGE_BYTES, LARGE_DIGEST)


async def test_one_who_iterates_slowly_slows_the_upstream() -> None:
    app = Pouring()
    async with canary(app) as server, a_client() as client:
        response = await client.forward(a_request(server.route()), None)
        await asyncio.sleep(0.05)
        assert app.sent < BOUND_BYTES
        count = 0
        async for piece in response.body:
            count += len(piece)
        assert count == LARGE_BYTES


async def test_one_who_awaits_sends_no_faster_than_the_upstream_takes() -> None:
    may_read = asyncio.Event()
    given = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal given
        for _ in range(LARGE_BYTES // len(PIECE)):
            given += len(PIECE)
            yield PIECE

    async def script(peer: Peer) -> None:
        await peer.head()
        await may_read.wait()
        count = 0
        while count < LARGE_BYTES:
            count += len(await peer.reader.read(1 << 20))
        await peer.say(OK)

    async with canary(script) as server, a_client() as client:
        asking = asyncio.create_task(client.forward(a_request(server.route(), "POST", LARGE_BYTES), body()))
        await asyncio.sleep(0.1)
        assert 0 < given < BOUND_BYTES
        may_read.set()
        response = await asking
        assert b"".join([piece async for piece in response.body]) == b"hello"
