"""The token and userinfo endpoints: what is sent there, and what of their answers is believed."""

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from authlib.oidc.core import CodeIDToken
from joserfc.errors import JoseError

from gateway.core.errors import LoginFailed
from gateway.core.model import Acr, VerifiedClaims
from gateway.jose import Keys, read_json, verified_payload
from gateway.relying_party.profiles import CLAIM_NAMES
from gateway.relying_party.settings import ProviderSettings

LEEWAY_S = 30
"""Tokens live 60 s: more leeway would double their life, less would refuse an honest clock."""

OLDEST_S = 600

_TIME_BELOW = 2**53
"""What JSON carries exactly. Nothing that is infinite, or no number, is below."""

SID_AT_MOST = 1_024
"""Nothing limits a `sid`; some providers seal theirs (332 characters of idpyoidc), and it is only ever compared."""


@dataclass(frozen=True, slots=True)
class TokenResponse:
    access_token: str = field(repr=False)
    id_token: str = field(repr=False)
    """Empty after a refresh that brought none."""
    scopes: frozenset[str]
    refresh_token: str = field(default="", repr=False)


def read_token_response(body: bytes, asked: frozenset[str], *, refreshed: bool = False) -> TokenResponse:
    """RFC 6749 §5.1 and OpenID Connect Core §3.1.3.3; `refreshed`: §12.2, where the ID token is optional."""
    answer = read_json(body, "token_response_malformed")
    access_token, id_token, kind = (answer.get(name) for name in ("access_token", "id_token", "token_type"))
    if not isinstance(kind, str) or kind.lower() != "bearer":
        raise LoginFailed("token_type")
    if id_token is None and refreshed:
        id_token = ""
    elif not isinstance(id_token, str):
        raise LoginFailed("id_token_missing")
    if not isinstance(access_token, str) or not access_token:
        raise LoginFailed("access_token_missing")
    scope, refresh = answer.get("scope"), answer.get("refresh_token")
    scopes = frozenset(scope.split()) if isinstance(scope, str) else asked
    return TokenResponse(access_token, id_token, scopes, refresh if isinstance(refresh, str) else "")


def verify_id_token(
    token: str, keys: Keys, settings: ProviderSettings, *, nonce: str, now: int, access_token: str | None = None
) -> VerifiedClaims:
    """OpenID Connect Core §3.1.3.7. authlib checks iss, aud, azp, exp, iat, nonce, at_hash; types are checked first."""
    claims = verified_payload(token, keys, settings.pinned)
    check_types(claims, required=("iss", "sub", "aud", "exp", "iat", "nonce"))
    check_claims(claims, settings, now, nonce=nonce, access_token=access_token)
    if now - claims["iat"] > OLDEST_S:
        raise LoginFailed("id_token_iat")
    return VerifiedClaims(claims)


def verify_refreshed(token: str, keys: Keys, settings: ProviderSettings, *, sub: str, now: int) -> VerifiedClaims:
    """Core §12.2: the same issuer, audience and person as at the login, issued just now; a nonce is not expected."""
    claims = verified_payload(token, keys, settings.pinned)
    check_types(claims, required=("iss", "sub", "aud", "exp", "iat"))
    check_claims(claims, settings, now, nonce=None)
    if now - claims["iat"] > OLDEST_S:
        raise LoginFailed("id_token_iat")
    _same_person(claims["sub"], sub, "refreshed_sub")
    return VerifiedClaims(claims)


def verify_userinfo(token: str, keys: Keys, settings: ProviderSettings, *, sub: object, now: int) -> VerifiedClaims:
    """Signed like the ID token, for us, not over, and about the same person (Core §5.3.2)."""
    claims = verified_payload(token, keys, settings.pinned)
    ends = ("exp",) if settings.rules.signed_expires else ()
    check_types(claims, required=("iss", "sub", "aud", *ends))
    check_claims({"iat": now, "exp": now, **claims}, settings, now, nonce=None)
    _same_person(claims["sub"], sub, "userinfo_sub")
    return VerifiedClaims(claims)


def read_userinfo(body: bytes, *, sub: object) -> VerifiedClaims:
    """Plain JSON, an object about the same person (Core §5.3.2)."""
    claims = read_json(body, "userinfo_malformed")
    if not isinstance(claims.get("sub"), str):
        raise LoginFailed("claim_missing_sub")
    _same_person(claims["sub"], sub, "userinfo_sub")
    return VerifiedClaims(claims)


def _same_person(found: str, expected: object, code: str) -> None:
    if not isinstance(expected, str) or not hmac.compare_digest(found.encode(), expected.encode()):
        raise LoginFailed(code)


def check_types(claims: Mapping[str, Any], required: Sequence[str]) -> None:
    for name in required:
        if name not in claims:
            raise LoginFailed(f"claim_missing_{name}")
    for name in ("iss", "sub", "nonce", "acr", "azp", "at_hash", "sid", "jti"):
        if name in claims and (not isinstance(claims[name], str) or not claims[name]):
            raise LoginFailed(f"claim_type_{name}")
    for name in ("exp", "iat", "nbf", "auth_time"):
        if name in claims and not (type(claims[name]) in (int, float) and abs(claims[name]) < _TIME_BELOW):
            raise LoginFailed(f"claim_type_{name}")
    audience = claims["aud"]
    if not isinstance(audience, str) and not (
        isinstance(audience, list) and audience and all(isinstance(each, str) for each in audience)
    ):
        raise LoginFailed("claim_type_aud")


def check_claims(
    claims: Mapping[str, Any],
    settings: ProviderSettings,
    now: int,
    *,
    nonce: str | None,
    access_token: str | None = None,
) -> None:
    options = {
        "iss": {"essential": True, "value": settings.issuer},
        "aud": {"essential": True, "value": settings.client_id},
    }
    known = {"nonce": nonce, "client_id": settings.client_id, "access_token": access_token}
    checked = CodeIDToken(dict(claims), {"alg": settings.signing_alg}, options, known)
    try:
        checked.validate(now=now, leeway=LEEWAY_S)
    except JoseError as error:
        name = getattr(error, "claim", None) or error.error
        raise LoginFailed(f"claim_{name}") from None


def check_acr(claims: VerifiedClaims, settings: ProviderSettings, floor: Acr) -> Acr:
    """What the provider's acr is worth, never below the level asked for. One that nothing maps is refused."""
    said = claims.get("acr")
    acr = settings.acr_absent if said is None else settings.levels.get(str(said))
    if acr is None:
        raise LoginFailed("acr_unknown")
    if acr < floor:
        raise LoginFailed("acr_too_low")
    return acr


def identity_claims(claims: VerifiedClaims, settings: ProviderSettings) -> VerifiedClaims:
    """The claims under the names that `core.claims` reads; those that the profile does not trust are left out."""
    found: dict[str, object] = {"sub": claims["sub"]}
    for fact, name in settings.claim_names.items():
        if name in claims:
            found[CLAIM_NAMES[fact]] = claims[name]
    if "given_name_array" in claims and settings.claim_names.get("given_names") == "given_name":
        found["given_name_array"] = claims["given_name_array"]
    trusted = settings.rules.email_as_given or settings.email_as_given or claims.get("email_verified") is True
    if not trusted:
        found.pop("email", None)
    return VerifiedClaims(found)


def sid_of(claims: VerifiedClaims) -> str:
    """The provider's own session, for a logout that names it; empty when it names none."""
    sid = claims.get("sid")
    return sid if isinstance(sid, str) and len(sid) <= SID_AT_MOST else ""
