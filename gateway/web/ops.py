"""For machines: liveness, readiness, public keys, and our own files."""

from starlette.responses import Response

from gateway.core.errors import RequestRejected
from gateway.settings import Picture
from gateway.web.exchange import Exchange
from gateway.web.services import Services
from gateway.web.stylesheet import OFFICIAL_BUTTON, sheet

KEYS_MAX_AGE_S = 300


async def live(services: Services, exchange: Exchange) -> Response:
    """The process answers."""
    return exchange.pages.data({"status": "live"})


async def ready(services: Services, exchange: Exchange) -> Response:
    """The session store takes a session too; providers do not count: their outage has pages of its own."""
    code = await services.readiness.trouble()
    if code:
        return exchange.pages.problem(503, code, reference=exchange.reference)
    return exchange.pages.data({"status": "ready"})


async def keys(services: Services, exchange: Exchange) -> Response:
    """The public keys that verify assertions (RFC 7517), the same on every host."""
    return exchange.pages.data(services.jwks, media_type="application/jwk-set+json", max_age_s=KEYS_MAX_AGE_S)


async def client_keys(services: Services, exchange: Exchange) -> Response:
    """The public keys that a provider verifies us with (`private_key_jwt`): its registration asks for this address."""
    return exchange.pages.data(services.client_keys, media_type="application/jwk-set+json", max_age_s=KEYS_MAX_AGE_S)


async def style(services: Services, exchange: Exchange) -> Response:
    return exchange.pages.file(sheet(services.settings.authority.colour), "text/css; charset=utf-8")


async def official_button(services: Services, exchange: Exchange) -> Response:
    return exchange.pages.file(OFFICIAL_BUTTON, "text/css; charset=utf-8")


async def logo(services: Services, exchange: Exchange) -> Response:
    return _picture(exchange, services.settings.authority.logo)


async def button(services: Services, exchange: Exchange) -> Response:
    """`?name=franceconnect`, and `&hover=1` for the second of the pair."""
    query = exchange.snapshot.query
    pair = services.settings.buttons.get(query.get("name", ""))
    return _picture(exchange, pair[query.get("hover") == "1"] if pair else None)


def _picture(exchange: Exchange, picture: Picture | None) -> Response:
    if picture is None:
        raise RequestRejected("own_page_unknown", 404)
    return exchange.pages.file(picture.content, picture.media_type)
