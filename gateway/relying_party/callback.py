"""What comes back through the browser: anybody's words until they are checked."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qs, parse_qsl, urlsplit

from gateway.core.errors import LoginFailed
from gateway.relying_party.settings import Endpoints, ProviderSettings

_PARAMETER_AT_MOST = 2_048
_ERRORS = frozenset(
    [
        "access_denied",
        "temporarily_unavailable",
        "server_error",
        "invalid_scope",
        "invalid_acr",
        "invalid_idp_hint",
        "invalid_request",
        "unsupported_response_type",
        "login_required",
        "interaction_required",
        "unmet_authentication_requirements",
        "unauthorized_client",
    ]
)
_CODE = re.compile(r"Y[0-9A-F]{5,7}")
_ID = re.compile(r"[0-9a-f-]{36}")


@dataclass(frozen=True, slots=True)
class CallbackSuccess:
    state: str = field(repr=False)
    code: str = field(repr=False)
    iss: str | None


@dataclass(frozen=True, slots=True)
class CallbackError:
    state: str = field(repr=False)
    error: str
    """From a closed list, else `other`: the provider's words are anybody's words."""
    iss: str | None
    reference: str = ""


def read_callback(query: bytes) -> CallbackSuccess | CallbackError:
    """Read the query of a callback; anything that has two readings is refused."""
    parameters = _once_each(query)
    state, code, error = (parameters.get(name) for name in ("state", "code", "error"))
    if not state:
        raise LoginFailed("callback_without_state")
    if bool(code) == bool(error):
        raise LoginFailed("callback_code_or_error")
    iss = parameters.get("iss")
    if code:
        return CallbackSuccess(state, code, iss)
    reference = error_reference(parameters.get("error_uri", ""))
    return CallbackError(state, error if error in _ERRORS else "other", iss, reference)


def _once_each(query: bytes) -> Mapping[str, str]:
    try:
        pairs = parse_qsl(query.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=20)
    except ValueError:
        raise LoginFailed("callback_malformed") from None
    parameters = dict(pairs)
    if len(parameters) != len(pairs):
        raise LoginFailed("callback_parameter_repeated")
    if any(len(value) > _PARAMETER_AT_MOST for value in parameters.values()):
        raise LoginFailed("callback_parameter_too_long")
    return parameters


def error_reference(error_uri: object) -> str:
    """The Y-code and the id that the provider's support asks for, when they have their documented form."""
    if not isinstance(error_uri, str) or len(error_uri) > _PARAMETER_AT_MOST:
        return ""
    try:
        query = parse_qs(urlsplit(error_uri).query, max_num_fields=10)
    except ValueError:
        return ""
    code, identifier = query.get("code", [""])[0], query.get("id", [""])[0]
    found = [_CODE.fullmatch(code), _ID.fullmatch(identifier)]
    return " ".join(match.group() for match in found if match)


def check_issuer(iss: str | None, settings: ProviderSettings, endpoints: Endpoints) -> None:
    """RFC 9207 §2.4: an answer that names another issuer is another's; one that names none may be."""
    must = settings.rules.iss_always or settings.iss_required or endpoints.names_itself
    if iss is None and not must:
        return
    if iss != settings.issuer:
        raise LoginFailed("callback_issuer")
