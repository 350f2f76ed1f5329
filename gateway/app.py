"""The composition root: settings and adapters → one ASGI application. The only module that knows every class."""

import asyncio
import secrets
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

import httpx
import structlog
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway import app_parts
from gateway.adapters import api_particulier, oidc
from gateway.adapters.api_particulier import ApiParticulier
from gateway.adapters.audit import AuditLog
from gateway.adapters.disputes import assembly as disputes
from gateway.adapters.disputes.agents import AgentSessions
from gateway.adapters.keys import load_signing_keys
from gateway.adapters.limits import Attempts
from gateway.adapters.logs import configure_logging
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
from gateway.adapters.sessions.sqlite import SqliteRecords
from gateway.adapters.sessions.transactions import Transactions
from gateway.adapters.upstream.client import Upstreams
from gateway.core.errors import ConfigError, DependencyFailed, Problem
from gateway.core.http1.request import RequestHead
from gateway.core.model import Source
from gateway.core.routing import RouteTable
from gateway.ports import Clock, HouseholdSource, NewToken, SessionStore, Sleep
from gateway.relying_party.logout import REPLAY_S
from gateway.settings import ApiParticulierSettings, Settings
from gateway.web.cookies import LOGIN_S, Cookies
from gateway.web.gate import Gate
from gateway.web.live import CHECK_S, LiveAnswers
from gateway.web.open_sessions import OpenSessions
from gateway.web.outages import Outages
from gateway.web.quick_lane import QuickLane
from gateway.web.readiness import Readiness
from gateway.web.server.asgi import AsgiExchange
from gateway.web.server.connection import ClientConnection, Responder
from gateway.web.server.front import Front
from gateway.web.services import Services

LOGINS_AT_MOST = 40_000
"""Begun in `LOGIN_S`, by everybody together: four times the peak of a large city, and a small part of every store."""

SWEEP_S = 60

PROBE_BYTES = 8_192

DRAIN_S = 30
"""How long requests under way may take to end: after SIGTERM, and with what a reload replaced."""

FORMS_BY_ADDRESS = 60
FORMS_BYTES = 67_108_864
"""Of interrupted forms within the life of a login, and as much again of large ones: they never fill the store."""

LOOP_LOGINS = 3
LOOP_S = 120

NUMBER_TRIES = 5
NUMBER_PERIOD_S = 3600

Close = Callable[[], Awaitable[None]]


def new_token() -> str:
    return secrets.token_hex(32)


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


class Application:
    """Starts and stops what the gate needs, and hands it each HTTP request."""

    def __init__(self, settings: Settings, world: Outside) -> None:
        self._world = world
        self._lasting = _lasting(settings, world)
        self._closers: list[Close] = []
        self._services = _services(settings, world, self._lasting, self._closers)
        self._gate: ASGIApp = Gate(self._services)
        self._lane = self._quick_lane(self._services)
        self._front: Front | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._retiring: set[asyncio.Task[None]] = set()

    @property
    def cells(self) -> Cells:
        return self._world.cells

    @property
    def settings(self) -> Settings:
        """Those that serve now."""
        return self._services.settings

    def draining(self) -> None:
        """No new work should be sent here: readiness says so from now on."""
        self._lasting.readiness.draining = True

    def _quick_lane(self, services: Services) -> QuickLane | None:
        return QuickLane(services) if self._world.quick_lane else None

    async def reload(self, settings: Settings) -> None:
        """Serve `settings` from the next request on; `ConfigError`, and nothing has changed, when that cannot be.

        Requests under way end with what they began with.
        """
        refuse_restart(self._services.settings, settings)
        closers: list[Close] = []
        services = _services(settings, self._world, self._lasting, closers)
        self._services, self._gate, self._lane = services, Gate(services), self._quick_lane(services)
        await self._lasting.upstream.open(settings.routes)
        if self._front is not None:
            self._front.limits = settings.limits
        retired, self._closers = self._closers, [*self._closers, *closers]
        task = asyncio.create_task(self._retire(retired))
        self._retiring.add(task)
        task.add_done_callback(self._retiring.discard)

    async def _retire(self, closers: list[Close]) -> None:
        await asyncio.sleep(DRAIN_S)
        for close in closers:
            if close in self._closers:
                self._closers.remove(close)
                await close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "websocket":
            # Under somebody else's server: a WebSocket is relayed as bytes, below ASGI.
            await send({"type": "websocket.close", "code": 1008})
        else:
            await self._gate(scope, receive, send)

    def connection(self, *, config: object, server_state: Any, **_: object) -> ClientConnection:
        """What uvicorn calls for each accepted socket (`uvicorn.Config(http=…)`)."""
        if self._front is None:
            loop = asyncio.get_running_loop()
            self._tasks = server_state.tasks
            limits = self._services.settings.limits
            self._front = Front(limits, self._responder, self._refusal, server_state.connections, loop)
        return ClientConnection(self._front)

    def _responder(self, head: RequestHead, connection: ClientConnection) -> Responder:
        quick = self._lane.take(head, connection) if self._lane is not None else None
        return quick or AsgiExchange(self._gate, head, connection, self._tasks, self._services.log)

    def _refusal(self, code: str, status: int) -> tuple[list[tuple[bytes, bytes]], bytes]:
        reference = self._services.new_reference()
        self._services.log("rejected", code=code, status=status, reference=reference)
        self._services.metrics.count("gateway_rejections_total", code=code)
        response = self._services.pages.problem(status, code, reference=reference)
        return list(response.raw_headers), bytes(response.body)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        await self._services.upstream.open(self._services.settings.routes)
        sweepers = [asyncio.create_task(each) for each in (self._sweep(), self._check(), self._announce())]
        await send({"type": "lifespan.startup.complete"})
        await receive()
        for task in (*sweepers, *self._retiring):
            task.cancel()
        async with AsyncExitStack() as stack:
            for close in (self._lasting.records.close, self._lasting.upstream.close, *self._closers):
                stack.push_async_callback(close)
            if self._lasting.disputes is not None:
                stack.push_async_callback(self._lasting.disputes.close)
        await send({"type": "lifespan.shutdown.complete"})

    async def _sweep(self) -> None:
        """Expired records leave the disk, and are not only unread."""
        while True:
            await asyncio.sleep(SWEEP_S)
            for records in filter(None, (self._lasting.records, self._lasting.disputes)):
                with suppress(DependencyFailed):  # it will be asked again, and requests say what is wrong
                    await records.sweep(self._services.now)

    async def _announce(self) -> None:
        """The services are told of disputes, whichever configuration is served."""
        while True:
            announcer = self._services.announcer
            await (announcer.round() if announcer is not None else asyncio.sleep(SWEEP_S))

    async def _check(self) -> None:
        """Answers that last end with their session; sessions that nobody uses leave the memory."""
        while True:
            await asyncio.sleep(CHECK_S)
            await self._services.live.check(self._services.sessions.load)
            self._services.sessions.sweep()
            self._services.metrics.set("gateway_sessions_open", len(self._services.sessions))


def build(settings: Settings, outside: Outside | None = None) -> Application:
    """The whole gateway, ready to serve; nothing is contacted before the first request needs it.

    `ConfigError` for what only shows when the parts are put together.
    """
    world = outside or Outside()
    configure_logging(world.log_stream)
    return Application(settings, world)


def refuse_restart(now: Settings, new: Settings) -> None:
    """`ConfigError` when going from one to the other takes more than a reload."""
    hint = "restart the gateway, or write the old value"
    fixed = now.needs_restart(new)
    if fixed:
        raise ConfigError([Problem("gateway.yaml", 0, f"`{name}` cannot change by a reload", hint) for name in fixed])


def open_records(settings: Settings, clock: Clock) -> RecordStore:
    """The store that `sessions.store` names; it is contacted when something is asked of it."""
    if settings.sessions.redis is not None:
        return RedisRecords(settings.sessions.redis, clock)
    kind, _, path = settings.sessions.store.partition(":")
    return SqliteRecords(Path(path)) if kind == "sqlite" else MemoryRecords()


def sealed_sessions(settings: Settings, records: RecordStore, clock: Clock) -> SealedSessions:
    return SealedSessions(records, clock, idle_s=settings.sessions.idle_s, secrets=settings.sessions.secrets)


def _lasting(settings: Settings, world: Outside) -> Lasting:
    records = open_records(settings, world.clock)

    async def probe() -> None:
        """As large as a session with a household, and gone at once."""
        key = f"probe-{world.new_token()}"
        await records.create(key, bytes(PROBE_BYTES), int(world.clock()) + SWEEP_S)
        await records.drop(key)

    readiness = Readiness(probe, world.clock)
    kept = disputes.open_records(settings, world.clock)
    return Lasting(records, kept, Upstreams(), LiveAnswers(), readiness, Outages(world.clock))


def _services(settings: Settings, world: Outside, lasting: Lasting, closers: list[Close]) -> Services:
    try:
        return _assembled(settings, world, lasting, closers)
    except (ValueError, OSError) as error:
        # Keys and certificates that were there when the configuration was read, and are no longer what they were.
        raise ConfigError([Problem("gateway.yaml", 0, f"cannot be put into service: {error}")]) from None


def _log(event: str, **codes: object) -> None:
    structlog.get_logger("gateway").info(event, **codes)


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
            _checked_sessions(settings, records, world.clock, providers), time.monotonic, kept.read_standing
        ),
        live=lasting.live,
        transactions=_transactions(settings, world, records),
        handoffs=Handoffs(records, world.clock),
        forms=_forms(settings, world, records),
        loops=_attempts(settings, world, records, LOOP_LOGINS, LOOP_S),
        upstream=lasting.upstream,
        signer=keys.signer,
        jwks=app_parts.jwks(settings, keys),
        stripped=app_parts.stripped(settings),
        cookies=Cookies(settings.public_url, settings.sessions.secrets),
        pages=app_parts.pages(settings),
        attempts=_attempts(settings, world, records, NUMBER_TRIES, NUMBER_PERIOD_S),
        departures=_attempts(settings, world, records, departures, 60) if departures else None,
        logout_tokens=_attempts(settings, world, records, 1, REPLAY_S),
        ended_logins=EndedLogins(records, world.clock, settings.sessions.secrets[-1], keep_s=REPLAY_S),
        client_keys=app_parts.client_keys(settings),
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
    settings: Settings, records: RecordStore, clock: Clock, providers: Mapping[str, OidcProvider]
) -> SessionStore:
    """With the providers that are asked again whether their session holds, when there is one."""
    rechecked = {
        provider.name: Rechecked(providers[provider.name], provider.recheck_s)
        for provider in settings.providers
        if provider.recheck_s is not None
    }
    sessions = sealed_sessions(settings, records, clock)
    return CheckedSessions(sessions, records, clock, rechecked) if rechecked else sessions


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
    room = _attempts(settings, world, records, LOGINS_AT_MOST, LOGIN_S)
    return Transactions(records, world.clock, ttl_s=LOGIN_S, room=room)


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
