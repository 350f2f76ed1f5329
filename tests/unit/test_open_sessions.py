"""Nothing read from the store is used for a second without being read again."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

import pytest

from gateway.core.errors import DependencyFailed
from gateway.core.model import HouseholdStatus, Identity, Need, Session, SessionId, Standing
from gateway.web.open_sessions import FORGET_S, FRESH_S, RENEW_S, OpenSessions
from tests.builders import ANGELA

ID = SessionId("a" * 64)
COOKIE = b"signed"
SESSION = Session(ID, expires_at=2_000_000_000, identity=ANGELA, sid="5f1c")


class Store:
    """A session store that counts its reads, may fail, and may answer late."""

    def __init__(self) -> None:
        self.kept: dict[SessionId, Session] = {ID: SESSION}
        self.reads = 0
        self.down = False
        self.gate: asyncio.Event | None = None

    async def create(self, session: Session) -> None:
        self.kept[session.id] = session

    async def load(self, session_id: SessionId) -> Session | None:
        self.reads += 1
        found = self.kept.get(session_id)
        if self.gate is not None:
            await self.gate.wait()
        if self.down:
            raise DependencyFailed("session-store", "session_store_unavailable", 503)
        return found

    async def amend(self, session_id: SessionId, change: Callable[[Session], Session]) -> Session | None:
        found = self.kept.get(session_id)
        if found is not None:
            found = self.kept[session_id] = change(found)
        return found

    async def drop(self, session_id: SessionId) -> None:
        self.kept.pop(session_id, None)

    async def revoke(self, *, provider: str = "", sub: str = "", sid: str = "") -> int:
        if self.down:
            raise DependencyFailed("session-store", "session_store_unavailable", 503)
        gone = [each for each in self.kept.values() if not provider or _named(each, provider, sub, sid)]
        for session in gone:
            del self.kept[session.id]
        return len(gone)


def _named(session: Session, provider: str, sub: str, sid: str) -> bool:
    who = session.identity
    return who is not None and who.provider == provider and sub in ("", who.sub) and sid in ("", session.sid)


class Hand:
    """A clock moved by hand."""

    def __init__(self) -> None:
        self.at = 100.0

    def __call__(self) -> float:
        return self.at


def played(scene: Callable[[OpenSessions[str], Store, Hand], Coroutine[Any, Any, None]]) -> None:
    async def play() -> None:
        store, clock = Store(), Hand()
        sessions: OpenSessions[str] = OpenSessions(store, clock)
        await sessions.load(ID)
        assert sessions.recognise(COOKIE, ID) is not None
        await scene(sessions, store, clock)

    asyncio.run(play())


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_an_open_session_is_used_without_reading_the_store() -> None:
    async def scene(sessions: OpenSessions[str], store: Store, clock: Hand) -> None:
        for _ in range(100):
            assert sessions.peek(COOKIE) is not None
        await settled()
        assert store.reads == 1

    played(scene)


def test_a_session_dropped_elsewhere_is_used_no_longer_than_it_is_fresh() -> None:
    async def scene(sessions: OpenSessions[str], store: Store, clock: Hand) -> None:
        del store.kept[ID]
        clock.at += RENEW_S + 0.01
        assert sessions.peek(COOKIE) is not None
        await settled()
        assert sessions.peek(COOKIE) is None

    played(scene)


def test_one_reader_renews_for_everybody() -> None:
    async def scene(sessions: OpenSessions[str], store: Store, clock: Hand) -> None:
        clock.at += RENEW_S + 0.01
        for _ in range(50):
            sessions.peek(COOKIE)
        await settled()
        assert store.reads == 2
        clock.at += RENEW_S
        assert sessions.peek(COOKIE) is not None

    played(scene)


def test_a_store_that_fails_lets_nothing_be_used_beyond_its_freshness() -> None:
    async def scene(sessions: OpenSessions[str], store: Store, clock: Hand) -> None:
        store.down = True
        clock.at += RENEW_S + 0.01
        sessions.peek(COOKIE)
        await settled()
        assert sessions.peek(COOKIE) is not None
        clock.at += FRESH_S - RENEW_S
        assert sessions.peek(COOKIE) is None

    played(scene)


def test_a_store_that_answers_late_does_not_lengthen_what_it_answers() -> None:
    async def scene(sessions: OpenSessions[str], store: Store, clock: Hand) -> None:
        store.gate = asyncio.Event()
        clock.at += RENEW_S + 0.01
        sessions.peek(COOKIE)
        await settled()
        clock.at += FRESH_S
        store.gate.set()
        await settled()
        assert sessions.peek(COOKIE) is None

    played(scene)


def test_what_was_prepared_goes_when_the_session_changes_and_stays_when_it_does_not() -> None:
    async def scene(sessions: OpenSessions[str], store: Store, clock: Hand) -> None:
        entry = sessions.peek(COOKIE)
        assert entry is not None
        entry.prepared["route"] = "permit"
        await sessions.load(ID)
        assert entry.prepared == {"route": "permit"}
        store.kept[ID] = replace(SESSION, declined=frozenset({"cantine"}))
        await sessions.load(ID)
        assert entry.prepared == {}
        assert entry.session.declined == {"cantine"}

    played(scene)


def test_a_change_made_here_is_seen_at_once() -> None:
    async def scene(sessions: OpenSessions[str], store: Store, clock: Hand) -> None:
        await sessions.amend(ID, lambda now: replace(now, declined=frozenset({"cantine"})))
        assert sessions.peek(COOKIE) is None
        await sessions.load(ID)
        assert sessions.recognise(COOKIE, ID) is not None
        await sessions.drop(ID)
        assert sessions.peek(COOKIE) is None
        assert await sessions.load(ID) is None

    played(scene)


def test_a_read_that_began_before_a_change_does_not_bring_the_old_session_back() -> None:
    async def scene(sessions: OpenSessions[str], store: Store, clock: Hand) -> None:
        store.gate = asyncio.Event()
        reading = asyncio.create_task(sessions.load(ID))
        await settled()
        await sessions.drop(ID)
        store.gate.set()
        await reading
        assert sessions.recognise(COOKIE, ID) is None

    played(scene)


def test_an_unknown_cookie_and_an_unknown_session_are_nobody() -> None:
    async def scene(sessions: OpenSessions[str], store: Store, clock: Hand) -> None:
        assert sessions.peek(b"other") is None
        assert sessions.recognise(b"other", SessionId("b" * 64)) is None

    played(scene)


def test_a_session_that_is_signed_anew_is_known_by_its_new_cookie_only() -> None:
    async def scene(sessions: OpenSessions[str], store: Store, clock: Hand) -> None:
        assert sessions.recognise(b"signed again", ID) is not None
        assert sessions.peek(COOKIE) is None
        assert sessions.peek(b"signed again") is not None

    played(scene)


def test_what_nobody_uses_leaves_the_memory() -> None:
    async def scene(sessions: OpenSessions[str], store: Store, clock: Hand) -> None:
        clock.at += FORGET_S + 0.1
        sessions.sweep()
        assert sessions.recognise(COOKIE, ID) is None

    played(scene)


@pytest.mark.parametrize(
    "named",
    [
        pytest.param({}, id="everybody"),
        pytest.param({"provider": ANGELA.provider, "sub": ANGELA.sub}, id="a person"),
        pytest.param({"provider": ANGELA.provider, "sid": "5f1c"}, id="a session of the provider"),
        pytest.param({"provider": ANGELA.provider, "sub": ANGELA.sub, "sid": "5f1c"}, id="both"),
    ],
)
def test_a_session_that_this_process_revoked_is_forgotten_at_once(named: dict[str, str]) -> None:
    async def scene(sessions: OpenSessions[str], store: Store, clock: Hand) -> None:
        assert await sessions.revoke(**named) == 1
        assert sessions.peek(COOKIE) is None

    played(scene)


@pytest.mark.parametrize(
    "named",
    [
        {"provider": "proconnect", "sub": ANGELA.sub},
        {"provider": ANGELA.provider, "sub": "somebody-else"},
        {"provider": ANGELA.provider, "sid": "another"},
        {"provider": ANGELA.provider, "sub": ANGELA.sub, "sid": "another"},
    ],
)
def test_a_session_that_was_not_meant_stays_open(named: dict[str, str]) -> None:
    async def scene(sessions: OpenSessions[str], store: Store, clock: Hand) -> None:
        assert await sessions.revoke(**named) == 0
        assert sessions.peek(COOKIE) is not None
        await settled()
        assert store.reads == 1

    played(scene)


def test_a_revocation_that_fails_half_way_leaves_nothing_open_unread() -> None:
    async def scene(sessions: OpenSessions[str], store: Store, clock: Hand) -> None:
        store.down = True
        with pytest.raises(DependencyFailed):
            await sessions.revoke()
        assert sessions.peek(COOKIE) is None

    played(scene)


def test_a_session_read_while_it_was_being_revoked_is_not_kept() -> None:
    async def scene(sessions: OpenSessions[str], store: Store, clock: Hand) -> None:
        store.gate = asyncio.Event()
        reading = asyncio.create_task(sessions.load(ID))
        await settled()
        await sessions.revoke()
        store.gate.set()
        assert await reading == SESSION
        assert sessions.recognise(COOKIE, ID) is None

    played(scene)


PERSON = Session(ID, expires_at=2_000_000_000, identity=ANGELA)


class Said:
    """What stands, as its store would say it; it may fail, and it counts how often it is asked."""

    def __init__(self) -> None:
        self.standing = Standing()
        self.down = False
        self.reads = 0

    async def read(self, identity: Identity) -> Standing:
        self.reads += 1
        if self.down:
            raise DependencyFailed("dispute-store", "dispute_store_unavailable", 503)
        return self.standing


CONTESTED = Standing(data={Need.QUOTIENT: HouseholdStatus.CONTESTED})


def with_standing(scene: Callable[[OpenSessions[str], Said, Store, Hand], Coroutine[Any, Any, None]]) -> None:
    async def play() -> None:
        store, said, clock = Store(), Said(), Hand()
        store.kept[ID] = PERSON
        sessions: OpenSessions[str] = OpenSessions(store, clock, said.read)
        await sessions.load(ID)
        assert sessions.recognise(COOKIE, ID) is not None
        await scene(sessions, said, store, clock)

    asyncio.run(play())


def test_what_was_prepared_is_dropped_when_what_stands_has_changed() -> None:
    async def scene(sessions: OpenSessions[str], said: Said, store: Store, clock: Hand) -> None:
        entry = sessions.peek(COOKIE)
        assert entry is not None
        entry.prepared["0"] = "permit"
        clock.at += RENEW_S + 0.01
        sessions.peek(COOKIE)
        await settled()
        assert entry.prepared == {"0": "permit"}
        said.standing = CONTESTED
        clock.at += RENEW_S + 0.01
        sessions.peek(COOKIE)
        await settled()
        assert entry.prepared == {}
        assert entry.standing == CONTESTED

    with_standing(scene)


def test_a_standing_is_no_older_than_its_session() -> None:
    async def scene(sessions: OpenSessions[str], said: Said, store: Store, clock: Hand) -> None:
        said.standing = CONTESTED
        assert await sessions.standing(PERSON) == Standing()
        clock.at += FRESH_S + 0.01
        assert sessions.peek(COOKIE) is None
        assert await sessions.standing(PERSON) == CONTESTED

    with_standing(scene)


def test_a_change_made_here_is_seen_at_once_by_every_session_of_the_person() -> None:
    async def scene(sessions: OpenSessions[str], said: Said, store: Store, clock: Hand) -> None:
        said.standing = CONTESTED
        sessions.standing_changed(replace(ANGELA, sub="other"))
        assert sessions.peek(COOKIE) is not None
        sessions.standing_changed(ANGELA)
        assert sessions.peek(COOKIE) is None
        assert await sessions.standing(PERSON) == CONTESTED

    with_standing(scene)


def test_an_answer_for_somebody_unnamed_makes_everybody_s_standing_read_again() -> None:
    async def scene(sessions: OpenSessions[str], said: Said, store: Store, clock: Hand) -> None:
        sessions.standing_changed()
        assert sessions.peek(COOKIE) is None

    with_standing(scene)


def test_what_was_being_read_while_a_person_contested_is_not_kept() -> None:
    async def scene(sessions: OpenSessions[str], said: Said, store: Store, clock: Hand) -> None:
        store.gate = asyncio.Event()
        late = asyncio.create_task(sessions.load(ID))
        await settled()
        said.standing = CONTESTED
        sessions.standing_changed(ANGELA)
        store.gate.set()
        await late
        assert sessions.recognise(COOKIE, ID) is None
        assert await sessions.standing(PERSON) == CONTESTED

    with_standing(scene)


def test_a_dispute_store_that_fails_makes_everything_unknown_within_the_second() -> None:
    async def scene(sessions: OpenSessions[str], said: Said, store: Store, clock: Hand) -> None:
        entry = sessions.peek(COOKIE)
        assert entry is not None
        entry.prepared["0"] = "permit"
        said.down = True
        clock.at += RENEW_S + 0.01
        sessions.peek(COOKIE)
        await settled()
        assert entry.prepared == {}
        assert not entry.standing.known

    with_standing(scene)


def test_without_an_identity_or_a_store_only_the_session_s_own_contest_stands() -> None:
    async def scene() -> None:
        store = Store()
        sessions: OpenSessions[str] = OpenSessions(store, Hand())
        assert await sessions.standing(None) == Standing()
        assert await sessions.standing(replace(SESSION, identity=None)) == Standing()
        assert await sessions.standing_of(ANGELA) == Standing()
        contested = replace(SESSION, identity=None, contested=frozenset({Need.QUOTIENT}))
        assert await sessions.standing(contested) == CONTESTED

    asyncio.run(scene())


def test_one_read_more_for_each_reading_of_the_session() -> None:
    async def scene(sessions: OpenSessions[str], said: Said, store: Store, clock: Hand) -> None:
        assert (store.reads, said.reads) == (1, 1)
        for _ in range(50):
            sessions.peek(COOKIE)
            await sessions.standing(PERSON)
        assert (store.reads, said.reads) == (1, 1)

    with_standing(scene)
