"""Each identity provider: its documents, its keys, whether it knows us, and whether our secret is the right one."""

import re
import time

import httpx

from gateway.adapters import oidc
from gateway.adapters.chance import new_token
from gateway.adapters.oidc.provider import OidcProvider
from gateway.cli.doctors.finding import Finding, good, warned, wrong
from gateway.cli.doctors.reach import Reach, unreached
from gateway.core.errors import DependencyFailed, LoginFailed
from gateway.core.model import Acr, LoginTransaction
from gateway.jose import import_keys
from gateway.relying_party import ProviderSettings

_PORTAL = "declare it, letter for letter, in the provider's portal"
_Y_CODE = re.compile(r"Y[0-9A-F]{6,7}")
_UNKNOWN_CLIENT, _UNKNOWN_REDIRECT = "Y04EA6EF", "Y04C013C"


async def examine(settings: ProviderSettings, reach: Reach) -> list[Finding]:
    name = settings.name
    found = [
        good("redirect_uri", name, f"to be declared to it: {settings.redirect_uri}"),
        good("post_logout_redirect_uri", name, f"to be declared to it: {settings.post_logout_redirect_uri}"),
    ]
    try:
        client = oidc.http_client(settings)
    except (OSError, ValueError):
        return [*found, wrong("provider_ca_file", name, "`ca_file` cannot be used", "a file of PEM certificates")]
    async with client:
        metadata, findings = await _metadata(settings, client, reach)
        found += findings
        found += await _keys(settings, client, reach, settings.jwks_uri or str(metadata.get("jwks_uri", "")))
        provider = OidcProvider(settings, client, time.time)
        found += await _authorize(settings, provider, client, reach)
        found += await _secret(settings, provider)
    return found


async def _metadata(
    settings: ProviderSettings, client: httpx.AsyncClient, reach: Reach
) -> tuple[dict[str, object], list[Finding]]:
    name, url = settings.name, f"{settings.issuer}/.well-known/openid-configuration"
    needed = settings.jwks_uri is None or settings.token_endpoint is None
    try:
        response = await reach.get(client, url)
        document = response.json() if response.status_code == 200 else None
    except httpx.HTTPError as error:
        return {}, [unreached("provider", name, error)]
    except ValueError:
        document = None
    if not isinstance(document, dict):
        said, hint = f"no metadata at {url}", "write the endpoints under `identity`, or correct `issuer`"
        if needed:
            return {}, [wrong("provider_metadata", name, said, hint)]
        return {}, [warned("provider_metadata", name, said, "not needed: the endpoints are known without them")]
    return document, _read(settings, document)


def _read(settings: ProviderSettings, document: dict[str, object]) -> list[Finding]:
    name = settings.name
    if document.get("issuer") != settings.issuer:
        hint = "write `issuer` exactly as the provider does, without a slash at the end"
        return [wrong("provider_metadata_issuer", name, "the metadata name another issuer", hint)]
    algorithms = document.get("id_token_signing_alg_values_supported")
    if isinstance(algorithms, list) and settings.signing_alg not in algorithms:
        hint = "write the `signing_alg` that was declared to it"
        return [wrong("provider_signing_alg", name, f"it does not sign with {settings.signing_alg}", hint)]
    return [good("provider_metadata", name, "read, and its own")]


async def _keys(settings: ProviderSettings, client: httpx.AsyncClient, reach: Reach, url: str) -> list[Finding]:
    name = settings.name
    if not url:
        return []
    try:
        response = await reach.get(client, url)
        document = response.json()
    except httpx.HTTPError as error:
        return [unreached("provider_keys", name, error)]
    except ValueError:
        document = None
    usable = import_keys(document).by_alg.get(settings.signing_alg) if isinstance(document, dict) else ()
    if not usable:
        said = f"no key for {settings.signing_alg} at {url}"
        return [wrong("provider_keys", name, said, "check `signing_alg` and `jwks_uri`: no login can be verified")]
    return [good("provider_keys", name, f"{len(usable)} for {settings.signing_alg}")]


def _transaction(settings: ProviderSettings) -> LoginTransaction:
    acr = min(settings.levels.values(), default=Acr.EIDAS1)
    return LoginTransaction(
        state=new_token(), nonce=new_token(), browser="", provider=settings.name, acr=acr,
        scopes=frozenset({"openid"}), return_to="", route=None, started_at=0, code_verifier=new_token(),
    )  # fmt: skip


async def _authorize(
    settings: ProviderSettings, provider: OidcProvider, client: httpx.AsyncClient, reach: Reach
) -> list[Finding]:
    """A departure that nobody makes: what the provider thinks of our client and our address."""
    name = settings.name
    try:
        response = await reach.get(client, await provider.authorization_url(_transaction(settings)))
    except DependencyFailed:
        return []  # said above
    except httpx.HTTPError as error:
        return [unreached("provider_authorize", name, error)]
    codes = _Y_CODE.findall(response.text[:65_536]) if response.status_code >= 400 else []
    if _UNKNOWN_CLIENT in codes:
        hint = "a client id is known to the environment that issued it only: check `client_id` and `environment`"
        return [wrong("provider_client_unknown", name, "it does not know this client", hint)]
    if _UNKNOWN_REDIRECT in codes:
        return [wrong("provider_redirect_uri", name, f"it does not know {settings.redirect_uri}", _PORTAL)]
    location = response.headers.get("location", "")
    refused = re.search(r"[?&]error=([a-z_]{1,40})", location) if location.startswith(settings.redirect_uri) else None
    if response.status_code >= 400 or refused:
        why = refused[1] if refused else " ".join([str(response.status_code), *codes[:1]])
        hint = "ask the provider what this code means; check the scopes and the level that it granted"
        return [wrong("provider_authorize", name, f"a departure is refused: {why}", hint)]
    return [good("provider_authorize", name, "it knows this client and its address")]


async def _secret(settings: ProviderSettings, provider: OidcProvider) -> list[Finding]:
    """A code that was never given: `invalid_grant` says that everything before it was right."""
    name = settings.name
    try:
        await provider.exchange(_transaction(settings), new_token())
    except LoginFailed as error:
        if error.code == "token_invalid_grant":
            return [good("provider_secret", name, "our secret is accepted")]
        if error.code == "token_invalid_client":
            hint = "check `client_secret`, and that the file has no more than it"
            return [wrong("provider_secret", name, "our secret is refused", hint)]
        said = f"it answers {error.code} to a code that it never gave"
        return [warned("provider_secret", name, said, "whether the secret is right shows at the first login")]
    except DependencyFailed as error:
        said = f"its token endpoint does not answer ({error.code})"
        return [wrong("provider_token", name, said, "check the outgoing flow and `token_endpoint`")]
    return [wrong("provider_secret", name, "it accepts a code that it never gave", "this is no provider to be trusted")]
