"""The service is told of a dispute: its reference, never a value, never a name. Nothing here can lose a dispute.

Word waits in the dispute store until it has left: a restart, or a mail server that is down for a day, only delays it.
"""

import asyncio
import hashlib
import hmac
import json
import smtplib
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace

import httpx

from gateway.adapters.disputes.keyed import Keyed
from gateway.adapters.sessions import codec
from gateway.adapters.sessions.records import RecordStore
from gateway.core.errors import DependencyFailed
from gateway.ports import Clock
from gateway.settings import WebhookSettings
from gateway.trace_ports import Metrics

TIMEOUT_S = 10

RETRY_S = (60, 300, 1800, 7200, 21_600, 43_200, 86_400)
"""How long to wait after each failure; after the last one it is given up, and the log says so."""

POLL_S = 10

Log = Callable[..., None]
Send = Callable[["Word"], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Word:
    """One thing to say over one channel."""

    reference: str
    kind: str
    """`contest` or `objection`."""
    about: str
    """The datum, or the policy: codes."""
    channel: str
    """`email` or `webhook`."""
    failures: int = 0
    not_before: int = 0
    """Unix seconds."""


class Notifier:
    """Leaves word, and carries it: at once, and again later when that failed."""

    def __init__(
        self, records: RecordStore, clock: Clock, key: bytes, channels: dict[str, Send], *, log: Log, metrics: Metrics
    ) -> None:
        self._records = records
        self._clock = clock
        self._keyed = Keyed(key)
        self._channels = channels
        self._log = log
        self._metrics = metrics
        self._wanted = asyncio.Event()

    async def leave(self, reference: str, kind: str, about: str) -> None:
        """`ports.Notify`: the dispute is kept already, and stays so whatever becomes of its announcement."""
        try:
            for channel in self._channels:
                await self._keep(Word(reference, kind, about, channel))
        except DependencyFailed as error:
            self._log("notification_lost", code=error.code, reference=reference)
        self._wanted.set()

    async def round(self) -> None:
        """Wait for word, or for a while, then carry what is due."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._wanted.wait(), POLL_S)
        self._wanted.clear()
        await self.carry()

    async def carry(self) -> None:
        """Send what is due. Of several workers one sends each word."""
        try:
            for name in await self._records.tagged(self._tag, self._now):
                word = await self._read(name)
                if word is not None and word.not_before <= self._now and await self._mine(name, word):
                    await self._send(name, word)
        except DependencyFailed as error:
            self._log("notification_delayed", code=error.code)

    async def _mine(self, name: str, word: Word) -> bool:
        turn = self._keyed.name("word turn", name, str(word.failures))
        return await self._records.count(turn, self._now, 10 * TIMEOUT_S) == 1

    async def _send(self, name: str, word: Word) -> None:
        send = self._channels.get(word.channel)
        try:
            if send is not None:
                await send(word)
        except (OSError, smtplib.SMTPException, httpx.HTTPError, ValueError) as error:
            # A ValueError is a name or a password that its protocol cannot carry: it must not stop the others.
            await self._failed(name, word, type(error).__name__)
            return
        await self._records.drop(name)
        self._counted(word, "sent")

    async def _failed(self, name: str, word: Word, why: str) -> None:
        self._log("notification_failed", code=word.channel, error_type=why, reference=word.reference)
        self._counted(word, "failed")
        if word.failures >= len(RETRY_S):
            self._log("notification_given_up", code=word.channel, reference=word.reference)
            await self._records.drop(name)
            return
        wait = RETRY_S[word.failures]
        await self._keep(replace(word, failures=word.failures + 1, not_before=self._now + wait))

    def _counted(self, word: Word, outcome: str) -> None:
        self._metrics.count("gateway_dispute_notifications_total", channel=word.channel, outcome=outcome)

    async def _keep(self, word: Word) -> None:
        name = self._keyed.name("word", word.reference, word.channel)
        blob = self._keyed.close(name, codec.dump(word))
        await self._records.create(name, blob, self._now + 2 * sum(RETRY_S), [self._tag])

    async def _read(self, name: str) -> Word | None:
        blob = await self._records.load(name, self._now)
        content = self._keyed.open(name, blob) if blob else None
        try:
            return codec.load_older(Word, content) if content else None
        except ValueError:
            return None  # of another version of the gateway: it must not keep the others from leaving

    @property
    def _tag(self) -> str:
        return self._keyed.name("tag", "words")

    @property
    def _now(self) -> int:
        return int(self._clock())


def by_webhook(settings: WebhookSettings, client: httpx.AsyncClient, clock: Clock) -> Send:
    """POST JSON. `X-Gateway-Signature: t=UNIX,v1=HEX` is HMAC-SHA256 of `t`, a dot, and the body."""

    async def send(word: Word) -> None:
        content = {"reference": word.reference, "kind": word.kind, "about": word.about}
        body = json.dumps(content, separators=(",", ":")).encode("utf-8")
        at = str(int(clock()))
        proof = hmac.new(settings.secret, at.encode("ascii") + b"." + body, hashlib.sha256).hexdigest()
        headers = {"content-type": "application/json", "x-gateway-signature": f"t={at},v1={proof}"}
        answer = await client.post(settings.url, content=body, headers=headers)
        answer.raise_for_status()

    return send
