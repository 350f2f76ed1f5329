"""The upstream client over real sockets: framing, reuse, retries, tunnels, and the way of one who awaits."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.core.errors import DependencyFailed
from gateway.core.http1.fields import CHUNKED
from gateway.core.rules import Upstream
from tests.upstreams import (
    OK,
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

SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"


async def test_a_kept_connection_serves_again() -> None:
    async with canary(always(OK)) as app, a_client() as client:
        route = app.route()
        assert await ask(client, route) == (200, b"hello")
        assert await ask(client, route) == (200, b"hello")
        assert app.connections == 1


async def test_on_a_kept_connection_the_request_is_written_before_start_returns_and_no_task_is_made() -> None:
    async with canary(always(OK)) as app, a_client() as client:
        route = app.route()
        await ask(client, route)
        await asyncio.sleep(0)
        tasks = asyncio.all_tasks()
        recorder = begin(client, a_request(route))
        assert asyncio.all_tasks() == tasks
        assert recorder.calls == []
        assert await recorder.outcome() == (200, b"hello")


async def test_the_connection_is_free_again_when_ended_is_called() -> None:
    async with canary(always(OK)) as app, a_client() as client:
        route, second = app.route(), Recorder()
        first = Recorder()
        first.on_end = lambda: void(begin(client, a_request(route), second))
        begin(client, a_request(route), first)
        assert await second.outcome() == (200, b"hello")
        assert app.connections == 1


def void(_: object) -> None: ...


async def test_requests_at_the_same_time_have_a_connection_each() -> None:
    async with canary(always(OK)) as app, a_client() as client:
        route = app.route()
        outcomes = await asyncio.gather(*(ask(client, route) for _ in range(5)))
        assert outcomes == [(200, b"hello")] * 5
        assert app.connections == 5


async def test_a_connection_idle_for_too_long_is_closed_and_not_used() -> None:
    now = 0.0
    closed = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(OK)
        if await peer.is_closed():
            closed.set()

    async with canary(script) as app, a_client(clock=lambda: now) as client:
        assert await ask(client, app.route()) == (200, b"hello")
        now = 5.0
        client.sweep()
        async with asyncio.timeout(5):
            await closed.wait()
        assert await ask(client, app.route()) == (200, b"hello")
        assert app.connections == 2


async def test_a_connection_that_never_idles_ends_after_a_minute_all_the_same() -> None:
    """Or a name that moved would be followed only once the old address is dead."""
    now = 0.0
    async with canary(always(OK)) as app, a_client(clock=lambda: now) as client:
        for now in range(0, 63, 3):  # noqa: B007 - the clock that the client reads
            assert await ask(client, app.route()) == (200, b"hello")
            assert app.connections == 1
        now = 63.0
        assert await ask(client, app.route()) == (200, b"hello")
        assert await ask(client, app.route()) == (200, b"hello")
        assert app.connections == 2


@pytest.mark.parametrize(
    ("method", "answer", "body"),
    [
        (
            "GET",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nX-T: 1\r\n\r\n",
            b"abcde",
        ),
        ("GET", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", b""),
        ("GET", b"HTTP/1.1 204 No Content\r\n\r\n", b""),
        ("GET", b'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\n\r\n', b""),
        ("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", b""),
        ("GET", b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + OK, b"hello"),
    ],
)
async def test_an_answer_that_ends_by_itself_leaves_its_connection_usable(
    method: str, answer: bytes, body: bytes
) -> None:
    async with canary(always(answer)) as app, a_client() as client:
        for _ in range(2):
            outcome = await ask(client, app.route(), method)
            assert outcome[1] == body
        assert app.connections == 1


async def test_an_answer_may_come_byte_by_byte() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        for byte in b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n":
            await peer.say(bytes([byte]))
            await asyncio.sleep(0)

    async with canary(script) as app, a_client() as client:
        assert await ask(client, app.route()) == (200, b"abc")


async def test_an_answer_without_a_length_ends_with_its_connection() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(b"HTTP/1.1 200 OK\r\n\r\nall of it")

    async with canary(script) as app, a_client() as client:
        assert await ask(client, app.route()) == (200, b"all of it")


@pytest.mark.parametrize("answer", [OK.replace(b"OK\r\n", b"OK\r\nConnection: close\r\n"), OK.replace(b"1.1", b"1.0")])
async def test_an_answer_that_ends_the_connection_is_believed(answer: bytes) -> None:
    async with canary(always(answer)) as app, a_client() as client:
        for _ in range(2):
            assert await ask(client, app.route()) == (200, b"hello")
        assert app.connections == 2


async def test_a_body_of_known_length_arrives_as_it_was_sent() -> None:
    received: list[bytes] = []

    async def script(peer: Peer) -> None:
        while True:
            received.append(await peer.request())
            await peer.say(OK)

    async with canary(script) as app, a_client() as client:
        for _ in range(2):
            recorder = begin(client, a_request(app.route(), "POST", 5))
            assert recorder.sending is not None
            recorder.sending.send(b"ab")
            recorder.sending.send(b"cde")
            recorder.sending.finish()
            assert await recorder.outcome() == (200, b"hello")
        assert [each.partition(b"\r\n\r\n")[2] for each in received] == [b"abcde", b"abcde"]
        assert app.connections == 1


async def test_a_chunked_body_is_coded_and_closed_by_its_last_chunk() -> None:
    received: list[bytes] = []

    async def script(peer: Peer) -> None:
        received.append(await peer.request())
        await peer.say(OK)

    async with canary(script) as app, a_client() as client:
        recorder = begin(client, a_request(app.route(), "POST", CHUNKED))
        assert recorder.sending is not None
        for piece in (b"ab", b"", b"c" * 17):
            recorder.sending.send(piece)
        recorder.sending.finish()
        assert await recorder.outcome() == (200, b"hello")
        assert received[0].partition(b"\r\n\r\n")[2] == b"2\r\nab\r\n11\r\n" + b"c" * 17 + b"\r\n0\r\n\r\n"


async def test_the_body_waits_until_the_connection_is_there() -> None:
    async with canary(always(OK)) as app, a_client() as client:
        recorder = begin(client, a_request(app.route(), "POST", 5))
        assert recorder.calls == ["pause_body"]
        assert recorder.sending is not None
        recorder.sending.send(b"abcde")
        assert await recorder.outcome() == (200, b"hello")
        assert recorder.calls == ["pause_body", "resume_body", "started", "ended"]


@pytest.mark.parametrize("sent", [b"abcdef", b"abcd"])
async def test_a_body_that_is_not_of_its_declared_length_ends_the_connection(sent: bytes) -> None:
    received: list[bytes] = []

    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.say(b"HTTP/1.1 100 Continue\r\n\r\n")
        received.append(await peer.reader.read())

    async with canary(script) as app, a_client() as client:
        recorder = begin(client, a_request(app.route(), "POST", 5))
        assert recorder.sending is not None
        await until(lambda: "resume_body" in recorder.calls)
        for byte in sent:
            recorder.sending.send(bytes([byte]))
        recorder.sending.finish()
        recorder.sending.finish()
        assert await recorder.outcome() == ("upstream_body_length", 502)
        await until(lambda: len(received) == 1)
        assert b"abcde".startswith(received[0])


async def test_nothing_more_is_heard_after_an_abort_and_the_upstream_is_left() -> None:
    left = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbegun")
        if await peer.is_closed():
            left.set()

    async with canary(script) as app, a_client() as client:
        recorder = begin(client, a_request(app.route()))
        assert recorder.sending is not None
        await until(lambda: recorder.body == b"begun")
        recorder.sending.abort()
        recorder.sending.abort()
        recorder.sending.send(b"x")
        recorder.sending.finish()
        async with asyncio.timeout(5):
            await left.wait()
        assert recorder.calls == ["started"]


async def test_an_abort_while_connecting_connects_nobody() -> None:
    async with canary(always(OK)) as app, a_client() as client:
        recorder = begin(client, a_request(app.route(), "POST", 3))
        assert recorder.sending is not None
        recorder.sending.abort()
        await asyncio.sleep(0.02)
        assert recorder.calls == ["pause_body"]
        assert await ask(client, app.route()) == (200, b"hello")


class Mortal:
    """Serves its first connection once, and lets it die when the next request has arrived; later ones serve well."""

    def __init__(self, last_words: bytes = b"", *, then: bytes = OK) -> None:
        self.last_words = last_words
        self.then = then
        self.requests = 0

    async def __call__(self, peer: Peer) -> None:
        while True:
            await peer.request()
            self.requests += 1
            if self.requests == 1:
                await peer.say(OK)
            elif peer.number == 1:
                await peer.say(self.last_words)
                return
            else:
                await peer.say(self.then)
                if not self.then:
                    return


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
async def test_a_safe_request_is_sent_again_when_a_kept_connection_was_dead(method: str) -> None:
    app = Mortal(then=b"HTTP/1.1 204 No Content\r\n\r\n")
    async with canary(app) as server, a_client() as client:
        await ask(client, server.route())
        assert await ask(client, server.route(), method) == (204, b"")
        assert (server.connections, app.requests) == (2, 3)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
async def test_a_request_that_may_have_acted_is_never_sent_twice(method: str) -> None:
    app = Mortal()
    async with canary(app) as server, a_client() as client:
        await ask(client, server.route())
        assert await ask(client, server.route(), method) == ("upstream_broken", 502)
        assert (server.connections, app.requests) == (1, 2)


async def test_a_safe_request_with_a_body_is_never_sent_twice() -> None:
    app = Mortal()
    async with canary(app) as server, a_client() as client:
        await ask(client, server.route())
        recorder = begin(client, a_request(server.route(), "GET", 2))
        assert recorder.sending is not None
        recorder.sending.send(b"ab")
        assert await recorder.outcome() == ("upstream_broken", 502)
        assert app.requests == 2


async def test_a_request_whose_answer_had_begun_is_never_sent_twice() -> None:
    app = Mortal(b"HTTP/1.1 2")
    async with canary(app) as server, a_client() as client:
        await ask(client, server.route())
        assert await ask(client, server.route()) == ("upstream_broken", 502)
        assert app.requests == 2


async def test_a_request_is_sent_again_only_once() -> None:
    app = Mortal(then=b"")
    async with canary(app) as server, a_client() as client:
        await ask(client, server.route())
        assert await ask(client, server.route()) == ("upstream_broken", 502)
        assert (server.connections, app.requests) == (2, 3)


async def test_a_fresh_connection_that_dies_is_not_replaced() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()

    async with canary(script) as app, a_client() as client:
        assert await ask(client, app.route()) == ("upstream_broken", 502)
        assert app.connections == 1


async def test_after_101_both_ends_speak_raw_bytes_until_one_hangs_up() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(SWITCH + b"first")
        await peer.say(b"<" + await peer.reader.readexactly(4) + b">")

    async with canary(script) as app, a_client() as client:
        recorder = begin(client, a_request(app.route(), upgrade=True))
        assert recorder.sending is not None
        await until(lambda: recorder.body == b"first")
        recorder.sending.send(b"ping")
        assert await recorder.outcome() == (101, b"first<ping>")


async def test_a_tunnel_is_closed_by_our_end_too() -> None:
    closed = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(SWITCH)
        if await peer.is_closed():
            closed.set()

    async with canary(script) as app, a_client() as client:
        recorder = begin(client, a_request(app.route(), upgrade=True))
        assert recorder.sending is not None
        await until(lambda: recorder.head is not None)
        recorder.sending.abort()
        async with asyncio.timeout(5):
            await closed.wait()


async def test_an_upgrade_that_is_refused_is_an_ordinary_answer_and_the_last_of_its_connection() -> None:
    async with canary(always(OK)) as app, a_client() as client:
        assert await begin(client, a_request(app.route(), upgrade=True)).outcome() == (200, b"hello")
        assert await ask(client, app.route()) == (200, b"hello")
        assert app.connections == 2


async def test_an_application_behind_a_unix_socket_is_reached(tmp_path: Path) -> None:
    path = tmp_path / "app.sock"
    async with canary(always(OK), path=path) as app, a_client() as client:
        route = app.route(upstreams=(Upstream("http", "localhost", 80, socket=str(path)),))
        assert await ask(client, route) == (200, b"hello")
        assert await ask(client, route) == (200, b"hello")
        assert app.connections == 1


async def test_a_unix_socket_that_is_not_there_is_a_failure_to_connect(tmp_path: Path) -> None:
    async with canary(always(OK)) as app, a_client() as client:
        route = app.route(upstreams=(Upstream("http", "localhost", 80, socket=str(tmp_path / "none")),))
        assert await ask(client, route) == ("upstream_connect", 502)


async def _pieces(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


async def test_one_who_awaits_sends_a_body_and_iterates_over_the_answer() -> None:
    async def script(peer: Peer) -> None:
        request = await peer.request()
        body = request.partition(b"\r\n\r\n")[2]
        await peer.say(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))

    async with canary(script) as app, a_client() as client:
        response = await client.forward(a_request(app.route(), "POST", 4), _pieces(b"ab", b"cd"))
        assert response.head.status == 200
        assert b"".join([piece async for piece in response.body]) == b"abcd"


async def test_one_who_awaits_learns_of_a_failure_before_and_in_the_middle_of_the_answer() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf" if peer.number == 1 else b"")

    async with canary(script) as app, a_client() as client:
        response = await client.forward(a_request(app.route()), None)
        received = b""
        with pytest.raises(DependencyFailed, match="upstream_cut"):
            async for piece in response.body:
                received += piece
        assert received == b"half"
        with pytest.raises(DependencyFailed, match="upstream_broken"):
            await client.forward(a_request(app.route()), None)


async def test_one_who_awaits_and_gives_up_leaves_the_upstream() -> None:
    left: list[bool] = []

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf" if peer.number == 1 else b"")
        left.append(await peer.is_closed())

    async with canary(script) as app, a_client() as client:
        response = await client.forward(a_request(app.route()), None)
        response.close()
        await until(lambda: len(left) == 1)
        waiting = asyncio.create_task(client.forward(a_request(app.route()), None))
        await until(lambda: app.connections == 2)
        waiting.cancel()
        await until(lambda: len(left) == 2)
        with pytest.raises(asyncio.CancelledError):
            await waiting


async def test_a_body_that_cannot_be_read_is_its_readers_error_and_the_upstream_sees_no_end_of_it() -> None:
    received: list[bytes] = []

    async def script(peer: Peer) -> None:
        await peer.head()
        received.append(await peer.reader.read())

    async def broken() -> AsyncIterator[bytes]:
        yield b"ab"
        raise ValueError("client gone")

    async with canary(script) as app, a_client() as client:
        with pytest.raises(ValueError, match="client gone"):
            await client.forward(a_request(app.route(), "POST", CHUNKED), broken())
        await until(lambda: app.connections == 0 or len(received) == 1)
        assert not any(each.endswith(b"0\r\n\r\n") for each in received)


async def test_closing_the_client_cuts_what_is_under_way() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
        await peer.is_closed()

    async with canary(script) as app, a_client() as client:
        recorder = begin(client, a_request(app.route()))
        await until(lambda: recorder.body == b"half")
        await client.close()
        assert await recorder.outcome() == ("upstream_cut", 502)


async def test_a_reload_keeps_the_connections_of_what_is_still_served_and_closes_the_others() -> None:
    async with canary(always(OK)) as kept, canary(always(OK)) as dropped, a_client() as client:
        first, second = kept.route(), dropped.route()
        await client.open([first, second])
        await ask(client, first)
        await ask(client, second)
        again = kept.route()
        await client.open([again])
        await ask(client, again)
        await ask(client, second)
        assert (kept.connections, dropped.connections) == (1, 2)
