"""Sessions that end when their provider's does: a refresh token asks, now and then, whether it still holds.

The token lies in a record of its own, sealed with the browser's ticket like the session: whoever writes the session
anew at that moment cannot bring an older token back, which a provider would take for a theft.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Protocol

from gateway.adapters.sessions import codec
from gateway.adapters.sessions.records import RecordStore
from gateway.adapters.sessions.sealing import Seal
from gateway.core.errors import DependencyFailed, LoginFailed
from gateway.core.model import Acr, Identity, Session, SessionId
from gateway.ports import Clock, Refreshed, SessionStore, Sleep

LEASE_S = 30
"""Whoever counts first asks the provider, for all workers and machines; after an outage, the next one so much later."""

STALE_AFTER = 2
"""Periods without an answer of the provider, after which a session ends."""

WAIT_S = 20
"""How long a request waits for another one's question, once nothing else vouches for the session any more."""

_POLL_S = 0.1
_REMEMBERED = 20_000
_KIND = "grant"


class Asked(Protocol):
    """The one call of a provider that matters here."""

    async def refresh(self, refresh_token: str, sub: str, acr: Acr) -> Refreshed: ...


@dataclass(frozen=True, slots=True)
class Rechecked:
    """A provider that is asked again, and how often."""

    provider: Asked
    every_s: int


@dataclass(frozen=True, slots=True)
class Grant:
    refresh_token: str = field(repr=False)
    checked_at: int
    """Unix seconds of the provider's last yes."""


class CheckedSessions:
    """`ports.SessionStore` in front of another one."""

    def __init__(
        self,
        sessions: SessionStore,
        records: RecordStore,
        clock: Clock,
        sleep: Sleep,
        rechecked: dict[str, Rechecked],
    ) -> None:
        self._sessions = sessions
        self._records = records
        self._clock = clock
        self._sleep = sleep
        self._rechecked = rechecked
        self._next: dict[SessionId, int] = {}
        """When a session may be due, as far as this process knows."""

    async def create(self, session: Session) -> None:
        if session.refresh_token:
            seal = Seal(session.id, _KIND)
            grant = Grant(session.refresh_token, int(self._clock()))
            await self._records.create(seal.name, seal.close(codec.dump(grant)), session.expires_at)
        await self._sessions.create(replace(session, refresh_token=""))

    async def load(self, session_id: SessionId) -> Session | None:
        session = await self._sessions.load(session_id)
        if session is None or session.identity is None:
            return session
        rechecked = self._rechecked.get(session.identity.provider)
        if rechecked is None or int(self._clock()) < self._next.get(session_id, 0):
            return session
        holds = await self._holds(session, session.identity, rechecked)
        if not holds:
            await self.drop(session_id)
        return session if holds else None

    async def amend(self, session_id: SessionId, change: Callable[[Session], Session]) -> Session | None:
        return await self._sessions.amend(session_id, lambda now: replace(change(now), refresh_token=""))

    async def drop(self, session_id: SessionId) -> None:
        self._next.pop(session_id, None)
        await self._sessions.drop(session_id)
        await self._records.drop(Seal(session_id, _KIND).name)

    async def revoke(self, *, provider: str = "", sub: str = "", sid: str = "") -> int:
        return await self._sessions.revoke(provider=provider, sub=sub, sid=sid)

    async def _holds(self, session: Session, identity: Identity, rechecked: Rechecked) -> bool:
        seal, now = Seal(session.id, _KIND), int(self._clock())
        grant = self._opened(seal, await self._records.load(seal.name, now))
        if grant is None:
            # A session from before `recheck_s` was written, or one whose grant was lost: nothing vouches for it.
            return False
        due_at = grant.checked_at + rechecked.every_s
        if now < due_at:
            self._remember(session.id, due_at)
            return True
        still_good = now < grant.checked_at + STALE_AFTER * rechecked.every_s
        if await self._records.count(f"{Seal(session.id, 'lease').name}{grant.checked_at}", now, LEASE_S) != 1:
            return still_good or await self._told(session.id, rechecked, seal, grant)
        try:
            return await self._asked(session, identity, rechecked, seal, grant)
        except LoginFailed:
            return False
        except DependencyFailed:
            return still_good

    async def _told(self, session_id: SessionId, rechecked: Rechecked, seal: Seal, grant: Grant) -> bool:
        """What whoever is asking at this moment was answered: a page and its pictures come together."""
        for _ in range(int(WAIT_S / _POLL_S)):
            await self._sleep(_POLL_S)
            latest = self._opened(seal, await self._records.load(seal.name, int(self._clock())))
            if latest is None:
                return False
            if latest.checked_at != grant.checked_at:
                self._remember(session_id, latest.checked_at + rechecked.every_s)
                return True
        return False

    async def _asked(
        self, session: Session, identity: Identity, rechecked: Rechecked, seal: Seal, grant: Grant
    ) -> bool:
        refreshed = await rechecked.provider.refresh(grant.refresh_token, identity.sub, identity.acr)
        now = int(self._clock())
        blob = seal.close(codec.dump(Grant(refreshed.refresh_token, now)))
        self._remember(session.id, now + rechecked.every_s)
        # False: a logout came meanwhile, and it wins.
        return await self._records.replace(seal.name, blob, session.expires_at, now)

    def _opened(self, seal: Seal, blob: bytes | None) -> Grant | None:
        content = seal.open(blob) if blob else None
        try:
            return codec.load(Grant, content) if content else None
        except ValueError:
            return None

    def _remember(self, session_id: SessionId, due_at: int) -> None:
        if len(self._next) >= _REMEMBERED:
            self._next.clear()
        self._next[session_id] = due_at
