"""API Particulier, simulated: validation, rights, quotas and errors of production, payloads of staging.

Cases whose name begins with `own_` are ours: staging has no nursery file whose adult is one of FranceConnect's test
identities with the same birth date.
"""

import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from gateway.ports import Clock
from gateway.sandbox.franceconnect import SandboxFranceConnect
from gateway.sandbox.franceconnect.tokens import Introspection
from gateway.sandbox.throttle import FRANCECONNECT, TOKEN, Doorkeeper, Network

BLOCKS = {
    "cnaf_quotient_familial": "quotient_familial",
    "cnaf_allocataires": "allocataires",
    "cnaf_enfants": "enfants",
    "cnaf_adresse": "adresse",
}
EAJE_BLOCKS = {
    f"cnav_participation_familiale_eaje_{scope}": block
    for scope, block in {
        "allocataires": "allocataires",
        "enfants": "enfants",
        "adresse": "adresse",
        "parametres_calcul": "parametres_calcul_participation_familiale",
    }.items()
}
PRODUCTS = {"quotient_familial": ("v3", BLOCKS), "participation_familiale_eaje": ("eaje", EAJE_BLOCKS)}
"""Product in the path → beginning of its data files, and scope → block."""
PIVOT = frozenset({"family_name", "given_name", "birthdate", "gender", "birthplace", "birthcountry"})

_NAME = re.compile(r"[A-Za-zÀ-ÖØ-öø-ÿ' -]+")
_IDENTITY = frozenset(
    [
        "nomNaissance",
        "nomUsage",
        "prenoms[]",
        "anneeDateNaissance",
        "moisDateNaissance",
        "jourDateNaissance",
        "sexeEtatCivil",
        "codeCogInseePaysNaissance",
        "codeCogInseeCommuneNaissance",
        "nomCommuneNaissance",
        "codeCogInseeDepartementNaissance",
        "recipient",
        "annee",
        "mois",
    ]
)


@dataclass(slots=True)
class ApiFaults:
    """What a test makes go wrong: an answer for the next call, or for all of them."""

    next_status: int | None = None
    next_body: bytes | None = None
    next_type: str = "application/json"
    lasts: bool = False
    """The next answer is every answer, until a test takes it away."""
    quotient: int | None = None
    """Another quotient in every payload: a value that tests can look for."""
    busy: int = 0
    """So many calls find the same request of somebody else under way (409, 00015)."""
    resources: int | None = None
    """The same for the annual resources of a nursery's payload."""


class SandboxApiParticulier:
    """`tokens`: habilitation token → its scopes. `broker` keeps the retired number route alive."""

    def __init__(
        self,
        franceconnect: SandboxFranceConnect,
        tokens: Mapping[str, list[str]],
        clock: Clock,
        *,
        broker: bool = False,
        filter_scopes: bool = True,
    ) -> None:
        self.faults = ApiFaults()
        self.calls = 0
        self.call_times: list[float] = []
        self._franceconnect = franceconnect
        self._tokens = tokens
        self._clock = clock
        self._broker = broker
        self._filter = filter_scopes
        self.doorkeeper = Doorkeeper(clock)
        self._running: set[str] = set()
        routes = Starlette(
            routes=[
                *(Route(f"/v3/dss/{product}/france_connect", self._by_token) for product in PRODUCTS),
                *(Route(f"/v3/dss/{product}/identite", self._by_identity) for product in PRODUCTS),
                Route("/api/v2/composition-familiale", self._by_number),
                Route("/api/caf/famille", self._gone),
                Route("/api/ping", self._ping),
                Route("/api/introspect", self._introspect),
            ]
        )
        self.app = Network(routes, self.doorkeeper)

    async def _by_token(self, request: Request) -> Response:
        if (early := self._early(request)) is not None:
            return early
        if (wait_s := self.doorkeeper.admits("franceconnect", _address(request), FRANCECONNECT)) is not None:
            return self._too_many(wait_s)
        granted = self._introspected(request)
        if isinstance(granted, Response):
            return granted
        if (refused := _refused_recipient(request)) is not None:
            return refused
        key = f"{request.url.path} {request.url.query}"
        self.faults.busy -= bool(held := self.faults.busy)
        if held or key in self._running:
            return _error(409, "00015", "Requête déjà en cours")
        self._running.add(key)
        try:
            name = f"{_product(request)[0]}_france_connect"
            return self._answer(name, _parameters_of(granted), granted.scopes)
        finally:
            self._running.discard(key)

    def _introspected(self, request: Request) -> Introspection | Response:
        token = _bearer(request)
        if token is None or not re.fullmatch(r"[A-Za-z0-9_-]{20,}", token):
            return _error(401, "50001", "Jeton FranceConnect malformé")
        found = self._franceconnect.introspect(token)
        if found is None:
            return _error(401, "50002", "Jeton FranceConnect inconnu ou expiré")
        if "identite_pivot" not in found.scopes and not found.scopes >= PIVOT:
            return _error(401, "50003", "Périmètres de l'identité pivot absents")
        return found if found.scopes & _product(request)[1].keys() else _error(403, "00100", "Droits insuffisants")

    async def _by_identity(self, request: Request) -> Response:
        if (early := self._early(request)) is not None:
            return early
        token = _bearer(request)
        if token is None or token not in self._tokens:
            return _error(401, "00101", "Jeton invalide")
        if (wait_s := self.doorkeeper.admits(token, _address(request), TOKEN)) is not None:
            return self._too_many(wait_s)
        response = self._identified(request, token)
        # One throttle alone: in FranceConnect mode there are two, and these lines are left out.
        self.doorkeeper.limit(response, token, _address(request), TOKEN[0])
        return response

    def _identified(self, request: Request, token: str) -> Response:
        scopes, (files_of, blocks) = frozenset(self._tokens[token]), _product(request)
        if not scopes & blocks.keys():
            return _error(403, "00100", "Droits insuffisants")
        if (refused := _refused_recipient(request) or _refused_identity(request)) is not None:
            return refused
        parameters: dict[str, Any] = {
            name: value for name, value in request.query_params.multi_items() if name != "prenoms[]"
        }
        parameters["prenoms"] = request.query_params.getlist("prenoms[]")
        return self._answer(f"{files_of}_identite", parameters, scopes)

    async def _by_number(self, request: Request) -> Response:
        if not self._broker:
            return await self._gone(request)
        if (early := self._early(request)) is not None:
            return early
        if request.headers.get("x-api-key", "") not in self._tokens:
            body = {"error": "access_denied", "reason": "Token not found", "message": "Votre jeton n'est pas valide"}
            return JSONResponse(body, 401)
        return self._answer("v1_numero", dict(request.query_params), frozenset(BLOCKS))

    async def _gone(self, request: Request) -> Response:
        return PlainTextResponse("Cette version n'est plus disponible.", 410)

    async def _introspect(self, request: Request) -> Response:
        scopes = self._tokens.get(request.query_params.get("token", ""))
        if scopes is None:
            return _error(401, "00101", "Jeton invalide")
        return JSONResponse({"_id": "00000000-0000-0000-0000-000000000000", "name": None, "scopes": list(scopes)})

    async def _ping(self, request: Request) -> Response:
        return PlainTextResponse("pong")

    def _early(self, request: Request) -> Response | None:
        self.calls += 1
        self.call_times.append(self._clock())
        faults = self.faults
        if faults.next_status is None:
            return None
        status, body = faults.next_status, faults.next_body
        if not faults.lasts:
            faults.next_status = faults.next_body = None
        if body is not None:
            return Response(body, status, media_type=faults.next_type)
        return _error(
            status,
            {429: "00429", 500: "00500", 502: "35001", 503: "35020", 504: "35002"}.get(status, "00401"),
            "Erreur",
        )

    def _too_many(self, wait_s: int) -> Response:
        response = _error(429, "00429", "Trop de requêtes")
        response.headers["retry-after"] = str(wait_s)
        response.headers["ratelimit-remaining"] = "0"
        response.headers["ratelimit-reset"] = str(int(self._clock()) + wait_s)
        return response

    def _answer(self, route: str, parameters: Mapping[str, Any], scopes: frozenset[str]) -> Response:
        cases = _cases(route)
        case = cases.get(_key(parameters)) or cases["404"]
        payload = json.loads(json.dumps(case["payload"]))
        if case["status"] == 200:
            payload = self._filtered(payload, scopes)
        response = _with_id(JSONResponse(payload, case["status"]))
        response.headers["x-response-cached"] = "false"
        return response

    def _filtered(self, payload: dict[str, Any], scopes: frozenset[str]) -> dict[str, Any]:
        """A scope that is missing is a key that is missing, as in production."""
        data = payload.get("data")
        if isinstance(data, dict):
            allowed = {block for scope, block in (BLOCKS | EAJE_BLOCKS).items() if scope in scopes}
            if self._filter:
                payload["data"] = data = {name: block for name, block in data.items() if name in allowed}
            self._disguise(data)
        elif self.faults.quotient is not None:
            payload["quotientFamilial"] = self.faults.quotient
        return payload

    def _disguise(self, data: dict[str, Any]) -> None:
        """Values that a test can look for; and MSA's defect, which is this year whatever year it is."""
        if self.faults.quotient is not None and "quotient_familial" in data:
            data["quotient_familial"]["valeur"] = self.faults.quotient
        parameters = data.get("parametres_calcul_participation_familiale")
        if parameters is None:
            return
        resources = parameters["base_ressources_annuelles"]
        if self.faults.resources is not None:
            resources["valeur"] = self.faults.resources
        if resources["annee_calcul"] == "this year":
            resources["annee_calcul"] = datetime.fromtimestamp(self._clock(), UTC).year


def _product(request: Request) -> tuple[str, dict[str, str]]:
    return PRODUCTS[request.url.path.split("/")[3]]


@cache
def _cases(route: str) -> dict[str, dict[str, Any]]:
    raw = (files("gateway.sandbox") / "data" / f"{route}.json").read_text(encoding="utf-8")
    cases = json.loads(raw)
    found = {_key(_without_usage(route, case["params"])): case for case in cases}
    return found | {"404": next(case for case in cases if case["case"] == "404")}


def _without_usage(route: str, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
    # FranceConnect mode never sends a usage name; two of the staging cases are keyed with one all the same.
    return {n: v for n, v in parameters.items() if route != "v3_france_connect" or n != "nomUsage"}


def _key(parameters: Mapping[str, Any]) -> str:
    """Whole set, whatever the order and the case; empty values and the recipient do not count."""
    kept = {}
    for name, value in parameters.items():
        if name == "recipient" or value in (None, "", []):
            continue
        kept[name] = [str(each).casefold() for each in value] if isinstance(value, list) else str(value).casefold()
    return json.dumps(kept, sort_keys=True)


def _parameters_of(found: Introspection) -> dict[str, Any]:
    claims = {name: str(value) for name, value in found.claims.items()}
    year, month, day = claims["birthdate"].split("-")
    return {
        "nomNaissance": claims["family_name"],
        "prenoms": claims["given_name"].split(),
        "anneeDateNaissance": int(year),
        "moisDateNaissance": int(month),
        "jourDateNaissance": int(day),
        "sexeEtatCivil": "M" if claims.get("gender") == "male" else "F",
        "codeCogInseeCommuneNaissance": claims.get("birthplace") if claims["birthcountry"] == "99100" else "",
        "codeCogInseePaysNaissance": claims["birthcountry"],
    }


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


def _bearer(request: Request) -> str | None:
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    return token if kind.lower() == "bearer" and token else None


def _refused_recipient(request: Request) -> Response | None:
    recipient = request.query_params.get("recipient", "")
    if not recipient:
        return _error(422, "00203", "Paramètre recipient absent", "recipient")
    if not re.fullmatch(r"[0-9]{14}", recipient) or not _luhn(recipient):
        return _error(422, "00210", "Paramètre recipient invalide", "recipient")
    return None


def _luhn(text: str) -> bool:
    if text.startswith("356000000"):
        return sum(map(int, text)) % 5 == 0 or text == "35600000000048"
    doubled = [int(digit) * (2 if place % 2 else 1) for place, digit in enumerate(reversed(text))]
    return sum(number // 10 + number % 10 for number in doubled) % 10 == 0


def _refused_identity(request: Request) -> Response | None:
    query = request.query_params
    given = query.getlist("prenoms[]")
    checks = [
        (set(query.keys()) <= _IDENTITY, "00401", None),
        (bool(_NAME.fullmatch(query.get("nomNaissance", ""))), "00420", "nomNaissance"),
        (1 <= len(given) <= 3 and all(_NAME.fullmatch(each) for each in given), "00421", "prenoms"),
        (query.get("sexeEtatCivil") in {"M", "F"}, "00366", "sexeEtatCivil"),
        (
            bool(re.fullmatch(r"99\d{3}|92352", query.get("codeCogInseePaysNaissance", ""))),
            "00400",
            "codeCogInseePaysNaissance",
        ),
        (_has_place(query), "00365", "codeCogInseeCommuneNaissance"),
    ]
    for holds, code, parameter in checks:
        if not holds:
            return _error(422, code, "Identité mal formée", parameter)
    return None


def _has_place(query: Mapping[str, str]) -> bool:
    if query.get("codeCogInseePaysNaissance") != "99100":
        return True
    return bool(re.fullmatch(r"(2[AB]|\d\d)\d{3}", query.get("codeCogInseeCommuneNaissance", "")))


def _error(status: int, code: str, title: str, parameter: str | None = None) -> Response:
    source = {"parameter": parameter} if parameter else None
    error = {"code": code, "title": title, "detail": title, "source": source, "meta": {}}
    return _with_id(JSONResponse({"errors": [error]}, status))


def _with_id(response: Response) -> Response:
    response.headers["x-request-id"] = str(uuid.uuid4())
    return response
