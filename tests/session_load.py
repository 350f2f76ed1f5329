"""Many people who open, use, change and end sessions at once, and a book of what the store acknowledged."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from gateway.adapters.chance import new_token
from gateway.adapters.sessions.redis import RedisRecords
from gateway.adapters.sessions.sealed import SealedSessions
from gateway.core.errors import DependencyFailed
from gateway.core.model import Session, SessionId
from gateway.settings import RedisSettings
from tests.builders import ANGELA

SECRET = b"k" * 32


@dataclass
class Book:
    """What was acknowledged, when (monotonic seconds), and what must never be seen."""

    opened: dict[SessionId, tuple[str, float]] = field(default_factory=dict)
    """The person of a session that was never ended."""
    ended: dict[SessionId, float] = field(default_factory=dict)
    crossed: list[SessionId] = field(default_factory=list)
    lost: list[SessionId] = field(default_factory=list)
    """Gone while people used it."""
    failures: int = 0
    answers: int = 0
    answered_at: float = 0.0
    longest_silence_s: float = 0.0

    def answered(self) -> None:
        now = time.monotonic()
        if self.answers:
            self.longest_silence_s = max(self.longest_silence_s, now - self.answered_at)
        self.answers += 1
        self.answered_at = now


def sessions_of(records: RedisRecords) -> SealedSessions:
    return SealedSessions(records, time.time, idle_s=1800, secrets=[SECRET])


@asynccontextmanager
async def load(settings: RedisSettings, people: int = 16) -> AsyncIterator[Book]:
    """Load on one gateway's worth of connections until the block ends."""
    records, book = RedisRecords(settings, time.time), Book()
    sessions = sessions_of(records)
    tasks = [asyncio.create_task(_person(sessions, book, f"person-{number}")) for number in range(people)]
    try:
        yield book
    finally:
        for task in tasks:
            task.cancel()
        done = await asyncio.gather(*tasks, return_exceptions=True)
        await records.close()
    assert all(isinstance(each, asyncio.CancelledError) for each in done), done


async def _person(sessions: SealedSessions, book: Book, name: str) -> None:
    visit = 0
    while True:
        visit += 1
        sub = f"{name}-{visit}"
        session = Session(
            SessionId(new_token()), int(time.time()) + 3600, identity=replace(ANGELA, sub=sub), sid=sub, id_token=sub
        )
        try:
            await sessions.create(session)
            book.opened[session.id] = (sub, time.monotonic())
            await _use(sessions, book, session, sub)
            if visit % 3 == 0:
                del book.opened[session.id]
                await sessions.drop(session.id)
                book.ended[session.id] = time.monotonic()
        except DependencyFailed:
            book.failures += 1
            # Whatever was asked may or may not have been done: only what was acknowledged is in the book.
        # People read; without this the book would soon be too long to check.
        await asyncio.sleep(0.02)


async def _use(sessions: SealedSessions, book: Book, session: Session, sub: str) -> None:
    for _ in range(3):
        found = await sessions.load(session.id)
        book.answered()
        _look(book, session.id, sub, found)
        if found is not None:
            await sessions.amend(session.id, lambda now: replace(now, declined=frozenset({sub})))


def _look(book: Book, session_id: SessionId, sub: str, found: Session | None) -> None:
    if found is None:
        book.lost.append(session_id)
    elif found.identity is None or (found.id, found.identity.sub, found.id_token) != (session_id, sub, sub):
        book.crossed.append(session_id)


@dataclass
class Verdict:
    """What the store says afterwards."""

    missing: list[float]
    """When those that are not there any more were acknowledged."""
    revived: list[float]
    """When those that are there again were ended."""
    crossed: int


async def judged(settings: RedisSettings, book: Book) -> Verdict:
    """Asked anew, after the load."""
    records = RedisRecords(settings, time.time)
    try:
        return await _judged(sessions_of(records), book)
    finally:
        await records.close()


async def _judged(sessions: SealedSessions, book: Book) -> Verdict:
    verdict = Verdict([], [], len(book.crossed))
    for session_id, (sub, at) in list(book.opened.items()):
        found = await sessions.load(session_id)
        if found is None:
            verdict.missing.append(at)
        elif found.identity is None or found.identity.sub != sub:
            verdict.crossed += 1
    for session_id, at in list(book.ended.items()):
        if await sessions.load(session_id) is not None:
            verdict.revived.append(at)
    return verdict


async def eventually(what: object, within_s: float = 30) -> None:
    """Wait for other processes to have done their part."""
    deadline = time.monotonic() + within_s
    while not what():  # type: ignore[operator]
        assert time.monotonic() < deadline, f"not within {within_s} s"
        await asyncio.sleep(0.02)
