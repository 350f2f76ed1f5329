"""Agents' sessions over a record store: sealed with the ticket that only the agent's browser holds."""

from gateway.adapters.sessions import codec
from gateway.adapters.sessions.records import RecordStore
from gateway.adapters.sessions.sealing import Seal
from gateway.core.model import SessionId
from gateway.dispute_ports import AgentSession
from gateway.ports import Clock

_KIND = "agent session"


class AgentSessions:
    """`ports.AgentSessionStore`. Few people, few requests: each one moves the idle end."""

    def __init__(self, records: RecordStore, clock: Clock, *, idle_s: int) -> None:
        self._records = records
        self._clock = clock
        self._idle_s = idle_s

    async def create(self, session: AgentSession) -> None:
        seal = Seal(session.id, _KIND)
        await self._records.create(seal.name, seal.close(codec.dump(session)), self._ends_at(session))

    async def load(self, session_id: SessionId) -> AgentSession | None:
        seal, now = Seal(session_id, _KIND), int(self._clock())
        blob = await self._records.load(seal.name, now)
        content = seal.open(blob) if blob else None
        try:
            session = codec.load(AgentSession, content) if content else None
        except ValueError:
            return None
        if blob is None or session is None or session.expires_at <= now:
            return None
        return session if await self._records.replace(seal.name, blob, self._ends_at(session), now) else None

    async def drop(self, session_id: SessionId) -> None:
        await self._records.drop(Seal(session_id, _KIND).name)

    def _ends_at(self, session: AgentSession) -> int:
        return min(int(self._clock()) + self._idle_s, session.expires_at)
