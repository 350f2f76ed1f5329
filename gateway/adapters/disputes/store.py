"""Disputes over a record store: one sealed record a person, found by HMAC of provider and `sub`.

A person's record carries a number that goes up with each change, and a change from one number to the next is given to
one writer only: two who settle, or contest and settle, at once never overwrite each other.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from gateway.adapters.disputes.keyed import VERSION, Keyed
from gateway.adapters.sessions import codec
from gateway.adapters.sessions.records import RecordStore
from gateway.core.disputes import Dispute, State, standing_of
from gateway.core.errors import DependencyFailed
from gateway.core.model import Identity, Standing
from gateway.dispute_ports import DisputesFull
from gateway.ports import Clock

PER_PERSON = 20
"""Contests and objections of one person that are kept at once."""

PER_DAY = 20
"""What one person may open in a day: each one is announced to the service."""

KEPT_S = 10 * 365 * 86_400
"""An open dispute ends when an agent or its person ends it; this is only what a store wants to hear."""

TURN_S = 30
"""A writer that died is waited for this long before another may take its turn."""

_TRIES = 60
_WAIT_S = 0.05

_ALL = "all"
_OPEN = "open"


@dataclass(frozen=True, slots=True)
class _Sheet:
    """What one record holds."""

    number: int
    disputes: tuple[Dispute, ...]


@dataclass(frozen=True, slots=True)
class _Pointer:
    """From a reference to the sheet that holds it."""

    reference: str
    sheet: str


Record = TypeVar("Record", _Sheet, _Pointer)

Change = Callable[[tuple[Dispute, ...]], tuple[Dispute, ...] | None]
"""The disputes as they are → as they become; None leaves them."""


class StoredDisputes:
    """`ports.DisputeStore`."""

    def __init__(self, records: RecordStore, clock: Clock, key: bytes, *, retention_s: int) -> None:
        self._records = records
        self._clock = clock
        self._keyed = Keyed(key)
        self._retention_s = retention_s
        self._checked = False

    async def standing(self, identity: Identity) -> Standing:
        sheet = await self._sheet(self._name(identity))
        return standing_of(sheet.disputes, now=self._now, retention_s=self._retention_s) if sheet else Standing()

    async def of(self, identity: Identity) -> Sequence[Dispute]:
        sheet = await self._sheet(self._name(identity))
        return self._alive(sheet.disputes) if sheet else ()

    async def open(self, identity: Identity, dispute: Dispute) -> Dispute:
        """Keep it, or give back the one that is open already about the same thing. `DisputesFull` beyond the bound."""
        kept: Dispute | None = None

        def add(disputes: tuple[Dispute, ...]) -> tuple[Dispute, ...] | None:
            # Set anew each time: the turn may have gone to somebody else.
            nonlocal kept
            kept = None
            same = [each for each in disputes if _about(each) == _about(dispute) and each.state is State.OPEN]
            if same:
                kept = same[0]
                return None
            if len(disputes) >= PER_PERSON:
                return None
            kept = dispute
            return (*disputes, dispute)

        name = self._name(identity)
        if await self._records.count(self._keyed.name("day", name), self._now, 86_400) > PER_DAY:
            raise DisputesFull
        # The pointer first: a dispute that stands is always one that an agent can find.
        await self._point(dispute.reference, name)
        await self._change(name, add)
        if kept is not dispute:
            await self._forget(dispute.reference)
        if kept is None:
            raise DisputesFull
        return kept

    async def withdraw(self, identity: Identity, reference: str) -> bool:
        """Forget one of this person's own disputes; False when it is not theirs."""
        found = False

        def without(disputes: tuple[Dispute, ...]) -> tuple[Dispute, ...] | None:
            nonlocal found
            found = any(each.reference == reference for each in disputes)
            return tuple(each for each in disputes if each.reference != reference) if found else None

        await self._change(self._name(identity), without)
        if found:
            await self._forget(reference)
        return found

    async def find(self, reference: str) -> Dispute | None:
        pointer = await self._pointer(self._keyed.name("reference", reference))
        sheet = await self._sheet(pointer.sheet) if pointer else None
        found = [each for each in (self._alive(sheet.disputes) if sheet else ()) if each.reference == reference]
        return found[0] if found else None

    async def listed(self, *, only_open: bool) -> Sequence[Dispute]:
        """Oldest first."""
        tag = self._keyed.name("tag", _OPEN if only_open else _ALL)
        found = [await self._pointer(name) for name in await self._records.tagged(tag, self._now)]
        disputes = [await self.find(pointer.reference) for pointer in found if pointer is not None]
        return sorted((each for each in disputes if each is not None), key=lambda each: each.opened_at)

    async def settle(self, reference: str, outcome: State, by: str) -> Dispute | None:
        """Answer once; None when it is unknown, or when this answer may not follow the one it has."""
        pointer = await self._pointer(self._keyed.name("reference", reference))
        settled: Dispute | None = None

        def answer(disputes: tuple[Dispute, ...]) -> tuple[Dispute, ...] | None:
            nonlocal settled
            settled = None
            found = [each for each in disputes if each.reference == reference and outcome in each.outcomes]
            if not found:
                return None
            settled = replace(found[0], state=outcome, settled_at=self._now, by=by)
            return tuple(settled if each is found[0] else each for each in disputes)

        if pointer is not None:
            await self._change(pointer.sheet, answer)
        if settled is not None and not settled.outcomes:
            await self._records.drop(self._keyed.name("open", reference))
        return settled

    def pseudonym(self, provider: str, sub: str) -> str:
        return self._keyed.name("agent", provider, sub)[:16]

    # --- one sheet

    async def _change(self, name: str, change: Change) -> None:
        for _ in range(_TRIES):
            sheet = await self._sheet(name) or _Sheet(0, ())
            changed = change(self._alive(sheet.disputes))
            if changed is None:
                return
            turn = self._keyed.name("turn", name, str(sheet.number))
            if await self._records.count(turn, self._now, TURN_S) == 1:
                await self._write(name, _Sheet(sheet.number + 1, changed))
                return
            await asyncio.sleep(_WAIT_S)
        raise DependencyFailed("dispute-store", "dispute_store_busy", 503)

    async def _write(self, name: str, sheet: _Sheet) -> None:
        ends = [each.ends_at(self._retention_s) or self._now + KEPT_S for each in sheet.disputes]
        # At least as long as a turn, even when it is empty: its number must not be given twice.
        expires_at = max([*ends, self._now + 2 * TURN_S])
        await self._records.create(name, self._keyed.close(name, codec.dump(sheet)), expires_at)

    async def _sheet(self, name: str) -> _Sheet | None:
        await self._check_key()
        blob = await self._records.load(name, self._now)
        if blob is None:
            return None
        return self._read(_Sheet, name, blob)

    def _read(self, kind: type[Record], name: str, blob: bytes) -> Record:
        """What cannot be read says something all the same: it must not count as nothing."""
        if blob[:1] != VERSION and blob[:1].isdigit():
            raise _newer(f"version {blob[:1].decode('ascii')}")
        content = self._keyed.open(name, blob)
        try:
            if content is not None:
                return codec.load_older(kind, content)
        except codec.UnknownFields as error:
            raise _newer(str(error)) from None
        except ValueError:
            pass
        raise DependencyFailed("dispute-store", "dispute_unreadable", 503)

    async def _check_key(self) -> None:
        """Under another key every person would seem to have said nothing."""
        if self._checked:
            return
        name = "dispute key check"
        blob = await self._records.load(name, self._now)
        if blob is None:
            await self._records.create(name, self._keyed.close(name, b"ours"), self._now + KEPT_S)
        elif self._keyed.open(name, blob) is None:
            raise DependencyFailed("dispute-store", "dispute_key_changed", 503)
        self._checked = True

    # --- pointers

    async def _point(self, reference: str, sheet: str) -> None:
        await self._check_key()
        for kind, tag in (("reference", _ALL), ("open", _OPEN)):
            name = self._keyed.name(kind, reference)
            blob = self._keyed.close(name, codec.dump(_Pointer(reference, sheet)))
            await self._records.create(name, blob, self._now + KEPT_S, [self._keyed.name("tag", tag)])

    async def _pointer(self, name: str) -> _Pointer | None:
        await self._check_key()
        blob = await self._records.load(name, self._now)
        return self._read(_Pointer, name, blob) if blob else None

    async def _forget(self, reference: str) -> None:
        for kind in ("reference", "open"):
            await self._records.drop(self._keyed.name(kind, reference))

    # --- small tools

    @property
    def _now(self) -> int:
        return int(self._clock())

    def _name(self, identity: Identity) -> str:
        return self._keyed.name("person", identity.provider, identity.sub)

    def _alive(self, disputes: Sequence[Dispute]) -> tuple[Dispute, ...]:
        ends = ((each, each.ends_at(self._retention_s)) for each in disputes)
        return tuple(each for each, ends_at in ends if ends_at is None or ends_at > self._now)


def _newer(what: str) -> DependencyFailed:
    return DependencyFailed("dispute-store", "dispute_newer_version", 503, reference=what)


def _about(dispute: Dispute) -> tuple[object, str]:
    return dispute.datum, dispute.policy
