"""One contract for every record store, and what is sealed over it."""

import asyncio
import hashlib
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.adapters.limits import Attempts, Shares
from gateway.adapters.sessions import codec
from gateway.adapters.sessions.handoffs import Handoffs
from gateway.adapters.sessions.memory import MemoryRecords
from gateway.adapters.sessions.records import RecordStore
from gateway.adapters.sessions.redis import RedisRecords
from gateway.adapters.sessions.sealed import SealedSessions
from gateway.adapters.sessions.sealing import Seal
from gateway.adapters.sessions.sqlite import SqliteRecords
from gateway.adapters.sessions.transactions import Transactions
from gateway.core.errors import DependencyFailed
from gateway.core.model import (
    Acr,
    Delivery,
    HouseholdRecord,
    HouseholdStatus,
    LoginTransaction,
    Need,
    Session,
    SessionId,
)
from gateway.ports import Handoff
from tests.builders import ANGELA, HOUSEHOLD
from tests.contract.conftest import OpenStore

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).resolve().parents[2]

NOW = 1_790_000_000
ID = SessionId("1" * 64)
OLD, NEW = b"o" * 32, b"n" * 32
RECORD = HouseholdRecord(
    HouseholdStatus.VERIFIED, frozenset(Need), frozenset({"household.children"}), NOW, HOUSEHOLD, ("surname.equal",)
)
SESSION = Session(
    id=ID,
    expires_at=NOW + 28_800,
    identity=ANGELA,
    scopes=frozenset({"openid", "identite_pivot"}),
    household=(RECORD,),
    id_token="header.payload.signature",
    reviewed=frozenset({"cantine@0123456789ab"}),
    declined=frozenset({"creche"}),
    deliveries=(Delivery("Cantine", ("brackets.name",), NOW),),
    sid="5f1c",
)
TRANSACTION = LoginTransaction(
    "2" * 64, "3" * 64, "4" * 64, "franceconnect", Acr.EIDAS1, frozenset({"openid"}), "/cantine/", "cantine", NOW
)


class Clock:
    def __init__(self) -> None:
        self.now = float(NOW)

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def records(open_store: OpenStore, clock: Clock) -> AsyncIterator[RecordStore]:
    store = open_store(clock)
    yield store
    await store.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sessions(records: RecordStore, clock: Clock) -> SealedSessions:
    return SealedSessions(records, clock, idle_s=1800, secrets=[OLD])


async def test_a_record_lives_until_its_end(records: RecordStore) -> None:
    await records.create("a", b"1", NOW + 10)
    assert await records.load("a", NOW + 9) == b"1"
    assert await records.load("a", NOW + 10) is None
    assert await records.load("b", NOW) is None


async def test_a_record_is_replaced_only_while_it_is_there(records: RecordStore) -> None:
    await records.create("a", b"1", NOW + 10)
    assert await records.replace("a", b"2", NOW + 20, NOW)
    assert await records.load("a", NOW + 15) == b"2"
    assert not await records.replace("a", b"3", NOW + 30, NOW + 20)
    await records.drop("a")
    assert not await records.replace("a", b"3", NOW + 30, NOW)
    assert await records.load("a", NOW) is None


async def test_a_record_is_replaced_only_by_who_has_read_it_as_it_is(records: RecordStore) -> None:
    await records.create("a", b"1", NOW + 10)
    assert await records.replace("a", b"2", NOW + 10, NOW, instead_of=b"1")
    assert not await records.replace("a", b"3", NOW + 10, NOW, instead_of=b"1")
    assert await records.load("a", NOW) == b"2"
    await records.drop("a")
    assert not await records.replace("a", b"3", NOW + 10, NOW, instead_of=b"2")


async def test_of_many_changes_at_once_none_is_lost(sessions: SealedSessions) -> None:
    await sessions.create(replace(SESSION, declined=frozenset()))
    names = [f"service-{number}" for number in range(30)]

    async def decline(name: str) -> None:
        assert await sessions.amend(ID, lambda now: replace(now, declined=now.declined | {name}))

    await asyncio.gather(*map(decline, names))
    found = await sessions.load(ID)
    assert found is not None
    assert found.declined == set(names)


async def test_a_record_is_taken_once(records: RecordStore) -> None:
    await records.create("a", b"1", NOW + 10)
    taken = await asyncio.gather(*(records.take("a", NOW) for _ in range(5)))
    assert sorted(taken, key=bool) == [None] * 4 + [b"1"]


async def test_an_expired_record_cannot_be_taken(records: RecordStore) -> None:
    await records.create("a", b"1", NOW)
    assert await records.take("a", NOW) is None


async def test_a_sweep_deletes_what_has_expired_and_nothing_else(records: RecordStore) -> None:
    await records.create("old", b"1", NOW)
    await records.create("new", b"2", NOW + 10)
    await records.sweep(NOW)
    assert await records.load("old", NOW - 5) is None
    assert await records.load("new", NOW) == b"2"


async def test_a_counter_counts_from_its_first_and_begins_anew_after_its_period(records: RecordStore) -> None:
    assert [await records.count("a", NOW + second, 10) for second in (0, 5, 9)] == [1, 2, 3]
    assert await records.count("b", NOW, 10) == 1
    assert [await records.count("a", NOW + second, 10) for second in (10, 19, 20)] == [1, 2, 1]


async def test_of_many_who_count_at_once_each_gets_its_own_number(records: RecordStore) -> None:
    counted = await asyncio.gather(*(records.count("a", NOW, 10) for _ in range(20)))
    assert sorted(counted) == list(range(1, 21))


async def test_a_sweep_forgets_the_counters_whose_period_is_over_and_no_other(records: RecordStore) -> None:
    if isinstance(records, RedisRecords):
        pytest.skip("Redis keeps its own time: see test_redis_store.py")
    await records.count("old", NOW, 10)
    await records.count("new", NOW + 5, 10)
    await records.sweep(NOW + 10)
    assert await records.count("old", NOW + 9, 10) == 1
    assert await records.count("new", NOW + 10, 10) == 2


async def test_a_counter_is_no_record(records: RecordStore) -> None:
    await records.count("a", NOW, 10)
    assert await records.load("a", NOW) is None
    await records.drop("a")
    assert await records.count("a", NOW, 10) == 2


async def test_attempts_are_bounded_for_each_key_and_start_anew_after_the_period(
    records: RecordStore, clock: Clock
) -> None:
    attempts = Attempts(records, clock, b"k" * 32, tries=2, period_s=60)
    assert [await attempts.allowed("address:192.0.2.7") for _ in range(3)] == [True, True, False]
    assert await attempts.allowed("address:192.0.2.8")
    clock.now += 59
    assert not await attempts.allowed("address:192.0.2.7")
    clock.now += 1
    assert await attempts.allowed("address:192.0.2.7")


async def test_workers_on_one_file_share_their_counters(tmp_path: Path) -> None:
    """Each has its own connection in its own thread, as two processes have; all of them open a new file at once."""
    for attempt in range(10):
        workers = [SqliteRecords(tmp_path / f"{attempt}.db") for _ in range(3)]
        counted = await asyncio.gather(*(worker.count("a", NOW, 10) for worker in workers for _ in range(10)))
        assert sorted(counted) == list(range(1, 31))
        for worker in workers:
            await worker.close()


async def test_two_processes_share_the_attempts_of_one_person(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "sessions.db"
    script = (
        "import asyncio, pathlib, sys\n"
        "from gateway.adapters.limits import Attempts\n"
        "from gateway.adapters.sessions.sqlite import SqliteRecords\n"
        "records = SqliteRecords(pathlib.Path(sys.argv[1]))\n"
        "attempts = Attempts(records, lambda: float(sys.argv[2]), b'k' * 32, tries=3, period_s=60)\n"
        "print(*(asyncio.run(attempts.allowed('person:x:y')) for _ in range(2)))\n"
    )
    command = [sys.executable, "-c", script, str(path), str(clock.now)]
    done = await asyncio.to_thread(
        subprocess.run, command, cwd=ROOT, check=True, capture_output=True, text=True, timeout=30
    )
    assert done.stdout.split() == ["True", "True"]
    records = SqliteRecords(path)
    attempts = Attempts(records, clock, b"k" * 32, tries=3, period_s=60)
    assert [await attempts.allowed("person:x:y") for _ in range(2)] == [True, False]
    await records.close()


async def test_neither_an_address_nor_a_person_can_be_read_in_the_counters(tmp_path: Path, clock: Clock) -> None:
    records = SqliteRecords(tmp_path / "sessions.db")
    attempts = Attempts(records, clock, b"k" * 32, tries=3, period_s=60)
    await attempts.allowed("address:192.0.2.7")
    await attempts.allowed("person:franceconnect:subject")
    on_disk = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    await records.close()
    for canary in (b"192.0.2.7", b"subject", hashlib.sha256(b"address:192.0.2.7").hexdigest().encode()):
        assert canary not in on_disk


async def test_a_session_comes_back_whole(sessions: SealedSessions) -> None:
    await sessions.create(SESSION)
    assert await sessions.load(ID) == SESSION


async def test_another_id_opens_nothing(sessions: SealedSessions) -> None:
    await sessions.create(SESSION)
    assert await sessions.load(SessionId("0" * 64)) is None


async def test_a_session_ends_when_nobody_uses_it(sessions: SealedSessions, clock: Clock) -> None:
    await sessions.create(SESSION)
    clock.now += 1799
    assert await sessions.load(ID) == SESSION
    clock.now += 1799
    assert await sessions.load(ID) == SESSION
    clock.now += 1800
    assert await sessions.load(ID) is None


async def test_a_session_ends_absolutely_however_it_is_used(sessions: SealedSessions, clock: Clock) -> None:
    await sessions.create(SESSION)
    for _ in range(20):
        clock.now += 1500
        found = await sessions.load(ID)
        assert (found is not None) == (clock.now < SESSION.expires_at)


async def test_a_dropped_session_is_never_brought_back(sessions: SealedSessions) -> None:
    await sessions.create(SESSION)
    await sessions.drop(ID)
    assert await sessions.amend(ID, lambda now: now) is None
    assert await sessions.load(ID) is None


async def test_an_amended_session_keeps_its_end(sessions: SealedSessions, clock: Clock) -> None:
    await sessions.create(SESSION)
    assert await sessions.amend(ID, lambda now: replace(now, declined=frozenset()))
    found = await sessions.load(ID)
    assert found is not None
    assert found.declined == frozenset()
    clock.now = SESSION.expires_at
    assert await sessions.load(ID) is None


async def test_a_tampered_record_is_gone_and_no_error(sessions: SealedSessions, records: RecordStore) -> None:
    await sessions.create(SESSION)
    name = Seal(ID, "session").name
    blob = await records.load(name, NOW)
    assert blob is not None
    for place in (0, 5, 20, len(blob) - 1):
        changed = bytearray(blob)
        changed[place] ^= 1
        await records.create(name, bytes(changed), NOW + 100)
        assert await sessions.load(ID) is None
    await records.create(name, b"", NOW + 100)
    assert await sessions.load(ID) is None


async def test_two_records_cannot_be_swapped(sessions: SealedSessions, records: RecordStore) -> None:
    other = replace(SESSION, id=SessionId("9" * 64), identity=None)
    await sessions.create(SESSION)
    await sessions.create(other)
    mine, theirs = Seal(ID, "session").name, Seal(other.id, "session").name
    blob = await records.load(theirs, NOW)
    assert blob is not None
    await records.create(mine, blob, NOW + 100)
    assert await sessions.load(ID) is None


SUB, PROVIDER = ANGELA.sub, ANGELA.provider
SOMEBODY_ELSE = replace(ANGELA, sub="somebody-else")


def _opened(number: int, **changes: object) -> Session:
    return replace(SESSION, id=SessionId(f"{number:064x}"), **changes)  # type: ignore[arg-type]


async def _living(sessions: SealedSessions, *opened: Session) -> list[bool]:
    return [await sessions.load(session.id) is not None for session in opened]


async def test_every_session_of_a_person_is_revoked_and_nobody_else_s(sessions: SealedSessions) -> None:
    mine, also_mine = _opened(1), _opened(2, sid="other")
    theirs = _opened(3, identity=SOMEBODY_ELSE)
    elsewhere = _opened(4, identity=replace(ANGELA, provider="proconnect"))
    nobody_s = _opened(5, identity=None)
    for session in (mine, also_mine, theirs, elsewhere, nobody_s):
        await sessions.create(session)
    assert await sessions.count() == 5
    assert await sessions.revoke(provider=PROVIDER, sub=SUB) == 2
    assert await _living(sessions, mine, also_mine, theirs, elsewhere, nobody_s) == [False, False, True, True, True]
    assert await sessions.revoke(provider=PROVIDER, sub=SUB) == 0
    assert await sessions.count() == 3
    assert await sessions.amend(mine.id, lambda now: now) is None


async def test_one_session_of_the_provider_is_revoked_by_its_sid(sessions: SealedSessions) -> None:
    mine, other, without = _opened(1, sid="a"), _opened(2, sid="b"), _opened(3, sid="")
    theirs = _opened(4, sid="a", identity=replace(ANGELA, provider="proconnect"))
    for session in (mine, other, without, theirs):
        await sessions.create(session)
    assert await sessions.revoke(provider=PROVIDER, sid="a") == 1
    assert await _living(sessions, mine, other, without, theirs) == [False, True, True, True]


async def test_a_sid_with_a_sub_is_revoked_for_that_person_alone(sessions: SealedSessions) -> None:
    mine, theirs = _opened(1, sid="a"), _opened(2, sid="a", identity=SOMEBODY_ELSE)
    for session in (mine, theirs):
        await sessions.create(session)
    assert await sessions.revoke(provider=PROVIDER, sub=SUB, sid="gone") == 0
    assert await sessions.revoke(provider=PROVIDER, sub=SUB, sid="a") == 1
    assert await _living(sessions, mine, theirs) == [False, True]


async def test_every_session_is_revoked_and_no_login_under_way(
    sessions: SealedSessions, records: RecordStore, clock: Clock
) -> None:
    opened = [_opened(number, identity=ANGELA if number % 2 else None) for number in range(1, 8)]
    for session in opened:
        await sessions.create(session)
    transactions = Transactions(records, clock, ttl_s=1800)
    await transactions.begin(TRANSACTION)
    assert await sessions.revoke() == 7
    assert not any(await _living(sessions, *opened))
    assert await transactions.consume(TRANSACTION.state) == TRANSACTION


@pytest.mark.parametrize("half", [{"provider": "franceconnect"}, {"sub": "x"}, {"sid": "x"}])
async def test_half_a_name_revokes_nothing(sessions: SealedSessions, half: dict[str, str]) -> None:
    await sessions.create(SESSION)
    with pytest.raises(ValueError, match="or nothing"):
        await sessions.revoke(**half)
    assert await sessions.load(ID) == SESSION


async def test_a_session_opened_before_the_secret_was_rotated_is_still_revoked(
    records: RecordStore, clock: Clock
) -> None:
    before = SealedSessions(records, clock, idle_s=1800, secrets=[OLD])
    after = SealedSessions(records, clock, idle_s=1800, secrets=[OLD, NEW])
    old, new = _opened(1), _opened(2)
    await before.create(old)
    await after.create(new)
    assert await _living(after, old, new) == [True, True]
    assert await after.count() == 2
    assert await after.revoke(provider=PROVIDER, sub=SUB) == 2
    assert await _living(after, old, new) == [False, False]


async def test_a_session_that_was_used_for_long_is_still_revoked(sessions: SealedSessions, clock: Clock) -> None:
    await sessions.create(SESSION)
    for _ in range(10):
        clock.now += 1700
        assert await sessions.load(ID) is not None
    assert await sessions.revoke(provider=PROVIDER, sub=SUB) == 1
    assert await sessions.load(ID) is None


async def test_who_is_signed_in_goes_on_in_a_store_that_is_full(
    sessions: SealedSessions, clock: Clock, records: RecordStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(*_: object, **__: object) -> bool:
        raise DependencyFailed("session-store", "session_store_full", 503)

    await sessions.create(SESSION)
    monkeypatch.setattr(records, "replace", full)
    clock.now += 1000
    assert await sessions.load(ID) == SESSION
    with pytest.raises(DependencyFailed, match="session_store_full"):
        await sessions.amend(ID, lambda now: now)


async def test_a_login_transaction_is_given_to_its_first_caller_only(records: RecordStore, clock: Clock) -> None:
    transactions = Transactions(records, clock, ttl_s=1800)
    await transactions.begin(TRANSACTION)
    assert await transactions.consume(TRANSACTION.state) == TRANSACTION
    assert await transactions.consume(TRANSACTION.state) is None
    assert await transactions.return_to(TRANSACTION.state) == "/cantine/"


async def test_logins_begun_are_bounded_apart_from_sessions(
    records: RecordStore, sessions: SealedSessions, clock: Clock
) -> None:
    own, shared_out, free = (Attempts(records, clock, OLD, tries=tries, period_s=1800) for tries in (9, 2, 1))
    transactions = Transactions(records, clock, ttl_s=1800, room=Shares(own, shared_out, free))
    begun = [replace(TRANSACTION, state=f"{number:064x}") for number in range(4)]
    for each in begun[:3]:
        await transactions.begin(each)
    with pytest.raises(DependencyFailed, match="session_store_full"):
        await transactions.begin(begun[3])
    assert await transactions.consume(begun[3].state) is None
    await sessions.create(SESSION)
    assert await sessions.load(ID) == SESSION
    assert await transactions.consume(begun[0].state) == begun[0]
    clock.now += 1800
    await transactions.begin(begun[3])


async def test_a_full_sqlite_takes_nothing_new_and_loses_nothing(tmp_path: Path, clock: Clock) -> None:
    records = SqliteRecords(tmp_path / "sessions.db", at_most=200_000)
    sessions = SealedSessions(records, clock, idle_s=1800, secrets=[OLD])
    await sessions.create(SESSION)
    with pytest.raises(DependencyFailed) as caught:
        for number in range(100):
            await records.create(f"{number}", b"x" * 10_000, NOW + 60)
    assert (caught.value.code, caught.value.status) == ("session_store_full", 503)
    clock.now += 61
    assert await sessions.load(ID) == SESSION
    await records.sweep(int(clock.now))
    await records.create("again", b"x" * 10_000, NOW + 600)
    await sessions.drop(ID)
    assert await sessions.load(ID) is None
    await records.close()


async def test_a_login_transaction_ends(records: RecordStore, clock: Clock) -> None:
    transactions = Transactions(records, clock, ttl_s=1800)
    await transactions.begin(TRANSACTION)
    clock.now += 1800
    assert await transactions.consume(TRANSACTION.state) is None
    assert await transactions.return_to(TRANSACTION.state) is None


@pytest.mark.parametrize("state", ["", "undefined", "2" * 63, "Z" * 64, "é" * 64, "2" * 65])
async def test_what_is_no_state_is_unknown(records: RecordStore, clock: Clock, state: str) -> None:
    transactions = Transactions(records, clock, ttl_s=1800)
    assert await transactions.consume(state) is None
    assert await transactions.return_to(state) is None


async def test_a_handoff_is_taken_once_and_within_seconds(records: RecordStore, clock: Clock) -> None:
    handoffs = Handoffs(records, clock)
    handoff = Handoff(ID, "enfance.ville.example", "b" * 64, "https://enfance.ville.example/cantine/")
    await handoffs.leave("7" * 64, handoff)
    assert await handoffs.take("7" * 64) == handoff
    assert await handoffs.take("7" * 64) is None
    await handoffs.leave("8" * 64, handoff)
    clock.now += 30
    assert await handoffs.take("8" * 64) is None
    assert await handoffs.take("x") is None


async def test_nothing_of_a_session_can_be_read_on_disk(tmp_path: Path) -> None:
    path = tmp_path / "sessions.db"
    records = SqliteRecords(path)
    sessions = SealedSessions(records, Clock(), idle_s=1800, secrets=[OLD])
    await sessions.create(SESSION)
    on_disk = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    for canary in ("DUBOIS", "Angela", "family_quotient", "MONTORGUEIL", ID, "franceconnect", "header.payload"):
        assert canary.encode() not in on_disk
    assert path.stat().st_mode & 0o077 == 0
    await records.close()


async def test_a_dropped_record_leaves_no_bytes_in_the_table(tmp_path: Path) -> None:
    path = tmp_path / "sessions.db"
    records = SqliteRecords(path)
    await records.create("a" * 64, b"CANARY" * 50, NOW + 10)
    await records.drop("a" * 64)
    await records.close()
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT count(*) FROM records").fetchone() == (0,)
    connection.close()
    assert b"CANARY" not in path.read_bytes()


async def test_a_store_that_cannot_be_opened_is_a_dependency(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    records = SqliteRecords(tmp_path / "file" / "sessions.db")
    with pytest.raises(DependencyFailed) as caught:
        await records.load("a", NOW)
    assert (caught.value.dependency, caught.value.status) == ("session-store", 503)


async def test_memory_is_bounded() -> None:
    records = MemoryRecords(at_most=1)
    await records.create("a", b"1", NOW)
    with pytest.raises(DependencyFailed, match="session_store_full"):
        await records.create("b", b"1", NOW)
    await records.count("a", NOW, 10)
    assert await records.count("a", NOW, 10) == 2
    with pytest.raises(DependencyFailed, match="session_store_full"):
        await records.count("b", NOW, 10)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        codec.dump(SESSION).replace(b'"expires_at":', b'"expires":'),
        codec.dump(SESSION)[:-1] + b',"x":1}',
    ],
)
async def test_a_record_of_another_form_is_not_read(raw: bytes) -> None:
    with pytest.raises(ValueError):
        codec.load(Session, raw)


async def test_a_record_is_read_with_its_exact_kinds() -> None:
    text = codec.dump(SESSION).decode()
    with pytest.raises(ValueError, match="version"):
        codec.load(Session, text.replace('"family_quotient":648', '"family_quotient":"648"').encode())
    with pytest.raises(ValueError):
        codec.load(Session, text.replace('"verified"', '"open"').encode())


async def test_a_record_is_found_by_its_tags_until_it_is_gone(records: RecordStore) -> None:
    await records.create("one", b"1", NOW + 60, ("person", "all"))
    await records.create("two", b"2", NOW + 30, ("all",))
    assert sorted(await records.tagged("all", NOW)) == ["one", "two"]
    assert await records.tagged("person", NOW) == ["one"]
    assert await records.tagged("all", NOW + 30) == ["one"]
    assert await records.tagged("nobody", NOW) == []
    assert await records.replace("one", b"3", NOW + 90, NOW)
    assert sorted(await records.tagged("all", NOW + 60)) == ["one"]
    await records.drop("one")
    await records.take("two", NOW)
    assert await records.tagged("all", NOW) == []
    assert await records.tagged("person", NOW) == []


async def test_a_record_that_was_dropped_and_made_again_bears_its_new_tags_only(records: RecordStore) -> None:
    await records.create("one", b"1", NOW + 60, ("before",))
    await records.drop("one")
    await records.create("one", b"1", NOW + 60, ("after",))
    assert await records.tagged("before", NOW) == []
    assert await records.tagged("after", NOW) == ["one"]


async def test_a_login_that_another_version_began_is_unknown_and_no_failure(records: RecordStore, clock: Clock) -> None:
    seal = Seal(TRANSACTION.state, "login")
    older = codec.dump(TRANSACTION).replace(b',"takes_back":false', b"")
    await records.create(seal.name, seal.close(older), NOW + 60)
    assert await Transactions(records, clock, ttl_s=60).consume(TRANSACTION.state) is None


async def test_a_handoff_that_another_version_left_is_unknown_and_no_failure(
    records: RecordStore, clock: Clock
) -> None:
    seal = Seal("7" * 64, "handoff")
    await records.create(seal.name, seal.close(b'{"other":1}'), NOW + 60)
    assert await Handoffs(records, clock).take("7" * 64) is None
