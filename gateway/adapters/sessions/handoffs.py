"""One-time tickets that carry a session to another host."""

from gateway.adapters.sessions import codec
from gateway.adapters.sessions.records import RecordStore
from gateway.adapters.sessions.sealing import Seal
from gateway.adapters.sessions.transactions import is_token
from gateway.ports import Clock, Handoff

TTL_S = 30

_KIND = "handoff"


class Handoffs:
    """`ports.HandoffStore`."""

    def __init__(self, records: RecordStore, clock: Clock) -> None:
        self._records = records
        self._clock = clock

    async def leave(self, ticket: str, handoff: Handoff) -> None:
        seal = Seal(ticket, _KIND)
        await self._records.create(seal.name, seal.close(codec.dump(handoff)), int(self._clock()) + TTL_S)

    async def take(self, ticket: str) -> Handoff | None:
        if not is_token(ticket):
            return None
        seal = Seal(ticket, _KIND)
        blob = await self._records.take(seal.name, int(self._clock()))
        content = seal.open(blob) if blob else None
        try:
            return codec.load(Handoff, content) if content else None
        except ValueError:
            return None  # of another version of the gateway
