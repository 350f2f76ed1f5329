"""What a session store must be: opaque bytes under a name, until a time. No plain value ever reaches it."""

from collections.abc import Sequence
from typing import Protocol

from gateway.core.quota import Claim, Turn

FULL = "session_store_full"
"""The code of a store that has no room: nothing new is kept, nothing that is there is lost."""

EVICTS = "session_store_evicts"
"""The code of a Redis whose `maxmemory-policy` is not `noeviction`: it may lose what it was given."""


class RecordStore(Protocol):
    """Every method raises `DependencyFailed("session-store", …)` when the store cannot be asked.

    `expires_at` and `now` are Unix seconds; an expired record is gone.
    """

    async def create(self, key: str, blob: bytes, expires_at: int, tags: Sequence[str] = ()) -> None:
        """A record may be found again by its tags, for as long as it lives. Tags tell nothing: they are HMACs."""
        ...

    async def load(self, key: str, now: int) -> bytes | None: ...

    async def replace(
        self, key: str, blob: bytes, expires_at: int, now: int, *, instead_of: bytes | None = None
    ) -> bool:
        """False when the record is gone: it is never brought back; or when it is not `instead_of` any more."""
        ...

    async def take(self, key: str, now: int) -> bytes | None:
        """Load and delete at once: of two who ask together, one receives it."""
        ...

    async def drop(self, key: str) -> None: ...

    async def tagged(self, tag: str, now: int) -> Sequence[str]:
        """Names of the records that bear this tag, in no order."""
        ...

    async def count(self, key: str, now: int, period_s: int) -> int:
        """Add one and return the sum: 1 for the first in `period_s` seconds from then on. Two never get the same."""
        ...

    async def reserve(self, key: str, now: float, claim: Claim) -> Turn:
        """Settle one claim on a quota (`core.quota.settle`), whole: of two at once, one comes first.

        `now` is to the millisecond. `DependencyFailed` also when a bounded store has no room for another.
        """
        ...

    async def sweep(self, now: int) -> None:
        """Delete what has expired."""
        ...

    async def close(self) -> None: ...
