"""A household source over a mocked API Particulier, with time in the test's hand."""

import json
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import respx

from gateway.adapters.api_particulier import ApiParticulier, http_client
from gateway.adapters.chance import new_token
from gateway.adapters.quotas import SharedQuotas
from gateway.adapters.sessions.memory import MemoryRecords
from gateway.adapters.sessions.records import RecordStore
from gateway.core.model import Absent, CafNumber, Household, Need
from gateway.core.rules import Mode
from gateway.ports import HouseholdRequest
from gateway.settings import ApiParticulierSettings
from tests.builders import ANGELA

BASE_URL = "https://api.example"
SIRET = "13002526500013"
SETTINGS = ApiParticulierSettings(base_url=BASE_URL, recipient=SIRET, token="the.api.token")

BY_TOKEN = HouseholdRequest(Mode.FRANCECONNECT, frozenset(Need), access_token="the-fc-token")
BY_IDENTITY = HouseholdRequest(Mode.IDENTITY, frozenset(Need), identity=ANGELA)
BY_NUMBER = HouseholdRequest(Mode.NUMBER, frozenset(Need), number=CafNumber("2345678", "75001"))
REQUESTS = {request.mode: request for request in (BY_TOKEN, BY_IDENTITY, BY_NUMBER)}

STAGING = Path(__file__).parent / "contract" / "data" / "staging"

PAYLOAD: dict[str, Any] = {
    "data": {
        "quotient_familial": {
            "fournisseur": "CNAF",
            "valeur": 748,
            "annee": 2026,
            "mois": 9,
            "annee_calcul": 2026,
            "mois_calcul": 8,
        },
        "allocataires": [
            {
                "nom_naissance": "DUBOIS",
                "nom_usage": None,
                "prenoms": "ANGELA CLAIRE LOUISE",
                "date_naissance": "1962-08-24",
                "sexe": "F",
            }
        ],
        "enfants": [],
        "adresse": None,
    },
    "links": {},
    "meta": {},
}


@dataclass
class Hand:
    """A clock that only `sleep` and the test move."""

    now: float = 1_790_000_000.0
    slept: list[float] = field(default_factory=list)

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@dataclass
class Desk:
    source: ApiParticulier
    route: respx.Route
    hand: Hand
    troubles: list[tuple[str, str]]

    @property
    def calls(self) -> list[httpx.Request]:
        return [call.request for call in self.route.calls]

    def answers(self, *responses: httpx.Response | Exception | Callable[..., Awaitable[httpx.Response]]) -> "Desk":
        """One after the other; the last one for ever."""
        self.route.side_effect = _in_turn(list(responses))
        return self

    async def fetch(self, request: HouseholdRequest = BY_TOKEN) -> Household | Absent:
        return await self.source.fetch(request)


def _in_turn(responses: list[Any]) -> Callable[..., Any]:
    async def answer(request: httpx.Request) -> Any:
        response = responses.pop(0) if len(responses) > 1 else responses[0]
        if isinstance(response, Exception):
            raise response
        return await response(request) if callable(response) else response

    return answer


def quotas_of(settings: ApiParticulierSettings, hand: Hand, records: RecordStore | None = None) -> SharedQuotas:
    return SharedQuotas(
        records or MemoryRecords(),
        settings,
        clock=hand.clock,
        sleep=hand.sleep,
        new_token=new_token,
    )


@contextmanager
def a_desk(
    jitter: Callable[[], float] = lambda: 0.0,
    records: RecordStore | None = None,
    hand: Hand | None = None,
    **changes: Any,
) -> Iterator[Desk]:
    """Everything that leaves for `BASE_URL` is answered by `Desk.answers`. Desks of one store are workers."""
    settings, hand, troubles = replace(SETTINGS, **changes), hand or Hand(), list[tuple[str, str]]()
    with respx.mock(assert_all_called=False) as router:
        source = ApiParticulier(
            settings,
            http_client(settings),
            quotas=quotas_of(settings, hand, records),
            clock=hand.clock,
            sleep=hand.sleep,
            on_trouble=lambda code, request_id: troubles.append((code, request_id)),
            jitter=jitter,
        )
        yield Desk(source, router.get(url__startswith=settings.base_url), hand, troubles)


def ok(payload: object = PAYLOAD) -> httpx.Response:
    return httpx.Response(200, json=payload)


def refused(status: int, code: str = "", headers: dict[str, str] | None = None, **members: object) -> httpx.Response:
    """A refusal in the v3 form."""
    error = {"code": code, "title": "titre", "detail": "texte", "source": None, "meta": {}} | members
    return httpx.Response(status, json={"errors": [error]}, headers=headers)


def refused_v2(status: int, word: str) -> httpx.Response:
    return httpx.Response(status, json={"error": word, "reason": "texte", "message": "texte"})


def staging_cases(folder: str) -> list[dict[str, Any]]:
    cases: list[dict[str, Any]] = json.loads((STAGING / f"{folder}.json").read_text(encoding="utf-8"))
    return cases
