"""What a provider or an operator has ended lately: a login that was under way at that moment must not outlive it."""

import hashlib
import hmac

from gateway.adapters.sessions import codec
from gateway.adapters.sessions.records import RecordStore
from gateway.ports import Clock

UNSIGNED_AT_MOST = 600
"""Notes a minute of ends that nobody signed: anybody may open the frame's address, and each note takes room."""


class EndedLogins:
    """`ports.EndedLoginStore`. The store sees HMACs, and when."""

    def __init__(self, records: RecordStore, clock: Clock, secret: bytes, *, keep_s: int) -> None:
        """`keep_s`: longer than any callback lasts."""
        self._records = records
        self._clock = clock
        self._secret = secret
        self._keep_s = keep_s

    async def note(self, provider: str = "", *, sub: str = "", sid: str = "", signed: bool = True) -> None:
        now = self._clock()
        if not signed and await self._records.count(self._name("", "", "unsigned"), int(now), 60) > UNSIGNED_AT_MOST:
            return
        # To the fraction: who signs in again in the same second has begun anew.
        await self._records.create(self._name(provider, sub, sid), str(now).encode("ascii"), int(now) + self._keep_s)

    async def since(self, began: float, provider: str, *, sub: str, sid: str) -> bool:
        now = int(self._clock())
        ones = {("", sid), (sub, ""), (sub, sid)} - {("", "")}
        names = [self._name(provider, *each) for each in ones] + [self._name("", "", "")]
        noted = [await self._records.load(name, now) for name in names]
        return any(blob is not None and float(blob) >= began for blob in noted)

    def _name(self, provider: str, sub: str, sid: str) -> str:
        words = codec.dump((provider, sub, sid))
        return hmac.new(self._secret, b"ended login\n" + words, hashlib.sha256).hexdigest()
