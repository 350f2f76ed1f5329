"""Answers made to be misread, or to be read by the next person: refused, and the connection never used again.

Each attack is made on a first request; a second person's request must then get its own answer, from a new connection.
The twins in `OTHERWISE_WELL` show that the same answer without its fault is passed on and its connection kept.
"""

import asyncio
import os
import socket
from dataclasses import dataclass, field
from random import Random

import pytest

from gateway.adapters.upstream.client import Upstreams
from gateway.adapters.upstream.connection import FIELDS, HEAD_BYTES, INTERIM_ANSWERS
from gateway.adapters.upstream.pool import REST_S
from gateway.core.http1.fields import CHUNKED
from gateway.core.rules import Route, Timeouts
from tests.upstreams import (
    OK,
    POISON,
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

OWN = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nown!"
PROTOCOL = ("upstream_protocol", 502)


@dataclass
class Hostile:
    """The first request is answered with these pieces, a moment between them; every later one with what is its own."""

    pieces: list[bytes]
    closes: bool = False
    gap_s: float = 0
    requests: list[bytes] = field(default_factory=list)

    async def __call__(self, peer: Peer) -> None:
        while True:
            self.requests.append(await peer.request())
            if len(self.requests) > 1:
                await peer.say(OWN)
                continue
            for piece in self.pieces:
                await peer.say(piece)
                await asyncio.sleep(self.gap_s)
            if self.closes:
                return


async def _first_then_second(
    app: Hostile, method: str = "GET", *, wait_s: float = 0
) -> tuple[tuple[int, bytes] | tuple[str, int], int]:
    """What the first person got, and on how many connections the two were served."""
    async with canary(app) as server, a_client() as client:
        route = server.route()
        first = await ask(client, route, method)
        await asyncio.sleep(wait_s)
        assert await ask(client, route) == (200, b"own!")
        return first, server.connections


def _with(*lines: bytes, body: bytes = b"hello", status: bytes = b"HTTP/1.1 200 OK") -> bytes:
    return b"\r\n".join([status, *lines, b"", body])


LENGTH = b"Content-Length: 5"
CODING = b"Transfer-Encoding: chunked"

OTHERWISE_WELL = {
    "length": (_with(LENGTH), b"hello"),
    "chunked": (_with(CODING, body=b"5\r\nhello\r\n0\r\n\r\n"), b"hello"),
    "high bytes in a value": (_with(b"X-A: caf\xe9", LENGTH), b"hello"),
    "empty value": (_with(b"X-A:", LENGTH), b"hello"),
    "no reason phrase": (_with(LENGTH, status=b"HTTP/1.1 200"), b"hello"),
    "markup as reason phrase": (_with(LENGTH, status=b"HTTP/1.1 200 <script>alert(1)</script>"), b"hello"),
    "as many fields as allowed": (_with(*[b"X-A: b"] * (FIELDS - 1), LENGTH), b"hello"),
    "as long a head as allowed": (_with(b"X-A: " + b"b" * (HEAD_BYTES - 100), LENGTH), b"hello"),
    "as many 103 as allowed": (b"HTTP/1.1 103 Early Hints\r\n\r\n" * INTERIM_ANSWERS + OK, b"hello"),
    "chunk extension": (_with(CODING, body=b"5;" + b"x" * 256 + b"\r\nhello\r\n0\r\n\r\n"), b"hello"),
    "trailer": (_with(CODING, body=b"5\r\nhello\r\n0\r\nX-User: admin\r\n\r\n"), b"hello"),
}


@pytest.mark.parametrize("case", OTHERWISE_WELL)
async def test_a_well_formed_answer_is_passed_on_and_its_connection_kept(case: str) -> None:
    answer, body = OTHERWISE_WELL[case]
    assert await _first_then_second(Hostile([answer])) == ((200, body), 1)


@pytest.mark.parametrize(
    "answer",
    [
        *[_with(LENGTH, CODING, body=b"0\r\n\r\n"), _with(CODING, LENGTH, body=b"0\r\n\r\n")],
        *[_with(LENGTH, LENGTH), _with(LENGTH, b"Content-Length: 6"), _with(LENGTH, b"content-length: 5")],
        *[_with(b"Content-Length: " + each) for each in (b"5, 5", b"5,6", b"+5", b"-1", b"0x5", b"5_0", b"5 5", b"")],
        *[_with(b"Content-Length: " + each) for each in ("٥".encode(), b"1" + b"0" * 30, b"5.0", b"5;a")],
        *[_with(b"Transfer-Encoding: " + each) for each in (b"gzip, chunked", b"xchunked", b"chunked, chunked", b"")],
        *[_with(CODING, CODING), _with(b"Transfer-Encoding: identity", LENGTH)],
        _with(CODING, status=b"HTTP/1.0 200 OK", body=b"0\r\n\r\n"),
    ],
)
async def test_two_readings_of_an_answers_length_are_refused(answer: bytes) -> None:
    assert await _first_then_second(Hostile([answer])) == (PROTOCOL, 2)


@pytest.mark.parametrize(
    "answer",
    [
        *[OK.replace(b"\r\n", b"\n"), _with(b"X-A: b\nSet-Cookie: x=1", LENGTH), _with(b"X-A: b\rX-B: c", LENGTH)],
        *[_with(b"X-A: b", b" X-B: c", LENGTH), _with(b"X-A: b", b"\tc", LENGTH), _with(b" X-A: b", LENGTH)],
        *[_with(each, LENGTH) for each in (b"X-A : b", b"X A: b", b": b", b"X-A", b"X-\xe9: b", b"X(A): b")],
        *[_with(b"X-A: b" + bytes([byte]) + b"c", LENGTH) for byte in (0, 1, 8, 0x0B, 0x0C, 0x1B, 0x1F, 0x7F)],
        *[_with(b"X-A:", b"\rX-B: c", LENGTH), b"\r\n" + OK, b"\n" + OK],
    ],
)
async def test_a_head_with_a_hidden_line_is_refused(answer: bytes) -> None:
    assert await _first_then_second(Hostile([answer])) == (PROTOCOL, 2)


@pytest.mark.parametrize(
    "status",
    [
        *[b"HTTP/1.1 999 X", b"HTTP/1.1 000 X", b"HTTP/1.1 099 X", b"HTTP/1.1 600 X", b"HTTP/1.1 -1 X"],
        *[b"HTTP/1.1 20 X", b"HTTP/1.1 2000 X", b"HTTP/1.1  200 OK", b"HTTP/1.1\t200 OK", b"HTTP/1.1 200\x00"],
        *[b"HTTP/2.0 200 OK", b"HTTP/1.9 200 OK", b"HTTP/0.9 200 OK", b"http/1.1 200 OK", b"HTTP/1.1 OK"],
        *[b"ICY 200 OK", b"SSH-2.0-OpenSSH_9.2", b"GET / HTTP/1.1", b"200 OK", b" HTTP/1.1 200 OK"],
    ],
)
async def test_a_status_line_that_is_none_is_refused(status: bytes) -> None:
    assert await _first_then_second(Hostile([_with(LENGTH, status=status)])) == (PROTOCOL, 2)


@pytest.mark.parametrize("banner", [b"SSH-2.0-OpenSSH_9.2\r\n", b"\x16\x03\x01", b"HTTP/1.1 200 OK\nContent-Len"])
async def test_what_cannot_become_an_answer_is_refused_without_waiting_for_its_end(banner: bytes) -> None:
    assert await _first_then_second(Hostile([banner])) == (PROTOCOL, 2)


@pytest.mark.parametrize(
    "pieces",
    [
        [_with(*[b"X-A: b"] * FIELDS, LENGTH)],
        [_with(b"X-A: " + b"b" * HEAD_BYTES, LENGTH)],
        [b"HTTP/1.1 200 OK\r\nX-A: ", *[b"b" * 8_192] * 9],
        [b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * (INTERIM_ANSWERS + 1) + OK],
        [*[b"HTTP/1.1 100 Continue\r\n\r\n"] * (INTERIM_ANSWERS + 1), OK],
        [b"HTTP/1.1 103 Early Hints\r\n\r\n" * 10_000],
    ],
)
async def test_a_head_without_measure_is_refused(pieces: list[bytes]) -> None:
    assert await _first_then_second(Hostile(pieces)) == (PROTOCOL, 2)


async def test_a_101_that_nobody_asked_for_is_refused() -> None:
    answer = b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n" + POISON
    assert await _first_then_second(Hostile([answer])) == (PROTOCOL, 2)


@pytest.mark.parametrize(
    ("method", "answer", "outcome"),
    [
        ("GET", OK + POISON, (200, b"hello")),
        ("GET", OK + b"\r\n", (200, b"hello")),
        ("GET", _with(b"Content-Length: 0", body=POISON), (200, b"")),
        ("GET", _with(status=b"HTTP/1.1 204 No Content", body=POISON), (204, b"")),
        ("GET", _with(status=b"HTTP/1.1 304 Not Modified", body=POISON), (304, b"")),
        ("HEAD", OK, (200, b"")),
        ("HEAD", _with(body=POISON), (200, b"")),
        ("GET", _with(CODING, body=b"5\r\nhello\r\n0\r\n\r\n" + POISON), (200, b"hello")),
    ],
)
async def test_what_follows_an_answer_is_never_the_next_persons(
    method: str, answer: bytes, outcome: tuple[int, bytes]
) -> None:
    assert await _first_then_second(Hostile([answer]), method) == (outcome, 2)


@pytest.mark.parametrize(("method", "answer"), [("GET", OK), ("HEAD", _with(b"Content-Length: 0", body=b""))])
async def test_what_comes_on_an_idle_connection_is_never_the_next_persons(method: str, answer: bytes) -> None:
    late = Hostile([answer, POISON], gap_s=0.02)
    assert (await _first_then_second(late, method, wait_s=0.06))[1] == 2


async def test_what_follows_an_answer_a_moment_later_finds_its_connection_at_rest() -> None:
    app = Hostile([OK, POISON], gap_s=0.02)
    async with canary(app) as server, a_client(rest_s=0.5) as client:
        for outcome in (b"hello", b"own!", b"own!"):
            assert await ask(client, server.route()) == (200, outcome)
        assert server.connections == 3


async def test_what_the_loop_has_not_read_yet_is_seen_before_a_connection_serves_again() -> None:
    said = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(OK if peer.number == 1 else OWN)
        peer_socket = peer.writer.get_extra_info("socket")
        with socket.socket(fileno=os.dup(peer_socket.fileno())) as raw:
            await said.wait()
            if peer.number == 1:
                raw.send(POISON)
                second.append(begin(client, a_request(route)))
        await peer.is_closed()

    second: list[Recorder] = []
    async with canary(script) as server, a_client() as client:
        route = server.route()
        assert await ask(client, route) == (200, b"hello")
        said.set()
        await until(lambda: len(second) == 1)
        assert await second[0].outcome() == (200, b"own!")
        assert server.connections == 2


@pytest.mark.parametrize(
    ("method", "head"),
    [
        ("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 65\r\n\r\n"),
        ("HEAD", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
        ("GET", b"HTTP/1.1 204 No Content\r\nContent-Length: 65\r\n\r\n"),
        ("GET", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 65\r\n\r\n"),
    ],
)
async def test_a_body_announced_where_none_may_be_is_not_waited_for_on_a_kept_connection(
    method: str, head: bytes
) -> None:
    """The body may come after the next request was written, when nothing can tell the two apart any more."""
    assert (await _first_then_second(Hostile([head, POISON], gap_s=0.02), method))[1] == 2


@pytest.mark.parametrize(
    "body",
    [
        *[b"5\nhello\r\n0\r\n\r\n", b"5;\nx\r\nhello\r\n0\r\n\r\n", b"0x5\r\nhello\r\n0\r\n\r\n", b"g\r\n", b"\r\n"],
        *[b"5\r\nhello\r\r0\r\n\r\n", b"5\r\nhello\n0\r\n\r\n", b"5\r\nhelloX", b"-5\r\n", b"5 \x00\r\n", b"+5\r\n"],
        *[b"5;" + b"x" * 1_000 + b"\r\nhello\r\n", b"f" * 16 + b"\r\n"],
        *[b"0\r\nX-A: b\nX-B: c\r\n\r\n", b"0\r\n X-A: b\r\n\r\n", b"0\r\nX-A: " + b"b" * 10_000],
    ],
)
async def test_a_chunk_that_can_be_read_two_ways_ends_the_answer(body: bytes) -> None:
    assert await _first_then_second(Hostile([_with(CODING, body=body)])) == (PROTOCOL, 2)


@pytest.mark.parametrize(
    "answer",
    [
        _with(b"Content-Length: 6"),
        _with(CODING, body=b"5\r\nhel"),
        _with(CODING, body=b"5\r\nhello\r\n"),
        _with(CODING, body=b"5\r\nhello\r\n0\r\nX-A: b"),
    ],
)
async def test_an_answer_cut_short_is_never_taken_for_a_whole_one(answer: bytes) -> None:
    assert await _first_then_second(Hostile([answer], closes=True)) == (("upstream_cut", 502), 2)


async def test_an_answer_before_the_whole_body_is_the_last_of_its_connection() -> None:
    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.say(OK)
        while peer.number == 1:
            await peer.reader.readexactly(1)
        await always(OWN)(peer)

    async with canary(script) as server, a_client() as client:
        early = begin(client, a_request(server.route(), "POST", 40))
        assert early.sending is not None
        early.sending.send(b"GET /admin/ HTTP/1.1\r\n")
        assert await early.outcome() == (200, b"hello")
        early.sending.send(b"the rest comes too")
        early.sending.finish()
        assert await ask(client, server.route()) == (200, b"hello")
        assert server.connections == 2


@pytest.mark.parametrize(("method", "connections"), [("GET", 2), ("OPTIONS", 2), ("DELETE", 2), ("POST", 1)])
async def test_a_body_that_a_server_may_leave_unread_is_not_its_next_request(method: str, connections: int) -> None:
    """RFC 9110 §9.3.1 gives it no meaning: one that answers without reading it would read it as a request."""
    async with canary(Hostile([OK])) as server, a_client() as client:
        with_body = begin(client, a_request(server.route(), method, 20))
        assert with_body.sending is not None
        with_body.sending.send(b"x" * 20)
        with_body.sending.finish()
        assert await with_body.outcome() == (200, b"hello")
        assert await ask(client, server.route()) == (200, b"own!")
        assert server.connections == connections


@pytest.mark.parametrize("length", [40, CHUNKED])
async def test_a_body_that_ends_between_an_early_head_and_the_end_of_its_answer_saves_nothing(length: int) -> None:
    async def script(peer: Peer) -> None:
        head = await peer.head()
        if head.startswith(b"POST"):
            await peer.say(OK[:-2])
            await peer.reader.readuntil(b"whole")
            await peer.say(OK[-2:])
            await peer.is_closed()
        else:
            await peer.say(OWN)

    async with canary(script) as server, a_client() as client:
        early = begin(client, a_request(server.route(), "POST", length))
        assert early.sending is not None
        await until(lambda: early.body == b"hel")
        early.sending.send(b"x" * 35 + b"whole")
        early.sending.finish()
        assert await early.outcome() == (200, b"hello")
        assert await ask(client, server.route()) == (200, b"own!")
        assert server.connections == 2


async def test_a_head_that_drips_is_given_up_when_its_time_has_passed() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(b"HTTP/1.1 200 OK\r\n")
        while True:
            await peer.say(b"X-A: b\r\n")
            await asyncio.sleep(0.01)

    async with canary(script) as server, a_client() as client:
        assert await ask(client, _hurried(server, header_s=0.1)) == ("upstream_timeout", 504)


async def test_a_body_that_drips_for_ever_is_given_up_when_the_total_has_passed() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while True:
            await peer.say(b"x")
            await asyncio.sleep(0.01)

    async with canary(script) as server, a_client() as client:
        assert await ask(client, _hurried(server, idle_s=0.1, total_s=0.2)) == ("upstream_cut", 502)


def _hurried(server: Canary, **timeouts: float) -> Route:
    return server.route(timeouts=Timeouts(**timeouts))


async def test_what_one_person_was_told_to_remember_is_not_sent_for_another() -> None:
    app = Hostile([_with(b"Set-Cookie: session=alice", LENGTH)])
    assert await _first_then_second(app) == ((200, b"hello"), 1)
    assert app.requests[0] == app.requests[1]


async def test_a_redirect_is_passed_on_and_not_followed() -> None:
    answer = _with(b"Location: /elsewhere", b"Content-Length: 0", status=b"HTTP/1.1 302 Found", body=b"")
    app = Hostile([answer])
    assert await _first_then_second(app) == ((302, b""), 1)
    assert len(app.requests) == 2


class Storm:
    """Answers each request with its own target, well or badly by a seeded choice, and dies when it likes."""

    def __init__(self, seed: int) -> None:
        self._chance = Random(seed)

    async def __call__(self, peer: Peer) -> None:
        while True:
            head = await peer.head()
            if b"content-length: 4" in head.lower() and self._chance.random() < 0.9:
                await peer.reader.readexactly(4)
            name = head.split(b" ")[1]
            for piece in self._pieces(name):
                await peer.say(piece)
                await asyncio.sleep(0)
            if self._chance.random() < 0.1:
                return

    def _pieces(self, name: bytes) -> list[bytes]:
        sized = _with(b"Content-Length: %d" % len(name), body=name)
        chunked = _with(CODING, body=b"%x\r\n%b\r\n0\r\n\r\n" % (len(name), name))
        kinds = [
            *[[sized], [sized[:20], sized[20:]], [chunked], [chunked[:-9], chunked[-9:]], [sized[:-1]], [chunked[:-3]]],
            *[
                [sized + POISON],
                [chunked + POISON],
                [sized, POISON],
                [],
                [b"HTTP/1.1 103 E\r\n\r\n" + sized],
            ],
            *[[_with(b"Connection: close", body=name)], [_with(LENGTH, LENGTH)]],
        ]
        return self._chance.choice(kinds)


@pytest.mark.parametrize("seed", range(2))
async def test_in_a_storm_of_faults_nobody_receives_anothers_answer(seed: int) -> None:
    """Time goes by turns of the loop: a machine that stalls between two writes is not an upstream that waits."""
    chance, now = Random(-seed), 0.0
    outcomes: list[tuple[str, tuple[int, bytes] | tuple[str, int]]] = []

    async def ticking() -> None:
        nonlocal now
        while True:
            now += 0.001
            await asyncio.sleep(0)

    async def person(client: Upstreams, route: Route, number: int) -> None:
        for turn in range(25):
            target = f"/{number}-{turn}-{'x' * chance.randrange(8)}"
            length = 4 * (chance.random() < 0.3)
            recorder = begin(client, a_request(route, "POST" if length else "GET", length, target=target))
            assert recorder.sending is not None
            if length:
                recorder.sending.send(b"body")
            if chance.random() < 0.1:
                await asyncio.sleep(0.001 * chance.random())
                recorder.sending.abort()
            else:
                outcomes.append((target, await recorder.outcome()))

    async with canary(Storm(seed)) as server, a_client(clock=lambda: now, rest_s=REST_S) as client:
        route = server.route(timeouts=Timeouts(header_s=0.3, idle_s=0.3))
        clock = asyncio.create_task(ticking())
        await asyncio.gather(*(person(client, route, number) for number in range(20)))
        clock.cancel()
    whole = [(target, outcome[1]) for target, outcome in outcomes if outcome[0] == 200]
    assert len(whole) > 100
    assert [each for each in whole if each[1] != each[0].encode()] == []
