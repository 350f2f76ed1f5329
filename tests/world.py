"""The whole product on loopback sockets: the real gateway, the shipped configuration, the sandbox around it."""

import asyncio
import io
import json
import re
import shutil
import socket
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import uvicorn
import uvloop

from gateway.adapters.chance import new_token
from gateway.adapters.keys import generate_pem
from gateway.app import Application, build
from gateway.assembly import Outside
from gateway.cli.demo import FC_CLIENT_ID
from gateway.config.gateway_file import load
from gateway.core.model import Need
from gateway.ports import Sleep
from gateway.sandbox.api_particulier import SandboxApiParticulier
from gateway.sandbox.franceconnect import SandboxClient, SandboxFranceConnect
from gateway.sandbox.legacy import legacy_app
from gateway.settings import Settings
from tests.browser import Page, Person
from tests.shipped import without_disputes

ROOT = Path(__file__).resolve().parents[1]

FC_SECRET = "5" * 64
API_TOKEN = "t" * 64


class Lanes:
    """Which way requests take when a test does not say it; the fixture `lane` sets it."""

    quick = True
    loop_factory: Callable[[], asyncio.AbstractEventLoop] = staticmethod(uvloop.new_event_loop)


lanes = Lanes()


class MovedClock:
    """Real time plus what a test adds: nothing sleeps."""

    def __init__(self) -> None:
        self.ahead_s = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead_s


@dataclass
class World:
    settings: Settings
    clock: MovedClock
    franceconnect: SandboxFranceConnect
    api: SandboxApiParticulier
    folder: Path
    logs: io.StringIO
    audit: io.StringIO
    people: list[Person] = field(default_factory=list)
    slept: list[float] = field(default_factory=list)
    application: Application | None = field(default=None, repr=False)
    transport: httpx.BaseTransport | None = None

    @property
    def url(self) -> str:
        return self.settings.public_url

    def person(self) -> Person:
        self.people.append(Person(self.url, self.transport))
        return self.people[-1]

    def sign_in(self, person: Person, path: str, login: str) -> Page:
        """From the protected page to wherever the callback leads."""
        page = person.press(person.visit(path), "S’identifier avec")
        page = self.choose(person, page, login)
        return person.press(page, "Continuer")

    def choose(self, person: Person, page: Page, login: str) -> Page:
        for form in page.forms:
            for _, name, value in form.buttons:
                if login in (value, *form.fields.values()):
                    return person.send(page, form, {name: value} if name else {})
        raise AssertionError(f"no identity {login}: {page.text[:500]}")

    def reload(self, settings: Settings) -> None:
        """Other settings for the running gateway, as SIGHUP does it."""
        application = self.application
        assert application is not None
        assert application._front is not None, "nobody has connected yet"
        asyncio.run_coroutine_threadsafe(application.reload(settings), application._front._loop).result(10)

    def audited(self, policy: str, count: int) -> list[dict[str, object]]:
        """The audit lines of a policy, once there are as many: a line is written when the answer is complete."""
        deadline = time.monotonic() + 5
        while True:
            lines = [json.loads(line) for line in self.audit.getvalue().splitlines()]
            found = [line for line in lines if line["policy"] == policy]
            if len(found) >= count or time.monotonic() > deadline:
                return found
            time.sleep(0.01)

    def written(self) -> str:
        """Everything that the gateway wrote outside its answers: logs, audit, files."""
        files = [path.read_bytes().decode("latin-1") for path in sorted(self.folder.rglob("*.db*"))]
        return "\n".join([self.logs.getvalue(), self.audit.getvalue(), *files])


def bound_sockets(count: int) -> list[socket.socket]:
    """Sockets that keep their port from the moment it is chosen: two runs at once never meet."""
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        # With this option a gateway process can listen where the port is only kept.
        each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        each.bind(("127.0.0.1", 0))
    return sockets


def free_port() -> int:
    """For a server that cannot be handed a socket."""
    (reserved,) = bound_sockets(1)
    with reserved:
        return int(reserved.getsockname()[1])


def configuration(
    folder: Path,
    ports: list[int],
    *,
    routes: str = "",
    policies: dict[str, str] | None = None,
    changes: dict[str, str] | None = None,
) -> Path:
    """The shipped files with this run's ports, without disputes; `routes` and `policies` are added to them."""
    shutil.copytree(ROOT / "policies", folder / "policies")
    text = without_disputes()
    for shipped, port in zip((8000, 8101, 8102, 8103), ports, strict=True):
        text = re.sub(rf"\b{shipped}\b", str(port), text)
    for before, after in (changes or {}).items():
        assert before in text, before
        text = text.replace(before, after)
    path = folder / "gateway.yaml"
    path.write_text(text + routes.replace("UPSTREAM", f"http://127.0.0.1:{ports[3]}"), encoding="utf-8")
    for name, policy in (policies or {}).items():
        (folder / "policies" / f"{name}.yaml").write_text(policy, encoding="utf-8")
    return path


def secrets() -> dict[str, str]:
    """The environment of one run."""
    return {
        "FC_CLIENT_ID": FC_CLIENT_ID,
        "FC_CLIENT_SECRET": FC_SECRET,
        "SESSION_SECRET": "s" * 64,
        "SIGNING_KEY": generate_pem().decode(),
        "API_PARTICULIER_TOKEN": API_TOKEN,
        "DISPUTES_KEY": "d" * 64,
        "AGENTS_CLIENT_ID": "sandbox-agents",
        "WEBHOOK_SECRET": "w" * 64,
    }


def sandbox(
    settings: Settings, clock: MovedClock, *, broker: bool = False
) -> tuple[SandboxFranceConnect, SandboxApiParticulier]:
    """The two that the gateway of these settings calls."""
    provider = settings.providers[0]
    client = SandboxClient(
        client_id=provider.client_id,
        client_secret=provider.client_secret,
        redirect_uris=(provider.redirect_uri,),
        post_logout_redirect_uris=(provider.post_logout_redirect_uri,),
        name=settings.authority.name,
    )
    franceconnect = SandboxFranceConnect(provider.issuer, [client], clock, new_token)
    scopes = [str(need) for need in Need]
    return franceconnect, SandboxApiParticulier(franceconnect, {API_TOKEN: scopes}, clock, broker=broker)


@contextmanager
def running(
    folder: Path,
    *,
    broker: bool = False,
    quick_lane: bool | None = None,
    sleep: Sleep | None = None,
    **files: object,
) -> Iterator[World]:
    """Start everything, hand over the world, stop everything. Without the quick lane, ASGI answers every request.

    The gateway never really sleeps unless `sleep` says how.
    """
    quick_lane = lanes.quick if quick_lane is None else quick_lane
    sockets = bound_sockets(4)
    ports = [each.getsockname()[1] for each in sockets]
    config = configuration(folder, ports, **files)  # type: ignore[arg-type]
    settings = load(config, secrets())
    clock = MovedClock()
    franceconnect, api = sandbox(settings, clock, broker=broker)
    world = World(settings, clock, franceconnect, api, folder, io.StringIO(), io.StringIO())

    async def noted(seconds: float) -> None:
        world.slept.append(seconds)

    outside = Outside(
        clock=clock, sleep=sleep or noted, log_stream=world.logs, audit_stream=world.audit, quick_lane=quick_lane
    )
    world.application = build(settings, outside)
    apps = [world.application, franceconnect.app, api.app, legacy_app(f"{settings.public_url}/_gateway/keys")]
    with served(list(zip(apps, sockets, strict=True))):
        try:
            yield world
        finally:
            for person in world.people:
                person.client.close()


def _run(serving: Coroutine[Any, Any, None]) -> None:
    """On the loop that production has."""
    with asyncio.Runner(loop_factory=lanes.loop_factory) as runner:
        runner.run(serving)


@contextmanager
def served(apps: list[tuple[object, socket.socket]]) -> Iterator[None]:
    servers = [
        uvicorn.Server(
            uvicorn.Config(
                app,  # type: ignore[arg-type]
                http=app.connection if isinstance(app, Application) else "httptools",  # type: ignore[arg-type]
                ws="none",
                lifespan="on" if isinstance(app, Application) else "off",
                access_log=False,
                log_config=None,
                proxy_headers=False,
                server_header=False,
            )
        )
        for app, _ in apps
    ]

    async def serve() -> None:
        await asyncio.gather(*(server.serve([own]) for server, (_, own) in zip(servers, apps, strict=True)))

    thread = threading.Thread(target=lambda: _run(serve()), daemon=True)
    thread.start()
    deadline = time.monotonic() + 20
    while not all(server.started for server in servers):
        if not thread.is_alive() or time.monotonic() > deadline:
            raise RuntimeError("a server did not start")
        time.sleep(0.02)
    try:
        yield
    finally:
        for server in servers:
            server.should_exit = True
        thread.join(20)
