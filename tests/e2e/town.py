"""One running town for the table of branches: every server on its own, and what the application received."""

import base64
import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from pathlib import Path

from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.sandbox.api_particulier import ApiFaults
from gateway.sandbox.franceconnect.tokens import Faults
from gateway.sandbox.proconnect import SandboxProConnect
from tests.agents import agents_at, proconnect_of
from tests.parts import Part, Parts, parts
from tests.world import World, bound_sockets, served

HOUR_S = 3700
"""After which quotas, attempts and marks are forgotten."""

HEAD = """
purpose: Essai {name}
legal_basis: mission d'intérêt public
retention: session
login: {{acr: eidas1{login}}}
alternative:
  url: /autrement/{name}/justificatif
  text: {{fr: Déposer une attestation}}
  how: {{fr: "par courrier, ou au guichet, 1 place de la Mairie"}}
  delay: {{fr: 5 jours ouvrés}}
"""
QUOTIENT = "inject: {X-Caf-Statut: household.status, X-Caf-Quotient: household.family_quotient}\n"
ADDRESS = "inject: {X-Caf-Statut: household.status, X-Caf-Quotient: household.address.city}\n"
NURSERY = "inject: {X-Caf-Statut: childcare.status, X-Caf-Quotient: childcare.annual_resources}\n"


def _policy(name: str, rule: str, inject: str, login: str = "") -> str:
    return HEAD.format(name=name, login=login) + rule + "\n" + inject


SUITE = "-suite"
"""The same needs, with the status alone for the application where there is no value."""


def _pair(name: str, rule: str, inject: str = QUOTIENT) -> dict[str, str]:
    """A policy that refuses what is missing, and its twin that tells the application of it."""
    source, _, keys = rule.partition(": ")
    keys = keys[1:-1]
    return {
        each: _policy(each, f"{source}: {{{keys}, when_missing: {word}}}", inject)
        for each, word in ((name, "alternative"), (name + SUITE, "forward"))
    }


POLICIES = {
    **_pair("quotient", "household: {review: false}"),
    **_pair("ville", "household: {review: false}", ADDRESS),
    **_pair("relu", "household: {review: true}"),
    **_pair("identite", "household: {mode: identity, review: false}"),
    **_pair("age", "household: {review: false, child_age: {between: [3, 11]}}"),
    **_pair("bebe", "childcare: {review: false}", NURSERY),
    **_pair("avecnom", "household: {mode: number, review: false}"),
    "choix": _policy("choix", "household: {review: true, when_missing: {declined: forward, document_provided: forward, default: alternative}}", QUOTIENT),
    "libre": _policy("libre", "household: {review: false}", ADDRESS, ", optional: true"),
    "situation": _policy("situation", "childcare: {review: false}", NURSERY).replace(
        "alternative:\n", "alternative:\n  special: {url: /situation/particuliere, text: {fr: \"Famille d'accueil, accueil d'urgence, ressources inconnues : le tarif plancher s'applique, un agent vous répond.\"}}\n"),
    "lie": _policy("lie", "allow: {all: [{identity.sub: {is: celui-de-quelqu-un-d-autre}}]}\nrefused: {text: {fr: Ce compte est déjà associé à une autre identité. Un agent peut la changer.}, url: /contact}", "inject: {X-Usager-Nom: identity.birth_name}\n"),
    "reserve": _policy("reserve", "allow: {all: [{identity.age: {at_least: 130}}]}\nrefused: {text: {fr: Réservé aux aînés.}, url: /contact}", "inject: {X-Usager-Nom: identity.birth_name}\n"),
    "numero": """
purpose: Essai numero
retention: session
household: {mode: number, match: none, review: true, when_missing: alternative}
alternative: {url: /autrement/numero/justificatif, text: {fr: Déposer une attestation}}
""" + QUOTIENT,
}  # fmt: skip

ROUTES = "".join(f'  - {{path: /{name}/, upstream: "UPSTREAM", policy: {name}}}\n' for name in POLICIES)


class Received:
    """Around the application: every header that reached it, and what the assertions among them say."""

    def __init__(self) -> None:
        self.headers: list[str] = []

    def around(self, app: ASGIApp) -> ASGIApp:
        async def noted(scope: Scope, receive: Receive, send: Send) -> None:
            for name, value in scope.get("headers", ()):
                self.headers.append(f"{name.decode('latin-1')}: {_said(name, value)}")
            await app(scope, receive, send)

        return noted


def _said(name: bytes, value: bytes) -> str:
    if name != b"x-gateway-assertion":
        return value.decode("utf-8", "replace")
    payload = value.split(b".")[1]
    return json.dumps(json.loads(base64.urlsafe_b64decode(payload + b"=" * (-len(payload) % 4))), ensure_ascii=False)


@dataclass
class Town:
    parts: Parts
    proconnect: SandboxProConnect
    received: Received = field(repr=False)

    @property
    def world(self) -> World:
        return self.parts.world

    @property
    def url(self) -> str:
        return self.world.url

    @property
    def disputes(self) -> Path:
        return self.world.folder / "var" / "disputes.db"

    def later(self, seconds: float) -> None:
        self.world.clock.ahead_s += seconds
        self.parts.provider_clock.ahead_s += seconds

    def afresh(self) -> None:
        """An hour later: nothing is broken, spent or remembered, and nobody has contested anything."""
        self.later(HOUR_S)
        for name, usual in ((each.name, each.default) for each in fields(Faults)):
            setattr(self.world.franceconnect.faults, name, usual)
        self.world.api.faults = ApiFaults()
        for part in (self.parts.franceconnect, self.parts.api):
            _up(part)
        if self.disputes.exists():
            with sqlite3.connect(self.disputes) as store:
                store.execute("DELETE FROM records")
                store.execute("DELETE FROM counters")
        self.received.headers.clear()


def _up(part: Part) -> None:
    if part._running is None:
        part.start()


@contextmanager
def town(folder: Path, *, quotas: str = "") -> Iterator[Town]:
    """`quotas` is the YAML of `household.api_particulier.quotas`."""
    (own,) = bound_sockets(1)
    issuer = f"http://127.0.0.1:{own.getsockname()[1]}/api/v2"
    token = "token: {env: API_PARTICULIER_TOKEN}\n    "
    limits = f"quotas: {{{quotas}}}\n    " if quotas else ""
    changes = agents_at(issuer) | {"mode: franceconnect ": f"{token}{limits}mode: franceconnect "}
    received = Received()
    with parts(
        folder, routes=ROUTES, policies=POLICIES, changes=changes, broker=True, seen_by=received.around
    ) as all_up:
        proconnect = proconnect_of(all_up.world, issuer)
        with served([(proconnect.app, own)]):
            yield Town(all_up, proconnect, received)
