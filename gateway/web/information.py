"""What a person is told before they leave for a provider: made from the policy, never typed by hand."""

from collections.abc import Mapping
from typing import Any

from gateway.core.facts import FACTS, is_household_value
from gateway.core.model import Need
from gateway.core.rules import Policy
from gateway.web import texts
from gateway.web.exchange import Destination, origin_of
from gateway.web.services import Services

PROVIDERS: Mapping[str, tuple[str, str]] = {
    "franceconnect": ("FranceConnect", "https://franceconnect.gouv.fr/"),
    "franceconnect_plus": ("FranceConnect+", "https://franceconnect.gouv.fr/france-connect-plus"),
}
"""Label of the button and address of «Qu’est-ce que … ?», by name in `identity:`."""


def buttons(services: Services, policy: Policy | None) -> list[dict[str, object]]:
    """One for each provider that the policy accepts: name in `identity:`, label, address of its explanation."""
    accepted = policy.login.providers if policy and policy.login else ()
    names = [name for name in services.providers if not accepted or name in accepted]
    return [
        {"name": name, "label": PROVIDERS[name][0], "about": PROVIDERS[name][1], "down": services.outages.lasts(name)}
        for name in names
    ]


def announced(policy: Policy | None) -> dict[str, Any]:
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
