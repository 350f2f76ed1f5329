"""The household source among others: workers that share a store share quotas, doors and locks."""

import asyncio
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from gateway.adapters import api_particulier
from gateway.adapters.api_particulier import ApiParticulier, http_client
from gateway.adapters.api_particulier_answers import spent_for_s
from gateway.adapters.breaker import FAILURES, REST_S, Breaker
from gateway.adapters.sessions.memory import MemoryRecords
from gateway.adapters.sessions.sqlite import SqliteRecords
from gateway.core.model import Absent, Household, HouseholdStatus
from gateway.core.rules import Mode
from gateway.settings import Quotas
from tests.household_source import (
    BY_IDENTITY,
    BY_NUMBER,
    BY_TOKEN,
    REQUESTS,
    Desk,
    Hand,
    a_desk,
    ok,
    quotas_of,
    refused,
)

pytestmark = pytest.mark.anyio

UNAVAILABLE = HouseholdStatus.UNAVAILABLE
PLACE = "b" * 64


def _code(answer: Household | Absent) -> str:
    return answer.code if isinstance(answer, Absent) else "a household"


# A place


async def test_an_enquiry_uses_the_place_of_its_browser_and_nobody_elses() -> None:
    records, hand, one = MemoryRecords(), Hand(), Quotas(franceconnect_per_minute=1)
    with a_desk(records=records, hand=hand, quotas=one) as desk:
        desk.answers(ok())
        line = desk.source._quotas
        assert (await line.join(PLACE, keep_s=60)).granted
        assert _code(await desk.fetch(replace(BY_TOKEN, place="c" * 64))) == "api_particulier_quota"
        assert _code(await desk.fetch(BY_TOKEN)) == "api_particulier_quota"
        assert desk.calls == []
        assert isinstance(await desk.fetch(replace(BY_TOKEN, place=PLACE)), Household)
        assert _code(await desk.fetch(replace(BY_TOKEN, place=PLACE))) == "api_particulier_quota"
    assert len(desk.calls) == 1


async def test_each_retry_counts_as_a_call_of_its_own() -> None:
    with a_desk(quotas=Quotas(franceconnect_per_minute=2)) as desk:
        desk.answers(refused(502, "35001"), refused(502, "35001"), ok())
        assert _code(await desk.fetch(BY_TOKEN)) == "api_particulier_quota"
    assert len(desk.calls) == 2


# Doors


@pytest.mark.parametrize("store", ["memory", "sqlite"])
async def test_a_429_seen_by_one_worker_closes_the_door_for_all(tmp_path: Path, store: str) -> None:
    hand = Hand()
    path = tmp_path / "sessions.db"
    several = [MemoryRecords()] * 2 if store == "memory" else [SqliteRecords(path), SqliteRecords(path)]
    with a_desk(records=several[0], hand=hand) as first:
        await first.answers(refused(429, "00429", {"Retry-After": "40"})).fetch(BY_IDENTITY)
    with a_desk(records=several[1], hand=hand) as second:
        second.answers(ok())
        for request in REQUESTS.values():
            assert _code(await second.fetch(request)) == "api_particulier_closed"
        hand.now += 39.9
        assert _code(await second.fetch(BY_NUMBER)) == "api_particulier_closed"
        assert second.calls == []
        hand.now += 0.1
        assert isinstance(await second.fetch(BY_IDENTITY), Household)
    for records in several:
        await records.close()


async def test_ratelimit_lines_that_say_nothing_is_left_are_obeyed_before_any_429() -> None:
    with a_desk() as desk:
        spent = {"RateLimit-Remaining": "0", "RateLimit-Reset": str(int(desk.hand.now) + 30)}
        desk.answers(httpx.Response(200, json=ok().json(), headers=spent), ok())
        assert isinstance(await desk.fetch(BY_IDENTITY), Household)
        assert _code(await desk.fetch(BY_IDENTITY)) == "api_particulier_closed"
        # What is spent is this token's, not what FranceConnect's tokens may.
        assert isinstance(await desk.fetch(BY_TOKEN), Household)
        desk.hand.now += 30
        assert isinstance(await desk.fetch(BY_IDENTITY), Household)


async def test_ratelimit_lines_with_something_left_close_nothing() -> None:
    with a_desk() as desk:
        left = {"RateLimit-Remaining": "1", "RateLimit-Reset": str(int(desk.hand.now) + 30)}
        desk.answers(httpx.Response(200, json=ok().json(), headers=left))
        for _ in range(3):
            assert isinstance(await desk.fetch(BY_IDENTITY), Household)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 0),
        ({"RateLimit-Remaining": "0"}, 0),
        ({"RateLimit-Remaining": "0", "RateLimit-Reset": "1030"}, 30),
        ({"RateLimit-Remaining": "0", "RateLimit-Reset": "1030", "Date": "Thu, 01 Jan 1970 00:17:00 GMT"}, 10),
        ({"RateLimit-Remaining": "0", "RateLimit-Reset": "900"}, 0),
        ({"RateLimit-Remaining": "0", "RateLimit-Reset": "99999999999999999999"}, 3600),
        ({"RateLimit-Remaining": "0", "RateLimit-Reset": "soon"}, 0),
        ({"RateLimit-Remaining": "-1", "RateLimit-Reset": "1030"}, 0),
    ],
)
async def test_the_reset_is_read_against_the_providers_own_clock(headers: dict[str, str], seconds: float) -> None:
    assert spent_for_s(headers, 1000) == seconds


# One at a time


async def test_two_workers_never_ask_for_one_recipient_at_once(tmp_path: Path) -> None:
    under_way, most, path = 0, 0, tmp_path / "sessions.db"

    async def answer(sent: httpx.Request) -> httpx.Response:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        for _ in range(20):
            await asyncio.sleep(0.001)
        under_way -= 1
        return ok()

    async def patient(seconds: float) -> None:
        await asyncio.sleep(0.001)

    hand = Hand()
    hand.sleep = patient  # type: ignore[method-assign]
    workers = [SqliteRecords(path) for _ in range(3)]
    with a_desk(records=workers[0], hand=hand) as desk:
        desk.answers(answer)
        desks = [Desk(_source(desk, records, hand), desk.route, hand, []) for records in workers]
        answers = await asyncio.gather(*(each.fetch(BY_TOKEN) for each in desks for _ in range(2)))
    assert all(isinstance(each, Household) for each in answers)
    assert (most, len(desk.calls)) == (1, 6)
    for records in workers:
        await records.close()


def _source(desk: Desk, records: SqliteRecords, hand: Hand) -> ApiParticulier:
    settings = desk.source._settings
    return ApiParticulier(
        settings, http_client(settings), quotas=quotas_of(settings, hand, records), clock=hand.clock, sleep=hand.sleep
    )


# The token's life


async def test_nothing_is_asked_with_a_token_that_is_about_to_die() -> None:
    with a_desk() as desk:
        desk.answers(ok())
        dying = replace(BY_TOKEN, until=desk.hand.now + 1.5)
        assert await desk.fetch(dying) == Absent(UNAVAILABLE, "api_particulier_late")
        assert desk.calls == []
        assert isinstance(await desk.fetch(replace(BY_TOKEN, until=desk.hand.now + 2.5)), Household)


async def test_no_retry_is_made_beyond_the_tokens_life() -> None:
    with a_desk() as desk:
        desk.answers(refused(503, "35020", meta={"retry_in": 10}))
        await desk.fetch(replace(BY_TOKEN, until=desk.hand.now + 11))
        assert desk.hand.slept == []
        await desk.fetch(replace(BY_TOKEN, until=desk.hand.now + 13))
        assert desk.hand.slept == [10]


async def test_an_answer_is_waited_for_until_the_token_dies_and_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_particulier, "CALL_S", 0.0)

    async def never(sent: httpx.Request) -> httpx.Response:
        await asyncio.Event().wait()
        return ok()

    with a_desk() as desk:
        answer = await desk.answers(never).fetch(replace(BY_TOKEN, until=desk.hand.now + 0.02))
    assert answer == Absent(UNAVAILABLE, "api_particulier_timeout")


# A source at rest


async def test_a_source_that_does_not_answer_is_left_alone_and_probed_by_one() -> None:
    with a_desk() as desk:
        desk.answers(httpx.ConnectError("x"))
        for _ in range(FAILURES):
            assert _code(await desk.fetch(BY_IDENTITY)) == "api_particulier_connection"
        assert _code(await desk.fetch(BY_IDENTITY)) == "api_particulier_resting"
        assert len(desk.calls) == FAILURES
        desk.hand.now += REST_S
        assert _code(await desk.fetch(BY_IDENTITY)) == "api_particulier_connection"
        assert _code(await desk.fetch(BY_IDENTITY)) == "api_particulier_resting"
        desk.hand.now += REST_S
        assert isinstance(await desk.answers(ok()).fetch(BY_IDENTITY), Household)
        assert isinstance(await desk.fetch(BY_IDENTITY), Household)


async def test_a_source_at_rest_spends_no_quota() -> None:
    with a_desk(quotas=Quotas(franceconnect_per_minute=FAILURES + 1)) as desk:
        desk.answers(httpx.ConnectError("x"))
        for _ in range(FAILURES + 20):
            await desk.fetch(BY_TOKEN)
        desk.hand.now += REST_S
        assert isinstance(await desk.answers(ok()).fetch(BY_TOKEN), Household)


@pytest.mark.parametrize(
    ("status", "code"), [(404, "35003"), (422, "35560"), (401, "50002"), (429, "00429"), (502, "35000")]
)
async def test_a_refusal_is_an_answer_and_no_outage(status: int, code: str) -> None:
    with a_desk() as desk:
        desk.answers(refused(status, code, {"Retry-After": "0"}))
        for _ in range(FAILURES + 1):
            await desk.fetch(BY_IDENTITY)
        assert isinstance(await desk.answers(ok()).fetch(BY_IDENTITY), Household)


async def test_one_answer_between_failures_begins_the_count_anew() -> None:
    breaker = Breaker()
    for number in range(3 * FAILURES):
        breaker.note(0, answered=number % FAILURES == FAILURES - 1)
    assert breaker.admits(0)


# The cache of 24 hours


def _cached(month: int, cached: str = "true") -> httpx.Response:
    payload = ok().json()
    payload["data"]["quotient_familial"]["mois"] = month
    return httpx.Response(200, json=payload, headers={"X-Response-Cached": cached})


@pytest.mark.parametrize("mode", [Mode.FRANCECONNECT, Mode.IDENTITY])
async def test_another_month_out_of_the_cache_is_asked_again_past_it(mode: Mode) -> None:
    with a_desk() as desk:
        answer = await desk.answers(_cached(8), _cached(9, "false")).fetch(REQUESTS[mode])
    assert isinstance(answer, Household)
    assert answer.reference_month == "2026-09"
    assert [call.headers.get("Cache-Control") for call in desk.calls] == [None, "no-cache"]


@pytest.mark.parametrize("answer", [_cached(9), _cached(8, "false")])
async def test_this_month_or_what_did_not_come_out_of_the_cache_is_taken_as_it_is(answer: httpx.Response) -> None:
    with a_desk() as desk:
        assert isinstance(await desk.answers(answer).fetch(), Household)
    assert len(desk.calls) == 1


async def test_another_month_is_never_passed_on_when_it_cannot_be_asked_again() -> None:
    with a_desk(quotas=Quotas(franceconnect_per_minute=1)) as desk:
        assert await desk.answers(_cached(8)).fetch() == Absent(UNAVAILABLE, "api_particulier_quota")
    with a_desk() as desk:
        assert await desk.answers(_cached(8), _cached(8)).fetch() == Absent(UNAVAILABLE, "api_particulier_stale")


async def test_the_month_is_that_of_paris() -> None:
    with a_desk() as desk:
        desk.hand.now = 1_790_805_600.0  # 2026-09-30 22:00 UTC, midnight of 1 October in Paris
        await desk.answers(_cached(9), ok()).fetch()
    assert len(desk.calls) == 2
