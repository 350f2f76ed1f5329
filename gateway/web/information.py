"""What a person is told before they leave for a provider: made from the policy, never typed by hand."""

from collections.abc import Collection, Mapping
from typing import Any

from gateway.core.facts import FACTS, PIVOT, is_household_value
from gateway.core.rules import Policy, Text, WayOut
from gateway.web import texts
from gateway.web.exchange import Destination, origin_of
from gateway.web.notice import notice_url
from gateway.web.services import Services

OFFICIAL: Mapping[str, str] = {
    "franceconnect": "fr-connect",
    "franceconnect_plus": "fr-connect fr-connect--plus",
    "proconnect": "fr-connect fr-connect--pro",
}
"""Classes of the official button, by profile; the label of FranceConnect+ is «FranceConnect», its `+` is drawn by the
style sheet."""


_LISTS = ("asked", "sources", "source_facts", "received")
_WORDS = ("purpose", "legal_basis", "retention", "notice")
_CHOICES = ("compares", "drops_names", "reviewed")


def buttons(services: Services, policy: Policy | None, failed: Collection[str] = ()) -> list[dict[str, Any]]:
    """One for each provider that the policy accepts: name in `identity:`, label, address of its explanation, look.

    `down`: it failed a moment ago, somebody or, as the names in `failed`, this browser.
    """
    accepted = accepted_by(services, policy)
    return [
        {
            "name": provider.name,
            "label": provider.shown_as,
            "about": provider.about or provider.rules.about,
            "down": provider.name in failed or services.outages.lasts(provider.name),
            "official": OFFICIAL.get(provider.profile, ""),
            "pictures": provider.name in services.settings.buttons,
        }
        for provider in services.settings.providers
        if provider.name in accepted
    ]


def accepted_by(services: Services, policy: Policy | None) -> list[str]:
    """Names in `identity:` that lead into this policy's service, or into all of them; never none."""
    return [each.name for each in services.settings.providers_for(policy)] or list(services.providers)


def provider_label(services: Services, name: str) -> str:
    """What people call a provider; one that is no longer configured, by its name in `identity:`."""
    labels = {provider.name: provider.shown_as for provider in services.settings.providers}
    return labels.get(name, name)


def announced(policy: Policy | None) -> dict[str, Any]:
    """The lists of the information page, made from the policy and never typed by hand."""
    if policy is None:
        return dict.fromkeys(_LISTS, ()) | dict.fromkeys(_WORDS, "") | dict.fromkeys(_CHOICES, False)
    facts = [injection.fact for injection in policy.inject]
    sources = [fact for fact in FACTS if fact in policy.needs.fields and is_household_value(fact)]
    return {
        "purpose": policy.text("purpose"),
        "asked": asked_of_provider(policy),
        "sources": [texts.FACT_LABELS[fact] for fact in sources],
        "source_facts": sources,
        "received": list(dict.fromkeys(texts.RECEIVED_LABELS[fact] for fact in facts if fact in texts.RECEIVED_LABELS)),
        "compares": any(lookup.rule.match for lookup in policy.lookups),
        "drops_names": not {f"{lookup.source}.adults" for lookup in policy.lookups} & set(facts),
        "reviewed": any(lookup.rule.review and lookup.wanted for lookup in policy.lookups),
        "notice": notice_url(policy),
        "legal_basis": policy.text("legal_basis"),
        "retention": texts.RETENTIONS.get(policy.retention or "") or policy.text("retention"),
    }


def asked_of_provider(policy: Policy) -> list[str]:
    """Labels of the claims that the provider is asked for, the six of `identite_pivot` one by one."""
    claims = policy.needs.claims | (PIVOT if "identite_pivot" in policy.needs.claims else frozenset())
    return [label for scope, label in texts.SCOPE_LABELS.items() if scope in claims]


def alternative_of(place: Destination | None) -> dict[str, str | Text] | None:
    """The path that does not need FranceConnect, for a template; on the host of the service that it belongs to."""
    return _link(place, place.route.policy.alternative if place else None)


def special_of(place: Destination | None) -> dict[str, str | Text] | None:
    """The path of those whom asking CAF cannot help, where the policy has one."""
    way_out = place.route.policy.alternative if place else None
    return _link(place, way_out.special if way_out else None)


def _link(place: Destination | None, way_out: WayOut | None) -> dict[str, str | Text] | None:
    if place is None or way_out is None or way_out.url is None:
        return None
    origin = "" if place.url.startswith("/") or not way_out.url.startswith("/") else origin_of(place.url)
    return {"url": origin + way_out.url, "text": way_out.text}
