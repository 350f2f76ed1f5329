"""Steps 4 and 5 of a request: what is known is gathered, then decided on. The gate and forward-auth both ask here."""

from dataclasses import replace
from typing import assert_never

from starlette.responses import Response

from gateway.core.decision import Allow, Alternative, Ask, Authenticate, Deny, Question
from gateway.core.model import Session
from gateway.core.policy import decide
from gateway.core.rules import Route
from gateway.web.amend import amend
from gateway.web.audit import audit_turned_away
from gateway.web.enquiry import enquire_by_identity
from gateway.web.exchange import Destination, Exchange, facts_of, own_url
from gateway.web.forward import Permit, delivery_due, permit
from gateway.web.kept_forms import keep_or_say
from gateway.web.outage_mark import failed_here
from gateway.web.refusals import alternative_page, refused_page
from gateway.web.services import Services

NotAllowed = Authenticate | Ask | Alternative | Deny


async def judge(services: Services, exchange: Exchange, route: Route, *, with_body: bool = True) -> Permit | Response:
    """A permit, or the answer for one who has none; that answer's audit line is written.

    `with_body`: what a POST carries can be read here, and kept while its sender signs in.
    """
    began = services.clock()
    held = exchange.session and await services.sessions.current(exchange.session)
    session = held and await enquire_by_identity(services, route.policy, held, exchange.reference)
    # After the enquiry, which may have taken long: what was contested meanwhile does not leave.
    standing = await services.sessions.standing(session)
    facts = facts_of(
        services,
        route.policy,
        session,
        standing,
        exchange.snapshot.facts,
        exchange.reference,
        login_down=session is None and bool(failed_here(services, exchange, route.policy)),
    )
    decision = decide(route.policy, facts)
    if not isinstance(decision, Allow):
        asking = replace(exchange, session=session)
        response = await _turned_away(services, asking, route, decision, with_body=with_body)
        audit_turned_away(services, exchange, route, decision, session, response.status_code, began)
        _say_why(services, asking, route, decision)
        return response
    given = permit(services, route, decision, session)
    await _remember_delivery(services, given, session)
    return given


def _say_why(services: Services, exchange: Exchange, route: Route, decision: NotAllowed) -> None:
    """The enquiry may be of an earlier request: its codes stand beside the reference that this page shows."""
    status = getattr(decision, "status", None)
    if status is None:
        return
    records = exchange.session.household if exchange.session else ()
    reasons = [reason for record in records if record.status is status for reason in record.reasons]
    services.log(
        "turned_away",
        code=str(decision.reason),
        outcome=str(status),
        reasons=" ".join(reasons),
        policy=route.policy.name,
        route=route.name,
        reference=exchange.reference,
    )


async def _remember_delivery(services: Services, given: Permit, session: Session | None) -> None:
    delivery = delivery_due(services, given, session)
    if delivery is not None and session is not None:
        await amend(services, session.id, lambda now: replace(now, deliveries=(*now.deliveries, delivery)))


async def _turned_away(
    services: Services, exchange: Exchange, route: Route, decision: NotAllowed, *, with_body: bool
) -> Response:
    """A page or a redirect for a person who navigates; 401 or 403 with a problem for a program."""
    snapshot = exchange.snapshot
    here = Destination(snapshot.target.wire.decode("ascii"), snapshot.host, snapshot.target, route)
    if not snapshot.is_navigation:
        return _problem(services, exchange, decision)
    match decision:
        case Authenticate():
            return await _sent_to(services, exchange, here, "login", with_body=with_body)
        case Ask():
            return await _sent_to(services, exchange, here, page_that_asks(decision), with_body=with_body)
        case Alternative():
            return alternative_page(services, exchange, here, decision)
        case Deny():
            return refused_page(services, exchange, here, decision)
        case _:
            assert_never(decision)


async def _sent_to(
    services: Services, exchange: Exchange, here: Destination, page: str, *, with_body: bool
) -> Response:
    """To one of our pages and back by a GET. What a POST carries waits meanwhile, or its sender is told."""
    to = own_url(page, here.url)
    if exchange.snapshot.method != "POST":
        return exchange.pages.redirect(to)
    if not with_body:
        return exchange.pages.redirect(f"{to}&not_sent=1")
    return await keep_or_say(services, exchange, here, to)


def page_that_asks(decision: Ask) -> str:
    return "review" if decision.what is Question.REVIEW else "allocataire"


def _problem(services: Services, exchange: Exchange, decision: NotAllowed) -> Response:
    status = 401 if isinstance(decision, Authenticate) else 403
    extra: dict[str, object] = {"login": own_url("login")} if isinstance(decision, Authenticate) else {}
    if isinstance(decision, Alternative):
        extra["household_status"] = str(decision.status)
    return exchange.pages.problem(status, str(decision.reason), reference=exchange.reference, **extra)
