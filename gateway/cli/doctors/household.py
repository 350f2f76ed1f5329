"""API Particulier: is it there, is our token one, does it open what the policies need?"""

from typing import NamedTuple

import httpx

from gateway.adapters import api_particulier
from gateway.cli.doctors.finding import Finding, good, warned, wrong
from gateway.cli.doctors.reach import Reach, unreached
from gateway.core.model import Source
from gateway.core.rules import Mode
from gateway.settings import ApiParticulierSettings, Settings


async def examine(settings: Settings, reach: Reach) -> list[Finding]:
    """Each source where it is asked; two that share an address and a token are one."""
    written = {Source.HOUSEHOLD: settings.household, Source.CHILDCARE: settings.childcare}
    places: dict[ApiParticulierSettings, list[Source]] = {}
    for source, place in written.items():
        if place is not None:
            places.setdefault(place, []).append(source)
    found = []
    for place, sources in places.items():
        about = ", ".join(sources)
        found += await _place(place, about, _scopes(settings, sources), reach)
    return found


class _Scopes(NamedTuple):
    """What the policies need, by whose right it is asked."""

    by_login: list[str]
    by_token: list[str]


def _scopes(settings: Settings, sources: list[Source]) -> _Scopes:
    by_login, by_token = set[str](), set[str]()
    for lookup in (each for policy in settings.policies.values() for each in policy.lookups):
        if lookup.source in sources:
            scopes = by_login if lookup.rule.mode is Mode.FRANCECONNECT else by_token
            scopes |= {str(block) for block in lookup.needs.blocks}
    return _Scopes(sorted(by_login), sorted(by_token))


async def _place(place: ApiParticulierSettings, about: str, scopes: _Scopes, reach: Reach) -> list[Finding]:
    try:
        client = api_particulier.http_client(place)
    except (OSError, ValueError):
        return [wrong("api_ca_file", about, "`ca_file` cannot be used", "a file of PEM certificates")]
    async with client:
        found = await _ping(client, about, reach)
        if any(each.code != "api" for each in found):
            return found
        if scopes.by_login:
            said = f"FranceConnect must be allowed to give this client: {' '.join(scopes.by_login)}"
            found.append(good("api_scopes_by_login", about, said))
        return found + (await _token(client, about, reach, place.token, scopes.by_token) if place.token else [])


async def _ping(client: httpx.AsyncClient, about: str, reach: Reach) -> list[Finding]:
    try:
        response = await reach.get(client, "/api/ping")
    except httpx.HTTPError as error:
        return [unreached("api", about, error)]
    if response.status_code >= 500:
        hint = "see https://status.particulier.api.gouv.fr; the gateway says `unavailable` meanwhile"
        return [warned("api_trouble", about, f"it answers {response.status_code}", hint)]
    return [good("api", about, "it answers")]


async def _token(client: httpx.AsyncClient, about: str, reach: Reach, token: str, scopes: list[str]) -> list[Finding]:
    """The route takes the token in its query: API Particulier has no other (facts: authentication)."""
    try:
        response = await reach.get(client, "/api/introspect", params={"token": token})
        document = response.json() if response.status_code == 200 else {}
    except httpx.HTTPError as error:
        return [unreached("api_introspection", about, error)]
    except ValueError:
        document = {}
    if response.status_code in {400, 401, 403}:
        hint = "check `token`: the one of this habilitation, of this environment; it lives 18 months"
        return [wrong("api_token", about, f"the token is refused ({response.status_code})", hint)]
    granted = document.get("scopes") if isinstance(document, dict) else None
    if not isinstance(granted, list):
        said = "it does not say what the token opens"
        return [warned("api_introspection", about, said, "the first enquiry will; a broker may have no such route")]
    missing = [scope for scope in scopes if scope not in granted]
    if missing:
        hint = "ask for them on DataPass, or take what needs them out of the policies (`gateway check` lists it)"
        return [wrong("api_scopes", about, f"the token does not open: {' '.join(missing)}", hint)]
    return [good("api_token", about, f"the token opens {' '.join(scopes) or 'what nobody needs'}")]
