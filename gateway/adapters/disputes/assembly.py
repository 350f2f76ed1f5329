"""Settings and a record store → what the web tier asks about disputes."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import httpx

from gateway.adapters.disputes.notify import TIMEOUT_S, Notifier, Send, by_email, by_webhook
from gateway.adapters.disputes.store import StoredDisputes
from gateway.adapters.sessions.records import RecordStore
from gateway.core.errors import DependencyFailed
from gateway.core.model import Identity, Standing
from gateway.ports import Clock, Metrics
from gateway.settings import DisputeSettings, Settings

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
            log("standing_unknown", code=error.code, dependency="dispute-store")
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
