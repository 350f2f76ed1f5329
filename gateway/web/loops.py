"""A login that ends and is asked for again: said on a page, never answered by one more redirect."""

from starlette.responses import Response

from gateway.core.decision import Authenticate
from gateway.core.model import LoginTransaction, Session
from gateway.core.policy import decide
from gateway.web import login_texts
from gateway.web.exchange import Destination, Exchange, facts_at, own_url
from gateway.web.information import alternative_of
from gateway.web.services import Services
from gateway.web.texts import Message


async def is_stuck(
    services: Services, exchange: Exchange, session: Session, transaction: LoginTransaction, place: Destination
) -> Response | None:
    """A page when going back to `place` would only lead to the login again; None when the way is free."""
    decision = decide(place.route.policy, await facts_at(services, place, session, exchange.reference))
    if isinstance(decision, Authenticate):
        return _page(services, exchange, place, f"login_in_vain_{decision.reason}", login_texts.IN_VAIN)
    if not await services.loops.allowed(f"logins:{transaction.browser}:{place.route.name}"):
        return _page(services, exchange, place, "login_loop", login_texts.LOOP, proceed=place.url)
    return None


def _page(
    services: Services, exchange: Exchange, place: Destination, code: str, message: Message, proceed: str | None = None
) -> Response:
    services.log("login_failed", code=code, route=place.route.name, reference=exchange.reference)
    return exchange.pages.message(
        message,
        403,
        reference=exchange.reference,
        restart=own_url("login", place.url),
        proceed=proceed,
        alternative=alternative_of(place),
    )
