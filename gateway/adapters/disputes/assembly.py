"""Settings and a record store → what the web tier asks about disputes."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from gateway.adapters.disputes.mail import by_email
from gateway.adapters.disputes.notify import TIMEOUT_S, Notifier, Send, by_webhook
from gateway.adapters.disputes.store import KEPT_S, StoredDisputes
from gateway.adapters.sessions.memory import MemoryRecords
from gateway.adapters.sessions.records import RecordStore
from gateway.adapters.sessions.redis import RedisRecords
from gateway.adapters.sessions.sqlite import SqliteRecords
from gateway.core.errors import DependencyFailed
from gateway.core.model import Identity, Standing
from gateway.dispute_ports import DisputeStore
from gateway.ports import Clock
from gateway.settings import DisputeSettings, Settings
from gateway.trace_ports import Metrics

Log = Callable[..., None]
Close = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Kept:
    """All None where the gateway keeps no disputes."""

    store: StoredDisputes | None = None
    announcer: Notifier | None = None
    read_standing: Callable[[Identity], Awaitable[Standing]] | None = None


def assemble(
    settings: Settings, records: RecordStore | None, clock: Clock, *, log: Log, metrics: Metrics, closers: list[Close]
) -> Kept:
    """`closers` receives what must be closed again."""
    disputes = settings.disputes
    if disputes is None or records is None:
        return Kept()
    store = StoredDisputes(records, clock, disputes.key, retention_s=disputes.retention_s)

    async def read_standing(identity: Identity) -> Standing:
        try:
            return await store.standing(identity)
        except DependencyFailed as error:
            said = {"provider_reference": error.reference} if error.reference else {}
            log("standing_unknown", code=error.code, dependency="dispute-store", **said)
            raise

    channels = _channels(disputes, f"{settings.public_url}/_gateway/agents/dispute", clock, closers)
    announcer = Notifier(records, clock, disputes.key, channels, log=log, metrics=metrics) if channels else None
    return Kept(store, announcer, read_standing)


def _channels(disputes: DisputeSettings, page_url: str, clock: Clock, closers: list[Close]) -> dict[str, Send]:
    channels: dict[str, Send] = {}
    if disputes.email is not None:
        channels["email"] = by_email(disputes.email, page_url)
    if disputes.webhook is not None:
        client = httpx.AsyncClient(timeout=TIMEOUT_S, follow_redirects=False, trust_env=False)
        closers.append(client.aclose)
        channels["webhook"] = by_webhook(disputes.webhook, client, clock)
    return channels


def open_records(settings: Settings, clock: Clock) -> RecordStore | None:
    """Where disputes lie: a file of their own, or the sessions' Redis; None where none are kept."""
    if settings.disputes is None:
        return None
    if settings.disputes.store.startswith("redis") and settings.sessions.redis is not None:
        return RedisRecords(settings.sessions.redis, clock, tags_last_s=KEPT_S)
    kind, _, path = settings.disputes.store.partition(":")
    return SqliteRecords(Path(path)) if kind == "sqlite" else MemoryRecords()


@asynccontextmanager
async def open_disputes(settings: Settings, clock: Clock = time.time) -> AsyncIterator[DisputeStore]:
    """The dispute store alone, for a command; `settings.disputes` must be there."""
    records = open_records(settings, clock)
    if settings.disputes is None or records is None:
        raise ValueError("no disputes in these settings")
    try:
        yield StoredDisputes(records, clock, settings.disputes.key, retention_s=settings.disputes.retention_s)
    finally:
        await records.close()
