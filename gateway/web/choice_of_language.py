"""`/_gateway/language?lang=en&return_to=/cantine/`: a link that remembers a language and goes back."""

from starlette.responses import Response

from gateway.web.exchange import Exchange, destination, own_url
from gateway.web.services import Services


async def choose(services: Services, exchange: Exchange) -> Response:
    """Nothing happens but a cookie, which the pages of this language carry (`Pages.speaking`)."""
    place = destination(services, exchange.snapshot.query.get("return_to", ""), exchange.snapshot.host)
    return exchange.pages.redirect(place.url if place else own_url("mes-donnees"))
