"""How we show at the token endpoint that we are the client (Core §9, RFC 6749 §2.3.1, RFC 7523)."""

import base64
import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote_plus, urlencode

from joserfc import jws
from joserfc.jwk import ECKey, RSAKey, import_key

from gateway.relying_party.profiles import ClientAuth
from gateway.relying_party.settings import ProviderSettings

ASSERTION_S = 60

_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass(frozen=True, slots=True)
class Form:
    """One POST to the token endpoint."""

    body: str = field(repr=False)
    headers: dict[str, str] = field(repr=False)


def code_form(settings: ProviderSettings, code: str, verifier: str, *, now: int, jti: str) -> Form:
    """The exchange of a code; the verifier goes along where the profile has PKCE."""
    fields = {"grant_type": "authorization_code", "code": code, "redirect_uri": settings.redirect_uri}
    if settings.rules.pkce:
        fields["code_verifier"] = verifier
    return _authenticated(settings, fields, now=now, jti=jti)


def refresh_form(settings: ProviderSettings, refresh_token: str, *, now: int, jti: str) -> Form:
    fields = {"grant_type": "refresh_token", "refresh_token": refresh_token}
    return _authenticated(settings, fields, now=now, jti=jti)


def _authenticated(settings: ProviderSettings, fields: dict[str, str], *, now: int, jti: str) -> Form:
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    match settings.auth:
        case ClientAuth.POST:
            fields |= {"client_id": settings.client_id, "client_secret": settings.client_secret}
        case ClientAuth.BASIC:
            pair = f"{quote_plus(settings.client_id)}:{quote_plus(settings.client_secret)}"
            headers["Authorization"] = "Basic " + base64.b64encode(pair.encode("ascii")).decode("ascii")
        case ClientAuth.PRIVATE_KEY_JWT:
            assertion = _assertion(settings, now=now, jti=jti)
            fields |= {"client_id": settings.client_id, "client_assertion": assertion}
            fields["client_assertion_type"] = _ASSERTION_TYPE
    return Form(urlencode(fields), headers)


def _assertion(settings: ProviderSettings, *, now: int, jti: str) -> str:
    """For the issuer alone: one meant for a token endpoint's address could be asked for by another provider."""
    key, alg, kid = client_key(settings.client_key_pem or b"")
    claims = {
        "iss": settings.client_id,
        "sub": settings.client_id,
        "aud": settings.issuer,
        "jti": jti,
        "iat": now,
        "exp": now + ASSERTION_S,
    }
    payload = json.dumps(claims, separators=(",", ":")).encode("utf-8")
    return jws.serialize_compact({"alg": alg, "kid": kid, "typ": "JWT"}, payload, key, algorithms=[alg])


def client_key(pem: bytes) -> tuple[ECKey | RSAKey, str, str]:
    """Key, algorithm and kid of a private key in PEM: P-256 signs ES256, RSA of 2048 bits or more RS256. ValueError."""
    kind: Any
    for kind, alg in (("EC", "ES256"), ("RSA", "RS256")):
        try:
            key = import_key(pem, kind)
        except Exception:  # noqa: BLE001, S112 - whatever the library makes of it, it is not a key of that kind
            continue
        usable = key.is_private and (key.curve_name == "P-256" if isinstance(key, ECKey) else _size(key) >= 2048)
        if isinstance(key, ECKey | RSAKey) and usable:
            return key, alg, key.thumbprint()
    raise ValueError("neither a P-256 nor an RSA private key of 2048 bits or more, in PEM")


def _size(key: Any) -> int:
    return int(key.raw_value.key_size)


def client_jwk(pem: bytes) -> dict[str, object]:
    """The public half, for the provider's registration."""
    key, alg, kid = client_key(pem)
    return {**key.as_dict(private=False), "use": "sig", "alg": alg, "kid": kid}
