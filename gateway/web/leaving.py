"""Pages whose form leads to a provider: ready to leave, and allowed to."""

import asyncio
from collections.abc import Iterable

from starlette.responses import Response

from gateway.core.errors import DependencyFailed
from gateway.web import texts
from gateway.web.exchange import Destination, origin_of
from gateway.web.information import accepted_by
from gateway.web.services import Services
from gateway.web.texts import Message

PREPARE_S = 2
"""How long a page waits for metadata that were not read yet; it is shown without them all the same."""


_FAILED = Message("L’identification n’a pas abouti", "Recommencez, ou réessayez plus tard.")

_DOWN = Message(
    "Le fournisseur d’identité ne répond pas pour le moment",
    "Ce n’est pas de votre fait. Réessayez dans quelques minutes.",
)


def failed(services: Services, place: Destination | None) -> Message:
    """FranceConnect is named where it is a way in, and not to whom it does not concern."""
    return texts.LOGIN_FAILED if _by_franceconnect(services, place) else _FAILED


def down(services: Services, place: Destination | None) -> Message:
    return texts.PROVIDER_DOWN if _by_franceconnect(services, place) else _DOWN


def _by_franceconnect(services: Services, place: Destination | None) -> bool:
    accepted = accepted_by(services, place.route.policy if place else None)
    return any(each.name in accepted and each.rules.opens_data for each in services.settings.providers)


async def prepare(services: Services, names: Iterable[str]) -> None:
    """Read the metadata of these providers, if they were not yet; one that cannot be had is marked as down."""
    await asyncio.gather(*(_prepared(services, name) for name in names if name in services.providers))


def with_form_targets(page: Response, services: Services, names: Iterable[str], onward: str = "") -> Response:
    """Let the page's forms lead to these providers: a browser checks where a form is redirected to as well.

    A provider that need not ask anything sends the person on at once: `onward`, on this host or another one of ours.
    """
    providers = [services.providers[name] for name in names if name in services.providers]
    policy = page.headers.get("content-security-policy", "")
    origins = {origin_of(url) for provider in providers for url in provider.origins}
    if onward and not onward.startswith("/"):
        origins.add(origin_of(onward))
    for origin in sorted(origins - set(policy.split())):
        policy = policy.replace("form-action 'self'", f"form-action 'self' {origin}")
    if policy:
        page.headers["content-security-policy"] = policy
    return page


async def _prepared(services: Services, name: str) -> None:
    try:
        await asyncio.wait_for(services.providers[name].prepare(), PREPARE_S)
    except (DependencyFailed, TimeoutError):
        services.outages.failed(name)
