"""Where CAF is asked: the named environments, and what is custom. Which addresses are safe, and which a sandbox's."""

import ipaddress
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from gateway.config.gateway_models import ApiParticulierModel, GatewayModel
from gateway.config.yaml_source import Path_, Source
from gateway.core.rules import Mode
from gateway.settings import ApiParticulierSettings

ReadSecret = Callable[[object, Path_], bytes]

API_HOSTS = {
    "production": "https://particulier.api.gouv.fr",
    "staging": "https://staging.particulier.api.gouv.fr",
}
SANDBOX_HOSTS = (
    ".dev-franceconnect.fr",
    "staging.particulier.api.gouv.fr",
    ".dev-agentconnect.fr",
    ".integ02.agentconnect.rie.gouv.fr",
)
"""Their private keys are public: production never believes them, under any name."""


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
