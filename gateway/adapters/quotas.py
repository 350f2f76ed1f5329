"""API Particulier's quotas, shared by all who share the record store: places, calls, closed doors, leases.

What the provider counts is in `docs/operations.md`. Each of its windows is counted here as a little longer than it is:
a call that leaves at the end of one second may arrive in the next.
"""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from gateway.adapters.sessions.records import RecordStore
from gateway.core.quota import Claim, Turn, Window, Wish
from gateway.core.rules import Mode
from gateway.ports import Clock, NewToken, Sleep
from gateway.settings import ApiParticulierSettings, Quotas

SECOND_S = 1.25
MINUTE_S = 65.0
HOUR_S = 3605.0
"""The provider's second, minute and hour, and the longest that a call is on its way: a connection takes 4 s at most."""

AWAY_S = 60.0
"""What a person usually spends at FranceConnect: only the time that is told depends on it."""

POLL_S = 0.1
"""Between two looks at a lease that another worker holds."""

_TURN_S = 2.0
"""In the line for a lease: whoever asks no more has left."""
_LEASES_AT_MOST = 10_000

_PEOPLE = "franceconnect"
_TOKEN = "token"  # noqa: S105 - the name of a series
_ADDRESS = "address"


class SharedQuotas:
    """One habilitation's share of one API Particulier. `ports.PlaceLine`, and what the household source asks."""

    def __init__(
        self,
        records: RecordStore,
        asked: ApiParticulierSettings,
        *,
        clock: Clock,
        sleep: Sleep,
        new_token: NewToken,
    ) -> None:
        self._records = records
        self._quotas = asked.quotas
        # By its address: what shares it shares the count, whatever token and recipient.
        self._key = "quota " + hashlib.sha256(asked.base_url.encode("utf-8")).hexdigest()[:32]
        self._clock = clock
        self._sleep = sleep
        self._new_token = new_token
        self._windows = _windows(asked.quotas)

    async def join(self, place: str, *, keep_s: float, keep_share: float = 0) -> Turn:
        """A place for one call, or a turn in the line."""
        return await self._claim(self._place(Wish.HOLD, place, keep_s, keep_share))

    async def stay(self, place: str, *, keep_s: float, keep_share: float = 0) -> Turn:
        """The same for one that is held or waited for already."""
        return await self._claim(self._place(Wish.STAY, place, keep_s, keep_share))

    async def leave(self, place: str) -> None:
        await self._claim(Claim(Wish.LEAVE, (), _member(place), _PEOPLE))

    async def call(self, mode: Mode, *, patience_s: float, place: str | None = None) -> Turn:
        """Leave to make one call at once; it may be waited for. With a place it is that one; else room is needed."""
        claim = Claim(
            Wish.USE,
            self._windows[mode],
            member=_member(place or ""),
            line=_PEOPLE if mode is Mode.FRANCECONNECT else "",
            # A booked moment would put this call behind people whose places are counted already.
            patience_s=0 if mode is Mode.FRANCECONNECT else patience_s,
        )
        turn = await self._claim(claim)
        if turn.granted and turn.wait_s:
            await self._sleep(turn.wait_s)
            # The provider may have said meanwhile to wait.
            closed = (await self._claim(Claim(Wish.CLOSE, claim.windows))).closed
            return turn._replace(granted=not closed, closed=closed)
        return turn

    async def close(self, mode: Mode | None, closed_s: float) -> None:
        """Nobody calls for so long: in this mode, or at all."""
        chosen = self._windows[mode][:1] if mode else (Window(_ADDRESS, 1, 0),)
        await self._claim(Claim(Wish.CLOSE, chosen, closed_s=closed_s))

    @asynccontextmanager
    async def alone(self, name: str, *, hold_s: float, patience_s: float) -> AsyncIterator[bool]:
        """One at a time under this name, on all workers; False when the wait was longer than `patience_s`.

        Who dies inside lets the next one in after `hold_s`.
        """
        line = "lease " + hashlib.sha256(name.encode("utf-8")).hexdigest()[:32]
        member, window = self._new_token(), (Window(line, 1, 0),)
        claim = Claim(
            Wish.HOLD,
            window,
            member,
            line,
            hold_s=hold_s,
            keep_s=_TURN_S,
            waiting_at_most=_LEASES_AT_MOST,
            # No window keeps anybody out here: it is the one who is inside.
            away_s=hold_s,
        )
        leave = Claim(Wish.LEAVE, (), member, line)
        try:
            yield await self._granted(claim, patience_s)
        finally:
            await self._claim(leave)

    async def _granted(self, claim: Claim, patience_s: float) -> bool:
        looks = max(1, int(patience_s / POLL_S) + 1)
        for look in range(looks):
            if (await self._claim(claim)).granted:
                return True
            if look + 1 < looks:
                await self._sleep(POLL_S)
        return False

    async def _claim(self, claim: Claim) -> Turn:
        return await self._records.reserve(self._key, round(self._clock(), 3), claim)

    def _place(self, wish: Wish, place: str, keep_s: float, keep_share: float) -> Claim:
        quotas = self._quotas
        return Claim(
            wish,
            self._windows[Mode.FRANCECONNECT],
            member=_member(place),
            line=_PEOPLE,
            hold_s=quotas.place_s,
            keep_s=keep_s,
            keep_share=keep_share,
            waiting_at_most=quotas.waiting_at_most,
            away_s=min(AWAY_S, quotas.place_s),
        )


def _windows(quotas: Quotas) -> dict[Mode, tuple[Window, ...]]:
    everybody = Window(_ADDRESS, quotas.address_per_minute, MINUTE_S)
    people = (
        Window(_PEOPLE, quotas.franceconnect_per_minute, MINUTE_S),
        Window(_PEOPLE, quotas.franceconnect_per_hour, HOUR_S),
    )
    token = (Window(_TOKEN, quotas.token_per_second, SECOND_S),)
    return {
        Mode.FRANCECONNECT: (*people, everybody),
        Mode.IDENTITY: (*token, everybody),
        Mode.NUMBER: (*token, everybody),
    }


def _member(place: str) -> str:
    """The store learns nothing that a login transaction or a cookie is tied to."""
    return hashlib.sha256(b"place\n" + place.encode("ascii")).hexdigest()
