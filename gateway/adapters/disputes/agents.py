"""Agents' sessions over a record store: sealed with the ticket that only the agent's browser holds."""

import hashlib
import hmac
from collections.abc import Sequence

from gateway.adapters.sessions import codec
from gateway.adapters.sessions.records import RecordStore
from gateway.adapters.sessions.sealing import Seal
from gateway.core.model import SessionId
from gateway.dispute_ports import AgentSession
from gateway.ports import Clock

_KIND = "agent session"


class AgentSessions:
    """`ports.AgentSessionStore`. Few people, few requests: each one moves the idle end."""

    def __init__(self, records: RecordStore, clock: Clock, *, idle_s: int, secrets: Sequence[bytes]) -> None:
        """`secrets`: newest last. It makes the tags by which a provider's logout finds them; all of them find one."""
        self._secrets = secrets
        self._records = records
        self._clock = clock
        self._idle_s = idle_s

    async def create(self, session: AgentSession) -> None:
        seal = Seal(session.id, _KIND)
        named = [("person", session.sub), ("sid", session.sid)]
        tags = [_tag(self._secrets[-1], kind, session.provider, name) for kind, name in named if name]
        await self._records.create(seal.name, seal.close(codec.dump(session)), self._ends_at(session), tags)

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

    async def revoke(self, *, provider: str, sub: str = "", sid: str = "") -> int:
        """`ValueError` for nobody: it must never come to mean everybody."""
        wanted = [(kind, name) for kind, name in (("person", sub), ("sid", sid)) if name]
        if not wanted:
            raise ValueError("a sub, a sid, or both")
        found = set.intersection(*[await self._named(kind, provider, name) for kind, name in wanted])
        for name in found:
            await self._records.drop(name)
        return len(found)

    async def _named(self, *words: str) -> set[str]:
        now = int(self._clock())
        return {name for secret in self._secrets for name in await self._records.tagged(_tag(secret, *words), now)}

    def _ends_at(self, session: AgentSession) -> int:
        return min(int(self._clock()) + self._idle_s, session.expires_at)


def _tag(secret: bytes, *words: str) -> str:
    return hmac.new(secret, b"agent tag\n" + codec.dump(words), hashlib.sha256).hexdigest()
