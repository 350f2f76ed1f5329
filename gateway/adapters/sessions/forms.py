"""POSTs that a login interrupted: sealed with a ticket that only the browser holds, each taken once."""

from gateway.adapters.limits import Attempts
from gateway.adapters.sessions import codec
from gateway.adapters.sessions.records import RecordStore
from gateway.adapters.sessions.sealing import Seal
from gateway.adapters.sessions.transactions import is_token
from gateway.ports import Clock, FormAbout, KeptForm

SMALL_BYTES = 8_192
"""Most forms. A file that goes with one is larger, and takes as much room as many of these."""

_KIND = "form"


class Forms:
    """`ports.FormStore`. The body is opaque: what was typed is never read here."""

    def __init__(
        self,
        records: RecordStore,
        clock: Clock,
        *,
        by_address: Attempts,
        small: Attempts,
        large: Attempts,
        ttl_s: int,
    ) -> None:
        """`small` and `large` bound what everybody together may have waiting, up to `SMALL_BYTES` and beyond."""
        self._records = records
        self._clock = clock
        self._by_address = by_address
        self._small = small
        self._large = large
        self._ttl_s = ttl_s

    async def keep(self, ticket: str, form: KeptForm, address: str) -> bool:
        in_all, key = (self._small, "forms") if len(form.body) <= SMALL_BYTES else (self._large, "large forms")
        if not await self._by_address.allowed(f"form:{address}") or not await in_all.allowed(key):
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
        try:
            return KeptForm(codec.load(FormAbout, about), body)
        except ValueError:
            return None  # of another version of the gateway
