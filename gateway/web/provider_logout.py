"""A provider ends sessions: back channel, from its server; front channel, from a frame in its page."""

from urllib.parse import urlsplit

from starlette.responses import HTMLResponse, Response

from gateway.core.errors import DependencyFailed, LoginFailed
from gateway.ports import IdentityProvider
from gateway.relying_party.logout import addressed_to
from gateway.relying_party.tokens import SID_AT_MOST
from gateway.web.exchange import Exchange
from gateway.web.http import posted_form
from gateway.web.services import Services


async def backchannel_logout(services: Services, exchange: Exchange) -> Response:
    """OpenID Connect Back-Channel Logout 1.0 §2.5 to §2.8: 200 when it is done, 400 and nothing changed when not."""
    form = await posted_form(exchange.snapshot, exchange.receive)
    provider = ""
    try:
        chosen = _addressee(services, form.get("logout_token", ""))
        provider = chosen.name
        leaving = await chosen.read_logout_token(form["logout_token"])
        if await services.logout_tokens.is_spent(provider, leaving.jti):
            raise LoginFailed("logout_token_replayed")
        ended = await _end(services, provider, sub=leaving.sub, sid=leaving.sid)
        # Last: when the store fails before this, the provider's retry must still do the work.
        await services.logout_tokens.spend(provider, leaving.jti)
    except (LoginFailed, DependencyFailed) as error:
        services.log("provider_logout_refused", code=error.code, provider=provider, reference=exchange.reference)
        return exchange.pages.problem(400, error.code, reference=exchange.reference)
    services.log("provider_logout", provider=provider, outcome="backchannel", ended=ended, reference=exchange.reference)
    return exchange.pages.empty()


def _addressee(services: Services, token: str) -> IdentityProvider:
    """The provider whose keys the token must verify with: the one it names, if it names our client there."""
    issuer, audience = addressed_to(token)
    for provider in services.providers.values():
        if provider.issuer == issuer and provider.client_id in audience:
            return provider
    raise LoginFailed("logout_token_provider")


async def _end(services: Services, provider: str, *, sub: str = "", sid: str = "", signed: bool = True) -> int:
    """Of people and of agents alike: an agent whose account is closed answers no dispute any more."""
    # First: a login that ends at this moment finds the note, or its session is found here.
    await services.ended_logins.note(provider, sub=sub, sid=sid, signed=signed)
    people = await services.sessions.revoke(provider=provider, sub=sub, sid=sid)
    return people + await services.agents.revoke(provider=provider, sub=sub, sid=sid)


async def frontchannel_logout(services: Services, exchange: Exchange) -> Response:
    """OpenID Connect Front-Channel Logout 1.0 §2, with `iss` and `sid` both.

    SameSite=Lax cookies do not arrive in somebody else's frame: the session is found by `sid` and not by the browser.
    """
    query = exchange.snapshot.query
    issuer, sid = query.get("iss", ""), query.get("sid", "")
    named = [provider for provider in services.providers.values() if provider.issuer == issuer]
    if not named or not 0 < len(sid) <= SID_AT_MOST:
        services.log("provider_logout_refused", code="frontchannel_unknown", reference=exchange.reference)
        return exchange.pages.problem(400, "frontchannel_unknown", reference=exchange.reference)
    for provider in named:
        ended = await _end(services, provider.name, sid=sid, signed=False)
        services.log(
            "provider_logout",
            provider=provider.name,
            outcome="frontchannel",
            ended=ended,
            reference=exchange.reference,
        )
    return _framed({url for provider in named for url in provider.origins})


def _framed(urls: set[str]) -> Response:
    """The one page of ours that another site may frame, and only the provider's."""
    origins = {f"{parts.scheme}://{parts.netloc}" for parts in map(urlsplit, urls)}
    headers = {
        "cache-control": "no-store",
        "content-security-policy": f"default-src 'none'; frame-ancestors {' '.join(sorted(origins))}",
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
    }
    return HTMLResponse('<!doctype html><html lang="fr"><title>Déconnexion</title></html>', headers=headers)
