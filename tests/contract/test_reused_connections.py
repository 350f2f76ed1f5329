"""A connection that was idle may be closed by the other side at the moment when it is used again: it is not used."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace

import httpx
import pytest

from gateway.adapters import api_particulier
from gateway.adapters.oidc import wire
from tests.contract.test_oidc_adapter import SETTINGS as PROVIDER
from tests.household_source import SETTINGS as SOURCE

pytestmark = pytest.mark.anyio

Open = Callable[[], httpx.AsyncClient]

CLIENTS: dict[str, Open] = {
    "provider": lambda: wire.http_client(PROVIDER),
    "source": lambda: api_particulier.http_client(replace(SOURCE, base_url="http://127.0.0.1")),
}


class Moved:
    """What httpcore takes for the time that passes."""

    ahead_s = 0.0

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead_s


@pytest.fixture
def passing(monkeypatch: pytest.MonkeyPatch) -> Moved:
    moved = Moved()
    monkeypatch.setattr("httpcore._async.http11.time", SimpleNamespace(monotonic=moved.monotonic))
    return moved


class Server:
    """Answers once on each connection; a second request there meets the close that was on its way."""

    def __init__(self, *, patient: bool) -> None:
        self.connections = 0
        self.patient = patient

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
                await writer.drain()
                if not self.patient:
                    await reader.read(1)
                    writer.transport.abort()
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@pytest.mark.parametrize("which", CLIENTS)
async def test_a_connection_idle_for_some_seconds_is_not_used_again(which: str, passing: Moved) -> None:
    server = Server(patient=False)
    async with await asyncio.start_server(server.serve, "127.0.0.1", 0) as listening, CLIENTS[which]() as client:
        url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/"
        assert (await client.get(url)).text == "ok"
        passing.ahead_s = 3
        assert (await client.get(url)).text == "ok"
    assert server.connections == 2


@pytest.mark.parametrize("which", CLIENTS)
async def test_calls_that_follow_each_other_share_a_connection(which: str, passing: Moved) -> None:
    server = Server(patient=True)
    async with await asyncio.start_server(server.serve, "127.0.0.1", 0) as listening, CLIENTS[which]() as client:
        url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/"
        for _ in range(3):
            assert (await client.get(url)).text == "ok"
            passing.ahead_s += 1
    assert server.connections == 1
