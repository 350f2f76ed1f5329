"""Settings and adapters → what the web tier is handed. The only module that knows every concrete class."""

import asyncio
import logging
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

import httpx
import structlog

from gateway.adapters import api_particulier, oidc
from gateway.adapters.api_particulier import ApiParticulier
from gateway.adapters.audit import AuditLog
from gateway.adapters.chance import new_token
from gateway.adapters.disputes import assembly as disputes
from gateway.adapters.disputes.agents import AgentSessions
from gateway.adapters.keys import SigningKeys, encryption_jwk, load_signing_keys
from gateway.adapters.limits import Attempts, Shares
from gateway.adapters.metrics.cells import Cells
from gateway.adapters.oidc import OidcProvider
from gateway.adapters.quotas import SharedQuotas
from gateway.adapters.sessions.checked import CheckedSessions, Rechecked
from gateway.adapters.sessions.ended import EndedLogins
from gateway.adapters.sessions.forms import SMALL_BYTES, Forms
from gateway.adapters.sessions.handoffs import Handoffs
from gateway.adapters.sessions.memory import MemoryRecords
from gateway.adapters.sessions.records import RecordStore
from gateway.adapters.sessions.redis import RedisRecords
from gateway.adapters.sessions.sealed import SealedSessions
from gateway.adapters.sessions.spent import SpentTokens
from gateway.adapters.sessions.sqlite import SqliteRecords
from gateway.adapters.sessions.transactions import Transactions
from gateway.adapters.upstream.client import Upstreams
from gateway.core.errors import ConfigError, Problem
from gateway.core.headers import stripped_names
from gateway.core.model import Source
from gateway.core.routing import RouteTable
from gateway.ports import Clock, HouseholdSource, NewToken, SessionStore, Sleep
from gateway.relying_party.client_auth import client_jwk
from gateway.relying_party.logout import REPLAY_S
from gateway.settings import ApiParticulierSettings, Settings
from gateway.web.cookies import LOGIN_S, Cookies
from gateway.web.live import LiveAnswers
from gateway.web.open_sessions import OpenSessions
from gateway.web.outages import Outages
from gateway.web.pages import Pages
from gateway.web.readiness import Readiness
from gateway.web.services import Services

LOGIN_SHARE = 250
"""Logins that one address may begin in `LOGIN_S` whatever the others do, as long as there are not too many others."""

LOGINS_SHARED_OUT = 20_000
"""Of all addresses within their shares: twice the peak of a large city."""

LOGINS_FREE = 20_000
"""Of all addresses beyond: a town behind one address. Both together are a small part of every store."""

PROBE_BYTES = 8_192
PROBE_S = 60

FORMS_BY_ADDRESS = 60

FORMS_BYTES = 67_108_864
"""Of interrupted forms within the life of a login, and as much again of large ones: they never fill the store."""

LOOP_LOGINS = 3

LOOP_S = 120

NUMBER_TRIES = 5

NUMBER_PERIOD_S = 3600

Close = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Outside:
    """What a test may replace: time, chance, and where lines are written."""

    clock: Clock = time.time
    sleep: Sleep = asyncio.sleep
    new_token: NewToken = field(default=new_token, repr=False)
    log_stream: TextIO = field(default_factory=lambda: sys.stderr)
    audit_stream: TextIO = field(default_factory=lambda: sys.stdout)
    cells: Cells = field(default_factory=Cells, repr=False)
    """Where this process counts."""
    quick_lane: bool = True
    """False: every request takes the way through the ASGI application."""


@dataclass(frozen=True, slots=True)
class Lasting:
    """What a reload leaves as it is: the store, the connections to the applications, the answers under way."""

    records: RecordStore
    disputes: RecordStore | None
    upstream: Upstreams
    live: LiveAnswers
    readiness: Readiness
    outages: Outages


def open_records(settings: Settings, clock: Clock) -> RecordStore:
    """The store that `sessions.store` names; it is contacted when something is asked of it."""
    if settings.sessions.redis is not None:
        return RedisRecords(settings.sessions.redis, clock)
    kind, _, path = settings.sessions.store.partition(":")
    return SqliteRecords(Path(path)) if kind == "sqlite" else MemoryRecords()


def sealed_sessions(settings: Settings, records: RecordStore, clock: Clock) -> SealedSessions:
    return SealedSessions(records, clock, idle_s=settings.sessions.idle_s, secrets=settings.sessions.secrets)


def ended_logins(settings: Settings, records: RecordStore, clock: Clock) -> EndedLogins:
    return EndedLogins(records, clock, settings.sessions.secrets[-1], keep_s=REPLAY_S)


def open_lasting(settings: Settings, world: Outside) -> Lasting:
    """Made once, at the start; nothing is contacted before something is asked of it."""
    records = open_records(settings, world.clock)

    async def probe() -> None:
        """As large as a session with a household, and gone at once."""
        key = f"probe-{world.new_token()}"
        await records.create(key, bytes(PROBE_BYTES), int(world.clock()) + PROBE_S)
        await records.drop(key)

    readiness = Readiness(probe, world.clock)
    kept = disputes.open_records(settings, world.clock)
    return Lasting(records, kept, Upstreams(), LiveAnswers(), readiness, Outages(world.clock))


def assemble(settings: Settings, world: Outside, lasting: Lasting, closers: list[Close]) -> Services:
    """What these settings make of the outside; `closers` receives what is to be closed when they are replaced.

    `ConfigError` for what only shows when the parts are put together.
    """
    try:
        return _assembled(settings, world, lasting, closers)
    except (ValueError, OSError) as error:
        # Keys and certificates that were there when the configuration was read, and are no longer what they were.
        raise ConfigError([Problem("gateway.yaml", 0, f"cannot be put into service: {error}")]) from None


def _log(event: str, **codes: object) -> None:
    """A failure, ours or of something that we depend on, is a warning; what people and programs do is told as it is."""
    level = logging.WARNING if event == "failed" or "dependency" in codes else logging.INFO
    structlog.get_logger("gateway").log(level, event, **codes)


def _trouble(code: str, request_id: str) -> None:
    structlog.get_logger("gateway").warning("household_trouble", code=code, request_id=request_id)


def _providers(settings: Settings, world: Outside, closers: list[Close]) -> dict[str, OidcProvider]:
    clients = [(each, _opened(oidc.http_client(each), closers)) for each in settings.providers]
    return {each.name: OidcProvider(each, http, world.clock) for each, http in clients}


def _assembled(settings: Settings, world: Outside, lasting: Lasting, closers: list[Close]) -> Services:
    keys, records = load_signing_keys(settings.signing.key_pem, settings.signing.previous), lasting.records
    departures = settings.limits.logins_per_minute_per_address
    providers = _providers(settings, world, closers)
    lines = _lines(settings, world, records)
    kept = disputes.assemble(settings, lasting.disputes, world.clock, log=_log, metrics=world.cells, closers=closers)
    audit = AuditLog(world.audit_stream)
    return Services(
        settings=settings,
        routes=RouteTable(settings.routes),
        providers=providers,
        sources=_sources(settings, world, lines, closers),
        lines=lines,
        sessions=OpenSessions(
            _checked_sessions(settings, records, world, providers), time.monotonic, kept.read_standing
        ),
        live=lasting.live,
        transactions=_transactions(settings, world, records),
        handoffs=Handoffs(records, world.clock),
        forms=_forms(settings, world, records),
        loops=_attempts(settings, world, records, LOOP_LOGINS, LOOP_S),
        upstream=lasting.upstream,
        signer=keys.signer,
        jwks=_jwks(settings, keys),
        stripped=_stripped(settings),
        cookies=Cookies(settings.public_url, settings.sessions.secrets),
        pages=_pages(settings),
        attempts=_attempts(settings, world, records, NUMBER_TRIES, NUMBER_PERIOD_S),
        departures=_attempts(settings, world, records, departures, 60) if departures else None,
        logout_tokens=SpentTokens(records, world.clock, settings.sessions.secrets[-1], keep_s=REPLAY_S),
        ended_logins=ended_logins(settings, records, world.clock),
        client_keys=_client_keys(settings),
        readiness=lasting.readiness,
        outages=lasting.outages,
        audit=audit.record,
        disputes=kept.store,
        announcer=kept.announcer,
        agents=AgentSessions(records, world.clock, idle_s=settings.sessions.idle_s, secrets=settings.sessions.secrets),
        trace=audit.act,
        metrics=world.cells,
        log=_log,
        clock=world.clock,
        sleep=world.sleep,
        new_token=world.new_token,
    )


def _checked_sessions(
    settings: Settings, records: RecordStore, world: Outside, providers: Mapping[str, OidcProvider]
) -> SessionStore:
    """With the providers that are asked again whether their session holds, when there is one."""
    rechecked = {
        provider.name: Rechecked(providers[provider.name], provider.recheck_s)
        for provider in settings.providers
        if provider.recheck_s is not None
    }
    sessions = sealed_sessions(settings, records, world.clock)
    return CheckedSessions(sessions, records, world.clock, world.sleep, rechecked) if rechecked else sessions


def _sources(
    settings: Settings, world: Outside, lines: Mapping[Source, SharedQuotas], closers: list[Close]
) -> dict[Source, HouseholdSource]:
    """One client for all that is asked at one place with one token: the quota is one."""
    opened: dict[ApiParticulierSettings, ApiParticulier] = {}
    for source, asked in settings.sources.items():
        if asked not in opened:
            client, quotas = _opened(api_particulier.http_client(asked), closers), lines[source]
            opened[asked] = ApiParticulier(
                asked, client, quotas=quotas, clock=world.clock, sleep=world.sleep, on_trouble=_trouble
            )
    return {source: opened[asked] for source, asked in settings.sources.items()}


def _transactions(settings: Settings, world: Outside, records: RecordStore) -> Transactions:
    own, shared_out, free = (
        _attempts(settings, world, records, tries, LOGIN_S) for tries in (LOGIN_SHARE, LOGINS_SHARED_OUT, LOGINS_FREE)
    )
    return Transactions(records, world.clock, ttl_s=LOGIN_S, room=Shares(own, shared_out, free))


def _attempts(settings: Settings, world: Outside, records: RecordStore, tries: int, period_s: int) -> Attempts:
    return Attempts(records, world.clock, settings.sessions.secrets[-1], tries=tries, period_s=period_s)


def _lines(settings: Settings, world: Outside, records: RecordStore) -> dict[Source, SharedQuotas]:
    def shared(asked: ApiParticulierSettings) -> SharedQuotas:
        return SharedQuotas(records, asked, clock=world.clock, sleep=world.sleep, new_token=world.new_token)

    return {source: shared(asked) for source, asked in settings.sources.items()}


def _forms(settings: Settings, world: Outside, records: RecordStore) -> Forms:
    by_address = _attempts(settings, world, records, FORMS_BY_ADDRESS, LOGIN_S)
    small = _attempts(settings, world, records, FORMS_BYTES // SMALL_BYTES, LOGIN_S)
    at_most = max(SMALL_BYTES, settings.limits.kept_post_bytes)
    large = _attempts(settings, world, records, FORMS_BYTES // at_most, LOGIN_S)
    return Forms(records, world.clock, by_address=by_address, small=small, large=large, ttl_s=LOGIN_S)


def _opened(client: httpx.AsyncClient, closers: list[Close]) -> httpx.AsyncClient:
    closers.append(client.aclose)
    return client


def _stripped(settings: Settings) -> frozenset[str]:
    return stripped_names(injection.header for policy in settings.policies.values() for injection in policy.inject)


def _jwks(settings: Settings, keys: SigningKeys) -> dict[str, object]:
    """What applications verify with, and what FranceConnect+ seals its tokens with."""
    sealed_for = [provider.encryption_key_pem for provider in settings.providers if provider.encryption_key_pem]
    return {"keys": [*keys.jwks["keys"], *(encryption_jwk(pem) for pem in sealed_for)]}


def _client_keys(settings: Settings) -> dict[str, object]:
    pems = {provider.client_key_pem for provider in settings.providers if provider.client_key_pem}
    return {"keys": [client_jwk(pem) for pem in sorted(pems)]}


def _pages(settings: Settings) -> Pages:
    targets = [provider.authorization_endpoint or provider.issuer for provider in settings.providers]
    targets += [provider.end_session_endpoint or provider.issuer for provider in settings.providers]
    secure = settings.public_url.startswith("https:")
    return Pages(settings.authority, secure=secure, form_targets=targets, catalogues=settings.texts)
