"""OpenID Connect over values: what is sent to the provider, and what of its answers is believed. No I/O.

OpenID Connect Core 1.0, RFC 6749, RFC 9207. FranceConnect v2 refuses every parameter outside a closed list, PKCE
included, and answers userinfo as a signed token.
"""

import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from authlib.oidc.core import CodeIDToken
from joserfc.errors import JoseError

from gateway.core.claims import parse_acr
from gateway.core.errors import LoginFailed
from gateway.core.model import Acr, LoginTransaction, VerifiedClaims
from gateway.jose import Keys, Pinned, read_json, verified_payload

LEEWAY_S = 30
"""Tokens live 60 s: more leeway would double their life, less would refuse an honest clock."""

OLDEST_S = 600

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
    ]
)
_CODE = re.compile(r"Y[0-9A-F]{5,7}")
_ID = re.compile(r"[0-9a-f-]{36}")


@dataclass(frozen=True, slots=True)
class ProviderSettings:
    """One provider, as the operator wrote it."""

    name: str
    profile: str
    """`franceconnect`, `franceconnect_plus`."""
    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    signing_alg: str
    """ES256 or RS256: the one declared to the provider, never one that a token or a document names."""
    redirect_uri: str
    post_logout_redirect_uri: str
    authorization_endpoint: str | None = None
    """Endpoints left out are read from the issuer's metadata, on first use."""
    token_endpoint: str | None = None
    userinfo_endpoint: str | None = None
    jwks_uri: str | None = None
    end_session_endpoint: str | None = None
    ca_file: Path | None = None
    encryption_key_pem: bytes | None = field(default=None, repr=False)
    """FranceConnect+: opens its tokens."""

    @property
    def pinned(self) -> Pinned:
        return Pinned(self.signing_alg, self.profile == "franceconnect_plus", self.encryption_key_pem)


@dataclass(frozen=True, slots=True)
class Endpoints:
    authorization: str
    token: str
    userinfo: str
    jwks: str
    end_session: str | None


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


@dataclass(frozen=True, slots=True)
class TokenResponse:
    access_token: str = field(repr=False)
    id_token: str = field(repr=False)
    scopes: frozenset[str]


def authorization_url(settings: ProviderSettings, endpoints: Endpoints, transaction: LoginTransaction) -> str:
    """The seven parameters that FranceConnect accepts and needs, and no other."""
    scopes = sorted(transaction.scopes - {"openid"})
    url: str = prepare_grant_uri(
        endpoints.authorization,
        client_id=settings.client_id,
        response_type="code",
        redirect_uri=settings.redirect_uri,
        scope=["openid", *scopes],
        state=transaction.state,
        nonce=transaction.nonce,
        acr_values=str(transaction.acr),
    )
    return url


def token_request(settings: ProviderSettings, code: str) -> str:
    """The form body of the code exchange, `client_secret_post`."""
    body: str = prepare_token_request(
        "authorization_code",
        redirect_uri=settings.redirect_uri,
        code=code,
        client_id=settings.client_id,
        client_secret=settings.client_secret,
    )
    return body


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


def check_issuer(callback: CallbackSuccess | CallbackError, issuer: str) -> None:
    """RFC 9207 §2.4: an answer that does not name our provider may be another's."""
    if callback.iss != issuer:
        raise LoginFailed("callback_issuer")


def read_token_response(body: bytes, asked: frozenset[str]) -> TokenResponse:
    """RFC 6749 §5.1 and OpenID Connect Core §3.1.3.3."""
    answer = read_json(body, "token_response_malformed")
    access_token, id_token, kind = (answer.get(name) for name in ("access_token", "id_token", "token_type"))
    if not isinstance(kind, str) or kind.lower() != "bearer":
        raise LoginFailed("token_type")
    if not isinstance(id_token, str):
        raise LoginFailed("id_token_missing")
    if not isinstance(access_token, str) or not access_token:
        raise LoginFailed("access_token_missing")
    scope = answer.get("scope")
    return TokenResponse(access_token, id_token, frozenset(scope.split()) if isinstance(scope, str) else asked)


def verify_id_token(token: str, keys: Keys, settings: ProviderSettings, *, nonce: str, now: int) -> VerifiedClaims:
    """OpenID Connect Core §3.1.3.7. authlib checks iss, aud, azp, exp, iat and nonce; their types are checked first."""
    claims = verified_payload(token, keys, settings.pinned)
    _check_types(claims, required=("iss", "sub", "aud", "exp", "iat", "nonce"))
    _check_claims(claims, settings, now, nonce=nonce)
    if now - claims["iat"] > OLDEST_S:
        raise LoginFailed("id_token_iat")
    return VerifiedClaims(claims)


def verify_userinfo(token: str, keys: Keys, settings: ProviderSettings, *, sub: object, now: int) -> VerifiedClaims:
    """Signed like the ID token, for us, not over, and about the same person (Core §5.3.2)."""
    claims = verified_payload(token, keys, settings.pinned)
    _check_types(claims, required=("iss", "sub", "aud", "exp"))
    _check_claims({"iat": now, **claims}, settings, now, nonce=None)
    if not isinstance(sub, str) or not hmac.compare_digest(claims["sub"].encode(), sub.encode()):
        raise LoginFailed("userinfo_sub")
    return VerifiedClaims(claims)


def _check_types(claims: Mapping[str, Any], required: Sequence[str]) -> None:
    for name in required:
        if name not in claims:
            raise LoginFailed(f"claim_missing_{name}")
    for name in ("iss", "sub", "nonce", "acr", "azp"):
        if name in claims and (not isinstance(claims[name], str) or not claims[name]):
            raise LoginFailed(f"claim_type_{name}")
    for name in ("exp", "iat", "nbf", "auth_time"):
        if name in claims and type(claims[name]) not in (int, float):
            raise LoginFailed(f"claim_type_{name}")
    audience = claims["aud"]
    if not isinstance(audience, str) and not (
        isinstance(audience, list) and audience and all(isinstance(each, str) for each in audience)
    ):
        raise LoginFailed("claim_type_aud")


def _check_claims(claims: Mapping[str, Any], settings: ProviderSettings, now: int, *, nonce: str | None) -> None:
    options = {
        "iss": {"essential": True, "value": settings.issuer},
        "aud": {"essential": True, "value": settings.client_id},
    }
    checked = CodeIDToken(dict(claims), {}, options, {"nonce": nonce, "client_id": settings.client_id})
    try:
        checked.validate(now=now, leeway=LEEWAY_S)
    except JoseError as error:
        name = getattr(error, "claim", None) or error.error
        raise LoginFailed(f"claim_{name}") from None


def check_acr(claims: VerifiedClaims, floor: Acr) -> Acr:
    """The level that the provider says, never below the one asked for."""
    acr = parse_acr(claims.get("acr"))
    if acr < floor:
        raise LoginFailed("acr_too_low")
    return acr
