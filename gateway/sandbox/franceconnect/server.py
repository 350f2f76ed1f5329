"""The endpoints of FranceConnect v2 (low), and its pages: no script, plain HTML."""

import html
import uuid
from collections.abc import Mapping, Sequence
from urllib.parse import urlencode, urlsplit

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from gateway.ports import Clock, NewToken
from gateway.sandbox.franceconnect.assertions import ALGORITHMS, Assertions
from gateway.sandbox.franceconnect.rules import (
    CLAIMS_OF,
    LOGOUT,
    SandboxClient,
    is_acceptable,
    lowest_acr,
    once_each,
    requested_claims,
)
from gateway.sandbox.franceconnect.tokens import Faults, Grant, Introspection, Tokens
from gateway.sandbox.identities import SandboxIdentity, identities

SESSION_S = 1800
INTERACTION_S = 1800
_COOKIE = "sandbox-fc-session"
_DOCS = "https://docs.partenaires.franceconnect.gouv.fr/fs/fs-technique/fs-technique-erreurs/"
_OUTAGES = {"Y010011": "temporarily_unavailable", "Y010012": "temporarily_unavailable"}


class SandboxFranceConnect:
    """One FranceConnect with its clients. `issuer` carries the path under which everything answers."""

    def __init__(self, issuer: str, clients: Sequence[SandboxClient], clock: Clock, new_token: NewToken) -> None:
        self.issuer = issuer
        self.faults = Faults()
        self.tokens = Tokens(issuer, clock, new_token, self.faults)
        self._assertions = Assertions(issuer, clock)
        self._clients = {client.client_id: client for client in clients}
        self._clock = clock
        self._new_token = new_token
        self._interactions: dict[str, tuple[dict[str, str], float]] = {}
        self._sessions: dict[str, tuple[str, float]] = {}
        base = urlsplit(issuer).path
        self.app = Starlette(
            routes=[
                Route(f"{base}/authorize", self._authorize, methods=["GET", "POST"]),
                Route(f"{base}/choose/{{uid}}", self._choose, methods=["POST"]),
                Route(f"{base}/consent/{{uid}}", self._consent, methods=["POST"]),
                Route(f"{base}/back/{{uid}}", self._back, methods=["GET"]),
                Route(f"{base}/token", self._token, methods=["POST"]),
                Route(f"{base}/userinfo", self._userinfo, methods=["GET"]),
                Route(f"{base}/jwks", self._jwks, methods=["GET"]),
                Route(f"{base}/.well-known/openid-configuration", self._metadata, methods=["GET"]),
                Route(f"{base}/session/end", self._end_session, methods=["GET"]),
                Route(f"{base}/token/revocation", self._revoke, methods=["POST"]),
            ]
        )

    def introspect(self, token: str) -> Introspection | None:
        return self.tokens.introspect(token)

    # --- the front channel

    async def _authorize(self, request: Request) -> Response:
        raw = await request.body() if request.method == "POST" else request.url.query.encode()
        asked = once_each(raw)
        if asked is None or not is_acceptable(asked):
            return self._error_page("Y030007", 400)
        client = self._clients.get(asked["client_id"])
        if client is None:
            return self._error_page("Y04EA6EF", 400)
        if asked["redirect_uri"] not in client.redirect_uris:
            return self._error_page("Y04C013C", 400)
        if "amr" in (requested_claims(asked) or {}):
            # A right of its own, which no service of the sandbox has.
            return self._error_page("Y100009", 400)
        if (refusal := _refusal(asked, client)) is not None:
            return self._redirect(asked, refusal)
        uid = self._new_token()
        self._interactions[uid] = (asked, self._clock())
        login = self._signed_in(request)
        return self._consent_page(uid, client, identities()[login]) if login else self._choice_page(uid, client)

    def _signed_in(self, request: Request) -> str | None:
        login, seen_at = self._sessions.get(request.cookies.get(_COOKIE, ""), ("", 0.0))
        return login if login and self._clock() - seen_at < SESSION_S else None

    def _asked(self, request: Request) -> tuple[str, dict[str, str]] | None:
        uid = request.path_params["uid"]
        asked, began_at = self._interactions.get(uid, ({}, 0.0))
        return (uid, asked) if asked and self._clock() - began_at < INTERACTION_S else None

    async def _choose(self, request: Request) -> Response:
        found, form = self._asked(request), once_each(await request.body()) or {}
        identity = identities().get(form.get("login", ""))
        if found is None or identity is None:
            return self._error_page("Y420001", 400)
        uid, asked = found
        client = self._clients[asked["client_id"]]
        if identity.error:
            return self._error_page(identity.error, 403, uid, client)
        session = self._new_token()
        self._sessions[session] = (identity.login, self._clock())
        page = self._consent_page(uid, client, identity)
        page.set_cookie(_COOKIE, session, max_age=SESSION_S, path="/", httponly=True, samesite="lax")
        return page

    async def _consent(self, request: Request) -> Response:
        found, login = self._asked(request), self._signed_in(request)
        if found is None or login is None:
            return self._error_page("Y190001", 401)
        uid, asked = found
        del self._interactions[uid]
        code = self.tokens.confirm(self._clients[asked["client_id"]], identities()[login], asked)
        return self._redirect(asked, {"code": code})

    async def _back(self, request: Request) -> Response:
        found = self._asked(request)
        if found is None:
            return self._error_page("Y190001", 401)
        uid, asked = found
        del self._interactions[uid]
        code = request.query_params.get("code", "")
        if code in _OUTAGES:
            text = "authentication aborted due to a technical error on the authorization server"
            return self._redirect(asked, {"error": _OUTAGES[code], "error_description": text})
        text = "user authentication aborted" if code else "User auth aborted"
        return self._redirect(asked, {"error": "access_denied", "error_description": text})

    def _redirect(self, asked: Mapping[str, str], answer: Mapping[str, str]) -> Response:
        query = urlencode({**answer, "state": asked["state"], "iss": self.issuer})
        # The default response mode of every type that would have brought a token.
        joint = "#" if "token" in asked["response_type"] else "?"
        return RedirectResponse(f"{asked['redirect_uri']}{joint}{query}", 303)

    async def _end_session(self, request: Request) -> Response:
        asked = once_each(request.url.query.encode())
        if asked is None or not asked.keys() <= LOGOUT or not asked.get("id_token_hint"):
            return self._error_page("Y030007", 400)
        claims = self.tokens.is_ours(asked["id_token_hint"])
        client = self._clients.get(str((claims or {}).get("aud")))
        if claims is None or client is None or claims.get("iss") != self.issuer:
            return self._error_page("Y045AFAE", 400)
        if asked.get("client_id", client.client_id) != client.client_id:
            return self._error_page("Y045AFAE", 400)
        target = asked.get("post_logout_redirect_uri")
        if target is not None and target not in client.post_logout_redirect_uris:
            return self._error_page("Y04CFAEF", 400)
        self._sessions.pop(request.cookies.get(_COOKIE, ""), None)
        if target is None:
            return _page("Vous êtes déconnecté", "<p>Votre session FranceConnect est terminée.</p>")
        state = f"?{urlencode({'state': asked['state']})}" if "state" in asked else ""
        response = RedirectResponse(target + state, 303)
        response.delete_cookie(_COOKIE, path="/")
        return response

    # --- the back channel

    async def _token(self, request: Request) -> Response:
        form = once_each(await request.body())
        if self.faults.token_status != 200:
            return Response("<html>", self.faults.token_status, media_type="text/html")
        if form is None or not _is_form(request) or "authorization" in request.headers:
            return _oauth_error(400, "invalid_request", "one form, one client authentication", "undefined", "Y048017B")
        client = self._authenticated(form)
        if client is None:
            return _oauth_error(
                401, "invalid_client", "client authentication failed", "invalid secret provided", "Y0434A7B"
            )
        if form.get("grant_type") != "authorization_code" or not form.get("code"):
            return _oauth_error(400, "invalid_request", "missing required parameter 'code'", "undefined", "Y048017B")
        grant = self.tokens.by_code(form["code"])
        if (refused := self._code_refusal(grant, client, form)) is not None or grant is None:
            return refused or _oauth_error(
                400, "invalid_grant", "grant request is invalid", "authorization code not found", "Y049E20B"
            )
        return JSONResponse(self.tokens.redeem(grant), headers={"cache-control": "no-store"})

    def _authenticated(self, form: Mapping[str, str]) -> SandboxClient | None:
        """One way each: a client that registered keys shows no secret, and a client with a secret no assertion."""
        client = self._clients.get(form.get("client_id", ""))
        if client is None:
            return None
        if client.jwks is not None or "client_assertion" in form:
            return client if self._assertions.proves(form, client) else None
        return client if client.client_secret and form.get("client_secret") == client.client_secret else None

    def _code_refusal(self, grant: Grant | None, client: SandboxClient, form: Mapping[str, str]) -> Response | None:
        invalid = "grant request is invalid"
        if grant is None or grant.client is not client:
            return _oauth_error(400, "invalid_grant", invalid, "authorization code not found", "Y049E20B")
        if grant.redeemed:
            grant.revoked = True
            return _oauth_error(400, "invalid_grant", invalid, "authorization code already consumed", "Y0416228")
        if self.tokens.is_code_expired(grant):
            return _oauth_error(400, "invalid_grant", invalid, "authorization code is expired", "Y043F0A8")
        if form.get("redirect_uri") != grant.redirect_uri:
            return _oauth_error(400, "invalid_grant", invalid, "authorization code redirect_uri mismatch", "Y04F8199")
        return None

    async def _userinfo(self, request: Request) -> Response:
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer" or not token:
            return _oauth_error(
                401, "invalid_token", "no access token provided", "no access token provided", "Y04146A2"
            )
        grant = self.tokens.by_token(token)
        if grant is None or self.tokens.is_grant_over(grant) or self.faults.userinfo_status != 200:
            return _oauth_error(401, "invalid_token", "invalid token provided", "access token not found", "Y040001")
        return Response(self.tokens.userinfo(grant), headers={"content-type": self.faults.userinfo_type})

    async def _revoke(self, request: Request) -> Response:
        form = once_each(await request.body())
        if form is None or form.keys() != {"token", "client_id", "client_secret"}:
            return _oauth_error(400, "invalid_request", "parameter not allowed", "closed list", "Y030007")
        if len(form["token"]) < 43 or len(form["client_secret"]) < 32:
            return _oauth_error(400, "invalid_request", "parameter too short", "closed list", "Y030007")
        if self._authenticated(form) is None:
            return _oauth_error(
                401, "invalid_client", "client authentication failed", "invalid secret provided", "Y0434A7B"
            )
        grant = self.tokens.by_token(form["token"])
        if grant is not None:
            grant.revoked = True
        return Response(status_code=200)

    async def _jwks(self, request: Request) -> Response:
        headers = {"content-type": "application/jwk-set+json", "cache-control": "public, max-age=600"}
        return JSONResponse(self.tokens.jwks(), headers=headers)

    async def _metadata(self, request: Request) -> Response:
        document = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "jwks_uri": f"{self.issuer}/jwks",
            "end_session_endpoint": f"{self.issuer}/session/end",
            "revocation_endpoint": f"{self.issuer}/token/revocation",
            "acr_values_supported": ["eidas1"],
            "response_types_supported": ["code"],
            "response_modes_supported": ["form_post", "fragment", "query"],
            "grant_types_supported": ["authorization_code"],
            "subject_types_supported": ["pairwise"],
            "scopes_supported": sorted(CLAIMS_OF),
            "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
            "token_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
            "id_token_signing_alg_values_supported": ["HS256", "ES256", "RS256"],
            "userinfo_signing_alg_values_supported": ["HS256", "ES256", "RS256"],
            # As misleading as the real one: S256 is advertised, and every PKCE parameter refused.
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
            "claims_parameter_supported": True,
            "request_parameter_supported": False,
        }
        return JSONResponse(document, headers={"cache-control": "public, max-age=600"})

    # --- pages

    def _choice_page(self, uid: str, client: SandboxClient) -> Response:
        base = urlsplit(self.issuer).path
        buttons = "".join(_identity_button(base, uid, identity) for identity in identities().values())
        back = f'<p><a href="{base}/back/{uid}">Revenir à {html.escape(client.name)}</a></p>'
        return _page("Choisir une identité d’essai", f"<ul>{buttons}</ul>{back}")

    def _consent_page(self, uid: str, client: SandboxClient, identity: SandboxIdentity) -> Response:
        base = urlsplit(self.issuer).path
        asked, _ = self._interactions[uid]
        scopes = "".join(f"<li>{html.escape(scope)}</li>" for scope in asked["scope"].split())
        person = html.escape(f"{identity.claims['given_name']} {identity.claims['family_name']}")
        button = f'<button type="submit">Continuer vers {html.escape(client.name)}</button>'
        form = f'<form method="post" action="{base}/consent/{uid}">{button}</form>'
        back = f'<p><a href="{base}/back/{uid}">Revenir à {html.escape(client.name)}</a></p>'
        return _page("Vous êtes identifié", f"<p>{person}</p><p>Données transmises :</p><ul>{scopes}</ul>{form}{back}")

    def _error_page(self, code: str, status: int, uid: str = "", client: SandboxClient | None = None) -> Response:
        back = ""
        if client is not None:
            base = urlsplit(self.issuer).path
            back = f'<p><a href="{base}/back/{uid}?code={code}">Revenir à {html.escape(client.name)}</a></p>'
        body = f"<p>Code d’erreur : <strong>{code}</strong></p><p>Identifiant : {uuid.uuid4()}</p>{back}"
        return _page("Une erreur technique est survenue", body, status)


def _is_form(request: Request) -> bool:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind == "application/x-www-form-urlencoded"


def _refusal(asked: Mapping[str, str], client: SandboxClient) -> dict[str, str] | None:
    """What is sent back to the service with an error."""
    if asked["response_type"] != "code":
        return {"error": "unsupported_response_type", "error_description": "unsupported response_type requested"}
    acr = lowest_acr(asked["acr_values"])
    if acr != "eidas1":
        text = f"acr_value is not valid, should be equal one of these values, expected eidas1, got {acr}"
        return {"error": "invalid_acr", "error_description": text}
    if "idp_hint" in asked:
        return {"error": "invalid_idp_hint", "error_description": "An idp_hint was provided but is not allowed"}
    ungranted = [scope for scope in asked["scope"].split() if scope in CLAIMS_OF and scope not in client.scopes]
    if ungranted:
        description = "requested scope is not allowed"
        return {"error": "invalid_scope", "error_description": description, "scope": " ".join(ungranted)}
    return None


def _identity_button(base: str, uid: str, identity: SandboxIdentity) -> str:
    name = html.escape(f"{identity.claims['given_name']} {identity.claims['family_name']}")
    label = html.escape(identity.label)
    return (
        f'<li><form method="post" action="{base}/choose/{uid}"><button type="submit" name="login" '
        f'value="{html.escape(identity.login)}">{name}</button> {label}</form></li>'
    )


def _page(title: str, body: str, status: int = 200) -> Response:
    style = (
        "body{font:1rem/1.5 sans-serif;max-width:45rem;margin:1rem auto;padding:0 1rem}"
        "li{margin:.4rem 0}button{font:inherit;padding:.4rem .8rem}"
    )
    return HTMLResponse(
        f'<!doctype html><html lang="fr"><head><meta charset="utf-8"><meta name="viewport" '
        f'content="width=device-width"><title>{title}</title><style>{style}</style></head>'
        f"<body><p><strong>FranceConnect simulé</strong></p><h1>{title}</h1>{body}</body></html>",
        status,
        headers={"cache-control": "no-store"},
    )


def _oauth_error(status: int, error: str, description: str, detail: str, code: str) -> Response:
    body = {
        "error": error,
        "error_description": f"{description} ({detail})",
        "error_uri": f"{_DOCS}?code={code}&id={uuid.uuid4()}",
    }
    return JSONResponse(body, status, headers={"cache-control": "no-store"})
