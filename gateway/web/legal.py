"""Pages that the law asks for, made from the configuration and the policies: personal data, accessibility, cookies."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from gateway.core.rules import Policy, Route
from gateway.settings import Authority, Party, Settings
from gateway.web.exchange import Exchange
from gateway.web.information import announced
from gateway.web.language import COOKIE
from gateway.web.services import Services

LOG_MONTHS = 12
"""Recommendation of the CNIL, 14 October 2021: six months to a year for technical logs."""


@dataclass(frozen=True, slots=True)
class CookieLine:
    name: str
    purpose: str
    duration: str


COOKIES = (
    CookieLine(
        "gateway-session",
        "Garde votre session ouverte pendant que vous utilisez le service. Il ne contient aucune donnée sur vous.",
        "jusqu’à votre déconnexion, ou à la fermeture du navigateur",
    ),
    CookieLine(
        "gateway-browser",
        "Vérifie que l’identification revient dans le navigateur d’où elle est partie, et que les formulaires viennent "
        "bien de vous.",
        "jusqu’à la fermeture du navigateur",
    ),
    CookieLine(
        "gateway-agent",
        "Garde ouverte la session d’un agent qui répond aux contestations.",
        "jusqu’à sa déconnexion, ou à la fermeture du navigateur",
    ),
    CookieLine(
        "gateway-login-…",
        "Retient la page que vous demandiez pendant que vous vous identifiez. Un pour chaque identification en cours.",
        "le temps de l’identification",
    ),
    CookieLine(
        "gateway-form-…",
        "Permet de retrouver un formulaire que l’identification a interrompu.",
        "le temps de l’identification",
    ),
    CookieLine(
        "gateway-outage-…",
        "Retient que FranceConnect, ou un autre fournisseur d’identité, n’a pas répondu, pour vous proposer d’abord "
        "une autre voie.",
        "cinq minutes, ou jusqu’à la connexion suivante",
    ),
    CookieLine(COOKIE, "Se souvient de la langue que vous avez choisie.", "un an"),
)
"""All of them are needed for the service that the person asks for: no consent, no banner (CNIL, guidelines of 2020)."""


async def personal_data(services: Services, exchange: Exchange) -> Response:
    """Articles 13 and 14 of the RGPD, one part a purpose."""
    settings = services.settings
    return exchange.pages.page(
        "personal_data",
        purposes=[_purpose(policy) for policy in announced_policies(settings)],
        providers=[provider.shown_as for provider in settings.providers_for(None)],
        siret=_grouped(settings.authority.siret),
        processors=_parties(settings, settings.authority.processors),
        recipients=_parties(settings, settings.authority.recipients),
        inside=stays_inside(settings.authority),
        disputes=_disputes(settings),
        idle=duration(exchange, settings.sessions.idle_s),
        absolute=duration(exchange, settings.sessions.absolute_s),
        log_months=LOG_MONTHS,
    )


def _grouped(siret: str) -> str:
    """`130 025 265 00013`, as it is read out."""
    return "\u00a0".join((siret[:3], siret[3:6], siret[6:9], siret[9:]))


def _parties(settings: Settings, written: Sequence[Party] | None) -> list[dict[str, Any]] | None:
    """For a template; None where nobody has said who there is."""
    if written is None:
        return None
    policies = settings.policies
    return [
        {
            "name": each.name,
            "role": each.role,
            "country": "France" if each.country == "FR" else each.country,
            "safeguards": each.safeguards if each.outside else "",
            "purposes": [policies[name].purpose for name in sorted(each.policies)],
        }
        for each in written
    ]


def stays_inside(authority: Authority) -> bool:
    """Whether nothing leaves the European Union: said only where both lists are written."""
    if authority.processors is None or authority.recipients is None:
        return False
    return not any(each.outside for each in (*authority.processors, *authority.recipients))


def _disputes(settings: Settings) -> dict[str, Any] | None:
    kept = settings.disputes
    if kept is None:
        return None
    return {
        "days": kept.retention_s // 86_400,
        "agents": bool(kept.agents_provider),
        "told": kept.email is not None or kept.webhook is not None,
    }


def announced_policies(settings: Settings) -> Iterator[Policy]:
    """Policies of the routes that handle somebody's data, each once, in the order of the routes."""
    seen: set[str] = set()
    for route in settings.routes:
        if route.policy.needs_session and route.policy.name not in seen:
            seen.add(route.policy.name)
            yield route.policy


def routes_of(settings: Settings, policy: Policy) -> tuple[Route, ...]:
    return tuple(route for route in settings.routes if route.policy.name == policy.name)


def _purpose(policy: Policy) -> dict[str, Any]:
    return announced(policy) | {
        "name": policy.name,
        "brackets": bool(policy.schedules),
        "scale": bool(policy.scales),
        "alternative": policy.alternative.text if policy.alternative else "",
    }


async def accessibility(services: Services, exchange: Exchange) -> Response:
    """The statement that the law asks for; it claims nothing that no audit found."""
    stated = services.settings.authority.accessibility
    contact = stated.contact or services.settings.authority.dpo
    return exchange.pages.page(
        "accessibility",
        stated=stated,
        audited_on=exchange.pages.speech.date(stated.audited_on) if stated.audited_on else "",
        contact=contact,
        contact_url=contact if contact.startswith("https://") else f"mailto:{contact}",
        site=services.settings.public_url,
    )


async def cookies(services: Services, exchange: Exchange) -> Response:
    prefix = "__Host-" if services.settings.scheme == "https" else ""
    return exchange.pages.page("cookies", cookies=COOKIES, prefix=prefix)


def duration(exchange: Exchange, seconds: int) -> str:
    """`1800` → «30 minutes», `28800` → «8 heures»."""
    if seconds % 3600 == 0:
        return exchange.pages.speech.say_several("%(num)s heure", "%(num)s heures", seconds // 3600)
    return exchange.pages.speech.say_several("%(num)s minute", "%(num)s minutes", seconds // 60)
