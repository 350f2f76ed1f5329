"""ProConnect, simulated: two agents to sign in as. As small as answering disputes needs, with fresh keys."""

import html
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from joserfc import jws
from joserfc.jwk import RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from gateway.ports import Clock, NewToken
from gateway.sandbox.franceconnect.rules import SandboxClient

CODE_S = 30
TOKEN_S = 60
_KID = "pkcs11:RS256:proconnect"

AGENTS: Mapping[str, Mapping[str, str]] = {
    "agent-enfance": {"given_name": "Camille", "usual_name": "ESSAI", "email": "camille.essai@ville.example"},
    "agent-autre": {"given_name": "Dominique", "usual_name": "EXEMPLE", "email": "dominique.exemple@ailleurs.example"},
}
"""Plainly invented people, by `uid`."""


class SandboxProConnect:
    """One ProConnect with one client. `issuer` carries the path under which everything answers.

    `published_at`: where its metadata say that its endpoints are, when that is another origin than the issuer's.
    """

    def __init__(
        self, issuer: str, client: SandboxClient, clock: Clock, new_token: NewToken, *, published_at: str = ""
    ) -> None:
        self.issuer = issuer
        self._published_at = published_at or issuer
        self._client = client
        self._clock = clock
        self._new_token = new_token
        self._key = RSAKey.generate_key(2048)
        self._codes: dict[str, tuple[str, str, float]] = {}
        self._tokens: dict[str, tuple[str, float]] = {}
        base = urlsplit(issuer).path
        self.app = Starlette(
            routes=[
                Route(f"{base}/authorize", self._authorize, methods=["GET"]),
                Route(f"{base}/choose", self._choose, methods=["POST"]),
                Route(f"{base}/token", self._token, methods=["POST"]),
                Route(f"{base}/userinfo", self._userinfo, methods=["GET"]),
                Route(f"{base}/jwks", self._jwks, methods=["GET"]),
                Route(f"{base}/session/end", self._end_session, methods=["GET"]),
                Route(f"{base}/.well-known/openid-configuration", self._metadata, methods=["GET"]),
            ]
        )

    def sub(self, uid: str) -> str:
        """What the gateway's list of agents names; the real one gives an identifier that nobody can read."""
        return uid

    async def _authorize(self, request: Request) -> Response:
        asked = dict(request.query_params)
        refused = (
            asked.get("client_id") != self._client.client_id
            or asked.get("redirect_uri") not in self._client.redirect_uris
            or asked.get("response_type") != "code"
            or "openid" not in asked.get("scope", "").split()
            or not asked.get("state")
            or not asked.get("nonce")
        )
        if refused:
            return _page("Demande refusée", "<p>Un paramètre manque ou n’est pas accepté.</p>", 400)
        kept = "".join(
            f'<input type="hidden" name="{name}" value="{html.escape(asked[name])}">'
            for name in ("redirect_uri", "state", "nonce")
        )
        buttons = "".join(
            f'<p><button type="submit" name="uid" value="{uid}">{who["given_name"]} {who["usual_name"]}</button></p>'
            for uid, who in AGENTS.items()
        )
        action = f"{urlsplit(self.issuer).path}/choose"
        return _page("Choisir un agent d’essai", f'<form method="post" action="{action}">{kept}{buttons}</form>')

    async def _choose(self, request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode("ascii")))
        if form.get("redirect_uri") not in self._client.redirect_uris or form.get("uid") not in AGENTS:
            return _page("Demande refusée", "<p>Recommencez.</p>", 400)
        code = self._new_token()
        self._codes[code] = (form["uid"], form["nonce"], self._clock())
        query = urlencode({"code": code, "state": form["state"], "iss": self.issuer})
        return RedirectResponse(f"{form['redirect_uri']}?{query}", 303)

    async def _token(self, request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode("ascii")))
        known = (form.get("client_id"), form.get("client_secret"))
        if known != (self._client.client_id, self._client.client_secret):
            return JSONResponse({"error": "invalid_client"}, 401)
        uid, nonce, at = self._codes.pop(form.get("code", ""), ("", "", 0.0))
        if not uid or self._clock() - at > CODE_S or form.get("redirect_uri") not in self._client.redirect_uris:
            return JSONResponse({"error": "invalid_grant"}, 400)
        token = self._new_token()
        self._tokens[token] = (uid, self._clock())
        answer = {"access_token": token, "token_type": "Bearer", "expires_in": TOKEN_S, "scope": "openid"}
        return JSONResponse({**answer, "id_token": self._signed(uid, {"nonce": nonce, "acr": "eidas1"})})

    async def _userinfo(self, request: Request) -> Response:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        uid, at = self._tokens.get(token, ("", 0.0))
        if not uid or self._clock() - at > TOKEN_S:
            return JSONResponse({"error": "invalid_token"}, 401)
        return Response(self._signed(uid, {"uid": uid}), headers={"content-type": "application/jwt"})

    def _signed(self, uid: str, claims: dict[str, Any]) -> str:
        now = int(self._clock())
        common = {"iss": self.issuer, "aud": self._client.client_id, "sub": self.sub(uid), "iat": now}
        payload = json.dumps({**common, "exp": now + TOKEN_S, "auth_time": now, **claims}).encode()
        return jws.serialize_compact({"alg": "RS256", "kid": _KID}, payload, self._key, algorithms=["RS256"])

    async def _jwks(self, request: Request) -> Response:
        public = {**self._key.as_dict(private=False), "kid": _KID, "use": "sig", "alg": "RS256"}
        return JSONResponse({"keys": [public]})

    async def _end_session(self, request: Request) -> Response:
        target = request.query_params.get("post_logout_redirect_uri")
        if target not in self._client.post_logout_redirect_uris:
            return _page("Vous êtes déconnecté", "<p>La session ProConnect est terminée.</p>")
        state = request.query_params.get("state")
        return RedirectResponse(target + (f"?{urlencode({'state': state})}" if state else ""), 303)

    async def _metadata(self, request: Request) -> Response:
        paths = {
            "authorization_endpoint": "/authorize",
            "token_endpoint": "/token",
            "userinfo_endpoint": "/userinfo",
            "jwks_uri": "/jwks",
            "end_session_endpoint": "/session/end",
        }
        document: dict[str, object] = {name: self._published_at + path for name, path in paths.items()}
        document |= {
            "issuer": self.issuer,
            "acr_values_supported": ["eidas1"],
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "scopes_supported": ["openid", "uid", "given_name", "usual_name", "email", "siret"],
            "token_endpoint_auth_methods_supported": ["client_secret_post"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "userinfo_signing_alg_values_supported": ["RS256"],
            "authorization_response_iss_parameter_supported": True,
        }
        return JSONResponse(document)


def _page(title: str, body: str, status: int = 200) -> Response:
    return HTMLResponse(
        f'<!doctype html><html lang="fr"><head><meta charset="utf-8"><title>{title}</title></head>'
        f"<body><p><strong>ProConnect simulé</strong></p><h1>{title}</h1>{body}</body></html>",
        status,
        headers={"cache-control": "no-store"},
    )
