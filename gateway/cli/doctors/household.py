"""API Particulier: is it there, is our token one, does it open what the policies need?"""

import httpx

from gateway.adapters import api_particulier
from gateway.cli.doctors.finding import Finding, good, warned, wrong
from gateway.cli.doctors.reach import Reach, unreached
from gateway.core.rules import Mode
from gateway.settings import Settings

_ABOUT = "api_particulier"


async def examine(settings: Settings, reach: Reach) -> list[Finding]:
    if settings.household is None:
        return []
    try:
        client = api_particulier.http_client(settings.household)
    except (OSError, ValueError):
        return [wrong("api_ca_file", _ABOUT, "`ca_file` cannot be used", "a file of PEM certificates")]
    async with client:
        found = await _ping(client, reach)
        if any(each.code != "api" for each in found):
            return found
        return found + await _rights(settings, client, reach)


async def _ping(client: httpx.AsyncClient, reach: Reach) -> list[Finding]:
    try:
        response = await reach.get(client, "/api/ping")
    except httpx.HTTPError as error:
        return [unreached("api", _ABOUT, error)]
    if response.status_code >= 500:
        hint = "see https://status.particulier.api.gouv.fr; the gateway says `unavailable` meanwhile"
        return [warned("api_trouble", _ABOUT, f"it answers {response.status_code}", hint)]
    return [good("api", _ABOUT, "it answers")]


def needed(settings: Settings, *modes: Mode) -> set[str]:
    """The scopes of all policies that ask in one of these modes."""
    return {
        str(block)
        for policy in settings.policies.values()
        if policy.household is not None and policy.household.mode in modes
        for block in policy.needs.blocks
    }


async def _rights(settings: Settings, client: httpx.AsyncClient, reach: Reach) -> list[Finding]:
    found = []
    by_login = needed(settings, Mode.FRANCECONNECT)
    if by_login:
        said = f"FranceConnect must be allowed to give this client: {' '.join(sorted(by_login))}"
        found.append(good("api_scopes_by_login", _ABOUT, said))
    household = settings.household
    if household is not None and household.token is not None:
        found += await _token(client, reach, household.token, needed(settings, Mode.IDENTITY, Mode.NUMBER))
    return found


async def _token(client: httpx.AsyncClient, reach: Reach, token: str, scopes: set[str]) -> list[Finding]:
    """The route takes the token in its query: API Particulier has no other (facts: authentication)."""
    try:
        response = await reach.get(client, "/api/introspect", params={"token": token})
        document = response.json() if response.status_code == 200 else {}
    except httpx.HTTPError as error:
        return [unreached("api_introspection", _ABOUT, error)]
    except ValueError:
        document = {}
    if response.status_code in {400, 401, 403}:
        hint = "check `token`: the one of this habilitation, of this environment; it lives 18 months"
        return [wrong("api_token", _ABOUT, f"the token is refused ({response.status_code})", hint)]
    granted = document.get("scopes") if isinstance(document, dict) else None
    if not isinstance(granted, list):
        said = "it does not say what the token opens"
        return [warned("api_introspection", _ABOUT, said, "the first enquiry will; a broker may have no such route")]
    missing = sorted(scopes - {str(scope) for scope in granted})
    if missing:
        hint = "ask for them on DataPass, or take what needs them out of the policies (`gateway check` lists it)"
        return [wrong("api_scopes", _ABOUT, f"the token does not open: {' '.join(missing)}", hint)]
    return [good("api_token", _ABOUT, f"the token opens {' '.join(sorted(scopes)) or 'what nobody needs'}")]
