"""Records in this process: for the sandbox, tests and a single worker that may forget."""

from collections.abc import Sequence, Sized

from gateway.adapters.sessions.places import MemoryLedger
from gateway.adapters.sessions.records import FULL
from gateway.core.errors import DependencyFailed
from gateway.core.quota import Claim, Turn, settle

RECORDS_AT_MOST = 300_000


class MemoryRecords:
    def __init__(self, at_most: int = RECORDS_AT_MOST) -> None:
        self._records: dict[str, tuple[bytes, int]] = {}
        self._counters: dict[str, tuple[int, int]] = {}
        self._tags: dict[str, tuple[str, ...]] = {}
        self._tagged: dict[str, set[str]] = {}
        self._ledgers: dict[str, MemoryLedger] = {}
        self._at_most = at_most

    async def create(self, key: str, blob: bytes, expires_at: int, tags: Sequence[str] = ()) -> None:
        self._check_room(self._records)
        self._records[key] = (blob, expires_at)
        self._tags[key] = tuple(tags)
        for tag in tags:
            self._tagged.setdefault(tag, set()).add(key)

    async def load(self, key: str, now: int) -> bytes | None:
        blob, expires_at = self._records.get(key, (None, 0))
        return blob if expires_at > now else None

    async def replace(
        self, key: str, blob: bytes, expires_at: int, now: int, *, instead_of: bytes | None = None
    ) -> bool:
        current, ends_at = self._records.get(key, (None, 0))
        if ends_at <= now or instead_of not in {None, current}:
            return False
        self._records[key] = (blob, expires_at)
        return True

    async def take(self, key: str, now: int) -> bytes | None:
        blob = await self.load(key, now)
        await self.drop(key)
        return blob

    async def drop(self, key: str) -> None:
        self._records.pop(key, None)
        for tag in self._tags.pop(key, ()):
            self._tagged.get(tag, set()).discard(key)

    async def tagged(self, tag: str, now: int) -> Sequence[str]:
        return [key for key in self._tagged.get(tag, ()) if await self.load(key, now) is not None]

    async def count(self, key: str, now: int, period_s: int) -> int:
        seen, expires_at = self._counters.get(key, (0, 0))
        if expires_at <= now:
            self._check_room(self._counters)
            seen, expires_at = 0, now + period_s
        self._counters[key] = (seen + 1, expires_at)
        return seen + 1

    async def reserve(self, key: str, now: float, claim: Claim) -> Turn:
        ledger = self._ledgers.setdefault(key, MemoryLedger())
        ledger.forget(now)
        self._check_room(ledger)
        return settle(ledger, now, claim)

    async def sweep(self, now: int) -> None:
        for key in [key for key, record in self._records.items() if record[1] <= now]:
            await self.drop(key)
        self._tagged = {tag: keys for tag, keys in self._tagged.items() if keys}
        self._counters = {key: counter for key, counter in self._counters.items() if counter[1] > now}
        for ledger in self._ledgers.values():
            ledger.forget(now)
        self._ledgers = {key: ledger for key, ledger in self._ledgers.items() if not ledger.empty}

    async def close(self) -> None:
        self._records.clear()
        self._tags.clear()
        self._tagged.clear()
        self._counters.clear()
        self._ledgers.clear()

    def _check_room(self, kept: Sized) -> None:
        if len(kept) >= self._at_most:
            raise DependencyFailed("session-store", FULL, 503)
