"""Before the provider: the page that says what will be asked, and the departure."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from starlette.responses import Response

from gateway.core.errors import DependencyFailed
from gateway.core.facts import FACTS, is_household_value
from gateway.core.model import Acr, Authenticate, LoginTransaction, Need
from gateway.core.policy import decide, scopes_to_ask
from gateway.core.rules import Policy
from gateway.web import texts
from gateway.web.exchange import (
    Destination,
    Exchange,
    destination,
    facts_at,
    origin_of,
    own_url,
    require_form,
    with_cookies,
)
from gateway.web.http import posted_form
from gateway.web.services import Services

PROVIDERS: Mapping[str, tuple[str, str]] = {
    "franceconnect": ("FranceConnect", "https://franceconnect.gouv.fr/"),
    "franceconnect_plus": ("FranceConnect+", "https://franceconnect.gouv.fr/france-connect-plus"),
    "proconnect": ("ProConnect", "https://www.proconnect.gouv.fr/"),
}
"""Label of the button and address of «Qu’est-ce que … ?», by name in `identity:`."""


async def show_login(services: Services, exchange: Exchange) -> Response:
    """What will be asked, from whom, for what; the button; the way without it."""
    query = exchange.snapshot.query
    place = destination(services, query.get("return_to", ""), exchange.snapshot.host)
    if exchange.snapshot.host != services.settings.host:
        return _to_public_host(services, exchange, place)
    browser = exchange.browser or services.new_token()
    policy = place.route.policy if place else None
    page = exchange.pages.page(
        "login",
        token=services.cookies.form_token(browser),
        return_to=place.url if place else "",
        asked_by=query.get("asked_by", ""),
        providers=_buttons(services, policy),
        alternative=alternative_of(place),
        **_announced(policy),
    )
    return with_cookies(page, None if exchange.browser else services.cookies.set_browser(browser))


def _to_public_host(services: Services, exchange: Exchange, place: Destination | None) -> Response:
    """FranceConnect knows one callback host: a login that begins on another is carried there and back."""
    browser = exchange.browser or services.new_token()
    here = f"{urlsplit(services.settings.public_url).scheme}://{exchange.snapshot.value(b'host').decode('ascii')}"
    back = "" if place is None else here + place.url if place.url.startswith("/") else place.url
    address = services.settings.public_url + own_url("login", back or here)
    address += f"&asked_by={services.cookies.browser_digest(browser)}"
    response = exchange.pages.redirect(address)
    return with_cookies(response, None if exchange.browser else services.cookies.set_browser(browser))


def _buttons(services: Services, policy: Policy | None) -> list[dict[str, str]]:
    names = accepted_providers(services, policy)
    return [{"name": name, "label": PROVIDERS[name][0], "about": PROVIDERS[name][1]} for name in names]


def accepted_providers(services: Services, policy: Policy | None) -> list[str]:
    """Those that the policy names, or all but the agents' own: who works here is not who is served here."""
    accepted = policy.login.providers if policy and policy.login else ()
    agents = services.settings.disputes.agents_provider if services.settings.disputes else ""
    names = [name for name in services.providers if (name in accepted if accepted else name != agents)]
    return names or list(services.providers)


def _announced(policy: Policy | None) -> dict[str, Any]:
    """The two lists of the information page, made from the policy and never typed by hand."""
    if policy is None:
        return {"purpose": "", "sources": [], "received": [], "compares": False, "drops_names": False,
                "legal_basis": "", "retention": ""}  # fmt: skip
    facts = [injection.fact for injection in policy.inject]
    asked = [fact for fact in FACTS if fact in policy.needs.fields and is_household_value(fact)]
    return {
        "purpose": policy.purpose,
        "sources": [texts.FACT_LABELS[fact] for fact in asked],
        "received": [texts.FACT_LABELS[fact] for fact in facts if fact in texts.FACT_LABELS],
        "compares": Need.ADULTS in policy.needs.blocks,
        "drops_names": "household.adults" not in facts,
        "legal_basis": policy.legal_basis or "",
        "retention": policy.retention or "",
    }


def alternative_of(place: Destination | None) -> dict[str, str] | None:
    """The path that does not need FranceConnect, for a template; on the host of the service that it belongs to."""
    way_out = place.route.policy.alternative if place else None
    if place is None or way_out is None or way_out.url is None:
        return None
    origin = "" if place.url.startswith("/") or not way_out.url.startswith("/") else origin_of(place.url)
    return {"url": origin + way_out.url, "text": way_out.text.fr}


async def start_login(services: Services, exchange: Exchange) -> Response:
    """Remember one login transaction, then leave for the provider."""
    form = await posted_form(exchange.snapshot, exchange.receive)
    require_form(services, exchange, form.get("token", ""), exchange.browser or "")
    place = destination(services, form.get("return_to", ""), exchange.snapshot.host)
    transaction = await _transaction(services, exchange, form, place)
    await services.transactions.begin(transaction)
    try:
        address = await services.providers[transaction.provider].authorization_url(transaction)
    except DependencyFailed as error:
        return provider_down(services, exchange, place, error)
    return exchange.pages.redirect(address)


async def _transaction(
    services: Services, exchange: Exchange, form: Mapping[str, str], place: Destination | None
) -> LoginTransaction:
    name, names = form.get("provider", ""), accepted_providers(services, place.route.policy if place else None)
    acr, scopes = await _asked_of_provider(services, exchange, place)
    return LoginTransaction(
        state=services.new_token(),
        nonce=services.new_token(),
        browser=services.cookies.browser_digest(exchange.browser or ""),
        provider=name if name in names else names[0],
        acr=acr,
        scopes=scopes,
        return_to=place.url if place else "",
        route=place.route.name if place else None,
        started_at=services.now,
        asked_by=form.get("asked_by", ""),
    )


async def _asked_of_provider(
    services: Services, exchange: Exchange, place: Destination | None
) -> tuple[Acr, frozenset[str]]:
    """Only what the session lacks when a page sent the person here; everything when they begin anew."""
    if place is None or place.route.policy.login is None:
        return Acr.EIDAS1, frozenset({"openid"})
    policy = place.route.policy
    decision = decide(policy, await facts_at(services, place, exchange.session, exchange.reference))
    if isinstance(decision, Authenticate):
        return decision.acr, decision.scopes
    blank = await facts_at(services, place, None, exchange.reference)
    return place.route.policy.login.acr, scopes_to_ask(policy, blank)


def provider_down(
    services: Services, exchange: Exchange, place: Destination | None, error: DependencyFailed
) -> Response:
    services.log("login_failed", code=error.code, dependency=error.dependency, provider_reference=error.reference)
    return exchange.pages.message(
        texts.PROVIDER_DOWN,
        503,
        reference=exchange.reference,
        restart=own_url("login", place.url if place else ""),
        alternative=alternative_of(place),
    )
