"""Two things at once in one session."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from gateway.adapters.sessions import codec
from gateway.adapters.sessions.memory import MemoryRecords
from gateway.adapters.sessions.sealed import TOUCH_S, SealedSessions
from gateway.adapters.sessions.sealing import Seal
from gateway.core.errors import DependencyFailed
from gateway.core.model import Session, SessionId
from gateway.web.amend import amend
from gateway.web.services import Services

pytestmark = pytest.mark.anyio

SESSION = Session(SessionId("1" * 64), expires_at=1_000)


class SlowRecords(MemoryRecords):
    """As a store elsewhere is: others come between a question and its answer."""

    async def load(self, key: str, now: int) -> bytes | None:
        blob = await super().load(key, now)
        await asyncio.sleep(0)
        return blob


def _services(clock: Callable[[], float] = lambda: 0.0) -> Services:
    records = SlowRecords()
    sessions = SealedSessions(records, clock, idle_s=100, secrets=[b"k" * 32])
    return cast(Services, SimpleNamespace(sessions=sessions, records=records))


def _declines(session: Session) -> Session:
    return replace(session, declined=session.declined | {"cantine"})


def _reviews(session: Session) -> Session:
    return replace(session, reviewed=session.reviewed | {"famille@1"})


async def test_a_refusal_given_meanwhile_is_not_overwritten() -> None:
    services: Any = _services()
    await services.sessions.create(SESSION)
    await amend(services, SESSION.id, _declines)
    changed = await amend(services, SESSION.id, _reviews)
    assert changed is not None
    assert (changed.declined, changed.reviewed) == ({"cantine"}, {"famille@1"})


async def test_a_refusal_given_at_the_very_moment_of_another_change_is_not_lost() -> None:
    services: Any = _services()
    await services.sessions.create(SESSION)
    await asyncio.gather(amend(services, SESSION.id, _declines), amend(services, SESSION.id, _reviews))
    found = await services.sessions.load(SESSION.id)
    assert (found.declined, found.reviewed) == ({"cantine"}, {"famille@1"})


async def test_a_page_that_only_reads_never_writes_over_a_refusal() -> None:
    """Once a minute a read moves the idle end: it writes what it has read."""
    now = [0.0]
    services: Any = _services(lambda: now[0])
    await services.sessions.create(SESSION)
    now[0] = TOUCH_S
    reads = asyncio.create_task(services.sessions.load(SESSION.id))
    await asyncio.sleep(0)
    # Written by another worker, between the question of that read and its answer.
    records, seal = services.records, Seal(SESSION.id, "session")
    blob = seal.close(b"60\n" + codec.dump(_declines(SESSION)))
    await records.replace(seal.name, blob, 1_000, 60)
    await reads
    found = await services.sessions.load(SESSION.id)
    assert found.declined == {"cantine"}


async def test_a_change_that_never_gets_its_turn_fails_and_is_not_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    async def overtaken(*_: object, **__: object) -> bool:
        return False

    services: Any = _services()
    await services.sessions.create(SESSION)
    monkeypatch.setattr(SlowRecords, "replace", overtaken)
    with pytest.raises(DependencyFailed, match="session_store_busy"):
        await amend(services, SESSION.id, _declines)


async def test_a_logout_meanwhile_wins() -> None:
    services: Any = _services()
    await services.sessions.create(SESSION)
    await services.sessions.drop(SESSION.id)
    assert await amend(services, SESSION.id, _reviews) is None
    assert await services.sessions.load(SESSION.id) is None
