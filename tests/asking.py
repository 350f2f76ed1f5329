"""A proxy that asks `/_gateway/auth`, as far as the gateway can see one: for tests of forward-auth."""

import warnings
from typing import Any

import httpx
from joserfc import jwt
from joserfc.errors import SecurityWarning
from joserfc.jwk import KeySet

from gateway.sandbox.identities import MATCHING
from tests.browser import Person
from tests.world import World

LISTED = {"trusted_proxies: []": "trusted_proxies: [127.0.0.1/32]"}

NAVIGATION = {"accept": "text/html", "sec-fetch-mode": "navigate"}
PROGRAM = {"accept": "application/json", "sec-fetch-mode": "cors"}

OPENED = """
purpose: Salon de discussion
legal_basis: mission d'intérêt public
retention: session
login: {acr: eidas1}
alternative: {url: /accueil, text: Se présenter à l'accueil}
inject: {X-Usager-Id: identity.sub}
"""
FILES: dict[str, Any] = {
    "changes": LISTED | {"mode: franceconnect ": "mode: franceconnect\n    token: {env: API_PARTICULIER_TOKEN} "},
    "policies": {
        "salon": OPENED,
        "majeurs": OPENED + "allow: {all: [{identity.age: {at_least: 150}}]}\nrefused: {text: Trop jeune.}\n",
        "lecture": OPENED + "allow: {all: [{request.method: {in: [GET, HEAD]}}]}\n",
        "numero": OPENED.replace("identity.sub", "identity.sub, X-Caf-Statut: household.status")
        + "household: {mode: number, review: false, when_missing: alternative}\n",
    },
    "routes": """\
  - {path: /salon/, upstream: "UPSTREAM", policy: salon, websocket: true}
  - {path: /majeurs/, upstream: "UPSTREAM", policy: majeurs}
  - {path: /lecture/, upstream: "UPSTREAM", policy: lecture}
  - {path: /numero/, upstream: "UPSTREAM", policy: numero}
  - {path: /appli/, upstream: "UPSTREAM", policy: salon, strip_prefix: /appli, add_prefix: /v1, preserve_host: false}
  - {path: /jetons/, upstream: "UPSTREAM", policy: salon, allow_in_path: [semicolon]}
  - {host: enfance.localhost, path: /, upstream: "UPSTREAM", policy: public}
""",
}

Fields = list[tuple[str, str]]


def named(world: World, method: str = "GET", uri: str = "/compte/", host: str = "") -> Fields:
    """The original request in the family that Traefik and Caddy use."""
    return [
        ("X-Forwarded-Method", method),
        ("X-Forwarded-Host", host or httpx.URL(world.url).netloc.decode()),
        ("X-Forwarded-Uri", uri),
    ]


def cookies_of(person: Person) -> Fields:
    """The gateway's: a jar does not tell one port of a host from another, where the sandbox has its own."""
    ours = [each for each in person.client.cookies.jar if each.name.startswith("gateway-")]
    return [("Cookie", "; ".join(f"{cookie.name}={cookie.value}" for cookie in ours))]


def ask(
    world: World,
    original: Fields,
    *,
    person: Person | None = None,
    headers: dict[str, str] = NAVIGATION,
    query: str = "",
    method: str = "GET",
    more: Fields | None = None,
) -> httpx.Response:
    """One question on a connection of its own, from 127.0.0.1, with no redirect followed."""
    said = [*original, *headers.items(), *(cookies_of(person) if person else []), *(more or [])]
    url = f"http://127.0.0.1:{world.settings.listen.port}/_gateway/auth{query}"
    with httpx.Client(trust_env=False, timeout=30, verify=False) as client:
        client.headers.clear()
        return client.request(method, url, headers=said)


def claims_of(world: World, answer: httpx.Response) -> dict[str, Any]:
    """What the assertion says, once its signature holds under the published keys."""
    keys = KeySet.import_key_set(httpx.get(f"{world.url}/_gateway/keys", trust_env=False).json())
    with warnings.catch_warnings():
        # RFC 9864 renames EdDSA.
        warnings.simplefilter("ignore", SecurityWarning)
        token = jwt.decode(answer.headers["x-gateway-assertion"], keys, algorithms=["ES256", "EdDSA"])
    return dict(token.claims)


def code_of(answer: httpx.Response) -> str:
    return str(answer.json()["code"])


def parent_of(world: World) -> Person:
    """A person who is signed in."""
    person = world.person()
    world.sign_in(person, "/compte/", MATCHING)
    return person


def through(
    world: World, path: str, person: Person | None = None, method: str = "GET", **request: Any
) -> httpx.Response:
    """A program's request to the public address, where a proxy stands, on a connection of its own."""
    more = request.pop("headers", [])
    said: Fields = [*PROGRAM.items(), *(cookies_of(person) if person else []), *more]
    with httpx.Client(base_url=world.url, trust_env=False, timeout=30, verify=False) as client:
        return client.request(method, path, headers=said, **request)
