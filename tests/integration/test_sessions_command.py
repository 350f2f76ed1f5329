"""`gateway sessions`, as an operator runs it beside a gateway that serves."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.adapters.oidc import OidcProvider
from gateway.assembly import open_records, sealed_sessions
from gateway.cli import main
from gateway.config.gateway_file import load
from gateway.core.model import LoginTransaction, Session, SessionId
from gateway.ports import SignedIn
from gateway.sandbox.identities import MATCHING
from gateway.settings import Settings
from tests.builders import ANGELA
from tests.redis_servers import needs_redis, redis_server
from tests.world import bound_sockets, configuration, running, secrets

PROVIDER = ANGELA.provider

Say = Callable[..., tuple[int, str]]


@pytest.fixture
def environ(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    made = secrets()
    for name, value in made.items():
        monkeypatch.setenv(name, value)
    return made


def _configured(folder: Path, store: str = "sqlite:var/sessions.db") -> Path:
    sockets = bound_sockets(4)
    path = configuration(folder, [each.getsockname()[1] for each in sockets], changes={"sqlite:var/sessions.db": store})
    for each in sockets:
        each.close()
    return path


def _opened(settings: Settings, *sessions: Session) -> None:
    async def create() -> None:
        records = open_records(settings, time.time)
        for session in sessions:
            await sealed_sessions(settings, records, time.time).create(session)
        await records.close()

    asyncio.run(create())


def _three() -> list[Session]:
    end = int(time.time()) + 3600
    angela = Session(SessionId("1" * 64), end, identity=ANGELA, sid="5f1c")
    return [
        angela,
        replace(angela, id=SessionId("2" * 64), sid=""),
        replace(angela, id=SessionId("3" * 64), identity=replace(ANGELA, sub="somebody-else")),
    ]


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


@pytest.fixture(params=["sqlite", pytest.param("redis", marks=needs_redis)])
def config(request: pytest.FixtureRequest, tmp_path: Path, environ: dict[str, str], stack: ExitStack) -> Path:
    if request.param == "sqlite":
        return _configured(tmp_path)
    server = stack.enter_context(redis_server(tmp_path / "redis"))
    return _configured(tmp_path, server.url)


@pytest.fixture
def run(config: Path, environ: dict[str, str], capsys: pytest.CaptureFixture[str]) -> Say:
    _opened(load(config, environ), *_three())

    def say(*words: str) -> tuple[int, str]:
        status = main(["sessions", *words, "--config", str(config)])
        told = capsys.readouterr()
        assert ANGELA.sub not in told.out + told.err
        return status, told.out.strip()

    return say


def test_sessions_are_counted_and_revoked_by_sid_then_person_then_all(run: Say) -> None:
    assert run("count") == (0, "3 open")
    assert run("revoke", "--sid", "5f1c", "--provider", PROVIDER) == (0, "2 revoked")
    assert run("revoke", "--user", ANGELA.sub, "--provider", PROVIDER) == (0, "1 revoked")
    assert run("revoke", "--user", ANGELA.sub, "--provider", PROVIDER) == (0, "0 revoked")
    assert run("count") == (0, "0 open")


def test_every_session_is_revoked(run: Say) -> None:
    assert run("revoke", "--all") == (0, "3 revoked")
    assert run("count") == (0, "0 open")


@pytest.mark.parametrize(
    "words",
    [
        ["revoke"],
        ["revoke", "--user", "x"],
        ["revoke", "--sid", "x"],
        ["revoke", "--all", "--provider", PROVIDER],
        ["revoke", "--all", "--user", "x", "--provider", PROVIDER],
        ["revoke", "--user", "", "--provider", PROVIDER],
        ["revoke", "--user", "x", "--provider", "nobody"],
        [],
    ],
)
def test_half_a_command_revokes_nothing(tmp_path: Path, environ: dict[str, str], words: list[str]) -> None:
    path = _configured(tmp_path)
    _opened(load(path, environ), *_three())
    with pytest.raises(SystemExit) as stopped:
        main(["sessions", *words, *(["--config", str(path)] if words else [])])
    assert stopped.value.code == 2
    assert main(["sessions", "count", "--config", str(path)]) == 0


def test_a_store_that_is_down_is_said(
    tmp_path: Path, environ: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    (kept,) = bound_sockets(1)
    path = _configured(tmp_path, f"redis://127.0.0.1:{kept.getsockname()[1]}/0")
    assert main(["sessions", "revoke", "--all", "--config", str(path)]) == 3
    assert "session_store_unavailable" in capsys.readouterr().err
    kept.close()


def test_sessions_in_memory_cannot_be_reached_from_outside(
    tmp_path: Path, environ: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sessions", "count", "--config", str(_configured(tmp_path, '"memory:"'))]) == 1
    assert "restart it" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["--all"], ["--user", "SUB", "--provider", PROVIDER]])
def test_a_login_that_is_under_way_does_not_outlive_a_revocation(
    tmp_path: Path, lane: None, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    real = OidcProvider.exchange
    with running(tmp_path) as world:

        async def slow(self: OidcProvider, transaction: LoginTransaction, code: str) -> SignedIn:
            signed_in = await real(self, transaction, code)
            named = [str(signed_in.id_claims["sub"]) if word == "SUB" else word for word in words]
            command = ["sessions", "revoke", *named, "--config", str(tmp_path / "gateway.yaml")]
            assert await asyncio.to_thread(main, command) == 0
            return signed_in

        person = world.person()
        with monkeypatch.context() as meanwhile:
            meanwhile.setattr(OidcProvider, "exchange", slow)
            assert world.sign_in(person, "/compte/", MATCHING).status == 400
        assert person.visit("/compte/").path.startswith("/_gateway/login")
        assert "login_ended_meanwhile" in world.logs.getvalue()
        assert world.sign_in(world.person(), "/compte/", MATCHING).path == "/compte/"
