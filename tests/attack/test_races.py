"""Two things at once in one session."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from gateway.adapters.sessions.memory import MemoryRecords
from gateway.adapters.sessions.sealed import SealedSessions
from gateway.core.model import Session, SessionId
from gateway.web.amend import amend
from gateway.web.services import Services

pytestmark = pytest.mark.anyio

SESSION = Session(SessionId("1" * 64), expires_at=1_000)


def _services() -> Services:
    return cast(
        Services,
        SimpleNamespace(sessions=SealedSessions(MemoryRecords(), lambda: 0.0, idle_s=100, secrets=[b"k" * 32])),
    )


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


async def test_a_logout_meanwhile_wins() -> None:
    services: Any = _services()
    await services.sessions.create(SESSION)
    await services.sessions.drop(SESSION.id)
    assert await amend(services, SESSION.id, _reviews) is None
    assert await services.sessions.load(SESSION.id) is None
