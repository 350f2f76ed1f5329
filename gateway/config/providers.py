"""Where CAF is asked: the named environments, and what is custom. Which addresses are safe, and which a sandbox's."""

import ipaddress
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from gateway.config.gateway_models import GatewayModel
from gateway.config.source_models import ApiParticulierModel, ChildcareModel
from gateway.config.yaml_source import Path_
from gateway.config.yaml_source import Source as YamlSource
from gateway.core.model import Source
from gateway.core.rules import Mode
from gateway.settings import ApiParticulierSettings, Quotas

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


def asked_apis(model: GatewayModel) -> dict[Source, tuple[ApiParticulierModel, Path_]]:
    """What is written for each source that is asked, and where; what childcare leaves out is the household's."""
    found: dict[Source, tuple[ApiParticulierModel, Path_]] = {}
    if model.household is not None:
        found[Source.HOUSEHOLD] = (model.household.api_particulier, ("household", "api_particulier"))
    if model.childcare is not None:
        api, own = _inherited(model.childcare, model)
        if api is not None:
            at = Source.CHILDCARE if own or model.household is None else Source.HOUSEHOLD
            found[Source.CHILDCARE] = (api, (at, "api_particulier"))
    return found


def _inherited(childcare: ChildcareModel, model: GatewayModel) -> tuple[ApiParticulierModel | None, bool]:
    """Whether anything was written for childcare itself, too. None when neither says where to ask."""
    own = childcare.api_particulier.model_dump(exclude_none=True, exclude_unset=True)
    written = {name: getattr(childcare.api_particulier, name) for name in own}
    if model.household is not None:
        base = model.household.api_particulier
        if "environment" in written and "base_url" not in written:
            base = base.model_copy(update={"base_url": None})
        if base.mode == "number" and "mode" not in written:
            written["mode"] = "franceconnect"
        return base.model_copy(update=written), bool(own)
    if "environment" not in written:
        return None, True
    return ApiParticulierModel.model_construct(**{"mode": "franceconnect", **written}), True


def read_sources(
    model: GatewayModel, said: YamlSource, secret: ReadSecret, folder: Path
) -> tuple[dict[Source, ApiParticulierSettings], dict[Source, Mode]]:
    """Each source that is asked: its connection, and the mode of policies that choose none."""
    apis = asked_apis(model)
    if model.childcare is not None and Source.CHILDCARE not in apis:
        said.say(("childcare",), "says nowhere to ask", "add `api_particulier: {environment: …}`, or `household:`")
    connections = {
        source: _connection(model, api, place, said, secret, folder) for source, (api, place) in apis.items()
    }
    return connections, {source: Mode(api.mode) for source, (api, _) in apis.items()}


def _connection(
    model: GatewayModel, api: ApiParticulierModel, place: Path_, said: YamlSource, secret: ReadSecret, folder: Path
) -> ApiParticulierSettings:
    base_url = api.base_url if api.environment == "custom" else API_HOSTS[api.environment]
    _check_api(api, place, said, base_url)
    return ApiParticulierSettings(
        base_url=(base_url or "").rstrip("/"),
        recipient=api.recipient or model.authority.siret,
        token=_token(secret(api.token, (*place, "token")), place, said) if api.token else None,
        ca_file=folder / api.ca_file if api.ca_file else None,
        quotas=Quotas(**api.quotas.model_dump()),
    )


def _token(read: bytes, place: Path_, said: YamlSource) -> str:
    if not re.fullmatch(rb"[!-~]*", read):
        hint = "copy the token alone, as API Particulier gives it: ASCII without spaces"
        said.say((*place, "token"), "`token` holds what no Authorization header can carry", hint)
    return read.decode("ascii", "replace")


def _check_api(api: ApiParticulierModel, place: Path_, source: YamlSource, base_url: str | None) -> None:
    if api.environment != "custom" and api.base_url is not None:
        hint = "remove it, or write `environment: custom`"
        source.say((*place, "base_url"), f"`base_url` is fixed by `environment: {api.environment}`", hint)
    elif base_url is None:
        source.say(place, "`base_url` is missing", "`environment: custom` needs the address of the API")
    elif not is_safe(base_url):
        source.say((*place, "base_url"), "`base_url` is plain http", "https, or a loopback address")


def check_modes(model: GatewayModel, used: Mapping[Source, frozenset[Mode]], said: YamlSource) -> None:
    """The modes that are used, the gateway's own and those that policies choose, need their means."""
    for source, (api, place) in asked_apis(model).items():
        _check_mode(api, place, used[source], said)


def _check_mode(api: ApiParticulierModel, place: Path_, modes: frozenset[Mode], source: YamlSource) -> None:
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
