"""`gateway doctor` against real servers that are right, wrong, or not there."""

import asyncio
import json
import os
import re
import resource
import socket
import sqlite3
import ssl
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
import respx

from gateway.cli import main
from gateway.cli.doctor import examine
from gateway.cli.doctors import machine, store
from gateway.cli.doctors.finding import Finding, Level
from gateway.cli.doctors.reach import Reach, certificate_finding, clock_findings, skew_of
from gateway.config.gateway_file import load
from tests.asking import LISTED
from tests.authorities import DAY, Authority
from tests.parts import Parts, parts
from tests.processes import answering
from tests.world import API_TOKEN, FC_SECRET, configuration, secrets

WORSE = (Level.OK, Level.WARN, Level.ERROR)
IDENTITY_MODE = {"mode: franceconnect ": "mode: identity\n    token: {env: API_PARTICULIER_TOKEN} "}


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[Parts]:
    """Everything but the gateway."""
    with parts(tmp_path, serve=False) as running:
        yield running


def _findings(folder: Path, **environ: str) -> dict[str, Finding]:
    """By code; the worst of each."""
    config = folder / "gateway.yaml"
    found = asyncio.run(examine(load(config, secrets() | environ), config, Reach()))
    by_code: dict[str, Finding] = {}
    for each in found:
        if each.code not in by_code or WORSE.index(each.level) > WORSE.index(by_code[each.code].level):
            by_code[each.code] = each
    return by_code


def _wrong(found: dict[str, Finding]) -> set[str]:
    return {code for code, each in found.items() if each.level is Level.ERROR}


def test_before_the_first_start_with_all_in_order_nothing_is_wrong(outside: Parts, tmp_path: Path) -> None:
    found = _findings(tmp_path)
    assert _wrong(found) == set()
    expected = {"provider_metadata", "provider_keys", "provider_authorize", "provider_secret", "redirect_uri",
                "post_logout_redirect_uri", "api", "api_scopes_by_login", "upstream", "store_room", "listen",
                "clock", "signing_key", "open_files"}  # fmt: skip
    assert expected <= found.keys()
    assert {"store", "store_slow"} & found.keys()
    assert found["public_url_refused"].level is Level.WARN
    assert found["redirect_uri"].said.endswith(f"{outside.world.url}/_gateway/callback")
    assert found["post_logout_redirect_uri"].said.endswith(f"{outside.world.url}/_gateway/logged-out")
    assert not (tmp_path / "var").exists()


def test_beside_a_gateway_that_serves_nothing_is_wrong_either(tmp_path: Path) -> None:
    with parts(tmp_path) as running:
        person = running.world.person()
        assert person.press(person.visit("/compte/"), "S’identifier").status == 200
        found = _findings(tmp_path)
    assert _wrong(found) == set()
    assert found["listen"].said == "a gateway listens there already"
    assert found["public_url"].level is Level.OK
    assert found["store_journal"].level is Level.OK


def test_the_command_prints_each_line_with_its_code_and_no_secret(
    outside: Parts, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    values = secrets() | {"FC_CLIENT_SECRET": "w" * 64}
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    assert main(["doctor", "--config", str(tmp_path / "gateway.yaml")]) == 1
    text = capsys.readouterr().out
    assert "ERROR provider_secret: franceconnect: our secret is refused" in text
    assert "-> check `client_secret`" in text
    assert "1 errors" in text
    assert main(["doctor", "--json", "--config", str(tmp_path / "gateway.yaml")]) == 1
    shown = capsys.readouterr().out
    assert {"level", "code", "about", "said", "hint"} == set(json.loads(shown)[0])
    for secret in (*values.values(), API_TOKEN, FC_SECRET):
        if len(secret) > 30:
            assert secret not in text + shown


def test_a_right_configuration_ends_with_0(
    outside: Parts, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in secrets().items():
        monkeypatch.setenv(name, value)
    assert main(["doctor", "--config", str(tmp_path / "gateway.yaml")]) == 0
    assert "0 errors" in capsys.readouterr().out


def test_a_provider_that_is_down_is_said_at_each_step_that_needs_it(outside: Parts, tmp_path: Path) -> None:
    outside.franceconnect.stop()
    assert "provider_refused" in _wrong(_findings(tmp_path))
    outside.franceconnect.start()
    outside.jwks.stop()
    assert _wrong(_findings(tmp_path)) == {"provider_keys_refused"}


def test_a_client_that_the_provider_does_not_know(outside: Parts, tmp_path: Path) -> None:
    assert {"provider_client_unknown"} <= _wrong(_findings(tmp_path, FC_CLIENT_ID="somebody-else"))


def test_an_address_that_was_not_declared(outside: Parts, tmp_path: Path) -> None:
    config = tmp_path / "gateway.yaml"
    config.write_text(config.read_text().replace("public_url: http://localhost:", "public_url: http://127.0.0.1:"))
    found = _findings(tmp_path)
    assert "provider_redirect_uri" in _wrong(found)
    assert "http://127.0.0.1:" in found["provider_redirect_uri"].said


def test_an_issuer_that_is_another_s_and_an_algorithm_that_it_does_not_use(outside: Parts, tmp_path: Path) -> None:
    outside.world.franceconnect.issuer += "/other"
    assert "provider_metadata_issuer" in _wrong(_findings(tmp_path))


def test_names_without_an_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    resolve = socket.getaddrinfo

    def resolver(host: Any, *rest: Any, **named: Any) -> Any:
        if str(host).endswith((".test", ".gouv.fr")):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return resolve(host, *rest, **named)

    with parts(tmp_path, serve=False, routes=_route("http://app.test:8080")):
        config = tmp_path / "gateway.yaml"
        staging = re.sub(r"environment: custom .*\n    base_url: .*\n", "environment: staging\n", config.read_text())
        config.write_text(staging)
        monkeypatch.setattr(socket, "getaddrinfo", resolver)
        assert _wrong(_findings(tmp_path)) == {"api_dns", "upstream_dns"}


def test_api_particulier_down(outside: Parts, tmp_path: Path) -> None:
    outside.api.stop()
    assert _wrong(_findings(tmp_path)) == {"api_refused"}


def test_a_token_that_opens_what_is_needed_one_that_lacks_a_scope_and_one_that_is_none(tmp_path: Path) -> None:
    with parts(tmp_path, serve=False, changes=IDENTITY_MODE) as outside:
        assert _findings(tmp_path)["api_token"].level is Level.OK
        assert "api_token" in _wrong(_findings(tmp_path, API_PARTICULIER_TOKEN="n" * 64))
        outside.world.api._tokens = {API_TOKEN: ["cnaf_allocataires"]}
        found = _findings(tmp_path)
        assert _wrong(found) == {"api_scopes"}
        assert "cnaf_quotient_familial" in found["api_scopes"].said


def _route(url: str, more: str = "") -> str:
    return f'  - {{path: /a/, upstream: "{url}", policy: public{more}}}\n'


def test_an_application_down_one_that_is_well_and_one_that_is_not(tmp_path: Path) -> None:
    with answering("127.0.0.1", b"well") as port, answering("127.0.0.1", b"ill", status=500) as ill:
        routes = _route(f"http://127.0.0.1:{port}", ", health: {path: /ok}")
        with parts(tmp_path, serve=False, routes=routes) as outside:
            assert _findings(tmp_path)["upstream_health"].level is Level.OK
            config = tmp_path / "gateway.yaml"
            config.write_text(config.read_text().replace(f":{port}", f":{ill}"))
            assert _wrong(_findings(tmp_path)) == {"upstream_health"}
            outside.legacy.stop()
            assert _wrong(_findings(tmp_path)) == {"upstream_health", "upstream_refused"}


@pytest.mark.parametrize(
    ("name", "ends_in_days", "believed", "code", "said"),
    [
        ("localhost", 30, True, "upstream", "takes a connection"),
        ("localhost", 3, True, "upstream_certificate_soon", "ends in 3 days"),
        ("localhost", -1, True, "upstream_tls", "expired"),
        ("other.test", 30, True, "upstream_tls", "Hostname mismatch"),
        ("localhost", 30, False, "upstream_tls", "unable to get local issuer certificate"),
    ],
)
def test_a_certificate_of_an_application(
    tmp_path: Path, name: str, ends_in_days: int, believed: bool, code: str, said: str
) -> None:
    ours, theirs = Authority(tmp_path / "ours", "Ours"), Authority(tmp_path / "theirs", "Theirs")
    with answering("127.0.0.1", b"", tls=ours.serving(name, ends_in=ends_in_days * DAY + DAY / 24)) as port:
        trust = (ours if believed else theirs).file
        routes = _route(f"https://localhost:{port}", f', tls: {{ca_file: "{trust}"}}')
        with parts(tmp_path, serve=False, routes=routes):
            found = _findings(tmp_path)
            assert said in found[code].said
            assert (_wrong(found) == set()) == (code != "upstream_tls")


@pytest.mark.parametrize(
    ("off_s", "level"),
    [(0, Level.OK), (-4, Level.OK), (8, Level.WARN), (-12, Level.WARN), (30, Level.ERROR), (-90, Level.ERROR)],
)
def test_a_clock_that_is_off_by_a_server_s_own_date(tmp_path: Path, off_s: int, level: Level) -> None:
    date = formatdate((datetime.now(UTC) + timedelta(seconds=off_s)).timestamp(), usegmt=True)
    with answering("127.0.0.1", b"well", date=date) as port:
        routes = _route(f"http://127.0.0.1:{port}", ", health: {path: /ok}")
        with parts(tmp_path, serve=False, routes=routes):
            config = tmp_path / "gateway.yaml"
            found = asyncio.run(examine(load(config, secrets()), config, Reach()))
    (clock,) = [each for each in found if each.about == f"127.0.0.1:{port}" and each.code.startswith("clock")]
    assert clock.level is level
    if level is not Level.OK:
        assert ("behind" if off_s > 0 else "ahead") in clock.said


def test_a_date_has_whole_seconds_and_a_request_takes_time() -> None:
    date = "Thu, 26 Nov 2026 12:00:10 GMT"
    noon = datetime(2026, 11, 26, 12, 0, 10, tzinfo=UTC).timestamp()
    assert skew_of(date, noon - 2, noon + 2) == 0
    assert skew_of(date, noon + 0.9, noon + 0.9) == 0
    assert skew_of(date, noon + 4, noon + 5) == -3
    assert skew_of(date, noon - 9, noon - 8) == 8
    assert skew_of("yesterday", noon, noon) is None


def test_without_any_date_the_clock_is_a_warning() -> None:
    (found,) = clock_findings({})
    assert (found.level, found.code) == (Level.WARN, "clock_unknown")


def test_the_end_of_a_certificate_is_warned_of_two_weeks_before() -> None:
    ends = ssl.cert_time_to_seconds("Nov 26 12:00:00 2026 GMT")
    certificate = {"notAfter": "Nov 26 12:00:00 2026 GMT"}
    assert certificate_finding("x", "y", certificate, ends - 15 * 86_400) is None
    soon = certificate_finding("x", "y", certificate, ends - 13 * 86_400)
    assert soon is not None
    assert (soon.level, soon.said) == (Level.WARN, "its certificate ends in 13 days")
    assert certificate_finding("x", "y", None, ends) is None


def test_a_store_that_cannot_be_made_and_one_that_is_none(outside: Parts, tmp_path: Path) -> None:
    (tmp_path / "var").write_text("a file where the folder should be")
    assert {"store_folder"} <= _wrong(_findings(tmp_path))
    (tmp_path / "var").unlink()
    (tmp_path / "var").mkdir()
    path = tmp_path / "var" / "sessions.db"
    path.write_bytes(b"no database" * 1000)
    assert {"session_store_unavailable", "store_journal"} <= _wrong(_findings(tmp_path))


def test_a_store_that_others_may_open_and_a_journal_that_workers_cannot_share(outside: Parts, tmp_path: Path) -> None:
    path = tmp_path / "var" / "sessions.db"
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE x (y)")
    path.chmod(0o644)
    found = store._file(path)
    assert {each.code for each in found if each.level is Level.ERROR} == {"store_journal"}
    assert {each.code for each in found if each.level is Level.WARN} == {"store_rights"}
    path.chmod(0o600)
    # The gateway's own connection makes it one that workers can share.
    assert _wrong(_findings(tmp_path)) == set()


def test_little_room_is_warned_of_and_none_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    levels = []
    for room in (10**15, 10**20):
        monkeypatch.setattr(store, "ROOM_BYTES", room)
        levels.append(store._file(tmp_path / "sessions.db")[0].level)
    assert levels == [Level.ERROR, Level.ERROR]
    free = os.statvfs(tmp_path)
    monkeypatch.setattr(store, "ROOM_BYTES", free.f_bavail * free.f_frsize * 2)
    assert store._file(tmp_path / "sessions.db")[0].level is Level.WARN


def test_sessions_in_memory_are_warned_of(tmp_path: Path) -> None:
    with parts(tmp_path, serve=False, changes={"store: sqlite:var/sessions.db  ": 'store: "memory:"  '}):
        found = _findings(tmp_path)
    assert found["store_memory"].level is Level.WARN


def test_rights_of_secret_files_and_of_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s" * 64)
    changes = {"secrets: [{env: SESSION_SECRET}]": "secrets: [{file: secret}]"}
    with parts(tmp_path, serve=False, changes=changes):
        (tmp_path / "secret").chmod(0o644)
        assert _findings(tmp_path)["secret_rights"].level is Level.WARN
        (tmp_path / "secret").chmod(0o640)
        assert _findings(tmp_path)["secret_rights"].level is Level.OK
        (tmp_path / "gateway.yaml").chmod(0o666)
        assert "config_rights" in _wrong(_findings(tmp_path))


@pytest.mark.parametrize(("soft", "level"), [(65_536, Level.OK), (1_024, Level.WARN), (256, Level.ERROR)])
def test_open_files(monkeypatch: pytest.MonkeyPatch, soft: int, level: Level) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (soft, 1_048_576))
    (found,) = machine.open_files()
    assert found.level is level


def test_a_port_that_something_else_has(tmp_path: Path) -> None:
    with (
        parts(tmp_path, serve=False) as outside,
        answering("127.0.0.1", b"another", outside.world.settings.listen.port),
    ):
        found = _findings(tmp_path)
    assert _wrong(found) == {"listen"}
    assert found["public_url_other"].level is Level.WARN


@pytest.mark.parametrize(("status", "code"), [(421, "public_url_host"), (200, "public_url")])
def test_a_proxy_in_front_that_changes_the_name(
    tmp_path: Path, respx_mock: respx.MockRouter, status: int, code: str
) -> None:
    """As nginx does by itself: liveness answers any name, and no other page would."""
    settings = load(configuration(tmp_path, [8000, 8101, 8102, 8103]), secrets())
    respx_mock.get(url__regex=".*/_gateway/health/live").respond(json={"status": "live"})
    respx_mock.get(url__regex=".*/_gateway/keys").respond(status)
    respx_mock.get(url__regex=".*/_gateway/auth").respond(404)
    found = asyncio.run(machine.public_url(settings, Reach()))
    assert {each.code for each in found} == {code, "auth_closed"}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, "auth_closed"),
        (LISTED, "auth_open"),
        ({"trusted_proxies: []": "trusted_proxies: [127.0.0.1/32]\nforward_auth: false"}, ""),
    ],
)
def test_whether_anybody_may_ask_for_decisions(tmp_path: Path, changes: dict[str, str], code: str) -> None:
    """The doctor's own questions come from a listed address here, as a browser's do behind a TLS proxy."""
    with parts(tmp_path, changes=changes):
        found = _findings(tmp_path)
    assert {each for each in found if each.startswith("auth_")} == {each for each in [code] if each}
    assert ("auth_open" in _wrong(found)) == (code == "auth_open")


def test_what_the_files_get_wrong_is_said_as_by_check(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    config = configuration(tmp_path, [8000, 8101, 8102, 8103], changes={"policy: public}": "policy: pblic}"})
    for name, value in secrets().items():
        monkeypatch.setenv(name, value)
    assert main(["doctor", "--config", str(config)]) == 1
    assert "did you mean `public`?" in capsys.readouterr().err
