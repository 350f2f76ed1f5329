"""An OpenID provider for the peers, small and strict: code flow, PKCE, exact redirect URIs, codes used once.

    python -m bench.provider PORT CLIENT_ID SECRET REDIRECT_URI…

Everybody who comes is signed in as a new person: one visit is one session.
"""

import base64
import binascii
import hashlib
import secrets
import sys
import time
from urllib.parse import parse_qsl, unquote, urlencode

import uvicorn
from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

CLAIMS = {
    "family_name": "DUBOIS",
    "given_name": "Angela Claire Louise",
    "birthdate": "1962-08-24",
    "gender": "female",
    "birthplace": "75107",
    "birthcountry": "99100",
    "email": "angela.dubois@example.org",
    "fund": "cnaf",
    "quotient": "1016",
    "reference_month": "2026-10",
    "children_count": "2",
}
"""Eleven claims beside `sub`: twelve headers, as many as the gateway injects."""

CODE_S = 30
TOKEN_S = 3600


class Provider:
    def __init__(self, issuer: str, client_id: str, secret: str, redirect_uris: frozenset[str]) -> None:
        self._issuer = issuer
        self._client = (client_id, secret)
        self._redirect_uris = redirect_uris
        self._key = RSAKey.generate_key(2048, {"kid": "bench", "use": "sig", "alg": "RS256"})
        self._codes: dict[str, tuple[dict[str, str], float]] = {}
        self._tokens: dict[str, str] = {}
        self.app = Starlette(
            routes=[
                Route("/authorize", self._authorize),
                Route("/token", self._token, methods=["POST"]),
                Route("/userinfo", self._userinfo),
                Route("/jwks", self._jwks),
                Route("/.well-known/openid-configuration", self._metadata),
            ]
        )

    async def _metadata(self, request: Request) -> Response:
        names = {"authorization_endpoint": "authorize", "token_endpoint": "token", "userinfo_endpoint": "userinfo"}
        return JSONResponse(
            {
                "issuer": self._issuer,
                **{name: f"{self._issuer}/{path}" for name, path in names.items()},
                "jwks_uri": f"{self._issuer}/jwks",
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
                "code_challenge_methods_supported": ["S256"],
                "scopes_supported": ["openid", "profile", "email"],
            }
        )

    async def _jwks(self, request: Request) -> Response:
        return JSONResponse({"keys": [self._key.as_dict(private=False)]})

    async def _authorize(self, request: Request) -> Response:
        pairs = parse_qsl(request.url.query, keep_blank_values=True)
        asked = dict(pairs)
        holds = (
            len(pairs) == len(asked)
            and asked.get("client_id") == self._client[0]
            and asked.get("redirect_uri") in self._redirect_uris
            and asked.get("response_type") == "code"
            and "openid" in asked.get("scope", "").split()
            and asked.get("state")
            and asked.get("nonce")
            and asked.get("code_challenge_method") == "S256"
        )
        if not holds:
            return Response("not a request this provider answers", 400)
        code = secrets.token_urlsafe(32)
        self._codes[code] = (asked, time.time())
        return RedirectResponse(f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}", 303)

    async def _token(self, request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode("ascii")))
        if _credentials(request, form) != self._client:
            return JSONResponse({"error": "invalid_client"}, 401)
        asked, confirmed_at = self._codes.pop(form.get("code", ""), ({}, 0.0))
        verifier = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        holds = (
            form.get("grant_type") == "authorization_code"
            and time.time() - confirmed_at <= CODE_S
            and form.get("redirect_uri") == asked.get("redirect_uri")
            and base64.urlsafe_b64encode(verifier).rstrip(b"=").decode() == asked.get("code_challenge")
        )
        if not holds:
            return JSONResponse({"error": "invalid_grant"}, 400)
        token, sub = secrets.token_urlsafe(32), secrets.token_hex(32)
        self._tokens[token] = sub
        answer = {"access_token": token, "token_type": "Bearer", "expires_in": TOKEN_S}
        return JSONResponse(
            {**answer, "id_token": self._id_token(sub, asked["nonce"])}, headers={"cache-control": "no-store"}
        )

    def _id_token(self, sub: str, nonce: str) -> str:
        now = int(time.time())
        claims = {
            "iss": self._issuer,
            "aud": self._client[0],
            "sub": sub,
            "nonce": nonce,
            "iat": now,
            "exp": now + TOKEN_S,
        }
        email = {"email": CLAIMS["email"], "email_verified": True}
        return jwt.encode({"alg": "RS256", "kid": "bench"}, {**claims, **email}, self._key)

    async def _userinfo(self, request: Request) -> Response:
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        sub = self._tokens.get(token)
        if kind.lower() != "bearer" or sub is None:
            return JSONResponse({"error": "invalid_token"}, 401)
        return JSONResponse({"sub": sub, **CLAIMS, "email_verified": True})


def _credentials(request: Request, form: dict[str, str]) -> tuple[str, str]:
    """client_secret_basic, or client_secret_post."""
    kind, _, value = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "basic":
        return form.get("client_id", ""), form.get("client_secret", "")
    try:
        name, _, secret = base64.b64decode(value).decode("ascii").partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return unquote(name), unquote(secret)


def main() -> None:
    port, client_id, secret, *redirect_uris = sys.argv[1:]
    provider = Provider(f"http://127.0.0.1:{port}", client_id, secret, frozenset(redirect_uris))
    uvicorn.run(provider.app, host="127.0.0.1", port=int(port), access_log=False, log_level="warning")


if __name__ == "__main__":
    main()
