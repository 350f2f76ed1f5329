"""Logout tokens that have done their work: the same one again ends nothing."""

import hashlib
import hmac

from gateway.adapters.sessions import codec
from gateway.adapters.sessions.records import RecordStore
from gateway.ports import Clock


class SpentTokens:
    """The store sees HMACs. Of two that arrive at once both may do the work: it is the same, and done once."""

    def __init__(self, records: RecordStore, clock: Clock, secret: bytes, *, keep_s: int) -> None:
        """`keep_s`: for as long as the token itself could still be believed."""
        self._records = records
        self._clock = clock
        self._secret = secret
        self._keep_s = keep_s

    async def is_spent(self, provider: str, jti: str) -> bool:
        return await self._records.load(self._name(provider, jti), int(self._clock())) is not None

    async def spend(self, provider: str, jti: str) -> None:
        await self._records.create(self._name(provider, jti), b"1", int(self._clock()) + self._keep_s)

    def _name(self, provider: str, jti: str) -> str:
        return hmac.new(self._secret, b"spent token\n" + codec.dump((provider, jti)), hashlib.sha256).hexdigest()
