"""Sessions that browsers are using right now, kept open for a second at most so that not each request reads the store.

The rule that all this serves: nothing read from a store is used longer than `FRESH_S` without being read again. A
change made by this process is seen at once, one made elsewhere (a logout, a contest, its settlement) within that
second. What stands against the person's data is read together with the session and never lives longer.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Generic, TypeVar

from gateway.core.disputes import still_current
from gateway.core.errors import DependencyFailed
from gateway.core.model import HouseholdStatus, Identity, Session, SessionId, Standing
from gateway.ports import SessionStore

FRESH_S = 0.9
"""Counted from before the store was asked. With the time of one answer it stays under the second that is promised."""

RENEW_S = 0.6
"""From this age on the next use reads the store again, behind the request and not before it. Three tenths of a second
are ample for that, and each reading costs as much as eight requests."""

FORGET_S = 5.0
"""What nobody used for so long leaves the memory of this process."""

Prepared = TypeVar("Prepared")

ReadStanding = Callable[[Identity], Awaitable[Standing]]

UNKNOWN = Standing(known=False)


class OpenSession(Generic[Prepared]):
    """One session and what stood at `read_at`, with what was prepared from both for each route."""

    __slots__ = ("cookie", "prepared", "read_at", "renewing", "session", "standing")

    def __init__(self, session: Session, standing: Standing, read_at: float) -> None:
        self.session = session
        self.standing = standing
        self.read_at = read_at
        self.prepared: dict[str, Prepared] = {}
        self.renewing = False
        self.cookie = b""
        """The value whose signature was checked; set by whoever checked it."""


class OpenSessions(Generic[Prepared]):
    """`ports.SessionStore` in front of the real one: every call reaches the store, `peek` alone does not."""

    def __init__(
        self, store: SessionStore, monotonic: Callable[[], float], read_standing: ReadStanding | None = None
    ) -> None:
        self._store = store
        self._read_standing = read_standing
        self._now = monotonic
        self._open: dict[SessionId, OpenSession[Prepared]] = {}
        self._by_cookie: dict[bytes, OpenSession[Prepared]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._swept_at = 0.0
        self._changes = 0

    def __len__(self) -> int:
        """Those used within the last seconds."""
        return len(self._open)

    async def create(self, session: Session) -> None:
        await self._store.create(session)

    async def load(self, session_id: SessionId) -> Session | None:
        began, changes = self._now(), self._changes
        session = await self._store.load(session_id)
        if session is None:
            self._forget(session_id)
            return None
        standing = await self._standing(session)
        session = replace(session, household=still_current(session.household, standing))
        if changes == self._changes:
            self._keep(session, standing, began)
        return session

    async def current(self, session: Session) -> Session | None:
        """This session as it is now, read less than `FRESH_S` ago: it may have been held while a body came."""
        found = self._fresh(session.id)
        return found.session if found is not None else await self.load(session.id)

    async def standing(self, session: Session | None) -> Standing:
        """What stands against this person's data, read less than `FRESH_S` ago; `known=False` when it cannot be."""
        if session is None:
            return Standing()
        found = self._fresh(session.id)
        return found.standing if found is not None else await self._standing(session)

    async def standing_of(self, identity: Identity) -> Standing:
        """The same for somebody who has no session yet, read now."""
        if self._read_standing is None:
            return Standing()
        try:
            return await self._read_standing(identity)
        except DependencyFailed:
            return UNKNOWN

    def standing_changed(self, identity: Identity | None = None) -> None:
        """This process has changed what stands for a person, or for somebody: it is read again before its next use."""
        self._changes += 1
        for entry in list(self._open.values()):
            who = entry.session.identity
            if who is not None and (identity is None or (who.provider, who.sub) == (identity.provider, identity.sub)):
                self._forget(entry.session.id)

    async def _standing(self, session: Session) -> Standing:
        kept = Standing() if session.identity is None else await self.standing_of(session.identity)
        here = dict.fromkeys(session.contested, HouseholdStatus.CONTESTED)
        return replace(kept, data={**kept.data, **here}) if here else kept

    async def amend(self, session_id: SessionId, change: Callable[[Session], Session]) -> Session | None:
        try:
            changed = await self._store.amend(session_id, change)
        finally:
            self._changed(session_id)
        if changed is None:
            return None
        return replace(changed, household=still_current(changed.household, await self._standing(changed)))

    async def drop(self, session_id: SessionId) -> None:
        self._changed(session_id)
        try:
            await self._store.drop(session_id)
        finally:
            self._changed(session_id)

    async def revoke(self, *, provider: str = "", sub: str = "", sid: str = "") -> int:
        try:
            return await self._store.revoke(provider=provider, sub=sub, sid=sid)
        finally:
            # Whether it succeeded or not: what is left is read from the store again.
            self._changes += 1
            for entry in list(self._open.values()):
                if _concerned(entry.session, provider, sub, sid):
                    self._forget(entry.session.id)

    def peek(self, cookie: bytes) -> OpenSession[Prepared] | None:
        """The open session of a cookie that was checked before, if it is fresh."""
        found = self._by_cookie.get(cookie)
        if found is None:
            return None
        age = self._now() - found.read_at
        if age > RENEW_S:
            if age > FRESH_S:
                return None
            if not found.renewing:
                self._renew(found)
        return found

    def recognise(self, cookie: bytes, session_id: SessionId) -> OpenSession[Prepared] | None:
        """Tie a checked cookie to its open session, if there is one and it is fresh."""
        found = self._open.get(session_id)
        if found is None:
            return None
        if found.cookie != cookie:
            self._by_cookie.pop(found.cookie, None)
            found.cookie = cookie
            self._by_cookie[cookie] = found
        return self.peek(cookie)

    def _fresh(self, session_id: SessionId) -> OpenSession[Prepared] | None:
        found = self._open.get(session_id)
        return found if found is not None and self._now() - found.read_at <= FRESH_S else None

    def _keep(self, session: Session, standing: Standing, read_at: float) -> None:
        known = self._open.get(session.id)
        if known is None:
            self._open[session.id] = OpenSession(session, standing, read_at)
            self.sweep()
            return
        if known.read_at > read_at:
            return
        known.read_at = read_at
        if (known.session, known.standing) != (session, standing):
            known.session, known.standing = session, standing
            known.prepared = {}

    def _changed(self, session_id: SessionId) -> None:
        """What was being read while this process wrote may be older than what it wrote: it is not kept."""
        self._changes += 1
        self._forget(session_id)

    def _forget(self, session_id: SessionId) -> None:
        found = self._open.pop(session_id, None)
        if found is not None:
            self._by_cookie.pop(found.cookie, None)

    def _renew(self, entry: OpenSession[Prepared]) -> None:
        entry.renewing = True
        task = asyncio.get_running_loop().create_task(self._read_again(entry))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _read_again(self, entry: OpenSession[Prepared]) -> None:
        try:
            await self.load(entry.session.id)
        except DependencyFailed:
            # It grows stale; the next request asks the store itself, and says what is wrong.
            return
        finally:
            entry.renewing = False

    def sweep(self) -> None:
        """Let go of what is no longer used."""
        now = self._now()
        if now - self._swept_at < 1.0:
            return
        self._swept_at = now
        for entry in [each for each in self._open.values() if now - each.read_at > FORGET_S]:
            self._forget(entry.session.id)


def _concerned(session: Session, provider: str, sub: str, sid: str) -> bool:
    if not provider:
        return True
    who = session.identity
    if who is None or who.provider != provider:
        return False
    return (not sub or who.sub == sub) and (not sid or session.sid == sid)
