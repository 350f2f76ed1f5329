"""Sessions over a record store: sealed with the browser's ticket, idle and absolute ends enforced."""

from gateway.adapters.sessions import codec
from gateway.adapters.sessions.records import RecordStore
from gateway.adapters.sessions.sealing import Seal
from gateway.core.model import Session, SessionId
from gateway.ports import Clock

TOUCH_S = 60
"""The idle end moves at most this often: a page with fifty images is not fifty writes."""

_KIND = "session"


class SealedSessions:
    """`ports.SessionStore`."""

    def __init__(self, records: RecordStore, clock: Clock, *, idle_s: int) -> None:
        self._records = records
        self._clock = clock
        self._idle_s = idle_s

    async def create(self, session: Session) -> None:
        seal = Seal(session.id, _KIND)
        await self._records.create(seal.name, self._sealed(seal, session), self._ends_at(session))

    async def load(self, session_id: SessionId) -> Session | None:
        seal = Seal(session_id, _KIND)
        now = int(self._clock())
        blob = await self._records.load(seal.name, now)
        if blob is None:
            return None
        session, touched_at = self._opened(seal, blob)
        if session is None or session.id != session_id or session.expires_at <= now:
            await self._records.drop(seal.name)
            return None
        if now - touched_at >= TOUCH_S:
            await self.replace(session)
        return session

    async def replace(self, session: Session) -> bool:
        seal = Seal(session.id, _KIND)
        now = int(self._clock())
        return await self._records.replace(seal.name, self._sealed(seal, session), self._ends_at(session), now)

    async def drop(self, session_id: SessionId) -> None:
        await self._records.drop(Seal(session_id, _KIND).name)

    def _sealed(self, seal: Seal, session: Session) -> bytes:
        return seal.close(f"{int(self._clock())}\n".encode("ascii") + codec.dump(session))

    def _opened(self, seal: Seal, blob: bytes) -> tuple[Session | None, int]:
        content = seal.open(blob)
        if content is None:
            return None, 0
        touched_at, _, record = content.partition(b"\n")
        try:
            return codec.load(Session, record), int(touched_at)
        except ValueError:
            return None, 0

    def _ends_at(self, session: Session) -> int:
        return min(int(self._clock()) + self._idle_s, session.expires_at)
