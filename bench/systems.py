"""What is measured: a name, an address, the processes behind it, and how its upstream must see a request."""

import http.client
import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from bench.processes import Tree

SESSIONS = 64
"""Different sessions that the connections of a run use in turn."""

Fields = Mapping[str, str]
"""A request's header fields as the upstream received them, names in lower case."""


class Wrong(Exception):
    """An answer that must not become a result: the text says what was seen."""


@dataclass(frozen=True)
class System:
    """One row of the tables."""

    name: str
    port: int
    trees: Sequence[Tree]
    """All that works for it; their CPU and memory are its own."""
    static: str = "/p/"
    """Path of what the nginx upstream serves."""
    tools: str = "/t/"
    """Path of uploads, streams and WebSocket."""
    cookies: Sequence[str] = ()
    """One Cookie header a session; none: the system knows nobody."""
    check: Callable[[Fields, str], None] = lambda fields, target: None
    """Raises Wrong unless the upstream saw the identity, and its signature, for `target`."""
    targets: Sequence[str] = ()
    """Paths used in turn instead of `static` (for many routes)."""
    tags: frozenset[str] = field(default_factory=frozenset)
    beside: Sequence[Tree] = ()
    """What it leans on (the server of its session store): told apart, never part of its own figures."""

    def cpu_s(self) -> float:
        return sum(tree.cpu_s() for tree in self.trees)

    def beside_cpu_s(self) -> float:
        return sum(tree.cpu_s() for tree in self.beside)

    def rss_bytes(self) -> int:
        return sum(tree.rss_bytes() for tree in self.trees)

    def pss_bytes(self) -> int:
        return sum(tree.pss_bytes() for tree in self.trees)

    def verify(self) -> None:
        """One request through the measured route: the upstream saw what it must, and nothing without a session.

        Raises: Wrong.
        """
        target = f"{(self.targets or [self.static])[0]}check"
        for cookie in self.cookies[:1] or [""]:
            status, body = fetch(self.port, target, cookie)
            if status != 200:
                raise Wrong(f"{self.name}: {target} answered {status}")
            seen = json.loads(body)
            if seen["target"] != target:
                raise Wrong(f"{self.name}: the upstream saw {seen['target']}")
            self.check({name.lower(): value for name, value in seen["fields"]}, target)
        if self.cookies:
            status, _ = fetch(self.port, target, "")
            if status not in {301, 302, 303, 307, 401, 403}:
                raise Wrong(f"{self.name}: {status} for a request without a session")


def fetch(port: int, target: str, cookie: str = "") -> tuple[int, bytes]:
    """Status and body of one GET."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request("GET", target, headers={"Cookie": cookie} if cookie else {})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def signed_in(login: Callable[[], str], count: int = SESSIONS) -> list[str]:
    """Cookies of `count` people who each went through the whole login."""
    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(lambda _: login(), range(count)))


def written(folder: Path, template: str, name: str, values: Mapping[str, object]) -> Path:
    """A file of `bench/peers` with each @NAME@ replaced, in the run's folder."""
    text = (Path(__file__).parent / "peers" / template).read_text(encoding="utf-8")
    for key, value in values.items():
        text = text.replace(f"@{key}@", str(value))
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path
