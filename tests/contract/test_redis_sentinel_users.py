"""Sentinels that ask for credentials of their own: `requirepass` and an ACL user, on real ones, and who is refused."""

import time
import traceback
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.adapters.sessions.redis import RedisRecords
from gateway.cli.doctors.store import _tried
from gateway.core.errors import DependencyFailed
from gateway.settings import RedisKind, RedisSettings
from tests.contract.test_redis_failover import contract
from tests.contract.test_redis_store import ACL
from tests.contract.test_session_stores import NOW, Clock
from tests.redis_servers import VALKEY_LATER, Guarded, Server, sentinels
from tests.session_load import eventually

pytestmark = [
    pytest.mark.anyio,
    # redis-py leaves connections that a master's death caught in a command to the collector, which closes them.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

BETWEEN = "between-sentinels"
"""Their `requirepass`: what they ask of each other, and of whoever names no user."""
ASKED = "asked-by-sentinels"
RIGHTS = "-@all +sentinel|masters"
USERS = (f"user sentinelle on >{ASKED} {RIGHTS}", f"user faible on >{ASKED} -@all +ping")
THEIRS = Guarded((f"requirepass {BETWEEN}", *USERS), {"password": BETWEEN}, ())


Watched = tuple[list[Server], list[Server]]


@pytest.fixture(scope="module", params=VALKEY_LATER)
def watched(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    folder = tmp_path_factory.mktemp("sentinels")
    with sentinels(folder, ACL, watchers_own=THEIRS, program=request.param) as running:
        yield running


def behind(watchers: Sequence[Server], **changes: str) -> RedisSettings:
    right = RedisSettings(
        RedisKind.SENTINEL, tuple(("127.0.0.1", each.port) for each in watchers), service="sessions",
        username="passerelle", password="right", sentinel_username="sentinelle", sentinel_password=ASKED,
    )  # fmt: skip
    return replace(right, **changes)  # type: ignore[arg-type]


@asynccontextmanager
async def opened(settings: RedisSettings) -> AsyncIterator[RedisRecords]:
    records = RedisRecords(settings, Clock())
    try:
        yield records
    finally:
        await records.close()


async def _failure(settings: RedisSettings) -> DependencyFailed:
    async with opened(settings) as records:
        with pytest.raises(DependencyFailed) as caught:
            await records.load("a", NOW)
    return caught.value


WRONG: Mapping[str, tuple[dict[str, str], str]] = {
    "another password": ({"sentinel_password": "wrong"}, "sentinel_password"),
    "another user": ({"sentinel_username": "nobody"}, "sentinel_password"),
    "no credentials": ({"sentinel_username": "", "sentinel_password": ""}, "sentinel_password"),
    "the server's alone": (
        {"username": "sentinelle", "password": ASKED, "sentinel_username": "", "sentinel_password": ""},
        "sentinel_password",
    ),
    "too few rights": ({"sentinel_username": "faible"}, "sentinel_rights"),
    "right for them, wrong for the server": ({"password": "wrong"}, "password"),
    "a service that they do not know": ({"service": "other"}, "service"),
}


async def test_the_documented_user_of_the_sentinels_or_their_password_alone_opens_the_store(watched: Watched) -> None:
    (master, _), watchers = watched
    for settings in (behind(watchers), behind(watchers, sentinel_username="", sentinel_password=BETWEEN)):
        master.asked("FLUSHALL")
        await contract(settings)


@pytest.mark.parametrize("wrong", WRONG)
async def test_whoever_the_sentinels_refuse_is_told_that_it_was_them_and_no_credential(
    watched: Watched, wrong: str
) -> None:
    changes, word = WRONG[wrong]
    settings = behind(watched[1], **changes)
    failure = await _failure(settings)
    assert (failure.dependency, failure.code, failure.reference) == ("session-store", "session_store_unavailable", word)
    said = "".join(traceback.format_exception(failure)) + repr(settings)
    assert not [each for each in (BETWEEN, ASKED, "right") if each in said]


async def test_doctor_names_the_keys_that_the_sentinels_refuse(watched: Watched) -> None:
    said = {}
    for password in (ASKED, "wrong"):
        (finding,) = await _tried(RedisRecords(behind(watched[1], sentinel_password=password), time.time), "store")
        said[password] = (finding.code, finding.hint)
    assert said[ASKED][0] == "store"
    hint = "the sentinels refuse `sentinel_username` and `sentinel_password`, or want them"
    assert said["wrong"] == ("session_store_unavailable", hint)


@pytest.mark.parametrize("change", [(">another", f"<{ASKED}"), ("-sentinel|masters",)])
async def test_one_sentinel_that_refuses_us_is_passed_over_as_one_that_is_down(
    watched: Watched, change: tuple[str, ...]
) -> None:
    (master, _), (first, *others) = watched
    master.asked("FLUSHALL")
    first.asked("ACL", "SETUSER", "sentinelle", *change)
    try:
        await contract(behind([first, *others]))
        assert (await _failure(behind([first]))).reference.startswith("sentinel_")
    finally:
        first.asked("ACL", "SETUSER", "sentinelle", "reset", "on", f">{ASKED}", *RIGHTS.split())


@pytest.mark.parametrize("program", VALKEY_LATER)
async def test_a_master_that_dies_is_replaced_and_while_nobody_stands_in_the_service_is_not_called_unknown(
    tmp_path: Path, program: str
) -> None:
    with sentinels(tmp_path, ACL, watchers_own=THEIRS, program=program) as (servers, watchers):
        await _dies_and_is_replaced(servers, watchers)


async def _dies_and_is_replaced(servers: Sequence[Server], watchers: Sequence[Server]) -> None:
    master, replica = servers
    async with opened(behind(watchers)) as records:
        await records.create("a", b"1", NOW + 60)
        await eventually(lambda: replica.asked("EXISTS", "gateway:r:a"))
        master.kill()
        await eventually(lambda: all(_names(each, replica) for each in watchers))
        async with opened(behind(watchers)) as late:
            assert await late.load("a", NOW) == await records.load("a", NOW) == b"1"
    replica.kill()
    await eventually(lambda: all(_down(each) for each in watchers))
    assert (await _failure(behind(watchers))).reference == ""


def _names(watcher: Server, server: Server) -> bool:
    state = watcher.told("SENTINEL MASTERS")["sessions"]
    return bool(state["port"] == server.port and state["is_master"] and not state["is_sdown"])


def _down(watcher: Server) -> bool:
    return bool(watcher.told("SENTINEL MASTERS")["sessions"]["is_sdown"])


def test_the_documented_rights_of_the_sentinels_user_are_the_tested_ones() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "operations.md").read_text(encoding="utf-8")
    assert f"ACL SETUSER passerelle on >PASSWORD {RIGHTS}" in page
