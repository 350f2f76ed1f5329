"""«Participation familiale EAJE» through the real client: the public staging payloads, and what the sheet says of them."""

import json
from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any

import httpx
import pytest

from gateway.adapters.childcare_payload import parse_childcare
from gateway.adapters.household_payload import PayloadRefused
from gateway.core.model import Absent, Childcare, Household, HouseholdStatus, Need, PartialDate, Source
from gateway.core.rules import Mode
from gateway.ports import HouseholdRequest
from tests.builders import ANGELA
from tests.household_source import SIRET, Hand, a_desk, ok, refused

pytestmark = pytest.mark.anyio

NEEDS = frozenset(need for need in Need if need.source is Source.CHILDCARE)
BY_TOKEN = HouseholdRequest(Mode.FRANCECONNECT, NEEDS, access_token="the-fc-token", source=Source.CHILDCARE)
BY_IDENTITY = HouseholdRequest(Mode.IDENTITY, NEEDS, identity=ANGELA, source=Source.CHILDCARE)
THIS_YEAR = datetime.fromtimestamp(Hand().now, UTC).year


def _cases(route: str) -> dict[str, dict[str, Any]]:
    raw = (files("gateway.sandbox") / "data" / f"eaje_{route}.json").read_text(encoding="utf-8")
    return {case["case"]: case for case in json.loads(raw)}


PUBLIC = [
    pytest.param(request, case, id=f"{route}-{name}")
    for route, request in (("france_connect", BY_TOKEN), ("identite", BY_IDENTITY))
    for name, case in _cases(route).items()
    if not name.startswith("own_")
]
PAYLOAD = _cases("identite")["200-identite-cas-nominal-peu-de-donnee-prenom"]["payload"]


def test_the_whole_staging_data_is_here() -> None:
    assert len(PUBLIC) == 10


@pytest.mark.parametrize(("request_", "case"), PUBLIC)
async def test_each_staging_answer_is_read_as_what_it_says(request_: HouseholdRequest, case: dict[str, Any]) -> None:
    with a_desk() as desk:
        answer = await desk.answers(httpx.Response(case["status"], json=case["payload"])).fetch(request_)
    if case["status"] != 200:
        assert isinstance(answer, Absent)
        found = HouseholdStatus.NOT_FOUND if case["status"] == 404 else HouseholdStatus.UNAVAILABLE
        assert answer.status is found
        return
    data = case["payload"]["data"]
    said = data["parametres_calcul_participation_familiale"]
    assert isinstance(answer, Household)
    assert answer.childcare == Childcare(
        said["base_ressources_annuelles"]["valeur"],
        said["base_ressources_annuelles"]["annee_calcul"],
        said["nombre_enfants_a_charge"],
        said["nombre_enfants_beneficiaire_aeeh"],
    )
    assert answer.adults is not None
    assert [adult.birth_name for adult in answer.adults] == [each["nom_naissance"] for each in data["allocataires"]]
    assert answer.children is not None
    assert len(answer.children) == len(data["enfants"])
    assert (answer.fund, answer.family_quotient) == (None, None)


async def test_each_mode_has_its_route_and_sends_what_the_household_s_does() -> None:
    with a_desk() as desk:
        await desk.answers(ok(PAYLOAD)).fetch(BY_TOKEN)
        await desk.fetch(BY_IDENTITY)
    by_token, by_identity = desk.calls
    assert by_token.url.path == "/v3/dss/participation_familiale_eaje/france_connect"
    assert dict(by_token.url.params) == {"recipient": SIRET}
    assert by_token.headers["authorization"] == "Bearer the-fc-token"
    assert by_identity.url.path == "/v3/dss/participation_familiale_eaje/identite"
    assert by_identity.url.params["nomNaissance"] == "DUBOIS"
    assert by_identity.headers["authorization"] == "Bearer the.api.token"


def _changed(change: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    payload: dict[str, Any] = deepcopy(PAYLOAD)
    change(payload["data"])
    return payload


def _parameters(data: dict[str, Any]) -> dict[str, Any]:
    parameters: dict[str, Any] = data["parametres_calcul_participation_familiale"]
    return parameters


def _without(*path: str) -> Callable[[dict[str, Any]], None]:
    def change(data: dict[str, Any]) -> None:
        holder = _parameters(data)
        for name in path[:-1]:
            holder = holder[name]
        holder[path[-1]] = None

    return change


@pytest.mark.parametrize(
    "change",
    [
        _without("nombre_enfants_a_charge"),
        _without("nombre_enfants_beneficiaire_aeeh"),
        _without("base_ressources_annuelles"),
        _without("base_ressources_annuelles", "valeur"),
        lambda data: data.update(parametres_calcul_participation_familiale=None),
    ],
)
async def test_one_parameter_that_is_missing_is_an_answer_without_any(
    change: Callable[[dict[str, Any]], None],
) -> None:
    with a_desk() as desk:
        answer = await desk.answers(ok(_changed(change))).fetch(BY_TOKEN)
    assert isinstance(answer, Absent)
    assert (answer.status, answer.code) == (HouseholdStatus.NOT_AVAILABLE, "childcare_incomplete")
    assert desk.troubles == []


async def test_a_parameter_of_nought_is_not_missing() -> None:
    def nothing(data: dict[str, Any]) -> None:
        _parameters(data).update(nombre_enfants_a_charge=0, nombre_enfants_beneficiaire_aeeh=0)
        _parameters(data)["base_ressources_annuelles"]["valeur"] = 0

    with a_desk() as desk:
        answer = await desk.answers(ok(_changed(nothing))).fetch(BY_TOKEN)
    assert isinstance(answer, Household)
    assert answer.childcare == Childcare(0, 2023, 0, 0)


@pytest.mark.parametrize(("said", "year"), [(THIS_YEAR - 2, THIS_YEAR - 2), (THIS_YEAR, None), (None, None), (0, None)])
async def test_a_year_that_cannot_be_is_not_told(said: int | None, year: int | None) -> None:
    """MSA writes the current year for resources of two years ago; the amount is right."""

    def change(data: dict[str, Any]) -> None:
        _parameters(data)["base_ressources_annuelles"]["annee_calcul"] = said

    with a_desk() as desk:
        answer = await desk.answers(ok(_changed(change))).fetch(BY_TOKEN)
    assert isinstance(answer, Household)
    assert answer.childcare == Childcare(40_923, year, 1, 1)


async def test_a_scope_that_is_missing_is_a_block_that_is_missing() -> None:
    with a_desk() as desk:
        del (payload := deepcopy(PAYLOAD))["data"]["parametres_calcul_participation_familiale"]
        answer = await desk.answers(ok(payload)).fetch(BY_TOKEN)
    assert isinstance(answer, Household)
    assert answer.childcare is None
    assert answer.adults is not None
    assert answer.adults[0].birthdate == PartialDate(1982, 12, 27)


@pytest.mark.parametrize(
    "payload",
    [
        {"data": {}},
        {"data": {"quotient_familial": {}}},
        {"data": []},
        {},
        _changed(lambda data: _parameters(data).update(nombre_enfants_a_charge="2")),
        _changed(lambda data: _parameters(data).update(nombre_enfants_a_charge=True)),
        _changed(lambda data: _parameters(data).update(nombre_enfants_a_charge=-1)),
        _changed(lambda data: _parameters(data).update(base_ressources_annuelles=12)),
        _changed(lambda data: _parameters(data)["base_ressources_annuelles"].update(valeur=1.5)),
        _changed(lambda data: _parameters(data)["base_ressources_annuelles"].update(annee_calcul="2023")),
    ],
)
def test_what_is_not_such_an_answer_is_refused(payload: dict[str, Any]) -> None:
    with pytest.raises(PayloadRefused, match="payload_malformed"):
        parse_childcare(json.dumps(payload).encode(), Hand().now)


async def test_a_household_is_not_read_as_a_nursery_s_answer_nor_the_other_way_round() -> None:
    with a_desk() as desk:
        answer = await desk.answers(ok({"data": {"quotient_familial": {"valeur": 1}}})).fetch(BY_TOKEN)
        assert isinstance(answer, Absent)
        assert answer.code == "payload_malformed"


async def test_a_quota_spent_by_one_source_closes_the_other_too() -> None:
    """One habilitation, one address: whoever ignores a 429 is banned for both."""
    with a_desk() as desk:
        desk.answers(refused(429, "00429", {"Retry-After": "3000"}), ok(PAYLOAD))
        household = HouseholdRequest(Mode.FRANCECONNECT, frozenset({Need.QUOTIENT}), access_token="the-fc-token")
        assert isinstance(await desk.fetch(household), Absent)
        again = await desk.fetch(BY_TOKEN)
    assert isinstance(again, Absent)
    assert again.code == "api_particulier_closed"
    assert len(desk.calls) == 1


async def test_a_child_s_date_that_cannot_be_read_is_not_known() -> None:
    """Staging has one: `200&-04-23`."""
    with a_desk() as desk:
        case = _cases("france_connect")["fake_france_connect_cnaf"]
        answer = await desk.answers(ok(case["payload"])).fetch(BY_TOKEN)
    assert isinstance(answer, Household)
    assert answer.children is not None
    assert [child.birthdate for child in answer.children] == [PartialDate(2004, 1, 20), None]
