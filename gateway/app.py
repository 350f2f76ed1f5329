"""The application: starts and stops what `assembly` put together, and hands each request to it."""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack, suppress
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.adapters.logs import configure_logging
from gateway.adapters.metrics.cells import Cells
from gateway.assembly import Close, Outside, assemble, open_lasting
from gateway.core.errors import ConfigError, DependencyFailed, Problem
from gateway.core.http1.request import RequestHead
from gateway.settings import Settings
from gateway.web.gate import Gate
from gateway.web.live import CHECK_S
from gateway.web.quick_lane import QuickLane
from gateway.web.server.asgi import AsgiExchange
from gateway.web.server.connection import ClientConnection
from gateway.web.server.front import Front
from gateway.web.server.responder import Responder
from gateway.web.services import Services

SWEEP_S = 60

DRAIN_S = 30
"""How long requests under way may take to end: after SIGTERM, and with what a reload replaced."""


class Application:
    """Starts and stops what the gate needs, and hands it each HTTP request."""

    def __init__(self, settings: Settings, world: Outside) -> None:
        self._world = world
        self._lasting = open_lasting(settings, world)
        self._closers: list[Close] = []
        self._services = assemble(settings, world, self._lasting, self._closers)
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
        return QuickLane(services, self._application) if self._world.quick_lane else None

    async def reload(self, settings: Settings) -> None:
        """Serve `settings` from the next request on; `ConfigError`, and nothing has changed, when that cannot be.

        Requests under way end with what they began with.
        """
        refuse_restart(self._services.settings, settings)
        closers: list[Close] = []
        services = assemble(settings, self._world, self._lasting, closers)
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
        return quick or self._application(head, connection, iter(()))

    def _application(self, head: RequestHead, connection: ClientConnection, earlier: Iterator[bytes]) -> Responder:
        return AsgiExchange(self._gate, head, connection, self._tasks, self._services.log, earlier)

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
