"""A bounded number of tries for one key in a while, shared by all who share the record store."""

import hashlib
import hmac

from gateway.adapters.sessions.records import RecordStore
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
