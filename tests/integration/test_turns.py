"""Between a request's reading and its leaving lies the rest of a turn of the loop, in which its client may go."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from gateway.web.server.connection import ClientConnection
from tests.fronted import Fronted, gateway_at


@pytest.fixture(scope="module")
def fronted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fronted]:
    with gateway_at(tmp_path_factory.mktemp("turns"), quick_lane=True) as fronted:
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
    application = fronted.world.application
    assert application is not None
    front = application._front
    assert front is not None
    fronted.forget()

    async def both() -> None:
        connections = []
        for name in (b"first", b"second"):
            connection = ClientConnection(front)
            connection.connection_made(Wire())
            connection.data_received(fronted.fill(b"GET /pub/%b HTTP/1.1\r\nHost: HOST\r\n\r\n" % name))
            connections.append(connection)
        if the_second_leaves:
            connections[1].connection_lost(None)
        last = b"/pub/first" if the_second_leaves else b"/pub/second"
        await asyncio.to_thread(fronted.canary.wait, lambda: any(each.target == last for each in fronted.canary.seen))
        for connection in connections[: 1 if the_second_leaves else 2]:
            connection.connection_lost(None)

    asyncio.run_coroutine_threadsafe(both(), front._loop).result(20)
    fronted.ask(b"GET /pub/fence HTTP/1.1\r\nHost: HOST\r\n\r\n")
    return sorted(seen.target for seen in fronted.canary.seen)


def test_who_has_left_in_the_same_turn_is_not_sent_for(fronted: Fronted) -> None:
    fronted.ask(b"GET /pub/ HTTP/1.1\r\nHost: HOST\r\n\r\n")
    assert _two_at_once(fronted, the_second_leaves=True) == [b"/pub/fence", b"/pub/first"]
    statuses = [line["status"] for line in fronted.world.audited("public", 4)]
    assert statuses.count(499) == 1


def test_who_stays_is_sent_for(fronted: Fronted) -> None:
    """The twin."""
    fronted.ask(b"GET /pub/ HTTP/1.1\r\nHost: HOST\r\n\r\n")
    assert _two_at_once(fronted, the_second_leaves=False) == [b"/pub/fence", b"/pub/first", b"/pub/second"]
