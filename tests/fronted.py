"""A running gateway with a canary behind it, and the questions that tests ask of both."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from gateway.sandbox.identities import MATCHING
from tests.browser import Person
from tests.canary import Canary, polite
from tests.processes import Gateway, gateway
from tests.wire import Answered, Raw
from tests.world import World, running

_ROUTES = """
  - {path: /pub/, upstream: "http://127.0.0.1:CANARY", policy: public, name: pub}
  - {path: /app/, upstream: "http://127.0.0.1:CANARY", policy: signed-in, name: app}
  - {path: /small/, upstream: "http://127.0.0.1:CANARY", policy: public, name: small, max_body_bytes: 1000}
  - {path: /plain/, upstream: "http://127.0.0.1:CANARY", policy: public, name: plain, sign: none}
  - {path: /strip/, upstream: "http://127.0.0.1:CANARY", policy: public, name: strip, strip_prefix: /strip}
  - {path: /loose/, upstream: "http://127.0.0.1:CANARY", policy: public, name: loose, allow_in_path: [semicolon, encoded_slash]}
  - {path: /ws/, upstream: "http://127.0.0.1:CANARY", policy: public, name: ws, websocket: true}
  - {path: /app/ws/, upstream: "http://127.0.0.1:CANARY", policy: signed-in, name: app-ws, websocket: true}
  - {path: /stream/, upstream: "http://127.0.0.1:CANARY", policy: public, name: stream, body: unbound}
  - {path: /narrow/, upstream: "http://127.0.0.1:CANARY", policy: public, name: narrow, body: unbound, max_body_bytes: 1000}
"""


@dataclass
class Fronted:
    """A running gateway with a canary behind it."""

    world: World
    canary: Canary
    _logs_at: int = field(default=0)
    _cookie: bytes = field(default=b"", repr=False)

    @property
    def authority(self) -> bytes:
        return self.world.url.partition("://")[2].encode("ascii")

    @property
    def port(self) -> int:
        return int(self.authority.rpartition(b":")[2])

    def fill(self, template: bytes) -> bytes:
        """`HOST` is where the gateway answers."""
        return template.replace(b"HOST", self.authority)

    def raw(self) -> Raw:
        return Raw(self.port)

    def ask(self, template: bytes, method: str = "GET") -> Answered:
        """One request on a connection of its own."""
        with self.raw() as raw:
            return raw.send(self.fill(template)).answer(method)

    def forget(self) -> None:
        self.canary.forget()
        self._logs_at = len(self.world.logs.getvalue())

    def logged(self, event: str) -> list[dict[str, object]]:
        """The log lines of one kind since `forget`."""
        lines = self.world.logs.getvalue()[self._logs_at :].splitlines()
        return [line for line in map(json.loads, lines) if line["event"] == event]

    def nothing_was_forwarded(self) -> None:
        """A legal request follows: what was sent upstream before it would be seen before it."""
        self.canary.script = polite
        answer = self.ask(b"GET /pub/fence HTTP/1.1\r\nHost: HOST\r\n\r\n")
        assert answer.status == 200, answer
        assert [seen.target for seen in self.canary.seen] == [b"/pub/fence"]
        assert self.canary.received.count(b"HTTP/1.") == 1
        assert not self.canary.mangled

    def person(self, login: str = MATCHING) -> tuple[Person, bytes]:
        """Somebody who has just signed in, and the Cookie line of their browser."""
        person = self.world.person()
        self.world.sign_in(person, "/compte/", login)
        pairs = [f"{name}={value}" for name, value in person.client.cookies.items() if "gateway" in name]
        return person, b"Cookie: " + "; ".join(pairs).encode("ascii")

    def cookie(self, login: str = MATCHING) -> bytes:
        return self.person(login)[1]

    @property
    def signed_in(self) -> bytes:
        """The same, once for all tests of a module: nobody may sign out of it."""
        if not self._cookie:
            self._cookie = self.cookie()
        return self._cookie


@contextmanager
def gateway_at(folder: Path, *, routes: str = "", limits: str = "", **files: object) -> Iterator[Fronted]:
    """The shipped gateway with routes to a canary; `routes` are more of them (`CANARY` is its port)."""
    with _canary() as canary, running(folder, routes=_routes(canary, routes, limits), **files) as world:  # type: ignore[arg-type]
        yield Fronted(world, canary)


@contextmanager
def gateway_process_at(folder: Path, *, routes: str = "", limits: str = "") -> Iterator[tuple[Fronted, Gateway]]:
    """The same as a process of its own, so that it can be measured, signalled and not disturbed."""
    with _canary() as canary, gateway(folder, workers=1, routes=_routes(canary, routes, limits)) as started:
        yield Fronted(started.world, canary), started


@contextmanager
def _canary() -> Iterator[Canary]:
    canary = Canary()
    try:
        yield canary
    finally:
        canary.close()


def _routes(canary: Canary, more: str, limits: str) -> str:
    return (_ROUTES + more).replace("CANARY", str(canary.port)) + f"\nlimits: {{{limits}}}\n"
