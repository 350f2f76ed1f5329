"""The session store broken under a gateway that runs: removed, locked, read-only, full, not a database."""

import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from gateway.sandbox.identities import MATCHING
from tests.browser import Page, Person
from tests.parts import can_go_on
from tests.processes import Gateway, gateway, get, mounted, until

TITLES = {
    "session_store_full": "Trop de personnes se connectent en ce moment",
    "session_store_unavailable": "momentanément indisponible",
}


def _page_says_so(running: Gateway, page: Page, code: str) -> None:
    """One action, a reference that the log knows with the code, and not a word about anybody."""
    assert page.status == 503
    assert TITLES[code] in page.text
    reference = can_go_on(page)
    line = next(line for line in running.said.splitlines() if reference in line)
    assert f'"code": "{code}"' in line
    assert '"dependency": "session-store"' in line


def _leaves(person: Person, path: str = "/compte/") -> Page:
    return person.press(person.visit(path), "S’identifier avec")


def _health(running: Gateway, name: str) -> tuple[int, str]:
    answer = httpx.get(f"{running.world.url}/_gateway/health/{name}")
    return answer.status_code, answer.json().get("code", "")


def _broken(running: Gateway, code: str) -> None:
    """Fails closed with a page; alive, not ready; what needs no store goes on."""
    until(lambda: _health(running, "ready") == (503, code))
    assert _health(running, "live") == (200, "")
    person = running.world.person()
    assert person.visit("/").status == 200
    _page_says_so(running, _leaves(person), code)


def _whole(running: Gateway) -> None:
    until(lambda: _health(running, "ready") == (200, ""))
    assert running.world.sign_in(running.world.person(), "/compte/", MATCHING).status == 200


def test_a_removed_file_costs_the_sessions_and_nothing_else(tmp_path: Path) -> None:
    with gateway(tmp_path, workers=2) as running:
        person = running.world.person()
        assert running.world.sign_in(person, "/compte/", MATCHING).status == 200
        for path in (tmp_path / "var").glob("sessions.db*"):
            path.unlink()
        until(lambda: person.visit("/compte/").path.startswith("/_gateway/login"))
        person = running.world.person()
        assert running.world.sign_in(person, "/compte/", MATCHING).status == 200
        cookie = "; ".join(f"{cookie.name}={cookie.value}" for cookie in person.client.cookies.jar)
        # Every worker writes to the new file, and none to the one that is gone.
        assert [get(connection, "/compte/", Cookie=cookie)[0] for connection in running.each()] == [200, 200]
        with closing(sqlite3.connect(tmp_path / "var" / "sessions.db")) as store:
            assert store.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            assert store.execute("SELECT count(*) FROM records").fetchone()[0] >= 1


def test_a_locked_file_is_waited_for_then_said_and_readers_go_on(tmp_path: Path) -> None:
    with gateway(tmp_path, workers=1) as running:
        person = running.world.person()
        assert running.world.sign_in(person, "/compte/", MATCHING).status == 200
        with closing(sqlite3.connect(tmp_path / "var" / "sessions.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            _page_says_so(running, _leaves(running.world.person()), "session_store_unavailable")
            assert person.visit("/compte/").status == 200
            other.execute("ROLLBACK")
        _whole(running)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_full_disk_takes_no_login_and_ends_no_session(tmp_path: Path, workers: int) -> None:
    var = tmp_path / "var"
    var.mkdir()
    with gateway(tmp_path, workers=workers, inside=mounted(f"mount -t tmpfs -o size=2m none {var}")) as running:
        person = running.world.person()
        assert running.world.sign_in(person, "/compte/", MATCHING).status == 200
        ballast = _seen_by(running) / var.relative_to("/") / "ballast"
        _fill(ballast)
        _broken(running, "session_store_full")
        assert person.visit("/compte/").status == 200
        page = _leaves(running.world.person())
        ballast.unlink()
        _whole(running)
        assert running.world.person().visit(page.path).status in {200, 405}


def _seen_by(running: Gateway) -> Path:
    return Path(f"/proc/{running.process.pid}/root")


def _fill(ballast: Path) -> None:
    with ballast.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space left"):
        while True:
            file.write(bytes(1024))


def test_a_file_system_that_is_read_only_takes_no_login_and_no_more_is_needed_than_to_make_it_writable(
    tmp_path: Path,
) -> None:
    var = tmp_path / "var"
    var.mkdir()
    with gateway(tmp_path, workers=2, inside=mounted(f"mount -t tmpfs -o ro none {var}")) as running:
        _broken(running, "session_store_unavailable")
        inside = ["nsenter", "-t", str(running.process.pid), "-U", "-m", "--preserve-credentials"]
        subprocess.run([*inside, "mount", "-o", "remount,rw", str(var)], check=True)
        _whole(running)


def test_what_is_no_database_is_said_and_once_removed_service_goes_on(tmp_path: Path) -> None:
    store = tmp_path / "var" / "sessions.db"
    store.parent.mkdir()
    store.write_bytes(b"this was a database once" * 400)
    with gateway(tmp_path, workers=2) as running:
        _broken(running, "session_store_unavailable")
        store.unlink()
        _whole(running)
