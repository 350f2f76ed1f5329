"""For machines: liveness, readiness, public keys, and our own style sheet."""

from importlib.resources import files

from starlette.responses import Response

from gateway.web.exchange import Exchange
from gateway.web.services import Services

_STYLE = (files("gateway.web") / "static" / "style.css").read_text(encoding="utf-8")
_DEFAULT_COLOUR = "#0b4f6c"

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


async def style(services: Services, exchange: Exchange) -> Response:
    css = _STYLE.replace(_DEFAULT_COLOUR, services.settings.authority.colour)
    return exchange.pages.file(css.encode(), "text/css; charset=utf-8")
