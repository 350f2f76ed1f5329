"""Keys, secrets and reloads that go wrong, with real processes: nothing changes, and the log says where."""

import json
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.adapters.keys import generate_pem
from tests.parts import can_go_on
from tests.processes import Gateway, answering, gateway, get, mounted, start, until
from tests.world import bound_sockets, configuration, secrets

FROM_FILES = {
    "key: {env: SIGNING_KEY} ": "key: {file: signing.pem} ",
    "secrets: [{env: SESSION_SECRET}]": "secrets: [{file: session.secret}]",
}


@pytest.fixture(params=[1, 2], ids=["one process", "two workers"])
def either(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Gateway]:
    _write(tmp_path)
    with gateway(tmp_path, workers=request.param, changes=FROM_FILES) as running:
        yield running


def _write(folder: Path) -> None:
    (folder / "signing.pem").write_bytes(generate_pem())
    (folder / "session.secret").write_text("s" * 64)


def _kids(running: Gateway) -> set[str]:
    bodies = [get(connection, "/_gateway/keys")[1] for connection in running.each()]
    return {key["kid"] for body in bodies for key in json.loads(body)["keys"]}


@pytest.mark.parametrize("name", ["signing.pem", "session.secret"])
def test_a_key_that_cannot_be_read_at_the_start_is_said_with_its_line(tmp_path: Path, name: str) -> None:
    _write(tmp_path)
    (tmp_path / name).unlink()
    sockets = bound_sockets(4)
    config = configuration(tmp_path, [each.getsockname()[1] for each in sockets], changes=FROM_FILES)
    process = start(config, secrets(), 2)
    assert process.wait(20) == 1
    said = (tmp_path / "stderr").read_text()
    line = next(n for n, text in enumerate(config.read_text().splitlines(), 1) if name in text)
    assert f"{config}:{line}: the file {name} is not there" in said
    assert "Traceback" not in said
    for each in sockets:
        each.close()


@pytest.mark.parametrize("name", ["signing.pem", "session.secret"])
def test_a_reload_without_a_key_or_a_secret_changes_nothing(either: Gateway, name: str) -> None:
    folder, before = either.config.parent, _kids(either)
    (folder / name).rename(folder / "away")
    either.change("policy: famille}", "policy: public}")
    either.signal(signal.SIGHUP)
    until(lambda: either.said_of("reload_refused"))
    assert f"the file {name} is not there" in either.said
    assert _kids(either) == before
    assert [get(connection, "/famille/")[0] for connection in either.each()] == [401] * either.several
    (folder / "away").rename(folder / name)
    either.signal(signal.SIGHUP)
    until(lambda: either.said_of("reloaded") == either.several)
    assert [get(connection, "/famille/")[0] for connection in either.each()] == [200] * either.several


def test_a_key_that_is_no_key_any_more_changes_nothing(either: Gateway) -> None:
    before = _kids(either)
    (either.config.parent / "signing.pem").write_text("-----BEGIN PRIVATE KEY-----\nnot\n")
    either.signal(signal.SIGHUP)
    until(lambda: either.said_of("reload_refused"))
    assert "is not a private key in PEM" in either.said
    assert "-----BEGIN" not in either.said
    assert _kids(either) == before


def test_a_policy_that_cannot_be_opened_keeps_every_other_change_out(either: Gateway) -> None:
    policies = either.config.parent / "policies"
    (policies / "x.yaml").symlink_to("nowhere.yaml")
    either.change("policy: famille}", "policy: public}")
    either.signal(signal.SIGHUP)
    until(lambda: either.said_of("reload_refused"))
    assert f"{policies / 'x.yaml'}:0: cannot be read" in either.said
    assert "Traceback" not in either.said
    assert [get(connection, "/famille/")[0] for connection in either.each()] == [401] * either.several
    (policies / "x.yaml").rename(policies / ".#x.yaml")
    either.signal(signal.SIGHUP)
    until(lambda: either.said_of("reloaded") == either.several)
    assert [get(connection, "/famille/")[0] for connection in either.each()] == [200] * either.several


def test_one_broken_policy_keeps_every_other_change_out(either: Gateway) -> None:
    folder, before = either.config.parent, _kids(either)
    (folder / "signing.pem").write_bytes(generate_pem())
    policy = folder / "policies" / "famille.yaml"
    text = policy.read_text(encoding="utf-8")
    policy.write_text(text + "injekt: {X-A: identity.sub}\n", encoding="utf-8")
    either.change("policy: signed-in}", "policy: public}")
    either.signal(signal.SIGHUP)
    until(lambda: either.said_of("reload_refused"))
    assert f"{policy}:{len(text.splitlines()) + 1}: `injekt` is not a key that is known here" in either.said
    assert _kids(either) == before
    assert [get(connection, "/compte/")[0] for connection in either.each()] == [401] * either.several
    policy.write_text(text, encoding="utf-8")
    either.signal(signal.SIGHUP)
    until(lambda: either.said_of("reloaded") == either.several)
    assert _kids(either).isdisjoint(before)


def test_a_storm_of_reloads_loses_no_request_and_ends_with_the_last_file(either: Gateway) -> None:
    statuses: list[int] = []
    over = threading.Event()

    def ask() -> None:
        connection = either.connection()
        while not over.is_set():
            statuses.append(get(connection, "/")[0])

    asking = threading.Thread(target=ask)
    asking.start()
    workers = either.workers()
    for turn in range(30):
        if turn % 2:
            either.change("policy: pblic}", "policy: public}")
        else:
            either.change("policy: public}", "policy: pblic}")
        either.signal(signal.SIGHUP)
        get(either.connection(), "/_gateway/health/live")
    either.change("policy: famille}", "policy: public}")
    either.signal(signal.SIGHUP)
    until(lambda: all(get(connection, "/famille/")[0] == 200 for connection in either.each()))
    over.set()
    asking.join(10)
    assert set(statuses) == {200}
    assert either.workers() == workers


def test_a_name_that_moves_is_followed_without_a_restart(tmp_path: Path) -> None:
    """The system's own resolver, over a hosts file that only this gateway sees."""
    hosts = tmp_path / "hosts"
    hosts.write_text("127.0.0.1 localhost\n127.0.0.11 app.test\n")
    with answering("127.0.0.11", b"old") as port, answering("127.0.0.12", b"new", port):
        route = f'  - {{path: /nom/, upstream: "http://app.test:{port}", policy: public}}\n'
        inside = mounted(f"mount --bind {hosts} /etc/hosts")
        with gateway(tmp_path, workers=2, routes=route, inside=inside) as running:
            assert [get(connection, "/nom/")[1] for connection in running.each()] == [b"old", b"old"]
            hosts.write_text("127.0.0.1 localhost\n127.0.0.12 app.test\n")
            assert [get(connection, "/nom/")[1] for connection in running.each()] == [b"new", b"new"]


def test_a_name_that_is_gone_ends_on_a_page_and_comes_back(tmp_path: Path) -> None:
    hosts = tmp_path / "hosts"
    hosts.write_text("127.0.0.1 localhost\n")
    with answering("127.0.0.11", b"here") as port:
        route = f'  - {{path: /nom/, upstream: "http://app.test:{port}", policy: public}}\n'
        with gateway(tmp_path, workers=1, routes=route, inside=mounted(f"mount --bind {hosts} /etc/hosts")) as running:
            page = running.world.person().visit("/nom/")
            assert (page.status, can_go_on(page) in running.said) == (502, True)
            hosts.write_text("127.0.0.1 localhost\n127.0.0.11 app.test\n")
            until(lambda: get(running.connection(), "/nom/")[1] == b"here")
