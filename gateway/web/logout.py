"""Leaving: the session here first, then the provider's."""

from starlette.responses import Response

from gateway.core.errors import DependencyFailed
from gateway.web.exchange import Exchange, form_bond, own_url, require_form, with_cookies
from gateway.web.http import posted_form
from gateway.web.kept_forms import forget_forms
from gateway.web.services import Services
from gateway.web.texts import Message

_LOGGED_OUT = Message(
    "Vous êtes déconnecté", "Vos données ont été effacées de ce service. Vous pouvez fermer cette page."
)


async def show_logout(services: Services, exchange: Exchange) -> Response:
    if exchange.session is None:
        return exchange.pages.redirect(own_url("logged-out"))
    return exchange.pages.page("logout", token=services.cookies.form_token(form_bond(exchange)))


async def logout(services: Services, exchange: Exchange) -> Response:
    """Drop the session, then tell the provider: a person stranded there is already logged out here."""
    form = await posted_form(exchange.snapshot, exchange.receive)
    session = exchange.session
    if session is None:
        return exchange.pages.redirect(own_url("logged-out"))
    require_form(services, exchange, form.get("token", ""), form_bond(exchange))
    await services.sessions.drop(session.id)
    provider = services.providers.get(session.identity.provider) if session.identity else None
    address: str | None = None
    if provider is not None and session.id_token is not None:
        try:
            address = await provider.end_session_url(session.id_token, services.new_token())
        except DependencyFailed as error:
            services.log("logout_local_only", code=error.code, dependency=error.dependency)
    cookies = [services.cookies.clear_session(), *await forget_forms(services, exchange)]
    return with_cookies(exchange.pages.redirect(address or own_url("logged-out")), *cookies)


async def logged_out(services: Services, exchange: Exchange) -> Response:
    """Where the provider sends the person back; its `state` is only an echo, and nothing depends on it."""
    return exchange.pages.message(_LOGGED_OUT, 200)
