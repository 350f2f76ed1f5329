"""POSTs that a login interrupted: sealed with a ticket that only the browser holds, each taken once."""

from gateway.adapters.limits import Attempts
from gateway.adapters.sessions import codec
from gateway.adapters.sessions.records import RecordStore
from gateway.adapters.sessions.sealing import Seal
from gateway.adapters.sessions.transactions import is_token
from gateway.ports import Clock, FormAbout, KeptForm

_KIND = "form"


class Forms:
    """`ports.FormStore`. The body is opaque: what was typed is never read here."""

    def __init__(
        self, records: RecordStore, clock: Clock, *, by_address: Attempts, in_all: Attempts, ttl_s: int
    ) -> None:
        self._records = records
        self._clock = clock
        self._by_address = by_address
        self._in_all = in_all
        self._ttl_s = ttl_s

    async def keep(self, ticket: str, form: KeptForm, address: str) -> bool:
        if not await self._by_address.allowed(f"form:{address}") or not await self._in_all.allowed("forms"):
            return False
        await self.put_back(ticket, form)
        return True

    async def put_back(self, ticket: str, form: KeptForm) -> None:
        seal = Seal(ticket, _KIND)
        content = codec.dump(form.about) + b"\n" + form.body
        await self._records.create(seal.name, seal.close(content), form.about.kept_at + self._ttl_s)

    async def look(self, ticket: str) -> KeptForm | None:
        return await self._opened(ticket, once=False)

    async def take(self, ticket: str) -> KeptForm | None:
        return await self._opened(ticket, once=True)

    async def drop(self, ticket: str) -> None:
        if is_token(ticket):
            await self._records.drop(Seal(ticket, _KIND).name)

    async def _opened(self, ticket: str, *, once: bool) -> KeptForm | None:
        if not is_token(ticket):
            return None
        seal, now = Seal(ticket, _KIND), int(self._clock())
        blob = await (self._records.take(seal.name, now) if once else self._records.load(seal.name, now))
        content = seal.open(blob) if blob else None
        if content is None:
            return None
        about, _, body = content.partition(b"\n")
        return KeptForm(codec.load(FormAbout, about), body)
