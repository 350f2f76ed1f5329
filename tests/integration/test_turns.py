"""Between a request's reading and its leaving lies the rest of a turn of the loop, in which its client may go."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.web.server.connection import ClientConnection
from gateway.web.server.front import Front
from tests.asking import LISTED
from tests.fronted import Fronted, gateway_at
from tests.wire import eventually


@pytest.fixture
def fronted(tmp_path: Path) -> Iterator[Fronted]:
    """One for each test: the lines of its audit are counted."""
    with gateway_at(tmp_path, quick_lane=True, changes=LISTED) as fronted:
        yield fronted


class Wire(asyncio.Transport):
    """The client's end, in memory: what the gateway wrote, and whether it hung up."""

    def __init__(self) -> None:
        super().__init__()
        self.written = bytearray()
        self.over = False

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return ("127.0.0.1", 1) if name == "peername" else default

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None: ...

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += data

    def get_write_buffer_size(self) -> int:
        return 0

    def is_closing(self) -> bool:
        return self.over

    def close(self) -> None:
        self.over = True

    def abort(self) -> None:
        self.over = True


def _two_at_once(fronted: Fronted, *, the_second_leaves: bool) -> list[bytes]:
    """Targets that went upstream, of two requests that are read in one turn."""
    front = _front(fronted)
    fronted.forget()

    async def both() -> None:
        connections, wires = [], []
        for name in (b"first", b"second"):
            connection = ClientConnection(front)
            wires.append(Wire())
            connection.connection_made(wires[-1])
            connection.data_received(fronted.fill(b"GET /pub/%b HTTP/1.1\r\nHost: HOST\r\n\r\n" % name))
            connections.append(connection)
        if the_second_leaves:
            connections[1].connection_lost(None)
        awaited = 1 if the_second_leaves else 2
        await asyncio.to_thread(fronted.canary.wait, lambda: len(fronted.canary.seen) >= awaited)
        assert await asyncio.to_thread(eventually, lambda: all(wire.written for wire in wires[:awaited]))
        for connection in connections[:awaited]:
            connection.connection_lost(None)

    asyncio.run_coroutine_threadsafe(both(), front._loop).result(20)
    fronted.ask(b"GET /pub/fence HTTP/1.1\r\nHost: HOST\r\n\r\n")
    return sorted(seen.target for seen in fronted.canary.seen)


def test_who_has_left_in_the_same_turn_is_not_sent_for(fronted: Fronted) -> None:
    fronted.ask(b"GET /pub/ HTTP/1.1\r\nHost: HOST\r\n\r\n")
    before = [line["status"] for line in fronted.world.audited("public", 1)]
    assert _two_at_once(fronted, the_second_leaves=True) == [b"/pub/fence", b"/pub/first"]
    after = [line["status"] for line in fronted.world.audited("public", len(before) + 2)]
    assert after.count(499) == before.count(499) + 1


def test_who_stays_is_sent_for(fronted: Fronted) -> None:
    """The twin."""
    fronted.ask(b"GET /pub/ HTTP/1.1\r\nHost: HOST\r\n\r\n")
    assert _two_at_once(fronted, the_second_leaves=False) == [b"/pub/fence", b"/pub/first", b"/pub/second"]


def _front(fronted: Fronted) -> Front:
    application = fronted.world.application
    assert application is not None
    front = application._front
    assert front is not None
    return front


PLAIN = b"GET /pub/ HTTP/1.1\r\nHost: HOST\r\n\r\n"
ASKS = (
    b"GET /_gateway/auth HTTP/1.1\r\nHost: HOST\r\n"
    b"X-Forwarded-Method: GET\r\nX-Forwarded-Host: HOST\r\nX-Forwarded-Uri: /pub/\r\n\r\n"
)


@pytest.mark.interpreted
@pytest.mark.parametrize(
    ("step", "request_"),
    [
        ("gateway.web.relay.upstream_request", PLAIN),
        ("gateway.adapters.upstream.client.Exchange", PLAIN),
        ("gateway.web.spoken.said_lines", ASKS),
    ],
)
def test_a_request_that_fails_unforeseen_ends_its_connection(
    fronted: Fronted, monkeypatch: pytest.MonkeyPatch, step: str, request_: bytes
) -> None:
    assert fronted.ask(request_).status == 200

    def fail(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(step, fail)
    with fronted.raw() as raw:
        raw.send(fronted.fill(request_))
        assert raw.is_closed()


def _asked_by_a_proxy(fronted: Fronted, *, leaves: bool) -> tuple[bytes, int]:
    """What it is told, and how many lines of audit were written of it."""
    assert fronted.ask(ASKS).status == 200
    front = _front(fronted)

    async def ask() -> bytes:
        connection, wire = ClientConnection(front), Wire()
        connection.connection_made(wire)
        connection.data_received(fronted.fill(ASKS))
        if leaves:
            connection.connection_lost(None)
        for _ in range(5):
            await asyncio.sleep(0)
        if not leaves:
            connection.connection_lost(None)
        return bytes(wire.written)

    told = asyncio.run_coroutine_threadsafe(ask(), front._loop).result(20)
    # A line of the audit is written after its answer: once this one's is there, all before it are.
    assert fronted.ask(ASKS.replace(b"/pub/", b"/stream/")).status == 200
    audit = fronted.world.audit
    assert eventually(lambda: '"route":"stream"' in audit.getvalue())
    return told, audit.getvalue().count('"route":"pub"') - 1


def test_a_proxy_that_has_left_is_told_nothing(fronted: Fronted) -> None:
    assert _asked_by_a_proxy(fronted, leaves=True) == (b"", 0)


def test_a_proxy_that_stays_is_told(fronted: Fronted) -> None:
    """The twin."""
    told, lines = _asked_by_a_proxy(fronted, leaves=False)
    assert (told[:15], lines) == (b"HTTP/1.1 200 OK", 1)
    assert b"X-Gateway-Assertion: " in told


HANDSHAKE = (
    b"GET /ws/x HTTP/1.1\r\nHost: HOST\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


def _handshake(fronted: Fronted, *, leaves: bool) -> list[bytes]:
    """Targets that went upstream, of a handshake and what follows it."""
    fronted.forget()
    front = _front(fronted)

    async def ask() -> None:
        connection = ClientConnection(front)
        connection.connection_made(Wire())
        connection.data_received(fronted.fill(HANDSHAKE))
        if leaves:
            connection.connection_lost(None)
            for _ in range(30):  # time enough to decide, to dial and to send, if anything were sent
                await asyncio.sleep(0.01)
            return
        await asyncio.to_thread(fronted.canary.wait, lambda: bool(fronted.canary.seen))
        connection.connection_lost(None)

    asyncio.run_coroutine_threadsafe(ask(), front._loop).result(20)
    fronted.ask(b"GET /pub/fence HTTP/1.1\r\nHost: HOST\r\n\r\n")
    return [seen.target for seen in fronted.canary.seen]


def test_who_left_during_a_handshake_is_connected_to_nothing(fronted: Fronted) -> None:
    fronted.ask(b"GET /pub/ HTTP/1.1\r\nHost: HOST\r\n\r\n")
    assert _handshake(fronted, leaves=True) == [b"/pub/fence"]


def test_who_stays_is_connected(fronted: Fronted) -> None:
    """The twin."""
    fronted.ask(b"GET /pub/ HTTP/1.1\r\nHost: HOST\r\n\r\n")
    assert _handshake(fronted, leaves=False) == [b"/ws/x", b"/pub/fence"]
