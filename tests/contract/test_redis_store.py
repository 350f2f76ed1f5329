"""What is Redis's own in the session store: its memory, its time, its troubles, its TLS. Real servers, killed for real."""

import asyncio
import random
import signal
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.adapters.limits import Attempts
from gateway.adapters.sessions.redis import TAGS_LAST_S, WAIT_S, RedisRecords
from gateway.adapters.sessions.transactions import Transactions
from gateway.config.gateway_models import SessionsModel
from gateway.core.errors import DependencyFailed
from gateway.core.quota import Claim, Window, Wish
from gateway.settings import RedisKind, RedisSettings
from tests.authorities import Authority
from tests.contract.test_session_stores import ID, SESSION, TRANSACTION
from tests.redis_servers import NEEDS, Server, needs_redis, redis_server
from tests.session_load import eventually, judged, load, sessions_of

pytestmark = [pytest.mark.anyio, needs_redis]

BOTH = [pytest.param(name, marks=mark) for name, mark in NEEDS.items()]

SECRET = b"k" * 32
LATE_S = 60
"""From now, for a record that lasts."""


@pytest.fixture(scope="module", params=BOTH)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with redis_server(tmp_path_factory.mktemp("redis"), program=request.param) as running:
        yield running


@pytest.fixture
async def records(server: Server) -> AsyncIterator[RedisRecords]:
    server.asked("FLUSHALL")
    server.asked("CONFIG", "SET", "maxmemory", 0)
    store = RedisRecords(one(server), time.time)
    yield store
    await store.close()


def one(server: Server, **changes: object) -> RedisSettings:
    settings = RedisSettings(RedisKind.ONE, (("127.0.0.1", server.port),))
    return replace(settings, **changes)  # type: ignore[arg-type]


def now() -> int:
    return int(time.time())


def keys_of(server: Server) -> list[bytes]:
    found = server.asked("KEYS", "*")
    assert isinstance(found, list)
    return found


async def fill(records: RedisRecords) -> None:
    """One of each kind of record, tag and counter."""
    session = replace(SESSION, expires_at=now() + 28_800)
    await sessions_of(records).create(session)
    await Transactions(records, time.time, ttl_s=1800).begin(TRANSACTION)
    await Attempts(records, time.time, SECRET, tries=3, period_s=60).allowed("address:192.0.2.7")


async def test_whatever_is_written_has_an_end_of_its_own(server: Server, records: RedisRecords) -> None:
    await fill(records)
    await records.replace("none", b"1", now() + LATE_S, now())
    ends = {key: server.asked("TTL", key) for key in keys_of(server)}
    assert len(ends) == 7
    assert all(isinstance(end, int) and 0 < end <= TAGS_LAST_S for end in ends.values()), ends
    assert sorted(key[:10] for key in ends) == [b"gateway:c:"] + [b"gateway:r:"] * 3 + [b"gateway:t:"] * 3


async def test_a_replaced_record_gets_the_end_of_its_replacement(server: Server, records: RedisRecords) -> None:
    await records.create("a", b"1", now() + 1000)
    assert await records.replace("a", b"2", now() + 10, now())
    assert 5_000 < int(str(server.asked("PTTL", "gateway:r:a"))) <= 10_000


def test_tags_last_as_long_as_any_session_may() -> None:
    schema = SessionsModel.model_json_schema()["properties"]["absolute_s"]
    assert schema["maximum"] < TAGS_LAST_S


async def test_nothing_of_a_session_can_be_read_in_redis(server: Server, records: RedisRecords, tmp_path: Path) -> None:
    await fill(records)
    server.asked("SAVE")
    held = b"".join(keys_of(server)) + (server.folder / "dump.rdb").read_bytes()
    for key in keys_of(server):
        kind = server.asked("TYPE", key)
        told = server.asked("GET", key) if kind in (b"string", "string") else server.asked("ZRANGE", key, 0, -1)
        held += told if isinstance(told, bytes) else b"".join(told)  # type: ignore[arg-type]
    for canary in (
        "DUBOIS",
        "Angela",
        "family_quotient",
        "MONTORGUEIL",
        ID,
        "franceconnect",
        "header.payload",
        "192.0.2.7",
    ):
        assert canary.encode() not in held


async def test_the_names_of_the_dead_leave_a_tag_within_a_day(server: Server, records: RedisRecords) -> None:
    moved = RedisRecords(one(server), lambda: time.time() - TAGS_LAST_S - 10)
    await moved.create("old", b"1", now() - TAGS_LAST_S + LATE_S, ("all",))
    await moved.close()
    await records.create("new", b"1", now() + LATE_S, ("all",))
    kept = server.asked("ZRANGE", "gateway:t:all", 0, -1)
    assert isinstance(kept, list)
    assert [each[:4] for each in kept] == [b"new:"]
    assert await records.tagged("all", now()) == ["new"]


async def test_a_script_that_redis_forgot_is_sent_again(server: Server, records: RedisRecords) -> None:
    assert await records.count("a", now(), 60) == 1
    server.asked("SCRIPT", "FLUSH")
    assert await records.count("a", now(), 60) == 2


async def test_a_full_redis_takes_nothing_new_and_loses_nothing(server: Server, records: RedisRecords) -> None:
    sessions = sessions_of(records)
    session = replace(SESSION, expires_at=now() + 28_800)
    await sessions.create(session)
    used = server.asked("INFO", "memory")["used_memory"]  # type: ignore[index]
    server.asked("CONFIG", "SET", "maxmemory", used + 200_000)
    with pytest.raises(DependencyFailed) as caught:
        for number in range(1000):
            await records.create(f"{number}", b"x" * 10_000, now() + LATE_S)
    assert (caught.value.code, caught.value.status) == ("session_store_full", 503)
    assert await sessions.load(ID) == session
    with pytest.raises(DependencyFailed, match="session_store_full"):
        # Valkey has no room for a large record any more, and some for a small one.
        for number in range(5000):
            await records.count(f"{number}", now(), 60)
    await sessions.drop(ID)
    assert await sessions.load(ID) is None
    for number in range(10):
        assert await records.take(f"{number}", now()) is not None
    await records.create("again", b"1", now() + LATE_S)


@pytest.mark.parametrize("policy", ["allkeys-lru", "volatile-ttl", "volatile-lru"])
async def test_a_redis_that_throws_out_what_it_chooses_is_refused(
    server: Server, records: RedisRecords, policy: str
) -> None:
    server.asked("CONFIG", "SET", "maxmemory", 100_000_000)
    server.asked("CONFIG", "SET", "maxmemory-policy", policy)
    with pytest.raises(DependencyFailed, match="session_store_evicts"):
        await records.create("a", b"1", now() + LATE_S)
    server.asked("CONFIG", "SET", "maxmemory-policy", "noeviction")
    await records.create("a", b"1", now() + LATE_S)
    assert await records.load("a", now()) == b"1"


async def test_answers_are_never_crossed_however_callers_give_up(records: RedisRecords) -> None:
    """The classic way to another person's session: a caller leaves, and the next one reads the answer left behind."""
    chance = random.Random(7)
    names = [f"{number:03}" for number in range(60)]
    for name in names:
        await records.create(name, name.encode() * 500, now() + LATE_S)
    wrong, right, left = [], 0, 0

    async def ask(name: str) -> None:
        nonlocal right
        found = await records.load(name, now())
        if found != name.encode() * 500:
            wrong.append(name)
        right += 1

    for _ in range(40):
        tasks = {asyncio.create_task(ask(name)): chance.randrange(24) for name in names}
        for step in range(12):
            await asyncio.sleep(0)
            for task, gives_up in tasks.items():
                if gives_up == step:
                    task.cancel()
        done = await asyncio.gather(*tasks, return_exceptions=True)
        left += sum(isinstance(each, asyncio.CancelledError) for each in done)
        assert not [each for each in done if isinstance(each, Exception)]
    await asyncio.gather(*(ask(name) for name in names))
    assert wrong == []
    assert left > 100
    assert right > 100


@pytest.mark.parametrize("program", BOTH)
async def test_a_redis_that_is_gone_is_said_at_once_and_used_again_when_it_is_back(
    tmp_path: Path, program: str
) -> None:
    with redis_server(tmp_path, program=program) as server:
        records = RedisRecords(one(server), time.time)
        await records.create("a", b"1", now() + LATE_S)
        server.kill()
        began = time.monotonic()
        for call in (records.load("a", now()), records.drop("a"), records.count("a", now(), 9)):
            with pytest.raises(DependencyFailed) as caught:
                await call
            error = caught.value
            assert (error.dependency, error.code, error.status) == ("session-store", "session_store_unavailable", 503)
        assert time.monotonic() - began < 3 * WAIT_S
        server.start()
        await records.create("b", b"2", now() + LATE_S)
        assert await records.load("b", now()) == b"2"
        await records.close()


async def test_a_redis_that_hangs_costs_a_bounded_time_and_nothing_is_crossed_afterwards(tmp_path: Path) -> None:
    with redis_server(tmp_path) as server:
        records = RedisRecords(one(server), time.time)
        for name in ("a", "b"):
            await records.create(name, name.encode(), now() + LATE_S)
        server.signal(signal.SIGSTOP)
        began = time.monotonic()
        done = await asyncio.gather(*(records.load(name, now()) for name in "ab" * 50), return_exceptions=True)
        assert time.monotonic() - began < WAIT_S + 2
        assert all(isinstance(each, DependencyFailed) for each in done)
        server.signal(signal.SIGCONT)
        assert await asyncio.gather(*(records.load(name, now()) for name in "ab" * 50)) == [b"a", b"b"] * 50
        await records.close()


async def test_a_replica_is_no_store(tmp_path: Path, server: Server) -> None:
    with redis_server(tmp_path, f"replicaof 127.0.0.1 {server.port}", program=server.program) as replica:
        records = RedisRecords(one(replica), time.time)
        with pytest.raises(DependencyFailed, match="session_store_unavailable"):
            await records.create("a", b"1", now() + LATE_S)
        await records.close()


ACL = (
    "user passerelle on >right ~gateway:* +get +set +getdel +del +getrange +zadd +zrange +zremrangebyscore +expire "
    "+eval +evalsha +info +zrangebyscore +zrevrange +zrem +zcard +zscore +zrank +hget +hset +hdel +incr +pexpire +pttl"
)


@pytest.mark.parametrize("program", BOTH)
@pytest.mark.parametrize(
    ("changes", "works"),
    [
        ({"username": "passerelle", "password": "right"}, True),
        ({"username": "passerelle", "password": "wrong"}, False),
        ({"username": "nobody", "password": "right"}, False),
        ({"password": "right"}, False),
        ({}, False),
    ],
)
async def test_a_user_with_the_documented_rights_may_do_all_and_nobody_else_anything(
    tmp_path: Path, changes: dict[str, str], works: bool, program: str
) -> None:
    admin = {"username": "default", "password": "admin"}
    with redis_server(tmp_path, ACL, "requirepass admin", client=dict(admin), program=program) as server:
        records = RedisRecords(one(server, **changes), time.time)
        if works:
            await fill(records)
            assert await sessions_of(records).revoke() == 1
            assert await records.take("x", now()) is None
            for wish in (Wish.HOLD, Wish.HOLD, Wish.STAY, Wish.USE, Wish.LEAVE, Wish.CLOSE):
                windows = (Window("people", 1, 60),)
                for member in ("a", "b"):
                    claim = Claim(wish, windows, member, "people", hold_s=1, keep_s=1, waiting_at_most=1, closed_s=1)
                    await records.reserve("quota", time.time(), claim)
        else:
            with pytest.raises(DependencyFailed, match="session_store_unavailable"):
                await records.create("a", b"1", now() + LATE_S)
        await records.close()
    assert "right" not in repr(one(server, **changes))


def test_the_documented_rights_are_the_tested_ones() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "operations.md").read_text(encoding="utf-8")
    assert ACL.partition(" ~")[2] in " ".join(page.split())


async def test_over_tls_the_authority_the_name_and_our_certificate_are_checked(tmp_path: Path) -> None:
    ours, theirs = Authority(tmp_path / "ours", "Ours"), Authority(tmp_path / "theirs", "Theirs")
    certificate, key = ours.issue("localhost")
    client_cert, client_key = ours.issue("passerelle")
    options = ["--tls", f"tls-cert-file {certificate}", f"tls-key-file {key}", f"tls-ca-cert-file {ours.file}"]
    asking = {"ssl": True, "ssl_ca_certs": ours.file, "ssl_check_hostname": False}
    asking |= {"ssl_certfile": client_cert, "ssl_keyfile": client_key}
    with redis_server(tmp_path / "redis", *options, "tls-auth-clients yes", client=asking) as server:
        right = one(server, tls=True, ca_file=ours.file, client_cert=client_cert, client_key=client_key)
        right = replace(right, hosts=(("localhost", server.port),))
        outcomes = {
            "right": right,
            "another authority": replace(right, ca_file=theirs.file),
            "the system's authorities": replace(right, ca_file=""),
            "another name": replace(right, hosts=(("127.0.0.1", server.port),)),
            "no certificate of ours": replace(right, client_cert="", client_key=""),
            "no TLS": replace(right, tls=False),
        }
        found = {}
        for name, settings in outcomes.items():
            records = RedisRecords(settings, time.time)
            try:
                await records.create("a", b"1", now() + LATE_S)
                found[name] = await records.load("a", now()) == b"1"
            except DependencyFailed:
                found[name] = False
            await records.close()
    assert found == {name: name == "right" for name in outcomes}


@pytest.mark.parametrize("program", BOTH)
async def test_a_redis_killed_under_load_loses_no_acknowledged_session_that_it_wrote_down(
    tmp_path: Path, program: str
) -> None:
    """Written down before it is acknowledged. With `everysec` a write waits up to two seconds behind a slow disk."""
    with redis_server(tmp_path, "appendonly yes", "appendfsync always", program=program) as server:
        async with load(one(server)) as book:
            for _ in range(2):
                answers = book.answers
                await eventually(lambda: book.answers > answers + 300)  # noqa: B023 - called at once
                server.kill()
                failures = book.failures
                await eventually(lambda: book.failures > failures + 10)  # noqa: B023 - called at once
                await asyncio.to_thread(server.start)
            answers = book.answers
            await eventually(lambda: book.answers > answers + 300)
        verdict = await judged(one(server), book)
        assert (verdict.missing, verdict.revived, verdict.crossed, book.lost) == ([], [], 0, [])
        assert len(book.opened) > 50
