"""Sessions over a record store: sealed with the browser's ticket, idle and absolute ends enforced."""

import hashlib
import hmac
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from gateway.adapters.sessions import codec
from gateway.adapters.sessions.records import FULL, RecordStore
from gateway.adapters.sessions.sealing import Seal
from gateway.core.errors import DependencyFailed
from gateway.core.model import Session, SessionId
from gateway.ports import Clock

TOUCH_S = 60
"""The idle end moves at most this often: a page with fifty images is not fifty writes."""

TRIES = 100
"""For one change while others write the same session: of those who write at once, one gets through each time."""

_KIND = "session"
_ALL = ("all",)


class _Found(NamedTuple):
    session: Session
    touched_at: int
    blob: bytes
    """As it lies in the store."""


class SealedSessions:
    """`ports.SessionStore`."""

    def __init__(self, records: RecordStore, clock: Clock, *, idle_s: int, secrets: Sequence[bytes]) -> None:
        """`secrets`: newest last. It makes the tags by which sessions are revoked; all of them find one."""
        self._records = records
        self._clock = clock
        self._idle_s = idle_s
        self._secrets = secrets

    async def create(self, session: Session) -> None:
        seal = Seal(session.id, _KIND)
        tags = [_tag(self._secrets[-1], *words) for words in _found_by(session)]
        await self._records.create(seal.name, self._sealed(seal, session), self._ends_at(session), tags)

    async def load(self, session_id: SessionId) -> Session | None:
        seal = Seal(session_id, _KIND)
        found = await self._found(seal, session_id)
        if found is None:
            return None
        if int(self._clock()) - found.touched_at >= TOUCH_S:
            await self._touch(seal, found)
        return found.session

    async def amend(self, session_id: SessionId, change: Callable[[Session], Session]) -> Session | None:
        seal = Seal(session_id, _KIND)
        for _ in range(TRIES):
            found = await self._found(seal, session_id)
            if found is None:
                return None
            changed = change(found.session)
            if await self._write(seal, changed, found.blob):
                return changed
        raise DependencyFailed("session-store", "session_store_busy", 503)

    async def _found(self, seal: Seal, session_id: SessionId) -> _Found | None:
        now = int(self._clock())
        blob = await self._records.load(seal.name, now)
        if blob is None:
            return None
        session, touched_at = self._opened(seal, blob)
        if session is None or session.id != session_id or session.expires_at <= now:
            await self._records.drop(seal.name)
            return None
        return _Found(session, touched_at, blob)

    async def _touch(self, seal: Seal, found: _Found) -> None:
        """A store that is full takes nothing new; whoever is signed in goes on until the idle end.

        What was written since it was read has moved that end already, and is not overwritten.
        """
        try:
            await self._write(seal, found.session, found.blob)
        except DependencyFailed as error:
            if error.code != FULL:
                raise

    async def _write(self, seal: Seal, session: Session, instead_of: bytes) -> bool:
        """False when another has written, or dropped, the session that was read as `instead_of`."""
        blob, now = self._sealed(seal, session), int(self._clock())
        return await self._records.replace(seal.name, blob, self._ends_at(session), now, instead_of=instead_of)

    async def drop(self, session_id: SessionId) -> None:
        await self._records.drop(Seal(session_id, _KIND).name)

    async def revoke(self, *, provider: str = "", sub: str = "", sid: str = "") -> int:
        """`ValueError` for half a name: it must never come to mean all."""
        if bool(provider) != bool(sub or sid):
            raise ValueError("a provider and a sub or sid, or nothing")
        named = {"person": sub, "sid": sid}
        wanted: list[tuple[str, ...]] = [(kind, provider, name) for kind, name in named.items() if name]
        found = set.intersection(*[await self._named(words) for words in wanted or [_ALL]])
        for name in found:
            await self._records.drop(name)
        return len(found)

    async def count(self) -> int:
        """How many live sessions there are."""
        return len(await self._named(_ALL))

    async def _named(self, words: Sequence[str]) -> set[str]:
        now = int(self._clock())
        return {name for secret in self._secrets for name in await self._records.tagged(_tag(secret, *words), now)}

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


def _found_by(session: Session) -> Iterator[tuple[str, ...]]:
    yield _ALL
    if session.identity is not None:
        yield ("person", session.identity.provider, session.identity.sub)
        if session.sid:
            yield ("sid", session.identity.provider, session.sid)


def _tag(secret: bytes, *words: str) -> str:
    # JSON keeps words apart whatever is in them.
    return hmac.new(secret, b"session tag\n" + codec.dump(words), hashlib.sha256).hexdigest()
