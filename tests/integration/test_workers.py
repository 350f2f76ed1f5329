"""Several workers, reload and shutdown, with real processes."""

import json
import os
import signal
import socket
import stat
import time
from collections.abc import Iterator
from http.client import HTTPConnection, RemoteDisconnected
from pathlib import Path

import pytest

from gateway.sandbox.identities import MATCHING
from tests.browser import Person
from tests.processes import Gateway, accepted, gateway, get, slow_upstream, start, stop, until
from tests.world import bound_sockets, configuration, secrets

LOGOUT_S = 1.0


@pytest.fixture
def two(tmp_path: Path) -> Iterator[Gateway]:
    with gateway(tmp_path, workers=2) as running:
        yield running


@pytest.fixture(params=[1, 2], ids=["one process", "two workers"])
def either(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Gateway]:
    with gateway(tmp_path, workers=request.param) as running:
        yield running


def _signed_in(running: Gateway) -> tuple[Person, str]:
    """A person, and the Cookie header of their browser."""
    person = running.world.person()
    page = running.world.sign_in(person, "/compte/", MATCHING)
    assert page.status == 200
    return person, "; ".join(f"{cookie.name}={cookie.value}" for cookie in person.client.cookies.jar)


def _identity(connection: HTTPConnection, cookie: str) -> tuple[int, str]:
    status, body = get(connection, "/compte/", Cookie=cookie)
    return status, json.loads(body)["headers"].get("x-usager-id", "") if status == 200 else ""


def test_a_login_through_one_worker_is_known_to_the_other_and_so_is_the_logout(two: Gateway) -> None:
    person, cookie = _signed_in(two)
    connections = two.each()
    seen = {_identity(connection, cookie) for connection in connections}
    assert len(seen) == 1
    assert {status for status, _ in seen} == {200}
    assert [get(connection, "/_gateway/mes-donnees", Cookie=cookie)[0] for connection in connections] == [200, 200]
    person.press(person.visit("/_gateway/logout"), "Se déconnecter")
    began = time.monotonic()
    while any(_serves(two, worker, cookie) for worker in two.workers()):
        assert time.monotonic() - began < LOGOUT_S
    connections = two.each()
    assert [_identity(connection, cookie)[0] for connection in connections] == [401, 401]
    # Our own pages never use what they read before.
    assert [get(connection, "/_gateway/mes-donnees", Cookie=cookie)[0] for connection in connections] == [303, 303]


def _serves(running: Gateway, worker: int, cookie: str) -> bool:
    try:
        return _identity(running.to(worker), cookie)[0] == 200
    except RemoteDisconnected:
        # An answer under way ends with its session.
        return False


def test_connections_are_spread_over_the_workers(two: Gateway) -> None:
    connections = [two.connection() for _ in range(64)]
    assert {get(connection, "/_gateway/health/live")[0] for connection in connections} == {200}
    counts = [accepted(worker, *connections) for worker in two.workers()]
    assert sum(counts) == 64
    assert min(counts) >= 12


def test_every_worker_publishes_the_same_keys(two: Gateway) -> None:
    answers = {get(connection, "/_gateway/keys") for connection in two.each()}
    assert len(answers) == 1


def test_a_killed_worker_is_replaced_and_service_goes_on(two: Gateway) -> None:
    _, cookie = _signed_in(two)
    first, second = two.workers()
    os.kill(first, signal.SIGKILL)
    until(lambda: first not in two.workers())
    # Whether it falls to the one that is left or waits for the new one.
    assert _identity(two.connection(), cookie)[0] == 200
    until(lambda: len(two.workers()) == 2 and two.said.count("Application startup complete") == 3)
    assert second in two.workers()
    assert [_identity(connection, cookie)[0] for connection in two.each()] == [200, 200]
    assert '"status": -9, "event": "worker_ended"' in two.said


def test_a_replacement_serves_what_its_neighbour_serves_whatever_the_file_became(two: Gateway) -> None:
    two.change("policy: public}", "policy: pblic}")
    first = two.workers()[0]
    os.kill(first, signal.SIGKILL)
    until(lambda: first not in two.workers() and two.said.count("Application startup complete") == 3)
    assert [get(connection, "/")[0] for connection in two.each()] == [200, 200]


def test_a_broken_file_changes_nothing_anywhere_and_is_explained(either: Gateway) -> None:
    connections = either.each()
    either.change(
        "  - {path: /, ", "  - {path: /nouveau/, upstream: 'http://127.0.0.1:9', policy: signd-in}\n  - {path: /, "
    )
    either.change("policy: famille}", "policy: famile}")
    either.signal(signal.SIGHUP)
    until(lambda: either.said_of("reload_refused"))
    assert "did you mean `signed-in`?" in either.said
    assert "did you mean `famille`?" in either.said
    line = next(n for n, text in enumerate(either.config.read_text().splitlines(), 1) if "famile}" in text)
    assert f"{either.config}:{line}: " in either.said
    assert '{"code": "config_invalid", "event": "reload_refused"' in either.said
    assert [get(connection, "/nouveau/")[0] for connection in connections] == [200] * either.several
    assert [get(connection, "/famille/")[0] for connection in connections] == [401] * either.several
    assert either.said_of("reloaded") == 0
    assert either.process.poll() is None


def test_a_good_file_changes_the_routes_of_every_worker(either: Gateway) -> None:
    connections = either.each()
    workers = either.workers()
    assert [get(connection, "/nouveau/")[0] for connection in connections] == [200] * either.several
    either.change(
        "  - {path: /, ", "  - {path: /nouveau/, upstream: 'http://127.0.0.1:9', policy: signed-in}\n  - {path: /, "
    )
    either.signal(signal.SIGHUP)
    until(lambda: either.said_of("reloaded") == either.several)
    # The connections are the ones from before, and the processes too.
    assert [get(connection, "/nouveau/")[0] for connection in connections] == [401] * either.several
    assert either.workers() == workers


def test_a_session_outlives_a_reload(either: Gateway) -> None:
    _, cookie = _signed_in(either)
    connections = either.each()
    before = {_identity(connection, cookie) for connection in connections}
    either.change("idle_s: 1800", "idle_s: 1700")
    either.signal(signal.SIGHUP)
    until(lambda: either.said_of("reloaded") == either.several)
    assert {_identity(connection, cookie) for connection in connections} == before


def test_what_a_reload_cannot_change_is_refused_by_name(either: Gateway) -> None:
    either.change("store: sqlite:var/sessions.db", "store: sqlite:var/others.db")
    either.change("listen: 127.0.0.1:", "listen: 127.0.0.2:")
    either.signal(signal.SIGHUP)
    until(lambda: either.said_of("reload_refused"))
    for name in ("listen", "sessions.store"):
        assert f"`{name}` cannot change by a reload\n  hint: restart the gateway" in either.said
    assert either.said_of("reloaded") == 0
    assert [get(connection, "/")[0] for connection in either.each()] == [200] * either.several


@pytest.mark.parametrize(
    ("workers", "number", "everybody"),
    [(1, signal.SIGTERM, False), (2, signal.SIGTERM, False), (2, signal.SIGINT, False), (2, signal.SIGTERM, True)],
)
def test_a_slow_request_ends_before_the_gateway_does(
    tmp_path: Path, workers: int, number: signal.Signals, everybody: bool
) -> None:
    """`everybody`: systemd tells each process, and the first one tells its workers again."""
    with slow_upstream() as (port, answer):
        route = f'  - {{path: /lent/, upstream: "http://127.0.0.1:{port}", policy: public}}\n'
        with gateway(tmp_path, workers=workers, routes=route) as running:
            waiting = running.each()
            for connection in waiting:
                connection.request("GET", "/lent/")
            sending = running.connection()
            sending.putrequest("POST", "/_gateway/logout")
            sending.putheader("Content-Type", "application/x-www-form-urlencoded")
            sending.putheader("Content-Length", "7")
            sending.endheaders(b"tok")
            time.sleep(0.3)  # Until the last of them is under way: no sign of it leaves the process.
            for worker in running.workers() if everybody else []:
                os.kill(worker, number)
            running.signal(number)
            until(lambda: _refused(running.port))
            assert running.process.poll() is None
            sending.send(b"en=x")
            assert sending.getresponse().status == 303
            answer()
            for connection in waiting:
                response = connection.getresponse()
                assert (response.status, response.read()) == (200, b"slowly")
            assert running.process.wait(10) == 0


def test_a_second_signal_ends_at_once(tmp_path: Path) -> None:
    with slow_upstream() as (port, _):
        route = f'  - {{path: /lent/, upstream: "http://127.0.0.1:{port}", policy: public}}\n'
        for workers in (1, 2):
            (tmp_path / str(workers)).mkdir()
            with gateway(tmp_path / str(workers), workers=workers, routes=route) as running:
                running.connection().request("GET", "/lent/")
                time.sleep(0.3)  # As above.
                running.signal(signal.SIGTERM)
                until(lambda running=running: _refused(running.port))  # type: ignore[misc]
                assert running.process.poll() is None
                running.signal(signal.SIGTERM)
                assert running.process.wait(5) == 0


def _refused(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def test_a_request_under_way_ends_with_what_it_began_with(tmp_path: Path) -> None:
    with slow_upstream() as (port, answer):
        route = f'  - {{path: /lent/, upstream: "http://127.0.0.1:{port}", policy: public}}\n'
        with gateway(tmp_path, workers=1, routes=route) as running:
            waiting = running.connection()
            waiting.request("GET", "/lent/")
            time.sleep(0.3)  # As above.
            running.change(route, "")
            running.signal(signal.SIGHUP)
            until(lambda: running.said_of("reloaded"))
            assert get(running.connection(), "/lent/")[1] != b"slowly"
            answer()
            response = waiting.getresponse()
            assert (response.status, response.read()) == (200, b"slowly")


def test_workers_that_end_at_once_end_the_gateway(two: Gateway) -> None:
    deadline = time.monotonic() + 40
    while two.process.poll() is None and time.monotonic() < deadline:
        for worker in two.workers():
            os.kill(worker, signal.SIGKILL)
        time.sleep(0.05)
    assert two.process.poll() == 1
    assert two.said_of("workers_given_up") == 1
    assert _refused(two.port)


def test_workers_do_not_outlive_the_process_that_watches_them(two: Gateway) -> None:
    workers = two.workers()
    two.process.kill()
    until(lambda: not any(_lives(worker) for worker in workers))
    assert _refused(two.port)


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_wrong_configuration_does_not_start_and_nothing_listens(tmp_path: Path) -> None:
    sockets = bound_sockets(4)
    ports = [each.getsockname()[1] for each in sockets]
    config = configuration(tmp_path, ports, changes={"policy: public}": "policy: pblic}"})
    process = start(config, secrets(), 2)
    assert process.wait(20) == 1
    assert "did you mean `public`?" in (tmp_path / "stderr").read_text()
    assert _refused(ports[0])
    for each in sockets:
        each.close()


def test_an_address_in_use_is_said(two: Gateway, tmp_path: Path) -> None:
    process = start(two.config, secrets(), 1)
    assert process.wait(20) == 1
    assert f"cannot listen on 127.0.0.1:{two.port}: Address already in use" in two.said
    assert get(two.connection(), "/")[0] == 200


class UnixConnection(HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=10)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(10)
        self.sock.connect(str(self._path))


def _unix_changes(folder: Path, trusted: str) -> dict[str, str]:
    return {"listen: 127.0.0.1:": "listen: unix:run.sock # ", "trusted_proxies: []": f"trusted_proxies: [{trusted}]"}


@pytest.mark.parametrize(("workers", "trusted", "client"), [(2, "unix", "198.51.100.7"), (1, "", None)])
def test_a_unix_socket_serves_the_group_alone_and_its_peer_is_believed_when_listed(
    tmp_path: Path, workers: int, trusted: str, client: str | None
) -> None:
    path = tmp_path / "run.sock"
    with gateway(tmp_path, workers=workers, changes=_unix_changes(tmp_path, trusted)) as running:
        assert stat.S_IMODE(path.stat().st_mode) == 0o660
        connection = UnixConnection(path)
        status, body = get(connection, "/", Host="localhost", X_Forwarded_For="198.51.100.7")
        connection.close()
        assert status == 200
        assert json.loads(body)["headers"].get("x-forwarded-for") == client
        assert stop(running.process) == 0
        assert not path.exists()


def test_a_stale_socket_is_replaced_and_one_in_use_is_not(tmp_path: Path) -> None:
    path = tmp_path / "run.sock"
    with gateway(tmp_path, workers=1, changes=_unix_changes(tmp_path, "unix")) as running:
        second = start(running.config, secrets(), 1)
        assert second.wait(20) == 1
        assert f"cannot listen on unix:{path}: Address already in use" in running.said
        running.process.kill()
        running.process.wait(5)
        assert path.is_socket()
        third = start(running.config, secrets(), 1)
        try:
            until(lambda: running.said.count("Application startup complete") == 2)
            connection = UnixConnection(path)
            assert get(connection, "/", Host="localhost")[0] == 200
            connection.close()
        finally:
            assert stop(third) == 0
        assert not path.exists()


def test_a_file_that_is_no_socket_is_left_alone(tmp_path: Path) -> None:
    sockets = bound_sockets(4)
    ports = [each.getsockname()[1] for each in sockets]
    (tmp_path / "run.sock").write_text("precious")
    process = start(configuration(tmp_path, ports, changes=_unix_changes(tmp_path, "unix")), secrets(), 1)
    assert process.wait(20) == 1
    assert "cannot listen on" in (tmp_path / "stderr").read_text()
    assert (tmp_path / "run.sock").read_text() == "precious"
    for each in sockets:
        each.close()
