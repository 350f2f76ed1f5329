"""Login transactions over a record store: sealed with their state, each usable once."""

from gateway.adapters.limits import Shares
from gateway.adapters.sessions import codec
from gateway.adapters.sessions.records import RecordStore
from gateway.adapters.sessions.sealing import Seal
from gateway.core.model import LoginTransaction
from gateway.ports import Clock

_ONCE = "login"
_AFTER = "login return"


class Transactions:
    """`ports.TransactionStore`."""

    def __init__(self, records: RecordStore, clock: Clock, *, ttl_s: int, room: Shares | None = None) -> None:
        """`room`: anybody can begin a login, so that what all of them may take of the store is counted apart."""
        self._records = records
        self._clock = clock
        self._ttl_s = ttl_s
        self._room = room

    async def begin(self, transaction: LoginTransaction, address: str = "") -> bool:
        if self._room is not None and not await self._room.allowed(address):
            return False
        expires_at = int(self._clock()) + self._ttl_s
        once, after = Seal(transaction.state, _ONCE), Seal(transaction.state, _AFTER)
        await self._records.create(once.name, once.close(codec.dump(transaction)), expires_at)
        await self._records.create(after.name, after.close(transaction.return_to.encode("utf-8")), expires_at)
        return True

    async def consume(self, state: str) -> LoginTransaction | None:
        if not is_token(state):
            return None
        seal = Seal(state, _ONCE)
        blob = await self._records.take(seal.name, int(self._clock()))
        content = seal.open(blob) if blob else None
        try:
            return codec.load(LoginTransaction, content) if content else None
        except ValueError:
            return None  # of another version of the gateway

    async def return_to(self, state: str) -> str | None:
        if not is_token(state):
            return None
        seal = Seal(state, _AFTER)
        blob = await self._records.load(seal.name, int(self._clock()))
        content = seal.open(blob) if blob else None
        return content.decode("utf-8") if content else None


def is_token(value: str) -> bool:
    """64 lower-case hex digits: what `NewToken` makes, and all that can be a ticket."""
    return len(value) == 64 and all(digit in "0123456789abcdef" for digit in value)
