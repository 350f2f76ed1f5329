"""A bounded number of tries for one key in a while, shared by all who share the record store."""

import hashlib
import hmac

from gateway.adapters.sessions.records import FULL, RecordStore
from gateway.core.errors import DependencyFailed
from gateway.ports import Clock


class Attempts:
    """At most `tries` for one key in `period_s` seconds from its first; then it begins anew.

    The store sees an HMAC of the key, never an address or a person: both could be guessed from a plain digest.
    """

    def __init__(self, records: RecordStore, clock: Clock, secret: bytes, *, tries: int, period_s: int) -> None:
        self._records = records
        self._clock = clock
        self._secret = secret
        self._tries = tries
        self._period_s = period_s

    async def allowed(self, key: str) -> bool:
        """Count one try and say whether it may go on; `DependencyFailed` when it cannot be counted."""
        name = hmac.new(self._secret, b"attempts\n" + key.encode("utf-8"), hashlib.sha256).hexdigest()
        return await self._records.count(name, int(self._clock()), self._period_s) <= self._tries


class Shares:
    """Room for everybody: a share of it is every address's own, the rest is for whoever comes first.

    Whoever takes all that is free can still not take the others' shares.
    """

    def __init__(self, own: Attempts, shared_out: Attempts, free: Attempts) -> None:
        """`own`: of one address; `shared_out`: of all of them within their shares; `free`: of all of them beyond."""
        self._own = own
        self._shared_out = shared_out
        self._free = free

    async def allowed(self, address: str) -> bool:
        """False: this address has had its share. `DependencyFailed`: it has not, and there is no room all the same."""
        within = await self._own.allowed(f"login share\n{address}")
        if within and await self._shared_out.allowed("transactions shared out"):
            return True
        if await self._free.allowed("transactions"):
            return True
        if within:
            raise DependencyFailed("session-store", FULL, 503)
        return False
