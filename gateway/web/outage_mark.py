"""What a browser remembers of a provider that failed it: its own, for five minutes, and worth nothing but a status."""

from gateway.core.rules import Policy
from gateway.web.cookies import digest_of
from gateway.web.exchange import Exchange
from gateway.web.information import accepted_by
from gateway.web.services import Services


def mark_failed(services: Services, exchange: Exchange, provider: str) -> list[str]:
    """Set-Cookie lines: this browser tried to log in, and the provider could not. It ends with the next login.

    Of this browser alone: an error that comes by a browser's own address may be invented, and marks it for nobody else.
    """
    held = exchange.snapshot.values(b"cookie")
    return services.cookies.outages.put(held, provider, digest_of(provider), services.now)


def works_again(services: Services, exchange: Exchange, provider: str) -> str | None:
    """The Set-Cookie line that takes the mark away, where there may be one."""
    outages = services.cookies.outages
    return outages.end(provider) if outages.any(exchange.snapshot.values(b"cookie")) else None


def failed_here(services: Services, exchange: Exchange, policy: Policy | None) -> frozenset[str]:
    """Names of the providers, among those that lead into this service, that failed this browser a moment ago."""
    held, outages = exchange.snapshot.values(b"cookie"), services.cookies.outages
    if not outages.any(held):
        return frozenset()
    return frozenset(name for name in accepted_by(services, policy) if outages.get(held, name, services.now))
