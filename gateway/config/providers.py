"""Who can be signed in with, and where CAF is asked: the named environments, and what is custom."""

import ipaddress
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from gateway.config.gateway_models import ApiParticulierModel, GatewayModel, ProviderModel
from gateway.config.shapes import suggestion
from gateway.config.yaml_source import Path_, Source
from gateway.core.model import Acr
from gateway.core.rules import Mode
from gateway.relying_party import ProviderSettings
from gateway.settings import ApiParticulierSettings, Quotas

ReadSecret = Callable[[object, Path_], bytes]

ISSUERS: Mapping[tuple[str, str], str] = {
    ("franceconnect", "production"): "https://oidc.franceconnect.gouv.fr/api/v2",
    ("franceconnect", "sandbox"): "https://fcp-low.sbx.dev-franceconnect.fr/api/v2",
    ("franceconnect_plus", "production"): "https://auth.franceconnect.gouv.fr/api/v2",
    ("franceconnect_plus", "sandbox"): "https://auth.integ01.dev-franceconnect.fr/api/v2",
}
_PATHS = {
    "authorization_endpoint": "/authorize",
    "token_endpoint": "/token",
    "userinfo_endpoint": "/userinfo",
    "jwks_uri": "/jwks",
    "end_session_endpoint": "/session/end",
}
LEVELS: Mapping[str, frozenset[Acr]] = {
    "franceconnect": frozenset({Acr.EIDAS1}),
    "franceconnect_plus": frozenset({Acr.EIDAS2, Acr.EIDAS3}),
}
API_HOSTS = {
    "production": "https://particulier.api.gouv.fr",
    "staging": "https://staging.particulier.api.gouv.fr",
}
SANDBOX_HOSTS = (".dev-franceconnect.fr", "staging.particulier.api.gouv.fr", ".dev-agentconnect.fr")
"""Their private keys are public: production never believes them, under any name."""


def read_providers(
    model: GatewayModel, source: Source, secret: ReadSecret, folder: Path, public_url: str
) -> tuple[ProviderSettings, ...]:
    providers = []
    for name, provider in model.identity.items():
        place: Path_ = ("identity", name)
        if name not in LEVELS:
            source.say(place, f"`{name}` is not available in this version", suggestion(name, list(LEVELS)))
            continue
        providers.append(_provider(name, provider, place, source, secret, folder, public_url))
    return tuple(providers)


def _provider(
    name: str, model: ProviderModel, place: Path_, source: Source, secret: ReadSecret, folder: Path, public_url: str
) -> ProviderSettings:
    endpoints = {key: getattr(model, key) for key in _PATHS}
    issuer = model.issuer or ""
    if model.environment != "custom":
        issuer = ISSUERS[name, model.environment]
        endpoints = {key: issuer + path for key, path in _PATHS.items()}
    elif not issuer:
        source.say(place, "`issuer` is missing", "`environment: custom` needs the provider's issuer")
    for key, url in {"issuer": issuer, **endpoints}.items():
        if url and not is_safe(url):
            source.say((*place, key), f"`{key}` is plain http", "https, or a loopback address")
    return ProviderSettings(
        name=name,
        profile=name,
        issuer=issuer.rstrip("/"),
        client_id=secret(model.client_id, (*place, "client_id")).decode("utf-8", "replace"),
        client_secret=secret(model.client_secret, (*place, "client_secret")).decode("utf-8", "replace"),
        signing_alg=model.signing_alg,
        redirect_uri=f"{public_url}/_gateway/callback",
        post_logout_redirect_uri=f"{public_url}/_gateway/logged-out",
        **endpoints,
        ca_file=folder / model.ca_file if model.ca_file else None,
        encryption_key_pem=secret(model.encryption_key, (*place, "encryption_key")) if model.encryption_key else None,
    )


def read_household(
    model: GatewayModel, source: Source, secret: ReadSecret, folder: Path
) -> tuple[ApiParticulierSettings | None, Mode | None]:
    if model.household is None:
        return None, None
    api = model.household.api_particulier
    place: Path_ = ("household", "api_particulier")
    base_url = api.base_url if api.environment == "custom" else API_HOSTS[api.environment]
    _check_api(api, place, source, base_url)
    settings = ApiParticulierSettings(
        base_url=(base_url or "").rstrip("/"),
        recipient=api.recipient or model.authority.siret,
        token=secret(api.token, (*place, "token")).decode("utf-8", "replace") if api.token else None,
        ca_file=folder / api.ca_file if api.ca_file else None,
        quotas=Quotas(**api.quotas.model_dump()),
    )
    return settings, Mode(api.mode)


def _check_api(api: ApiParticulierModel, place: Path_, source: Source, base_url: str | None) -> None:
    if base_url is None:
        source.say(place, "`base_url` is missing", "`environment: custom` needs the address of the API")
    elif not is_safe(base_url):
        source.say((*place, "base_url"), "`base_url` is plain http", "https, or a loopback address")


def check_modes(model: GatewayModel, modes: frozenset[Mode], source: Source) -> None:
    """The modes that are used, the gateway's own and those that policies choose, need their means."""
    if model.household is None:
        return
    api, place = model.household.api_particulier, ("household", "api_particulier")
    if Mode.NUMBER in modes and api.environment != "custom":
        hint = "it answers 410 since 2025-10-31: write `environment: custom` and your broker's `base_url`"
        source.say((*place, "mode"), "mode `number` has no national API any more", hint)
    if api.token is None and modes & {Mode.IDENTITY, Mode.NUMBER}:
        hint = "modes `identity` and `number` call with the habilitation's own token"
        source.say(place, "`token` is missing", hint)


def is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_safe(url: str) -> bool:
    return url.startswith("https://") or is_loopback(url)


def is_sandbox(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    return host.endswith(SANDBOX_HOSTS)
