"""A plain OpenID provider that does what a test tells it to, honest by default, and a gateway that logs in with it."""

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode

import httpx
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from joserfc.jwk import ECKey, RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from tests.browser import Page, Person
from tests.world import FC_SECRET, MovedClock, World, bound_sockets, running, served

ROOT = Path(__file__).resolve().parents[1]

CLIENT_ID = "passerelle"
SUB = "agent-7"
SID = "provider-session-1"
LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"

Claims = dict[str, Any]
Alter = Callable[[Claims], Claims]

PERSON: Claims = {
    "sub": SUB,
    "given_name": "Camille Rose",
    "family_name": "MARTIN",
    "preferred_username": "cmartin",
    "birthdate": "1980-02-03",
    "gender": "female",
    "email": "camille.martin@ville.example",
    "email_verified": True,
}


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def changed(**changes: Any) -> Alter:
    """The claims with these changes; `...` takes one away."""
    return lambda claims: {name: value for name, value in (claims | changes).items() if value is not ...}


@dataclass
class Play:
    """What goes otherwise than the specification says. Empty: everything is honest."""

    metadata: Alter = dict
    callback: Callable[[dict[str, str]], dict[str, str]] = dict
    id_token: Alter = dict
    id_token_raw: Callable[[str], str] = str
    header: Alter = dict
    sign: Callable[[str], str] | None = None
    """The whole signature of a `head.payload`, as base64url."""
    token: Alter = dict
    userinfo: Alter = dict
    userinfo_signed: bool = False
    userinfo_raw: Callable[[str], str] = str
    jwks: Callable[[], Any] | None = None
    jwks_status: int = 200
    metadata_status: int = 200
    token_status: int = 200
    end_state: Callable[[str | None], str | None] = lambda state: state
    accepts_body_bearer_only: bool = False


@dataclass
class Seen:
    """What the gateway asked, in order."""

    authorize: list[dict[str, str]] = field(default_factory=list)
    token: list[tuple[dict[str, str], Mapping[str, str]]] = field(default_factory=list)
    userinfo: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)
    end: list[dict[str, str]] = field(default_factory=list)
    jwks: int = 0
    metadata: int = 0


class PlainProvider:
    """`issuer` carries the path under which everything answers."""

    def __init__(self, issuer: str, clock: Callable[[], float], *, alg: str = "RS256") -> None:
        self.issuer = issuer
        self.clock = clock
        self.alg = alg
        self.play = Play()
        self.seen = Seen()
        self.keys: dict[str, RSAKey | ECKey] = {}
        self.kid: str | None = None
        self.rotate("key-1")
        self._codes: dict[str, dict[str, str]] = {}
        self._nonces: dict[str, str] = {}
        self._refresh: dict[str, str] = {}
        self.app = Starlette(
            routes=[
                Route("/op/.well-known/openid-configuration", self._metadata),
                Route("/op/authorize", self._authorize),
                Route("/op/token", self._token, methods=["POST"]),
                Route("/op/userinfo", self._userinfo, methods=["GET", "POST"]),
                Route("/op/jwks", self._jwks),
                Route("/op/jwks-elsewhere", self._jwks),
                Route("/op/end", self._end),
            ]
        )

    def reset(self) -> None:
        self.play, self.seen = Play(), Seen()

    def rotate(self, kid: str | None) -> None:
        """Sign with a new key, and publish no other."""
        key: RSAKey | ECKey = RSAKey.generate_key(2048) if self.alg == "RS256" else ECKey.generate_key("P-256")
        self.keys, self.kid = {kid or "": key}, kid

    def published(self) -> dict[str, Any]:
        entries = []
        for kid, key in self.keys.items():
            alg = "RS256" if isinstance(key, RSAKey) else "ES256"
            entry = {**key.as_dict(private=False), "use": "sig", "alg": alg}
            entries.append(entry | ({"kid": kid} if kid else {}))
        return {"keys": entries}

    def sign(self, claims: Claims, typ: str | None = "JWT", *, honest: bool = False) -> str:
        play = Play() if honest else self.play
        head: Claims = {"alg": self.alg}
        head |= {"kid": self.kid} if self.kid else {}
        head |= {"typ": typ} if typ else {}
        head = play.header(head)
        message = f"{b64(json.dumps(head).encode())}.{b64(json.dumps(claims).encode())}"
        if play.sign is not None:
            return f"{message}.{play.sign(message)}"
        key = self.keys[self.kid or ""]
        return f"{message}.{signature(message, key)}"

    def logout_token(self, typ: str | None = "logout+jwt", **changes: Any) -> str:
        now = int(self.clock())
        claims: Claims = {
            "iss": self.issuer,
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 120,
            "jti": secrets.token_hex(8),
            "events": {LOGOUT_EVENT: {}},
            "sub": SUB,
            "sid": SID,
        }
        return self.sign(changed(**changes)(claims), typ, honest=True)

    # --- endpoints

    async def _metadata(self, request: Request) -> Response:
        self.seen.metadata += 1
        document: Claims = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "jwks_uri": f"{self.issuer}/jwks",
            "end_session_endpoint": f"{self.issuer}/end",
            "authorization_response_iss_parameter_supported": True,
        }
        return JSONResponse(self.play.metadata(document), self.play.metadata_status)

    async def _authorize(self, request: Request) -> Response:
        asked = {name: values[0] for name, values in parse_qs(request.url.query).items()}
        self.seen.authorize.append(asked)
        code = secrets.token_hex(16)
        self._codes[code] = asked
        answer = {"code": code, "state": asked.get("state", ""), "iss": self.issuer}
        return RedirectResponse(f"{asked['redirect_uri']}?{urlencode(self.play.callback(answer))}", 303)

    async def _token(self, request: Request) -> Response:
        form = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
        self.seen.token.append((form, dict(request.headers)))
        if self.play.token_status != 200:
            return JSONResponse({"error": "invalid_grant"}, self.play.token_status)
        if form["grant_type"] == "refresh_token":
            return self._refreshed(form)
        asked = self._codes.pop(form.get("code", ""), None)
        if asked is None or not _verifies(asked, form):
            return JSONResponse({"error": "invalid_grant"}, 400)
        return self._answer({"nonce": asked["nonce"], "sid": SID}, asked["scope"])

    def _refreshed(self, form: dict[str, str]) -> Response:
        if self._refresh.pop(form["refresh_token"], None) is None:
            return JSONResponse({"error": "invalid_grant"}, 400)
        return self._answer({}, "openid")

    def _answer(self, more: Claims, scope: str) -> Response:
        now, access, refresh = int(self.clock()), secrets.token_hex(16), secrets.token_hex(16)
        self._refresh[refresh] = SUB
        claims: Claims = {"iss": self.issuer, "sub": SUB, "aud": CLIENT_ID, "iat": now, "exp": now + 300, "acr": "1"}
        id_token = self.play.id_token_raw(self.sign(self.play.id_token(claims | more | {"at_hash": half_hash(access)})))
        body: Claims = {
            "access_token": access,
            "token_type": "Bearer",
            "expires_in": 300,
            "id_token": id_token,
            "scope": scope,
            "refresh_token": refresh,
        }
        return JSONResponse(self.play.token(body))

    async def _userinfo(self, request: Request) -> Response:
        form = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
        self.seen.userinfo.append((request.method, {**dict(request.headers), **form}))
        in_body = "access_token" in form
        if not in_body and (self.play.accepts_body_bearer_only or "authorization" not in request.headers):
            return JSONResponse({"error": "invalid_token"}, 401)
        claims = self.play.userinfo(dict(PERSON))
        if not self.play.userinfo_signed:
            return Response(self.play.userinfo_raw(json.dumps(claims)), media_type="application/json")
        signed = {"iss": self.issuer, "aud": CLIENT_ID} | claims
        return Response(self.play.userinfo_raw(self.sign(signed)), media_type="application/jwt")

    async def _jwks(self, request: Request) -> Response:
        self.seen.jwks += 1
        return JSONResponse(self.play.jwks() if self.play.jwks else self.published(), self.play.jwks_status)

    async def _end(self, request: Request) -> Response:
        asked = {name: values[0] for name, values in parse_qs(request.url.query).items()}
        self.seen.end.append(asked)
        if "post_logout_redirect_uri" not in asked:
            return PlainTextResponse("signed out")
        state = self.play.end_state(asked.get("state"))
        query = f"?{urlencode({'state': state})}" if state is not None else ""
        return RedirectResponse(asked["post_logout_redirect_uri"] + query, 303)


def signature(message: str, key: RSAKey | ECKey) -> str:
    """RS256 or ES256 over any `head.payload`, so that a header may say what it likes."""
    private = serialization.load_pem_private_key(key.as_pem(private=True), None)
    if isinstance(private, rsa.RSAPrivateKey):
        return b64(private.sign(message.encode(), padding.PKCS1v15(), hashes.SHA256()))
    assert isinstance(private, ec.EllipticCurvePrivateKey)
    r, s = decode_dss_signature(private.sign(message.encode(), ec.ECDSA(hashes.SHA256())))
    return b64(r.to_bytes(32, "big") + s.to_bytes(32, "big"))


def hmac_signature(message: str, secret: str) -> str:
    return b64(hmac.new(secret.encode(), message.encode(), hashlib.sha256).digest())


def half_hash(text: str) -> str:
    return b64(hashlib.sha256(text.encode()).digest()[:16])


def _verifies(asked: dict[str, str], form: dict[str, str]) -> bool:
    """PKCE, as a server that requires it."""
    if asked.get("code_challenge_method") != "S256":
        return False
    return b64(hashlib.sha256(form.get("code_verifier", "").encode()).digest()) == asked.get("code_challenge")


# --- a gateway that logs in with it

POLICY = """\
purpose: Outils internes
legal_basis: mission d'intérêt public
retention: session
login: {acr: eidas1, providers: [annuaire]}
inject:
  X-Usager-Nom-Usage: identity.usage_name
  X-Usager-Nom: identity.birth_name
  X-Usager-Prenoms: identity.given_names
  X-Usager-Courriel: identity.email
  X-Usager-Naissance: identity.birthdate
  X-Usager-Acr: identity.acr
  X-Usager-Fournisseur: identity.provider
"""

ROUTE = '  - {path: /agents/, upstream: "UPSTREAM", policy: agents}\n'


@dataclass
class Agents:
    """A gateway with FranceConnect for people and a plain provider, `annuaire`, for agents."""

    world: World
    provider: PlainProvider

    @property
    def clock(self) -> MovedClock:
        return self.world.clock

    def sign_in(self, person: Person | None = None, path: str = "/agents/") -> tuple[Person, Page]:
        person = person or self.world.person()
        return person, person.press(person.visit(path), "S’identifier avec Annuaire")

    def is_signed_in(self, person: Person) -> bool:
        return person.client.get("/agents/", headers={"accept": "application/json"}).status_code == 200

    def post_logout_token(self, token: str) -> httpx.Response:
        return httpx.post(
            f"{self.world.url}/_gateway/backchannel-logout", data={"logout_token": token}, trust_env=False
        )


@contextmanager
def agents(
    folder: Path,
    keys: str = "",
    *,
    alg: str = "RS256",
    secret: str = "",
    quick_lane: bool | None = None,
    routes: str = ROUTE,
) -> Iterator[Agents]:
    """`keys` is more YAML for `identity.annuaire`, one line a key."""
    (own,) = bound_sockets(1)
    provider = PlainProvider(f"http://127.0.0.1:{own.getsockname()[1]}/op", time.time, alg=alg)
    lines = [
        "profile: generic",
        f"issuer: {provider.issuer}",
        "label: Annuaire",
        "client_id: {file: client-id}",
        secret or "client_secret: {env: FC_CLIENT_SECRET}",
        *(["acr_map: {'1': eidas1, '2': eidas2}"] if "acr_map" not in keys else []),
        *([f"signing_alg: {alg}"] if alg != "RS256" else []),
        *keys.splitlines(),
    ]
    block = "  annuaire:\n" + "".join(f"    {line}\n" for line in lines)
    (folder / "client-id").write_text(CLIENT_ID + "\n", encoding="utf-8")
    policies = {"agents": POLICY}
    for path in (ROOT / "policies").glob("*.yaml"):
        policies[path.stem] = path.read_text(encoding="utf-8").replace(
            "login: {acr: eidas1}", "login: {acr: eidas1, providers: [franceconnect]}"
        )
    changes = {"\nhousehold:\n": f"{block}\nhousehold:\n"}
    with (
        served([(provider.app, own)]),
        running(folder, routes=routes, policies=policies, changes=changes, quick_lane=quick_lane) as world,
    ):
        provider.clock = world.clock
        yield Agents(world, provider)


SECRET = FC_SECRET
