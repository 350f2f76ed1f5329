"""Codes, grants and tokens with FranceConnect's lives, and its signatures."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from joserfc import jws
from joserfc.jwk import ECKey, RSAKey

from gateway.ports import Clock, NewToken
from gateway.sandbox.franceconnect.rules import SandboxClient, granted_claims
from gateway.sandbox.identities import SandboxIdentity

CODE_S = 30
GRANT_S = 30
TOKEN_S = 60

KIDS = {"ES256": "pkcs11:ES256:hsm", "RS256": "pkcs11:RS256:hsm"}

Alter = Callable[[dict[str, Any]], dict[str, Any]]


@dataclass(slots=True)
class Faults:
    """What a test makes go wrong. Each stays until the test takes it away."""

    id_token: Alter | None = None
    userinfo: Alter | None = None
    id_token_raw: Callable[[str], str] | None = None
    userinfo_raw: Callable[[str], str] | None = None
    userinfo_type: str = "application/jwt; charset=utf-8"
    token_status: int = 200
    userinfo_status: int = 200


@dataclass(slots=True)
class Grant:
    """One confirmed login, from the button to the last use of its token."""

    client: SandboxClient
    identity: SandboxIdentity
    scopes: frozenset[str]
    nonce: str
    redirect_uri: str
    code: str
    confirmed_at: float
    redeemed: bool = False
    revoked: bool = False
    access_token: str | None = None
    issued_at: float = 0


@dataclass(frozen=True, slots=True)
class Introspection:
    """What a data provider learns of a token: whose, for which client, with which scopes."""

    client_id: str
    scopes: frozenset[str]
    claims: dict[str, object] = field(repr=False)


class Tokens:
    def __init__(self, issuer: str, clock: Clock, new_token: NewToken, faults: Faults) -> None:
        self._issuer = issuer
        self._clock = clock
        self._new_token = new_token
        self._faults = faults
        self._by_code: dict[str, Grant] = {}
        self._by_token: dict[str, Grant] = {}
        self.rotate_keys()

    def rotate_keys(self) -> None:
        """New keys under the same labels, as when the hardware module's slot is given another key."""
        self._keys: dict[str, ECKey | RSAKey] = {
            "ES256": ECKey.generate_key("P-256"),
            "RS256": RSAKey.generate_key(2048),
        }

    def jwks(self) -> dict[str, object]:
        return {
            "keys": [
                {**key.as_dict(private=False), "kid": KIDS[alg], "use": "sig", "alg": alg}
                for alg, key in self._keys.items()
            ]
        }

    def confirm(self, client: SandboxClient, identity: SandboxIdentity, asked: dict[str, str]) -> str:
        """The grant's 30 seconds begin with the person's click."""
        scopes = frozenset(asked["scope"].split()) & client.scopes
        code = self._new_token()
        grant = Grant(client, identity, scopes, asked["nonce"], asked["redirect_uri"], code, self._clock())
        self._by_code[code] = grant
        return code

    def by_code(self, code: str) -> Grant | None:
        return self._by_code.get(code)

    def redeem(self, grant: Grant) -> dict[str, object]:
        grant.redeemed = True
        grant.access_token = self._new_token()[-43:]
        grant.issued_at = self._clock()
        self._by_token[grant.access_token] = grant
        return {
            "access_token": grant.access_token,
            "expires_in": TOKEN_S,
            "id_token": self._id_token(grant),
            "scope": " ".join(sorted(grant.scopes)),
            "token_type": "Bearer",
        }

    def is_code_expired(self, grant: Grant) -> bool:
        return self._clock() - grant.confirmed_at > CODE_S

    def by_token(self, token: str) -> Grant | None:
        """The grant of a token that still lives."""
        grant = self._by_token.get(token)
        if grant is None or grant.revoked or self._clock() - grant.issued_at > TOKEN_S:
            return None
        return grant

    def is_grant_over(self, grant: Grant) -> bool:
        return self._clock() - grant.confirmed_at > GRANT_S

    def sub(self, grant: Grant) -> str:
        """Pairwise: the same person is somebody else for another client."""
        pivot = json.dumps([grant.client.client_id, grant.identity.claims], sort_keys=True)
        return hashlib.sha256(pivot.encode()).hexdigest() + "v1"

    def _id_token(self, grant: Grant) -> str:
        now = int(self._clock())
        claims: dict[str, Any] = {
            "sub": self.sub(grant),
            "auth_time": now,
            "acr": "eidas1",
            "nonce": grant.nonce,
            "aud": grant.client.client_id,
            "exp": now + TOKEN_S,
            "iat": now,
            "iss": self._issuer,
        }
        token = self.sign(self._faults.id_token(claims) if self._faults.id_token else claims, grant.client)
        return self._faults.id_token_raw(token) if self._faults.id_token_raw else token

    def userinfo(self, grant: Grant) -> str:
        claims: dict[str, Any] = {
            "sub": self.sub(grant),
            **granted_claims(grant.scopes, grant.identity.claims),
            "aud": grant.client.client_id,
            "exp": int(grant.issued_at) + TOKEN_S,
            "iat": int(self._clock()),
            "iss": self._issuer,
        }
        token = self.sign(self._faults.userinfo(claims) if self._faults.userinfo else claims, grant.client)
        return self._faults.userinfo_raw(token) if self._faults.userinfo_raw else token

    def sign(self, claims: dict[str, Any], client: SandboxClient) -> str:
        header = {"alg": client.signing_alg, "kid": KIDS[client.signing_alg]}
        payload = json.dumps(claims, ensure_ascii=False, separators=(",", ":")).encode()
        return jws.serialize_compact(header, payload, self._keys[client.signing_alg], algorithms=["ES256", "RS256"])

    def is_ours(self, token: str) -> dict[str, Any] | None:
        """The claims of an ID token that these keys signed, expired or not."""
        for alg, key in self._keys.items():
            try:
                return dict(json.loads(jws.deserialize_compact(token, key, algorithms=[alg]).payload))
            except Exception:  # noqa: BLE001, S112 - a token that does not verify is not ours, whatever the reason
                continue
        return None

    def introspect(self, token: str) -> Introspection | None:
        """`checktoken`: the token's own 60 seconds, and the pivot whatever identity scopes were asked."""
        grant = self.by_token(token)
        if grant is None:
            return None
        pivot = granted_claims(frozenset({"identite_pivot"}), grant.identity.claims)
        return Introspection(grant.client.client_id, grant.scopes, pivot)
