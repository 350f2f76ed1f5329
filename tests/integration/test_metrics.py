"""The admin listener of real processes: what it counts, what survives a worker, who can reach it."""

import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.sandbox.identities import MATCHING
from tests.metrics import ADMIN, counted, parsed, scrape, total
from tests.processes import Gateway, gateway, get, start, stop, until
from tests.world import bound_sockets, configuration, secrets


@pytest.fixture(params=[1, 2], ids=["one process", "two workers"])
def either(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Gateway]:
    with gateway(tmp_path, workers=request.param, changes=ADMIN) as running:
        yield running


@pytest.fixture
def two(tmp_path: Path) -> Iterator[Gateway]:
    with gateway(tmp_path, workers=2, changes=ADMIN) as running:
        yield running


def _of(running: Gateway, name: str, **labels: str) -> float:
    return counted(running.config.parent, name, **labels)


def test_a_whole_journey_is_counted_once_wherever_it_was_served(either: Gateway) -> None:
    person = either.world.person()
    page = either.world.sign_in(person, "/compte/", MATCHING)
    assert page.status == 200
    until(lambda: _of(either, "gateway_decisions_total", policy="signed-in", outcome="allow") == 1)
    samples = parsed(scrape(either.config.parent).text)
    assert total(samples, "gateway_decisions_total", policy="signed-in", outcome="authenticate") == 1
    assert total(samples, "gateway_logins_total", provider="franceconnect", outcome="done") == 1
    assert total(samples, "gateway_logins_total") == 1
    assert total(samples, "gateway_provider_seconds_count", provider="franceconnect") == 1
    assert total(samples, "gateway_upstream_answers_total", **{"class": "2xx"}) == 1
    assert total(samples, "gateway_upstream_wait_seconds_count") == 1
    assert 0 < total(samples, "gateway_upstream_wait_seconds_sum") < 5
    assert total(samples, "gateway_workers") == either.several
    assert total(samples, "gateway_config_reload_successful") == 1


def test_every_worker_s_requests_are_in_the_sum(two: Gateway) -> None:
    for connection in two.each():
        for _ in range(5):
            assert get(connection, "/")[0] == 200
    until(lambda: _of(two, "gateway_decisions_total", policy="public") == 10)


def test_what_a_killed_worker_counted_is_neither_lost_nor_doubled(two: Gateway) -> None:
    """Killed in the same instant as its answer arrives, without a scrape in between: only that one may be missing."""
    first = two.workers()[0]
    connection = two.to(first)
    for _ in range(7):
        assert get(connection, "/")[0] == 200
    os.kill(first, signal.SIGKILL)
    until(lambda: first not in two.workers() and two.said.count("Application startup complete") == 3)
    counted_before = _of(two, "gateway_decisions_total", policy="public")
    assert counted_before in {6, 7}
    assert _of(two, "gateway_upstream_wait_seconds_count") in {6, 7}
    assert _of(two, "gateway_worker_ends_total") == 1
    for connection in two.each():
        assert get(connection, "/")[0] == 200
    until(lambda: _of(two, "gateway_decisions_total", policy="public") == counted_before + 2)
    assert _of(two, "gateway_workers") == 2


def test_a_session_in_use_is_a_gauge_that_ends_with_its_worker(two: Gateway) -> None:
    person = two.world.person()
    two.world.sign_in(person, "/compte/", MATCHING)
    # The first request writes to the session what the service received, and reads it anew at the next.
    person.visit("/compte/")
    until(lambda: _of(two, "gateway_sessions_open") >= 1)
    for worker in two.workers():
        os.kill(worker, signal.SIGKILL)
    until(lambda: two.said.count("Application startup complete") == 4)
    assert _of(two, "gateway_sessions_open") == 0


def test_metrics_are_never_on_the_public_listener(either: Gateway) -> None:
    connection = either.connection()
    # The public route takes `/metrics` as any path of the application; our own prefix has none.
    assert b"gateway_decisions_total" not in get(connection, "/metrics")[1]
    assert get(connection, "/_gateway/metrics")[0] == 404
    assert scrape(either.config.parent).status_code == 200


def test_the_admin_listener_has_no_other_page(either: Gateway) -> None:
    for path in ("/", "/_gateway/login", "/metrics/", "/_gateway/health/live"):
        assert scrape(either.config.parent, path).status_code == 404, path


def test_a_reload_is_counted_with_its_result(either: Gateway) -> None:
    folder = either.config.parent
    before = parsed(scrape(folder).text)
    either.change("policy: public}", "policy: pblic}")
    either.signal(signal.SIGHUP)
    until(lambda: _of(either, "gateway_config_reloads_total", result="refused") == 1)
    assert _of(either, "gateway_config_reload_successful") == 0
    assert _version(parsed(scrape(folder).text)) == _version(before)
    either.change("policy: pblic}", "policy: public} # again")
    either.signal(signal.SIGHUP)
    until(lambda: _of(either, "gateway_config_reloads_total", result="done") == 1)
    assert _of(either, "gateway_config_reload_successful") == 1
    assert _version(parsed(scrape(folder).text)) != _version(before)


def _version(samples: dict[tuple[str, tuple[tuple[str, str], ...]], float]) -> set[tuple[tuple[str, str], ...]]:
    return {labels for name, labels in samples if name == "gateway_config_info"}


def test_invented_paths_and_queries_add_no_series(either: Gateway) -> None:
    connection = either.connection()
    get(connection, "/page")
    get(connection, "/_gateway/nothing")
    before = len(parsed(scrape(either.config.parent).text))
    for number in range(100):
        get(connection, f"/page-{number}?q={number}")
        get(connection, f"/_gateway/unknown-{number}")
    assert len(parsed(scrape(either.config.parent).text)) <= before + 2


def test_the_listener_may_be_a_port_and_goes_with_the_gateway(tmp_path: Path) -> None:
    (admin,) = bound_sockets(1)
    port = admin.getsockname()[1]
    change = {"sessions:": f"admin: {{listen: 127.0.0.1:{port}}}\nsessions:"}
    admin.close()
    with gateway(tmp_path, workers=2, changes=change) as running:
        assert f"metrics on 127.0.0.1:{port}" in running.said
        with socket.create_connection(("127.0.0.1", port)) as asking:
            asking.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            assert asking.recv(15) == b"HTTP/1.1 200 OK"
        assert stop(running.process) == 0
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", port)) != 0


def test_a_port_that_is_taken_is_said_and_nothing_starts(tmp_path: Path) -> None:
    sockets = bound_sockets(4)
    taken = socket.create_server(("127.0.0.1", 0))
    change = {"sessions:": f"admin: {{listen: 127.0.0.1:{taken.getsockname()[1]}}}\nsessions:"}
    config = configuration(tmp_path, [each.getsockname()[1] for each in sockets], changes=change)
    process = start(config, secrets(), 1)
    assert process.wait(20) == 1
    assert "cannot listen on 127.0.0.1" in (tmp_path / "stderr").read_text()
    for each in (*sockets, taken):
        each.close()


def test_without_admin_there_is_no_listener(tmp_path: Path) -> None:
    with gateway(tmp_path, workers=2) as running:
        assert not (tmp_path / "admin.sock").exists()
        assert "metrics on" not in running.said
