"""What gateway processes share through their store, and what is left when some of it is killed. All of it real processes."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

import pytest

from gateway.sandbox.identities import MATCHING, PARENT, identities
from tests.browser import Person
from tests.processes import Gateway, accepted, gateway, start, stop, until
from tests.redis_servers import Server, needs_redis, redis_server
from tests.world import ROOT, secrets

REVOKED_S = 1.0
"""Within which every process obeys (FRESH_S and the time of one answer)."""

STORE = "store: sqlite:var/sessions.db"


@contextmanager
def stored_in_redis(
    folder: Path, workers: int, *, changes: dict[str, str] | None = None, program: str = "redis", **files: Any
) -> Iterator[tuple[Server, Gateway]]:
    """A gateway, and a Redis that writes down what it acknowledges."""
    with redis_server(folder / "redis", "appendonly yes", program=program) as server:
        stored = {STORE: f"store: {server.url}"} | (changes or {})
        with gateway(folder, workers=workers, changes=stored, **files) as running:
            yield server, running


def cookies_of(person: Person) -> str:
    return "; ".join(f"{cookie.name}={cookie.value}" for cookie in person.client.cookies.jar)


def ask(connection: HTTPConnection, port: int, path: str, cookie: str = "", **headers: str) -> tuple[int, bytes]:
    named = {"Host": f"localhost:{port}", "Accept": "application/json", "Sec-Fetch-Mode": "cors", "Cookie": cookie}
    connection.request("GET", path, headers={**named, **headers})
    answer = connection.getresponse()
    return answer.status, answer.read()


def who(connection: HTTPConnection, port: int, cookie: str) -> tuple[int, str]:
    status, body = ask(connection, port, "/compte/", cookie)
    return status, json.loads(body)["headers"]["x-usager-id"] if status == 200 else ""


@dataclass
class Two:
    """Two gateways of two workers each, on 127.0.0.1 and 127.0.0.2."""

    first: Gateway
    second: "subprocess.Popen[bytes]"
    environ: dict[str, str]
    server: Server

    def workers(self) -> dict[int, str]:
        """Every process that serves, and the address it listens on."""
        children = Path(f"/proc/{self.second.pid}/task/{self.second.pid}/children").read_text().split()
        return {**dict.fromkeys(self.first.workers(), "127.0.0.1"), **{int(pid): "127.0.0.2" for pid in children}}

    def to(self, worker: int, address: str) -> HTTPConnection:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            connection = HTTPConnection(address, self.first.port, timeout=10)
            connection.connect()
            until(lambda: any(accepted(pid, connection) for pid in self.workers()))  # noqa: B023 - called at once
            if accepted(worker, connection):
                return connection
            connection.close()
        raise AssertionError("a worker accepts nothing")

    def command(self, *words: str, of: str = "sessions") -> str:
        config = ("--config", str(self.first.config))
        words = (*config, *words) if of == "disputes" else (*words, *config)
        done = subprocess.run(
            [sys.executable, "-m", "gateway", of, *words],
            cwd=ROOT, env={**os.environ, **self.environ}, check=True, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        return done.stdout.strip()


@pytest.fixture
def two(tmp_path: Path) -> Iterator[Two]:
    with two_gateways(tmp_path) as running:
        yield running


@contextmanager
def two_gateways(folder: Path, **files: Any) -> Iterator[Two]:
    environ = secrets()
    with stored_in_redis(folder, workers=2, environ=environ, **files) as (server, first):
        config = folder / "second.yaml"
        text = first.config.read_text(encoding="utf-8")
        config.write_text(text.replace("listen: 127.0.0.1:", "listen: 127.0.0.2:"), encoding="utf-8")
        second = start(config, environ, 2)
        try:
            until(lambda: first.said.count("Application startup complete") >= 4, 40)
            yield Two(first, second, environ, server)
        finally:
            stop(second)


@needs_redis
def test_four_workers_of_two_gateways_share_sessions_and_revocations(two: Two) -> None:
    world, port = two.first.world, two.first.port
    people = [world.person() for _ in range(3)]
    for person, login in zip(people, (MATCHING, MATCHING, PARENT), strict=True):
        assert world.sign_in(person, "/compte/", login).status == 200
    mine, also_mine, theirs = (cookies_of(person) for person in people)
    connections = [two.to(worker, address) for worker, address in two.workers().items()]
    assert len(connections) == 4
    seen = [[who(connection, port, cookie) for connection in connections] for cookie in (mine, also_mine, theirs)]
    assert all(len(set(answers)) == 1 and answers[0][0] == 200 for answers in seen)
    sub, other = seen[0][0][1], seen[2][0][1]
    assert sub == seen[1][0][1] != other
    assert two.command("count") == "3 open"
    with used(connections, port, mine) as obeyed:
        assert two.command("revoke", "--user", sub, "--provider", "franceconnect") == "2 revoked"
        obeyed()
    assert [who(connection, port, also_mine)[0] for connection in connections] == [401] * 4
    assert [who(connection, port, theirs) for connection in connections] == [(200, other)] * 4
    with used(connections, port, theirs) as obeyed:
        people[2].press(people[2].visit("/_gateway/logout"), "Se déconnecter")
        obeyed()
    assert two.command("count") == "0 open"
    for connection in connections:
        connection.close()


def served(connection: HTTPConnection, port: int, cookie: str) -> bool:
    try:
        return who(connection, port, cookie)[0] == 200
    except (HTTPException, OSError):
        # An answer under way ends with its session.
        return False


@contextmanager
def used(connections: list[HTTPConnection], port: int, cookie: str) -> Iterator[Callable[[], None]]:
    """A session in constant use through each worker; the word says that it was ended, and waits for all to obey."""
    ended: list[float] = []
    late: list[float] = []

    def use(connection: HTTPConnection) -> None:
        while True:
            began = time.monotonic()
            if not served(connection, port, cookie):
                return
            if ended and began > ended[0] + REVOKED_S:
                late.append(began - ended[0])
            time.sleep(0.005)  # The two cores are for those who serve.

    threads = [threading.Thread(target=use, args=(each,), daemon=True) for each in connections]
    for thread in threads:
        thread.start()

    def obeyed() -> None:
        ended.append(time.monotonic())
        for thread in threads:
            thread.join(10)

    yield obeyed
    assert not any(thread.is_alive() for thread in threads)
    assert late == []


@dataclass
class Town:
    """People who sign in and come back, all the time, and what they were told."""

    running: Gateway
    told: dict[str, str] = field(default_factory=dict)
    """Cookie → name of whose it is, once a login was acknowledged."""
    wrong: list[str] = field(default_factory=list)
    answers: int = 0
    refused: int = 0
    over: threading.Event = field(default_factory=threading.Event)

    def sign_in(self, login: str) -> None:
        name = str(identities()[login].claims["family_name"])
        while not self.over.is_set():
            person = Person(self.running.world.url)
            try:
                page = self.running.world.sign_in(person, "/compte/", login)
                if page.status == 200 and "/compte/" in page.path:
                    self.told[cookies_of(person)] = name
            except Exception:  # noqa: BLE001 - a page of trouble, or a connection that broke: they try again
                self.refused += 1
            person.client.close()

    def come_back(self) -> None:
        while not self.over.is_set():
            for cookie, name in list(self.told.items()):
                self.look(cookie, name, lasting=False)
            self.over.wait(0.01)

    def look(self, cookie: str, name: str, *, lasting: bool) -> None:
        try:
            connection = HTTPConnection("127.0.0.1", self.running.port, timeout=15)
            status, body = ask(connection, self.running.port, "/compte/", cookie)
            connection.close()
        except OSError:
            status, body = 0, b""
        except Exception as error:  # noqa: BLE001 - HTTPException: cut short
            status, body = 0, repr(error).encode()
        if status == 200:
            self.answers += 1
            found = json.loads(body)["headers"]["x-usager-nom"]
            if found != name:
                self.wrong.append(f"{name} was served as {found}")
        elif status == 401 or lasting:
            self.wrong.append(f"{name} was answered {status}")
        else:
            self.refused += 1


@contextmanager
def town(running: Gateway) -> Iterator[Town]:
    lived = Town(running)
    doing: list[tuple[Callable[..., None], tuple[str, ...]]] = [(lived.come_back, ())] * 2
    doing += [(lived.sign_in, (login,)) for login in (MATCHING, PARENT, "nom_composé")]
    threads = [threading.Thread(target=what, args=words, daemon=True) for what, words in doing]
    for thread in threads:
        thread.start()
    try:
        yield lived
    finally:
        lived.over.set()
        for thread in threads:
            thread.join(40)
    assert not any(thread.is_alive() for thread in threads)


def went_on(lived: Town, people: int = 4) -> None:
    known, answers = len(lived.told), lived.answers
    until(lambda: len(lived.told) >= known + people and lived.answers > answers + 20, 60)


@pytest.mark.slow
def test_workers_killed_under_load_lose_no_acknowledged_session_and_cross_nobody(tmp_path: Path) -> None:
    with gateway(tmp_path, workers=3) as running:
        with town(running) as lived:
            for _ in range(4):
                went_on(lived)
                victim = running.workers()[0]
                os.kill(victim, signal.SIGKILL)
                until(lambda: len(running.workers()) == 3 and victim not in running.workers(), 20)  # noqa: B023
            went_on(lived)
        for cookie, name in lived.told.items():
            lived.look(cookie, name, lasting=True)
    assert lived.wrong == []
    assert len(lived.told) >= 20


@pytest.mark.slow
@needs_redis
def test_redis_killed_under_load_loses_no_acknowledged_session_and_crosses_nobody(tmp_path: Path) -> None:
    with stored_in_redis(tmp_path, workers=2) as (server, running):
        with town(running) as lived:
            for _ in range(2):
                went_on(lived)
                server.kill()
                refused = lived.refused
                until(lambda: lived.refused > refused + 4, 30)  # noqa: B023
                server.start()
            went_on(lived)
            os.kill(running.workers()[0], signal.SIGKILL)
            went_on(lived)
        for cookie, name in lived.told.items():
            lived.look(cookie, name, lasting=True)
    assert lived.wrong == []
    assert len(lived.told) >= 16


@needs_redis
def test_without_its_redis_the_gateway_says_so_stays_alive_and_goes_on_when_it_is_back(tmp_path: Path) -> None:
    with stored_in_redis(tmp_path, workers=1) as (server, running):
        person = running.world.person()
        assert running.world.sign_in(person, "/compte/", MATCHING).status == 200
        cookie, port = cookies_of(person), running.port
        connection = running.connection()
        assert ask(connection, port, "/_gateway/health/ready")[0] == 200
        server.kill()
        _down(person, connection, port, cookie)
        server.start()
        assert ask(connection, port, "/_gateway/health/ready")[0] == 200
        assert who(connection, port, cookie)[0] == 200
        assert person.visit("/compte/").status == 200
        assert running.said.count("Application startup complete") == 1
        assert '"code": "session_store_unavailable"' in running.said


def _down(person: Person, connection: HTTPConnection, port: int, cookie: str) -> None:
    until(lambda: ask(connection, port, "/compte/", cookie)[0] == 503)
    status, body = ask(connection, port, "/compte/", cookie)
    assert (status, json.loads(body)["code"]) == (503, "session_store_unavailable")
    page = person.visit("/compte/")
    assert page.status == 503
    assert "momentanément indisponible" in page.text
    assert page.response.headers["cache-control"] == "no-store"
    assert "set-cookie" not in page.response.headers
    assert ask(connection, port, "/_gateway/health/live")[0] == 200
    assert ask(connection, port, "/_gateway/health/ready")[0] == 503
    assert ask(connection, port, "/")[0] == 200


@needs_redis
def test_a_full_redis_lets_nobody_new_in_and_nobody_out(tmp_path: Path) -> None:
    with stored_in_redis(tmp_path, workers=1) as (server, running):
        inside, outside = running.world.person(), running.world.person()
        assert running.world.sign_in(inside, "/compte/", MATCHING).status == 200
        server.asked("CONFIG", "SET", "maxmemory", 1)
        page = outside.press(outside.visit("/compte/"), "S’identifier avec")
        assert page.status == 503
        assert "rien d’autre n’est perdu" in page.text
        assert inside.visit("/compte/").status == 200
        inside.press(inside.visit("/_gateway/logout"), "Se déconnecter")
        assert "S’identifier" in inside.visit("/compte/").text
        server.asked("CONFIG", "SET", "maxmemory", 0)
        assert running.world.sign_in(outside, "/compte/", PARENT).status == 200
