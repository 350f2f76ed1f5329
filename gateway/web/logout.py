"""Leaving: the session here first, then the provider's."""

from starlette.responses import Response

from gateway.core.errors import DependencyFailed
from gateway.core.model import Session
from gateway.web.exchange import Exchange, form_bond, own_url, require_form, with_cookies
from gateway.web.http import posted_form
from gateway.web.information import provider_label
from gateway.web.kept_forms import forget_forms
from gateway.web.leaving import prepare, with_form_targets
from gateway.web.services import Services
from gateway.web.texts import Message

RETURN_S = 600
"""How long the way back from the provider stays recognised."""

_LOGGED_OUT = Message(
    "Vous êtes déconnecté", "Votre session et ce qu’elle contenait sont effacés ici. Vous pouvez fermer cette page."
)

_LOGGED_OUT_HERE = Message(
    "Vous êtes déconnecté de ce service",
    "Vous êtes peut-être encore connecté auprès de votre fournisseur d’identité. Sur un ordinateur partagé, fermez "
    "toutes les fenêtres du navigateur.",
)

LOGGED_OUT_HERE = own_url("logged-out") + "?here=1"
"""The page after a logout that no provider had a part in."""


async def show_logout(services: Services, exchange: Exchange) -> Response:
    session = exchange.session
    if session is None:
        return exchange.pages.redirect(LOGGED_OUT_HERE)
    name = session.identity.provider if session.identity else ""
    await prepare(services, [name])
    page = exchange.pages.page(
        "logout",
        token=services.cookies.form_token(form_bond(exchange)),
        provider=provider_label(services, name) if name else "",
    )
    # The provider knows one way back, whatever host this page is on.
    return with_form_targets(page, services, [name], services.settings.public_url)


async def logout(services: Services, exchange: Exchange) -> Response:
    """Drop the session, then tell the provider: a person stranded there is already logged out here."""
    form = await posted_form(exchange.snapshot, exchange.receive)
    session = exchange.session
    if session is None:
        return exchange.pages.redirect(LOGGED_OUT_HERE)
    require_form(services, exchange, form.get("token", ""), form_bond(exchange))
    await services.sessions.drop(session.id)
    address = await _at_the_provider(services, exchange, session)
    cookies = [services.cookies.clear_session(), *await forget_forms(services, exchange)]
    return with_cookies(exchange.pages.redirect(address or LOGGED_OUT_HERE), *cookies)


def return_state(services: Services, exchange: Exchange) -> str:
    """`state` for a logout that begins and ends in this browser, on the host of `public_url`."""
    browser = services.cookies.browser_digest(exchange.browser or "")
    return services.cookies.return_token(browser, services.new_token()[:32], services.now + RETURN_S)


async def _at_the_provider(services: Services, exchange: Exchange, session: Session) -> str | None:
    provider = services.providers.get(session.identity.provider) if session.identity else None
    if provider is None or session.id_token is None:
        return None
    state = services.cookies.return_token(session.browser, services.new_token()[:32], services.now + RETURN_S)
    try:
        return await provider.end_session_url(session.id_token, state)
    except DependencyFailed as error:
        services.log("logout_local_only", code=error.code, dependency=error.dependency, reference=exchange.reference)
        return None


async def logged_out(services: Services, exchange: Exchange) -> Response:
    """Where the provider sends the person back. Only our own `state` says that the provider's session is over too.

    FranceConnect is known to lose it at times: without one, or with another, nothing is claimed about the provider.
    """
    query = exchange.snapshot.query
    if "here" in query:
        return exchange.pages.message(_LOGGED_OUT, 200)
    state = query.get("state", "")
    browser = services.cookies.browser_digest(exchange.browser) if exchange.browser else ""
    if state and browser and services.cookies.check_return_token(state, browser, services.now):
        return exchange.pages.message(_LOGGED_OUT, 200)
    code = "logout_state_other" if state else "logout_state_missing"
    services.log("logout_return", code=code, reference=exchange.reference)
    return exchange.pages.message(_LOGGED_OUT_HERE, 400 if state else 200, reference=exchange.reference)
