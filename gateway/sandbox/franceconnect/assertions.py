"""`private_key_jwt` at the token endpoint, as strict as the server that the sandbox stands for (RFC 7523 §3)."""

import json
from collections.abc import Mapping
from typing import Any

from joserfc import jws
from joserfc.jwk import KeySet

from gateway.ports import Clock
from gateway.sandbox.franceconnect.rules import SandboxClient

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ALGORITHMS = ("ES256", "RS256")


class Assertions:
    """Each is believed once, for its own client, at this issuer; clocks are forgiven nothing."""

    def __init__(self, issuer: str, clock: Clock) -> None:
        self._issuer = issuer
        self._clock = clock
        self._used: dict[tuple[str, str], float] = {}

    def proves(self, form: Mapping[str, str], client: SandboxClient) -> bool:
        if "client_secret" in form or client.jwks is None or form.get("client_assertion_type") != ASSERTION_TYPE:
            return False
        claims = _signed(form.get("client_assertion", ""), client.jwks)
        return claims is not None and self._is_for_us(claims, client.client_id) and self._is_new(claims)

    def _is_for_us(self, claims: Mapping[str, Any], client_id: str) -> bool:
        audience = claims.get("aud")
        named = audience if isinstance(audience, list) else [audience]
        ours = {self._issuer, f"{self._issuer}/token"}
        return claims.get("iss") == claims.get("sub") == client_id and any(
            isinstance(each, str) and each in ours for each in named
        )

    def _is_new(self, claims: Mapping[str, Any]) -> bool:
        now, jti = self._clock(), claims.get("jti")
        times = [claims.get(name, otherwise) for name, otherwise in (("exp", None), ("iat", now), ("nbf", now))]
        if not isinstance(jti, str) or not jti or any(type(each) not in (int, float) for each in times):
            return False
        ends_at, issued_at, begins_at = times
        if ends_at <= now or issued_at > now or begins_at > now:
            return False
        self._used = {each: until for each, until in self._used.items() if until > now}
        if (claims["sub"], jti) in self._used:
            return False
        self._used[claims["sub"], jti] = ends_at
        return True


def _signed(token: str, jwks: Mapping[str, Any]) -> dict[str, Any] | None:
    try:
        keys = KeySet.import_key_set(jwks)  # type: ignore[arg-type]
        claims = json.loads(jws.deserialize_compact(token, keys, algorithms=list(ALGORITHMS)).payload)
    except Exception:  # noqa: BLE001 - whatever the library makes of it, it proves nothing
        return None
    return claims if isinstance(claims, dict) else None
