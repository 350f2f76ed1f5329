"""Steps 4 and 5 of a request: what is known is gathered, then decided on. The gate and forward-auth both ask here."""

from dataclasses import replace
from typing import assert_never

from starlette.responses import Response

from gateway.core.model import Allow, Alternative, Ask, Authenticate, Deny, Question, Session
from gateway.core.policy import decide
from gateway.core.rules import Route
from gateway.web.amend import amend
from gateway.web.audit import audit_turned_away
from gateway.web.enquiry import enquire_by_identity
from gateway.web.exchange import Destination, Exchange, facts_of, own_url
from gateway.web.forward import Permit, delivery_due, permit
from gateway.web.review import alternative_page, refused_page
from gateway.web.services import Services

NotAllowed = Authenticate | Ask | Alternative | Deny


async def judge(services: Services, exchange: Exchange, route: Route) -> Permit | Response:
    """A permit, or the answer for one who has none; that answer's audit line is written."""
    began = services.clock()
    session = exchange.session and await enquire_by_identity(services, route.policy, exchange.session)
    facts = facts_of(services, route.policy, session, exchange.snapshot.facts, exchange.reference)
    decision = decide(route.policy, facts)
    if not isinstance(decision, Allow):
        response = _turned_away(services, replace(exchange, session=session), route, decision)
        audit_turned_away(services, exchange, route, decision, session, response.status_code, began)
        return response
    given = permit(services, route, decision, session)
    await _remember_delivery(services, given, session)
    return given


async def _remember_delivery(services: Services, given: Permit, session: Session | None) -> None:
    delivery = delivery_due(services, given, session)
    if delivery is not None and session is not None:
        await amend(services, session.id, lambda now: replace(now, deliveries=(*now.deliveries, delivery)))


def _turned_away(services: Services, exchange: Exchange, route: Route, decision: NotAllowed) -> Response:
    """A page or a redirect for a person who navigates; 401 or 403 with a problem for a program."""
    snapshot = exchange.snapshot
    # A POST cannot be played again after a login: its page is asked for instead.
    back = snapshot.target.wire.decode("ascii")
    here = Destination(back, snapshot.host, snapshot.target, route)
    if not snapshot.is_navigation:
        return _problem(services, exchange, decision)
    match decision:
        case Authenticate():
            return exchange.pages.redirect(own_url("login", back))
        case Ask():
            return exchange.pages.redirect(own_url(page_that_asks(decision), back))
        case Alternative():
            return alternative_page(services, exchange, here, decision)
        case Deny():
            return refused_page(services, exchange, here, decision)
        case _:
            assert_never(decision)


def page_that_asks(decision: Ask) -> str:
    return "review" if decision.what is Question.REVIEW else "allocataire"


def _problem(services: Services, exchange: Exchange, decision: NotAllowed) -> Response:
    status = 401 if isinstance(decision, Authenticate) else 403
    extra: dict[str, object] = {"login": own_url("login")} if isinstance(decision, Authenticate) else {}
    if isinstance(decision, Alternative):
        extra["household_status"] = str(decision.status)
    return exchange.pages.problem(status, str(decision.reason), reference=exchange.reference, **extra)
