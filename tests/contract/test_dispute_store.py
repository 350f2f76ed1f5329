"""Disputes over each record store: sealed, bounded, one writer at a time, and never read as nothing."""

import asyncio
import base64
import json
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from gateway.adapters.disputes.store import KEPT_S as STORE_KEPT_S
from gateway.adapters.disputes.store import PER_DAY, PER_PERSON, StoredDisputes, _Sheet
from gateway.adapters.sessions import codec
from gateway.adapters.sessions.records import RecordStore
from gateway.adapters.sessions.sqlite import SqliteRecords
from gateway.core.disputes import Dispute, State
from gateway.core.errors import DependencyFailed
from gateway.core.model import HouseholdStatus, Need, Standing
from gateway.dispute_ports import DisputesFull
from tests.builders import ANGELA
from tests.contract.conftest import OpenStore

NOW = 1_790_000_000
KEPT_S = 1000
OTHER = replace(ANGELA, sub="b" * 64 + "v1")


class Hand:
    def __init__(self) -> None:
        self.at = float(NOW)

    def __call__(self) -> float:
        return self.at


Scene = Callable[[StoredDisputes, RecordStore, Hand], Coroutine[Any, Any, None]]


@pytest.fixture
def played(open_store: OpenStore) -> Callable[[Scene], None]:
    def play(scene: Scene) -> None:
        async def run() -> None:
            clock = Hand()
            records = open_store(clock, tags_last_s=STORE_KEPT_S)
            try:
                await scene(store(records, clock), records, clock)
            finally:
                await records.close()

        asyncio.run(run())

    return play


Played = Callable[[Scene], None]


@pytest.fixture
def grown(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Sheets are read as a later gateway reads them."""
    hints = codec._hints
    later = {**hints(_Sheet), "disputes": tuple[Grown, ...]}
    monkeypatch.setattr(codec, "_hints", lambda kind: later if kind is _Sheet else hints(kind))
    codec._reader.cache_clear()
    yield
    codec._reader.cache_clear()


def store(records: RecordStore, clock: Hand, key: bytes = b"k" * 32) -> StoredDisputes:
    return StoredDisputes(records, clock, key, retention_s=KEPT_S)


def contest(reference: str = "K7QM-2F4D", datum: Need = Need.QUOTIENT) -> Dispute:
    return Dispute(reference, datum, "", NOW, text="mots", name="DUBOIS Angela", contact="0102030405")


def test_a_contest_stands_for_its_person_alone(played: Played) -> None:
    async def scene(disputes: StoredDisputes, records: RecordStore, clock: Hand) -> None:
        assert await disputes.standing(ANGELA) == Standing()
        await disputes.open(ANGELA, contest())
        assert (await disputes.standing(ANGELA)).data == {Need.QUOTIENT: HouseholdStatus.CONTESTED}
        assert await disputes.standing(OTHER) == Standing()
        assert await disputes.of(ANGELA) == (contest(),)

    played(scene)


def test_the_same_person_at_another_provider_is_somebody_else(played: Played) -> None:
    async def scene(disputes: StoredDisputes, records: RecordStore, clock: Hand) -> None:
        await disputes.open(ANGELA, contest())
        assert await disputes.standing(replace(ANGELA, provider="franceconnect_plus")) == Standing()

    played(scene)


def test_an_open_dispute_outlives_every_retention_and_an_answer_does_not(played: Played) -> None:
    async def scene(disputes: StoredDisputes, records: RecordStore, clock: Hand) -> None:
        await disputes.open(ANGELA, contest())
        clock.at += 5 * 365 * 86_400
        await records.sweep(int(clock.at))
        assert (await disputes.standing(ANGELA)).data
        assert await disputes.settle("K7QM-2F4D", State.SETTLED, "operator")
        assert (await disputes.standing(ANGELA)).data == {Need.QUOTIENT: HouseholdStatus.SETTLED}
        clock.at += KEPT_S
        await records.sweep(int(clock.at))
        assert await disputes.standing(ANGELA) == Standing()
        assert await disputes.find("K7QM-2F4D") is None
        assert await disputes.listed(only_open=False) == []

    played(scene)


def test_two_contests_of_one_datum_are_one(played: Played) -> None:
    async def scene(disputes: StoredDisputes, records: RecordStore, clock: Hand) -> None:
        await disputes.open(ANGELA, contest())
        kept = await disputes.open(ANGELA, contest("AAAA-AAAA"))
        assert kept.reference == "K7QM-2F4D"
        assert await disputes.find("AAAA-AAAA") is None
        assert len(await disputes.listed(only_open=True)) == 1

    played(scene)


def test_of_many_who_write_at_once_nobody_is_lost(played: Played) -> None:
    async def scene(disputes: StoredDisputes, records: RecordStore, clock: Hand) -> None:
        each = [replace(contest(f"AAAA-AAA{number}"), datum=datum) for number, datum in enumerate(Need)]
        await asyncio.gather(*(disputes.open(ANGELA, one) for one in each))
        assert {one.reference for one in await disputes.of(ANGELA)} == {one.reference for one in each}

    played(scene)


def test_of_two_answers_at_once_one_holds(played: Played) -> None:
    async def scene(disputes: StoredDisputes, records: RecordStore, clock: Hand) -> None:
        await disputes.open(ANGELA, contest())
        answers = await asyncio.gather(
            disputes.settle("K7QM-2F4D", State.SETTLED, "one"), disputes.settle("K7QM-2F4D", State.REJECTED, "two")
        )
        assert len([each for each in answers if each is not None]) == 1
        held = await disputes.find("K7QM-2F4D")
        assert held in answers

    played(scene)


def test_a_final_answer_is_not_followed_by_another(played: Played) -> None:
    async def scene(disputes: StoredDisputes, records: RecordStore, clock: Hand) -> None:
        await disputes.open(ANGELA, contest())
        assert await disputes.settle("K7QM-2F4D", State.DOCUMENT_PROVIDED, "one")
        assert [each.state for each in await disputes.listed(only_open=True)] == [State.DOCUMENT_PROVIDED]
        assert await disputes.settle("K7QM-2F4D", State.REJECTED, "one")
        assert await disputes.listed(only_open=True) == []
        assert len(await disputes.listed(only_open=False)) == 1
        assert await disputes.settle("K7QM-2F4D", State.SETTLED, "one") is None
        assert await disputes.settle("AAAA-AAAA", State.SETTLED, "one") is None

    played(scene)


def test_a_writer_that_died_is_waited_for_and_then_passed(played: Played, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene(disputes: StoredDisputes, records: RecordStore, clock: Hand) -> None:
        monkeypatch.setattr("gateway.adapters.disputes.store._WAIT_S", 0)
        taken = disputes._keyed.name("turn", disputes._name(ANGELA), "0")
        await records.count(taken, int(clock.at), 30)
        with pytest.raises(DependencyFailed) as refused:
            await disputes.open(ANGELA, contest())
        assert refused.value.code == "dispute_store_busy"
        clock.at += 31
        await disputes.open(ANGELA, contest())
        assert (await disputes.standing(ANGELA)).data

    played(scene)


def test_what_was_said_is_there_after_a_restart(open_lasting_store: OpenStore) -> None:
    async def run() -> None:
        clock = Hand()
        records = open_lasting_store(clock, tags_last_s=STORE_KEPT_S)
        await store(records, clock).open(ANGELA, contest())
        await records.close()
        records = open_lasting_store(clock, tags_last_s=STORE_KEPT_S)
        disputes = store(records, clock)
        assert (await disputes.standing(ANGELA)).data == {Need.QUOTIENT: HouseholdStatus.CONTESTED}
        assert [each.reference for each in await disputes.listed(only_open=True)] == ["K7QM-2F4D"]
        assert await disputes.settle("K7QM-2F4D", State.SETTLED, "one")
        await records.close()

    asyncio.run(run())


WRITTEN = json.loads((Path(__file__).parent / "data" / "dispute_records_v1.json").read_text(encoding="utf-8"))
"""What version 1 of the records was when it was first released, under the key of these tests: never written anew."""


@dataclass(frozen=True, slots=True)
class Grown(Dispute):
    """A dispute as a later gateway may know it."""

    urgent: bool = False


async def put_written(records: RecordStore) -> None:
    for each in WRITTEN:
        await records.create(each["name"], base64.b64decode(each["blob"]), each["expires_at"], each["tags"])


def test_records_written_when_version_one_was_new_are_read_and_answered(played: Played) -> None:
    async def scene(disputes: StoredDisputes, records: RecordStore, clock: Hand) -> None:
        await put_written(records)
        who = replace(ANGELA, provider="franceconnect", sub="a" * 64 + "v1")
        contested, objected, settled = await disputes.of(who)
        assert contested == Dispute(
            "K7QM-2F4D", Need.QUOTIENT, "", NOW, text="Mes mots à moi", name="DUBOIS Angela", contact="0102030405"
        )
        assert objected == Dispute("B2CD-3F4G", None, "cantine", NOW)
        assert (settled.state, settled.settled_at, settled.by) == (State.SETTLED, NOW, "operator")
        assert {each.reference for each in await disputes.listed(only_open=True)} == {"K7QM-2F4D", "B2CD-3F4G"}
        assert await disputes.settle("K7QM-2F4D", State.REJECTED, "one")

    played(scene)


def test_a_field_that_a_record_does_not_have_yet_has_its_default(played: Played, grown: None) -> None:
    async def scene(disputes: StoredDisputes, records: RecordStore, clock: Hand) -> None:
        await put_written(records)
        found = await disputes.find("B2CD-3F4G")
        assert found == Grown("B2CD-3F4G", None, "cantine", NOW, urgent=False)

    played(scene)


def test_a_field_of_a_newer_gateway_is_named_and_never_dropped(played: Played) -> None:
    async def scene(disputes: StoredDisputes, records: RecordStore, clock: Hand) -> None:
        await disputes.open(ANGELA, Grown("K7QM-2F4D", Need.QUOTIENT, "", NOW, urgent=True))
        for asked in (disputes.standing(ANGELA), disputes.open(ANGELA, contest("AAAA-AAAA"))):
            with pytest.raises(DependencyFailed) as refused:
                await asked
            assert (refused.value.code, refused.value.reference) == ("dispute_newer_version", "Dispute.urgent")
        assert await disputes.standing(OTHER) == Standing()

    played(scene)


def test_a_record_of_another_version_is_named_too(played: Played) -> None:
    async def scene(disputes: StoredDisputes, records: RecordStore, clock: Hand) -> None:
        await disputes.open(ANGELA, contest())
        await records.replace(disputes._name(ANGELA), b"2" + b"\0" * 40, NOW + KEPT_S, NOW)
        with pytest.raises(DependencyFailed) as refused:
            await disputes.standing(ANGELA)
        assert (refused.value.code, refused.value.reference) == ("dispute_newer_version", "version 2")

    played(scene)


@pytest.mark.parametrize("lacks", ["reference", "datum", "policy", "opened_at"])
def test_a_record_without_what_every_dispute_has_is_not_read(played: Played, lacks: str) -> None:
    async def scene(disputes: StoredDisputes, records: RecordStore, clock: Hand) -> None:
        await disputes.open(ANGELA, contest())
        name = disputes._name(ANGELA)
        sheet = json.loads(disputes._keyed.open(name, await records.load(name, NOW) or b"") or b"")
        del sheet["disputes"][0][lacks]
        blob = disputes._keyed.close(name, json.dumps(sheet).encode())
        assert await records.replace(name, blob, NOW + KEPT_S, NOW)
        with pytest.raises(DependencyFailed, match="dispute_unreadable"):
            await disputes.standing(ANGELA)

    played(scene)


def test_one_s_own_is_withdrawn_and_nobody_else_s(played: Played) -> None:
    async def scene(disputes: StoredDisputes, records: RecordStore, clock: Hand) -> None:
        await disputes.open(ANGELA, contest())
        assert not await disputes.withdraw(OTHER, "K7QM-2F4D")
        assert (await disputes.standing(ANGELA)).data
        assert await disputes.withdraw(ANGELA, "K7QM-2F4D")
        assert await disputes.standing(ANGELA) == Standing()
        assert await disputes.find("K7QM-2F4D") is None
        await disputes.open(ANGELA, contest("AAAA-AAAA"))
        assert (await disputes.standing(ANGELA)).data

    played(scene)


def test_one_person_has_a_bounded_number_of_them(played: Played) -> None:
    async def scene(disputes: StoredDisputes, records: RecordStore, clock: Hand) -> None:
        for number in range(PER_PERSON):
            await disputes.open(ANGELA, Dispute(f"AAAA-A{number:03}", None, f"policy{number}", NOW))
        clock.at += 86_401
        with pytest.raises(DisputesFull):
            await disputes.open(ANGELA, contest())
        assert await disputes.find("K7QM-2F4D") is None
        await disputes.open(OTHER, contest())

    played(scene)


def test_contesting_and_withdrawing_all_day_ends_before_the_day_does(played: Played) -> None:
    async def scene(disputes: StoredDisputes, records: RecordStore, clock: Hand) -> None:
        for _ in range(PER_DAY):
            await disputes.open(ANGELA, contest())
            await disputes.withdraw(ANGELA, "K7QM-2F4D")
        with pytest.raises(DisputesFull):
            await disputes.open(ANGELA, contest())
        clock.at += 86_401
        await disputes.open(ANGELA, contest())

    played(scene)


def test_under_another_key_nothing_is_known_rather_than_nothing_said(played: Played) -> None:
    async def scene(disputes: StoredDisputes, records: RecordStore, clock: Hand) -> None:
        await disputes.open(ANGELA, contest())
        with pytest.raises(DependencyFailed) as refused:
            await store(records, clock, b"x" * 32).standing(ANGELA)
        assert refused.value.code == "dispute_key_changed"
        assert (await store(records, clock).standing(ANGELA)).data

    played(scene)


def test_a_damaged_record_is_not_read_as_nothing(played: Played) -> None:
    async def scene(disputes: StoredDisputes, records: RecordStore, clock: Hand) -> None:
        await disputes.open(ANGELA, contest())
        await records.replace(disputes._name(ANGELA), b"1" + b"\0" * 40, NOW + KEPT_S, NOW)
        with pytest.raises(DependencyFailed) as refused:
            await disputes.standing(ANGELA)
        assert refused.value.code == "dispute_unreadable"

    played(scene)


def test_a_record_does_not_open_under_another_person_s_name(played: Played) -> None:
    async def scene(disputes: StoredDisputes, records: RecordStore, clock: Hand) -> None:
        await disputes.open(ANGELA, contest())
        moved = await records.load(disputes._name(ANGELA), NOW)
        assert moved is not None
        await records.create(disputes._name(OTHER), moved, NOW + KEPT_S)
        with pytest.raises(DependencyFailed):
            await disputes.standing(OTHER)

    played(scene)


def test_the_store_holds_no_word_and_no_name(tmp_path: Path) -> None:
    async def scene() -> None:
        records = SqliteRecords(tmp_path / "disputes.db")
        await store(records, Hand()).open(ANGELA, contest())
        await records.close()

    asyncio.run(scene())
    raw = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    for value in (b"DUBOIS", b"mots", b"0102030405", b"K7QM-2F4D", ANGELA.sub.encode()):
        assert value not in raw
