"""A request's whole life, top to bottom, in eight steps. No middleware carries state: the order is this file."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gateway.core.errors import DependencyFailed, GatewayError, RequestRejected
from gateway.core.paths import admit
from gateway.core.routing import SlashRedirect
from gateway.core.rules import Route
from gateway.upstream_ports import UpstreamResponse
from gateway.web import own_pages
from gateway.web.audit import CLIENT_LEFT, audit_allowed
from gateway.web.bodies import Body, hold
from gateway.web.exchange import Exchange
from gateway.web.failures import failure, log_failure
from gateway.web.forward import Permit, answer_fields, asked, upstream_request
from gateway.web.http import EXTENSION, ClientLeft, body_chunks, receive_from, take_snapshot
from gateway.web.judge import judge
from gateway.web.open_sessions import FRESH_S
from gateway.web.relay import Relay
from gateway.web.resume import Resumed, resumed
from gateway.web.retention import let_go
from gateway.web.services import Services
from gateway.web.snapshot import Snapshot
from gateway.web.websocket import check_handshake


class AnswerCut(DependencyFailed):
    """The upstream failed in the middle of its answer."""

    def __init__(self, code: str) -> None:
        super().__init__("upstream", code)


class Lasting:
    """A request that lasts, its body still coming or its answer streaming: it ends with its session."""

    def __init__(self, exchange: Exchange, scope: Scope) -> None:
        self.session_id = exchange.session.id if exchange.session else ""
        self._own = scope.get("extensions", {}).get(EXTENSION)
        self._task = asyncio.current_task()

    def over(self) -> None:
        """A task that was cancelled holds its frames, and they hold us: all would wait for the collector."""
        self._task = None

    def expel(self) -> None:
        if self._own is not None:
            self._own.connection.cut()
        if self._task is not None:
            self._task.cancel()


class Gate:
    """The ASGI application."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request; every failure ends on a page or a problem, with a reference."""
        reference = self._services.new_reference()
        try:
            snapshot = take_snapshot(scope, self._services.settings.limits)
        except RequestRejected as error:
            response = self._services.pages.problem(error.status, error.code, reference=reference)
            self._services.log("rejected", code=error.code, status=error.status, reference=reference)
            self._services.metrics.count("gateway_rejections_total", code=error.code)
            response.headers["connection"] = "close"
            await response(scope, receive, send)
            return
        try:
            response_or_none = await self._answer(snapshot, scope, receive, send, reference)
        except AnswerCut as error:
            # The head is gone: ending without the body's end makes the server close the connection.
            log_failure(self._services, error, reference)
            return
        except ClientLeft:
            return
        except GatewayError as error:
            response_or_none = failure(self._services, snapshot, error, reference)
        if response_or_none is not None:
            await response_or_none(scope, receive, send)

    async def _answer(
        self, snapshot: Snapshot, scope: Scope, receive: Receive, send: Send, reference: str
    ) -> Response | None:
        name = own_pages.page_name(snapshot.target.path) if snapshot.target.is_own else None
        if name not in own_pages.ANY_HOST:
            self._check_host(snapshot)
        if name is not None:
            return await self._own_page(name, snapshot, receive, reference)
        found = self._services.routes.find(snapshot.host, snapshot.target.path, snapshot.method)
        if isinstance(found, SlashRedirect):
            query = snapshot.target.query
            return self._services.pages.redirect(
                found.to + (f"?{query.decode('ascii')}" if query is not None else ""), 308
            )
        admit(snapshot.target, found)
        exchange = await self._exchange(
            snapshot,
            receive,
            reference,
            with_session=found.policy.needs_session,
        )
        return await self._decide(exchange, found, scope, send)

    def _check_host(self, snapshot: Snapshot) -> None:
        if snapshot.host not in self._services.routes.hosts or not self._services.settings.accepts_port(snapshot.port):
            raise RequestRejected("host_unknown", 421)

    async def _exchange(self, snapshot: Snapshot, receive: Receive, reference: str, *, with_session: bool) -> Exchange:
        cookies = snapshot.values(b"cookie")
        session_id = self._services.cookies.session_id(cookies) if with_session else None
        session = await self._services.sessions.load(session_id) if session_id else None
        session = session and await let_go(self._services, session)
        browser, pages = (
            self._services.cookies.browser(cookies),
            self._services.pages.speaking(snapshot.language, snapshot.here),
        )
        return Exchange(snapshot, receive, session, browser, reference, pages)

    async def _own_page(self, name: str, snapshot: Snapshot, receive: Receive, reference: str) -> Response:
        page = own_pages.find_page(name, snapshot.method)
        exchange = await self._exchange(
            snapshot, receive, reference, with_session=name not in own_pages.WITHOUT_SESSION
        )
        return await page(self._services, exchange)

    async def _decide(self, exchange: Exchange, route: Route, scope: Scope, send: Send) -> Response | None:
        services, snapshot = self._services, exchange.snapshot
        began = services.clock()
        own = scope.get("extensions", {}).get(EXTENSION)
        if snapshot.upgrade:
            if own is None:
                # Somebody else's server: there is no connection here to relay bytes on.
                raise RequestRejected("upgrade_refused", 501)
            check_handshake(services, snapshot, route, exchange.session)
        waited = await resumed(services, exchange, route)
        if isinstance(waited, Response):
            return waited
        if isinstance(waited, Resumed):
            return await self._send_form(waited, route, scope, send, began)
        exchange, snapshot = waited, waited.snapshot
        given = await judge(services, exchange, route)
        if isinstance(given, Response):
            return given
        if snapshot.upgrade:
            session_id = exchange.session.id if exchange.session else ""
            request = asked(services, snapshot)
            own.hand_over(Relay(services, own.connection, given, own.head, request, exchange.reference, session_id))
            return None
        return await self._forward(exchange, given, scope, send, began)

    async def _send_form(
        self, waited: Resumed, route: Route, scope: Scope, send: Send, began: float
    ) -> Response | None:
        """A form that waited for a login: judged and sent like any other POST, and kept if nobody took it."""
        given = await judge(self._services, waited.exchange, route)
        try:
            answer = (
                given
                if isinstance(given, Response)
                else await self._forward(waited.exchange, given, scope, send, began)
            )
        except (AnswerCut, ClientLeft):
            raise
        except GatewayError as error:
            back = await waited.put_back(tried=isinstance(error, DependencyFailed))
            return failure(self._services, waited.exchange.snapshot, error, waited.exchange.reference, restart=back)
        if answer is not None and "location" not in answer.headers:
            await waited.put_back(tried=False)
        return answer

    async def _forward(
        self, exchange: Exchange, given: Permit, scope: Scope, send: Send, began: float
    ) -> Response | None:
        """Send it on, unless its body took so long that it is judged again, and otherwise: then that answer."""
        services, snapshot, lasting = self._services, exchange.snapshot, Lasting(exchange, scope)
        status: int | None = CLIENT_LEFT
        waited_s = None
        services.live.add(lasting.session_id, lasting)
        try:
            held = await self._held(exchange, given, began)
            if isinstance(held, Response):
                status = None  # its audit line is written
                return held
            given, body, stream = held
            request = upstream_request(services, given, asked(services, snapshot), body, exchange.reference)
            sent = services.clock()
            response = await services.upstream.forward(request, stream)
            waited_s = services.clock() - sent
            await self._deliver(given, response, send)
            status = response.head.status
        except GatewayError as error:
            status = error.status
            raise
        finally:
            services.live.discard(lasting.session_id, lasting)
            lasting.over()
            if status is not None:
                audit_allowed(services, given, snapshot.method, status, exchange.reference, began, waited_s)
        return None

    async def _held(
        self, exchange: Exchange, given: Permit, began: float
    ) -> tuple[Permit, Body, AsyncIterator[bytes] | None] | Response:
        """The body, and a permit that is still true: what was known when the head came may have ended since."""
        route = given.route
        chunks = body_chunks(exchange.receive, route.max_body_bytes)
        body, stream = await hold(chunks, route, exchange.snapshot.head.length)
        if self._services.clock() - began <= FRESH_S:
            return given, body, stream
        again = await judge(self._services, replace(exchange, receive=receive_from(stream)), route)
        return again if isinstance(again, Response) else (again, body, stream)

    async def _deliver(self, given: Permit, response: UpstreamResponse, send: Send) -> None:
        try:
            fields = answer_fields(self._services, given, response.head)
            await send({"type": "http.response.start", "status": response.head.status, "headers": fields})
            await self._stream(response.body, send)
        finally:
            response.close()

    async def _stream(self, body: AsyncIterator[bytes], send: Send) -> None:
        """A failure after the head can never be patched over: the client must see the cut."""
        try:
            async for piece in body:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        except DependencyFailed as error:
            raise AnswerCut(error.code) from None
        await send({"type": "http.response.body", "body": b"", "more_body": False})
