"""One contract for the quotas of every record store: windows, places, the line, closed doors, leases."""

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.adapters import quotas as shared
from gateway.adapters.chance import new_token
from gateway.adapters.quotas import HOUR_S, MINUTE_S, SECOND_S, SharedQuotas
from gateway.adapters.sessions.memory import MemoryRecords
from gateway.adapters.sessions.records import RecordStore
from gateway.adapters.sessions.sqlite import SqliteRecords
from gateway.core.errors import DependencyFailed
from gateway.core.quota import Claim, Turn, Window, Wish
from gateway.core.rules import Mode
from gateway.settings import ApiParticulierSettings, Quotas
from tests.contract.conftest import OpenStore

pytestmark = pytest.mark.anyio

NOW = 1_790_000_000.0


class Hand:
    def __init__(self) -> None:
        self.now = NOW
        self.slept: list[float] = []

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)


@pytest.fixture
async def records(open_store: OpenStore, hand: Hand) -> AsyncIterator[RecordStore]:
    store = open_store(hand.clock)
    yield store
    await store.close()


@pytest.fixture
def hand() -> Hand:
    return Hand()


def quotas_on(records: RecordStore, hand: Hand, **figures: int) -> SharedQuotas:
    return SharedQuotas(
        records,
        ApiParticulierSettings("https://api.example", "13002526500013", quotas=replace(Quotas(), **figures)),
        clock=hand.clock,
        sleep=hand.sleep,
        new_token=new_token,
    )


def browser(number: int) -> str:
    return f"{number:064x}"


TWO_WINDOWS = (Window("calls", 2, 10), Window("calls", 3, 100))


def a_use(**changes: object) -> Claim:
    return replace(Claim(Wish.USE, TWO_WINDOWS), **changes)  # type: ignore[arg-type]


async def at(records: RecordStore, second: float, claim: Claim) -> Turn:
    return await records.reserve("quota", NOW + second, claim)


# Windows


async def test_a_use_takes_room_in_all_windows_or_says_when_there_is_room(records: RecordStore) -> None:
    assert await at(records, 0, a_use()) == Turn(granted=True)
    assert await at(records, 1, a_use()) == Turn(granted=True)
    assert await at(records, 2, a_use()) == Turn(granted=False, wait_s=8)
    assert await at(records, 10, a_use()) == Turn(granted=True)
    # The short window has room again; the long one has not.
    assert await at(records, 50, a_use()) == Turn(granted=False, wait_s=50)
    assert await at(records, 100, a_use()) == Turn(granted=True)


async def test_a_refused_use_takes_nothing_in_any_window(records: RecordStore) -> None:
    short, long = (Window("short", 1, 10),), (Window("short", 1, 10), Window("long", 2, 1000))
    assert (await at(records, 0, a_use(windows=short))).granted
    for second in range(1, 9):
        assert not (await at(records, second, a_use(windows=long))).granted
    assert (await at(records, 10, a_use(windows=long))).granted
    assert (await at(records, 20, a_use(windows=long))).granted


async def test_a_moment_within_ones_patience_is_booked_and_counts_for_the_next(records: RecordStore) -> None:
    one = (Window("calls", 1, 10),)
    turns = [await at(records, 0, a_use(windows=one, patience_s=25)) for _ in range(4)]
    assert turns == [Turn(True), Turn(True, 10), Turn(True, 20), Turn(False, 30)]
    assert not (await at(records, 29, a_use(windows=one))).granted
    assert (await at(records, 30, a_use(windows=one))).granted


@pytest.mark.parametrize("seed", range(3))
async def test_no_stretch_of_time_ever_holds_more_than_its_window_allows(records: RecordStore, seed: int) -> None:
    chance, second, used = random.Random(seed), 0.0, list[float]()
    for _ in range(150):
        second = round(second + chance.expovariate(1.0), 3)
        turn = await at(records, second, a_use(patience_s=chance.choice([0, 0, 5])))
        if turn.granted:
            used.append(second + turn.wait_s)
    assert len(used) > 3
    for _, most, period_s in TWO_WINDOWS:
        for begins in used:
            assert sum(begins <= each < begins + period_s - 0.0005 for each in used) <= most


async def test_of_many_at_once_as_many_as_there_is_room_for_are_let_in(records: RecordStore) -> None:
    turns = await asyncio.gather(*(at(records, 0, a_use()) for _ in range(20)))
    assert sorted(turn.granted for turn in turns) == [False] * 18 + [True] * 2


async def test_another_quota_is_another(records: RecordStore) -> None:
    assert (await records.reserve("a", NOW, a_use(windows=(Window("calls", 1, 10),)))).granted
    assert (await records.reserve("b", NOW, a_use(windows=(Window("calls", 1, 10),)))).granted


# Places and the line

LINE = (Window("people", 2, 10), Window("all", 5, 10))


def a_place(member: str, wish: Wish = Wish.HOLD, **changes: object) -> Claim:
    plain = Claim(wish, LINE, member, "people", hold_s=30, keep_s=60, waiting_at_most=3, away_s=5)
    return replace(plain, **changes)  # type: ignore[arg-type]


async def test_a_place_counts_until_it_is_used_and_its_use_counts_from_then_on(records: RecordStore) -> None:
    assert await at(records, 0, a_place("a")) == Turn(granted=True, until_s=30)
    assert (await at(records, 0, a_place("b"))).granted
    assert not (await at(records, 20, a_place("c"))).granted
    assert (await at(records, 21, a_place("a", Wish.USE))).granted
    assert not (await at(records, 22, a_place("c"))).granted
    # b never came: its place is over. a's use fills one of two places until 31.
    assert (await at(records, 30, a_place("c"))).granted
    assert not (await at(records, 30.5, a_place("d"))).granted


async def test_a_place_is_a_call_whenever_its_holder_comes(records: RecordStore) -> None:
    for member in ("a", "b"):
        assert (await at(records, 0, a_place(member))).granted
    assert not (await at(records, 1, a_place("x", Wish.USE))).granted
    assert (await at(records, 29, a_place("a", Wish.USE))).granted
    assert (await at(records, 29.9, a_place("b", Wish.USE))).granted


async def test_who_comes_after_their_place_is_over_is_let_in_if_there_is_room(records: RecordStore) -> None:
    assert (await at(records, 0, a_place("a"))).granted
    assert (await at(records, 31, a_place("b"))).granted
    assert (await at(records, 32, a_place("a", Wish.USE))).granted
    assert not (await at(records, 33, a_place("c", Wish.USE))).granted


async def test_a_member_holds_one_place_however_often_they_ask(records: RecordStore) -> None:
    for second in range(4):
        assert (await at(records, second, a_place("a"))).granted
    assert (await at(records, 5, a_place("b"))).granted
    assert (await at(records, 6, a_place("a", Wish.USE))).granted
    assert not (await at(records, 7, a_place("a", Wish.USE))).granted


async def test_a_place_asked_for_again_lasts_longer_and_never_twice_as_long(records: RecordStore) -> None:
    assert (await at(records, 0, a_place("a"))).until_s == 30
    assert (await at(records, 20, a_place("a"))).until_s == 30
    assert (await at(records, 45, a_place("a"))).until_s == 15
    assert (await at(records, 59, a_place("a"))).until_s == 1
    assert (await at(records, 60, a_place("a", Wish.STAY))).granted is False


async def test_a_use_takes_the_room_of_its_place_and_not_another(records: RecordStore) -> None:
    assert (await at(records, 0, a_place("a"))).granted
    assert (await at(records, 1, a_place("a", Wish.USE))).granted
    assert (await at(records, 2, a_place("b"))).granted


async def _full(records: RecordStore) -> None:
    """Both places were used at 0."""
    for member in ("x", "y"):
        assert (await at(records, 0, a_place(member))).granted
        assert (await at(records, 0, a_place(member, Wish.USE))).granted


async def test_the_line_is_in_the_order_of_arrival_and_nobody_passes(records: RecordStore) -> None:
    await _full(records)
    turns = [await at(records, 1, a_place(member)) for member in ("a", "b", "c")]
    assert [(turn.granted, turn.waits, turn.ahead) for turn in turns] == [(False, True, place) for place in range(3)]
    # Two places free at 10: the third of the line and a newcomer find none.
    assert not (await at(records, 10, a_place("c"))).granted
    assert not (await at(records, 10, a_place("new"))).granted
    assert (await at(records, 10, a_place("b"))).granted
    assert not (await at(records, 10, a_place("c"))).granted
    assert (await at(records, 10, a_place("a"))).granted
    assert (await at(records, 10, a_place("c"))).ahead == 0


async def test_who_waits_is_told_when_their_turn_comes_if_all_before_them_come(records: RecordStore) -> None:
    await _full(records)
    waits = [(await at(records, 1, a_place(member, waiting_at_most=9))).wait_s for member in "abcdef"]
    # Two at 10; two more when those have come back (5 s) and their window is over (10 s); and so on.
    assert waits == [9, 9, 24, 24, 39, 39]


async def test_a_member_waits_once_however_often_they_ask(records: RecordStore) -> None:
    await _full(records)
    for second in (1, 2, 3):
        assert (await at(records, second, a_place("a"))).ahead == 0
    assert (await at(records, 4, a_place("b"))).ahead == 1


async def test_who_comes_no_more_is_forgotten_and_the_others_move_up(records: RecordStore) -> None:
    await _full(records)
    await at(records, 1, a_place("a", keep_s=3))
    await at(records, 1, a_place("b", keep_s=60))
    assert (await at(records, 3.5, a_place("b"))).ahead == 1
    assert (await at(records, 4, a_place("b"))).ahead == 0
    assert (await at(records, 4, a_place("a", Wish.STAY))) == Turn(granted=False, ahead=1)


async def test_who_stays_keeps_their_turn_and_never_joins_by_it(records: RecordStore) -> None:
    await _full(records)
    assert not (await at(records, 1, a_place("a", Wish.STAY))).waits
    await at(records, 1, a_place("a", keep_s=3))
    for second in (3, 5, 7, 9):
        assert (await at(records, second, a_place("a", Wish.STAY, keep_s=3))).waits
    assert (await at(records, 10, a_place("a", Wish.STAY))).granted
    # A place that somebody holds counts in a place asked for by nobody else.
    assert not (await at(records, 10, a_place("b", Wish.STAY))).granted


async def test_who_leaves_gives_up_place_and_turn(records: RecordStore) -> None:
    assert (await at(records, 0, a_place("a"))).granted
    assert (await at(records, 0, a_place("b"))).granted
    assert (await at(records, 1, a_place("c"))).waits
    await at(records, 2, a_place("c", Wish.LEAVE))
    await at(records, 2, a_place("a", Wish.LEAVE))
    assert (await at(records, 3, a_place("d"))).granted
    assert (await at(records, 3, a_place("c"))).ahead == 0


async def test_the_line_is_bounded_and_who_stands_in_it_stays(records: RecordStore) -> None:
    await _full(records)
    for member in "abc":
        assert (await at(records, 1, a_place(member))).waits
    assert await at(records, 1, a_place("d")) == Turn(False, wait_s=24, ahead=3)
    assert (await at(records, 2, a_place("c"))).waits


async def test_a_store_swept_keeps_what_still_counts(records: RecordStore) -> None:
    await _full(records)
    await at(records, 1, a_place("a"))
    await at(records, 1, Claim(Wish.CLOSE, LINE, closed_s=20))
    await records.sweep(int(NOW) + 9)
    assert (await at(records, 9.5, a_place("b"))).ahead == 1
    await records.sweep(int(NOW) + 100)
    assert (await at(records, 100, a_place("b"))).granted


# The door


async def test_a_closed_door_is_closed_for_places_and_calls_whatever_room_there_is(records: RecordStore) -> None:
    assert (await at(records, 0, a_place("a"))).granted
    await at(records, 1, Claim(Wish.CLOSE, (Window("all", 1, 0),), closed_s=40))
    assert await at(records, 2, a_place("a", Wish.USE)) == Turn(granted=False, wait_s=39, closed=True)
    refused = await at(records, 2, a_place("b"))
    assert (refused.granted, refused.wait_s, refused.closed) == (False, 39, True)
    assert (await at(records, 41, a_place("b"))).granted
    assert (await at(records, 41, a_use(windows=LINE))).granted


async def test_a_door_never_opens_earlier_than_was_said_first(records: RecordStore) -> None:
    await at(records, 0, Claim(Wish.CLOSE, LINE, closed_s=40))
    await at(records, 0, Claim(Wish.CLOSE, LINE, closed_s=3))
    assert (await at(records, 10, a_use(windows=LINE, patience_s=100))).closed
    assert (await at(records, 10, Claim(Wish.CLOSE, LINE))).closed
    assert (await at(records, 40, a_use(windows=LINE))).granted


# What is made of it for API Particulier


async def test_thirty_a_minute_and_six_hundred_an_hour_in_franceconnect_mode(records: RecordStore, hand: Hand) -> None:
    quotas, calls = quotas_on(records, hand, franceconnect_per_minute=3, franceconnect_per_hour=7), list[float]()
    while hand.now < NOW + HOUR_S + 600:
        if (await quotas.call(Mode.FRANCECONNECT, patience_s=0)).granted:
            calls.append(hand.now)
        hand.now += 20
    assert max(sum(begins <= each < begins + 60 for each in calls) for begins in calls) == 3
    assert max(sum(begins <= each < begins + 3600 for each in calls) for begins in calls) == 7
    assert len(calls) > 7


async def test_twenty_a_second_for_the_token_whoever_waits_has_a_moment_of_their_own(
    records: RecordStore, hand: Hand
) -> None:
    quotas, slept = quotas_on(records, hand, token_per_second=4), list[float]()

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    quotas._sleep = sleep
    turns = [await quotas.call(Mode.IDENTITY, patience_s=3) for _ in range(13)]
    assert [turn.wait_s for turn in turns] == [0.0] * 4 + [SECOND_S] * 4 + [2 * SECOND_S] * 4 + [3 * SECOND_S]
    assert [turn.granted for turn in turns] == [True] * 12 + [False]
    assert slept == [SECOND_S] * 4 + [2 * SECOND_S] * 4


async def test_a_thousand_a_minute_for_all_modes_together(records: RecordStore, hand: Hand) -> None:
    quotas = quotas_on(records, hand, address_per_minute=3)
    for mode in (Mode.FRANCECONNECT, Mode.IDENTITY, Mode.NUMBER):
        assert (await quotas.call(mode, patience_s=0)).granted
    for mode in (Mode.FRANCECONNECT, Mode.IDENTITY, Mode.NUMBER):
        assert not (await quotas.call(mode, patience_s=0)).granted
    hand.now += MINUTE_S
    assert (await quotas.call(Mode.IDENTITY, patience_s=0)).granted


async def test_whatever_asks_at_one_place_shares_its_quota(records: RecordStore, hand: Hand) -> None:
    one, other = (quotas_on(records, hand, franceconnect_per_minute=1) for _ in range(2))
    assert (await one.call(Mode.FRANCECONNECT, patience_s=0)).granted
    assert not (await other.call(Mode.FRANCECONNECT, patience_s=0)).granted


async def test_places_of_people_do_not_stand_in_the_way_of_the_tokens_calls(records: RecordStore, hand: Hand) -> None:
    quotas = quotas_on(records, hand, franceconnect_per_minute=9, token_per_second=2)
    for number in range(5):
        assert (await quotas.join(browser(number), keep_s=60)).granted
    assert (await quotas.call(Mode.IDENTITY, patience_s=0)).granted


async def test_a_door_closed_while_one_waits_for_a_moment_is_closed_for_them_too(
    records: RecordStore, hand: Hand
) -> None:
    quotas = quotas_on(records, hand, token_per_second=1)
    assert (await quotas.call(Mode.IDENTITY, patience_s=10)).granted

    async def meanwhile(seconds: float) -> None:
        await quotas.close(None, 60)
        hand.now += seconds

    quotas._sleep = meanwhile
    turn = await quotas.call(Mode.IDENTITY, patience_s=10)
    assert (turn.granted, turn.closed) == (False, True)


async def test_one_alone_at_a_time_and_the_next_when_they_are_done(records: RecordStore, hand: Hand) -> None:
    quotas, under_way, most = quotas_on(records, hand), 0, 0

    async def one() -> bool:
        nonlocal under_way, most
        async with quotas.alone("13002526500013", hold_s=1e6, patience_s=1e5) as mine:
            under_way += 1
            most = max(most, under_way)
            await asyncio.sleep(0)
            under_way -= 1
        return mine

    assert await asyncio.gather(*(one() for _ in range(5))) == [True] * 5
    assert most == 1


async def test_who_waits_too_long_to_be_alone_is_told_and_who_died_inside_lets_the_next_in(
    records: RecordStore, hand: Hand
) -> None:
    quotas = quotas_on(records, hand)
    dead = quotas.alone("name", hold_s=28, patience_s=0)
    assert await dead.__aenter__()
    async with quotas.alone("another", hold_s=28, patience_s=0) as other:
        assert other
    async with quotas.alone("name", hold_s=28, patience_s=1) as mine:
        assert not mine
    assert sum(hand.slept) == pytest.approx(1)
    hand.now = NOW + 28
    async with quotas.alone("name", hold_s=28, patience_s=0) as mine:
        assert mine


async def test_a_browser_has_one_place_and_the_store_learns_nothing_of_it(tmp_path: Path, hand: Hand) -> None:
    records = SqliteRecords(tmp_path / "sessions.db")
    quotas = quotas_on(records, hand, franceconnect_per_minute=1)
    assert (await quotas.join(browser(1), keep_s=60)).granted
    assert (await quotas.join(browser(1), keep_s=60)).granted
    assert (await quotas.join(browser(2), keep_s=60)).waits
    assert (await quotas.stay(browser(2), keep_s=60)).waits
    on_disk = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    await records.close()
    assert browser(2).encode() not in on_disk


async def test_memory_is_bounded_for_quotas_too(hand: Hand) -> None:
    records = MemoryRecords(at_most=2)
    many = (Window("calls", 100, 10),)
    for _ in range(2):
        assert (await records.reserve("quota", NOW, a_use(windows=many))).granted
    with pytest.raises(DependencyFailed, match="session_store_full"):
        await records.reserve("quota", NOW, a_use(windows=many))
    await records.sweep(int(NOW) + 100)
    assert (await records.reserve("quota", NOW + 100, a_use(windows=many))).granted


def test_our_windows_are_longer_than_the_providers_by_the_time_a_call_may_take_to_leave() -> None:
    assert (SECOND_S, MINUTE_S, HOUR_S) == (1.25, 65, 3605)
    assert Quotas().place_s >= shared.AWAY_S
