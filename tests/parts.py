"""The product with each of the servers around it on its own: any of them can be killed, and started again."""

import io
import json
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from starlette.types import ASGIApp

from gateway.app import build
from gateway.assembly import Outside
from gateway.config.gateway_file import load
from gateway.sandbox.legacy import legacy_app
from tests.browser import Page
from tests.world import MovedClock, World, bound_sockets, configuration, lanes, sandbox, secrets, served

_REFERENCE = re.compile(r"Référence : ([0-9B-Z]{4}-[0-9B-Z]{4})")


class Part:
    """One server on a port that stays its own: while it is down, connections are refused."""

    def __init__(self, app: object, kept: socket.socket) -> None:
        self._app = app
        self._address = kept.getsockname()
        self._running: ExitStack | None = None

    def start(self) -> None:
        listening = socket.socket()
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(self._address)
        self._running = ExitStack()
        self._running.enter_context(served([(self._app, listening)]))

    def stop(self) -> None:
        if self._running is not None:
            self._running.close()
            self._running = None


@dataclass
class Parts:
    world: World
    franceconnect: Part
    userinfo: Part
    jwks: Part
    api: Part
    legacy: Part
    provider_clock: MovedClock

    def logged(self, event: str) -> list[dict[str, object]]:
        lines = [json.loads(line) for line in self.world.logs.getvalue().splitlines()]
        return [line for line in lines if line["event"] == event]


def can_go_on(page: Page, action: str = "Recommencer") -> str:
    """One button or link that says so, and a reference: the reference."""
    said = [text for text, _ in page.links] + page.buttons
    assert said.count(action) == 1, said
    found = _REFERENCE.search(page.text)
    assert found, page.text
    return found[1]


@contextmanager
def parts(
    folder: Path,
    *,
    routes: str = "",
    changes: dict[str, str] | None = None,
    policies: dict[str, str] | None = None,
    broker: bool = False,
    serve: bool = True,
    seen_by: Callable[[ASGIApp], ASGIApp] = lambda app: app,
) -> Iterator[Parts]:
    """All of them up; without `serve`, all but the gateway itself. Userinfo and keys of FranceConnect have servers of their own, to be killed alone.

    `seen_by` is put around the legacy application.
    """
    sockets = bound_sockets(6)
    ports = [each.getsockname()[1] for each in sockets]
    base = "http://127.0.0.1:{}/api/v2"
    issuer = f"issuer: {base.format(ports[1])}"
    changes = (changes or {}) | {
        issuer: f"{issuer}\n    userinfo_endpoint: {base.format(ports[4])}/userinfo"
        f"\n    jwks_uri: {base.format(ports[5])}/jwks"
    }
    files = configuration(folder, ports[:4], routes=routes, changes=changes, policies=policies)
    settings = load(files, secrets())
    clock, provider_clock = MovedClock(), MovedClock()
    franceconnect, api = sandbox(settings, provider_clock, broker=broker)
    world = World(settings, clock, franceconnect, api, folder, io.StringIO(), io.StringIO())

    async def sleep(seconds: float) -> None:
        world.slept.append(seconds)

    outside = Outside(clock=clock, sleep=sleep, log_stream=world.logs, audit_stream=world.audit, quick_lane=lanes.quick)
    legacy = seen_by(legacy_app(f"{settings.public_url}/_gateway/keys"))
    apps = [franceconnect.app, franceconnect.app, franceconnect.app, api.app, legacy]
    kept = [sockets[1], sockets[4], sockets[5], sockets[2], sockets[3]]
    around = [Part(app, each) for app, each in zip(apps, kept, strict=True)]
    provider, userinfo, jwks, households, applications = around
    running = Parts(world, provider, userinfo, jwks, households, applications, provider_clock)
    try:
        for part in around:
            part.start()
        with served([(build(settings, outside), sockets[0])] if serve else []):
            yield running
    finally:
        for part in around:
            part.stop()
        for person in world.people:
            person.client.close()
        for each in sockets:
            each.close()
