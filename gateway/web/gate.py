"""A request's whole life, top to bottom, in eight steps. No middleware carries state: the order is this file."""

from dataclasses import replace
from typing import assert_never

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gateway.core.errors import DependencyFailed, GatewayError, RequestRejected, ValueRefused
from gateway.core.facts import is_household_value
from gateway.core.model import (
    Allow,
    Alternative,
    Ask,
    Authenticate,
    Decision,
    Delivery,
    Deny,
    Facts,
    Question,
    RequestFacts,
    Session,
)
from gateway.core.paths import admit
from gateway.core.policy import decide
from gateway.core.routing import SlashRedirect
from gateway.core.rules import Route
from gateway.ports import AuditLine
from gateway.web import own_pages, texts
from gateway.web.amend import amend
from gateway.web.enquiry import enquire_by_identity
from gateway.web.exchange import Destination, Exchange, facts_of, is_own, own_url
from gateway.web.forward import AnswerCut, read_body, send_back, upstream_request
from gateway.web.http import Snapshot, take_snapshot
from gateway.web.review import alternative_page, refused_page
from gateway.web.services import Services

_DOWN = {"session-store": texts.STORE_DOWN, "upstream": texts.UPSTREAM_DOWN, "franceconnect": texts.PROVIDER_DOWN}


CLIENT_LEFT = 499
"""In an audit line only: the client went away before the answer was complete."""


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
            response.headers["connection"] = "close"
            await response(scope, receive, send)
            return
        try:
            response_or_none = await self._answer(snapshot, receive, send, reference)
        except AnswerCut as error:
            # The head is gone: ending without the body's end makes the server close the connection.
            self._services.log("failed", code=error.code, dependency="upstream", reference=reference)
            return
        except GatewayError as error:
            response_or_none = self._failed(snapshot, error, reference)
        if response_or_none is not None:
            await response_or_none(scope, receive, send)

    async def _answer(self, snapshot: Snapshot, receive: Receive, send: Send, reference: str) -> Response | None:
        name = own_pages.page_name(snapshot.target.path) if is_own(snapshot.target) else None
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
            with_session=found.policy.login is not None or found.policy.household is not None,
        )
        return await self._decide(exchange, found, send)

    def _check_host(self, snapshot: Snapshot) -> None:
        if snapshot.host not in self._services.routes.hosts or not self._services.settings.accepts_port(snapshot.port):
            raise RequestRejected("host_unknown", 421)

    async def _exchange(self, snapshot: Snapshot, receive: Receive, reference: str, *, with_session: bool) -> Exchange:
        cookies = snapshot.values(b"cookie")
        session_id = self._services.cookies.session_id(cookies) if with_session else None
        session = await self._services.sessions.load(session_id) if session_id else None
        return Exchange(snapshot, receive, session, self._services.cookies.browser(cookies), reference)

    async def _own_page(self, name: str, snapshot: Snapshot, receive: Receive, reference: str) -> Response:
        page = own_pages.find_page(name, snapshot.method)
        exchange = await self._exchange(
            snapshot, receive, reference, with_session=name not in own_pages.WITHOUT_SESSION
        )
        return await page(self._services, exchange)

    async def _decide(self, exchange: Exchange, route: Route, send: Send) -> Response | None:
        services, policy = self._services, route.policy
        began = services.clock()
        session = exchange.session and await enquire_by_identity(services, policy, exchange.session)
        request = RequestFacts(exchange.snapshot.method, exchange.snapshot.host, exchange.snapshot.target.path)
        facts = facts_of(services, policy, session, request, exchange.reference)
        decision = decide(policy, facts)
        if not isinstance(decision, Allow):
            response = self._turned_away(exchange, route, decision)
            self._audit(exchange, route, decision, session, response.status_code, began)
            return response
        status = CLIENT_LEFT
        try:
            status = await self._forward(exchange, route, decision, session, send, facts)
        except GatewayError as error:
            status = error.status
            raise
        finally:
            self._audit(exchange, route, decision, session, status, began)
        return None

    async def _forward(
        self, exchange: Exchange, route: Route, allow: Allow, session: Session | None, send: Send, facts: Facts
    ) -> int:
        services = self._services
        body = await read_body(exchange.snapshot, exchange.receive, route)
        request = upstream_request(services, exchange, route, allow, facts, body)
        if session is not None:
            await self._remember_delivery(route, allow, session)
        response = await services.upstream.forward(request)
        private = facts.identity is not None and route.policy.login is not None
        await send_back(response, send, services.cookies.names, private=private or facts.household != ())
        return response.status

    async def _remember_delivery(self, route: Route, allow: Allow, session: Session) -> None:
        facts = tuple(sorted({item.fact for item in allow.inject if is_household_value(item.fact)}))
        service = route.policy.purpose
        if not facts or any((line.service, line.facts) == (service, facts) for line in session.deliveries):
            return
        delivery = Delivery(service, facts, self._services.now)
        await amend(self._services, session.id, lambda now: replace(now, deliveries=(*now.deliveries, delivery)))

    def _turned_away(
        self, exchange: Exchange, route: Route, decision: Authenticate | Ask | Alternative | Deny
    ) -> Response:
        """A page or a redirect for a person who navigates; 401 or 403 with a problem for a program."""
        services, snapshot = self._services, exchange.snapshot
        here = Destination(snapshot.target.wire.decode("ascii"), snapshot.host, snapshot.target, route)
        if not snapshot.is_navigation:
            return self._problem(exchange, decision)
        match decision:
            case Authenticate():
                return services.pages.redirect(own_url("login", self._back(exchange)))
            case Ask():
                page = "review" if decision.what is Question.REVIEW else "allocataire"
                return services.pages.redirect(own_url(page, self._back(exchange)))
            case Alternative():
                return alternative_page(services, exchange, here, decision)
            case Deny():
                return refused_page(services, exchange, here, decision)
            case _:
                assert_never(decision)

    def _back(self, exchange: Exchange) -> str:
        """A POST cannot be played again after a login: its page is asked for instead."""
        return exchange.snapshot.target.wire.decode("ascii")

    def _problem(self, exchange: Exchange, decision: Authenticate | Ask | Alternative | Deny) -> Response:
        status = 401 if isinstance(decision, Authenticate) else 403
        extra: dict[str, object] = {"login": own_url("login")} if isinstance(decision, Authenticate) else {}
        if isinstance(decision, Alternative):
            extra["household_status"] = str(decision.status)
        return self._services.pages.problem(status, str(decision.reason), reference=exchange.reference, **extra)

    def _failed(self, snapshot: Snapshot, error: GatewayError, reference: str) -> Response:
        services = self._services
        fields: dict[str, object] = {"code": error.code, "status": error.status, "reference": reference}
        if isinstance(error, DependencyFailed):
            fields |= {"dependency": error.dependency, "provider_reference": error.reference}
        services.log("rejected" if isinstance(error, RequestRejected) else "failed", **fields)
        if snapshot.is_navigation:
            response = services.pages.message(_message(error), error.status, reference=reference)
        else:
            response = services.pages.problem(error.status, error.code, reference=reference)
        if isinstance(error, RequestRejected) and error.allow:
            response.headers["allow"] = ", ".join(error.allow)
        return response

    def _audit(
        self, exchange: Exchange, route: Route, decision: Decision, session: Session | None, status: int, began: float
    ) -> None:
        household = getattr(decision, "status", None)
        self._services.audit(
            AuditLine(
                decision_id=exchange.reference,
                route=route.name,
                policy=route.policy.name,
                policy_version=route.policy.version,
                outcome=type(decision).__name__.lower(),
                reason=str(decision.reason),
                household_status=str(household) if household else None,
                provider=session.identity.provider if session and session.identity else None,
                method=exchange.snapshot.method,
                status=status,
                duration_ms=round((self._services.clock() - began) * 1000),
            )
        )


def _message(error: GatewayError) -> texts.Message:
    if isinstance(error, DependencyFailed):
        return _DOWN.get(error.dependency, texts.STORE_DOWN)
    if isinstance(error, ValueRefused):
        return texts.UPSTREAM_DOWN
    return texts.REJECTED.get(error.status, texts.REJECTED[400])
