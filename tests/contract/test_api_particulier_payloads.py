"""Every payload of the provider's public staging data, through the real client."""

from typing import Any

import httpx
import pytest

from gateway.adapters.household_payload import parse_household
from gateway.core.model import Absent, Address, Household, HouseholdStatus, PartialDate, Person
from gateway.core.rules import Mode
from tests.household_source import REQUESTS, a_desk, staging_cases

NOT_FOUND, UNAVAILABLE = HouseholdStatus.NOT_FOUND, HouseholdStatus.UNAVAILABLE

FOLDERS = {
    "v1_numero": Mode.NUMBER,
    "v2_composition": Mode.NUMBER,
    "v3_france_connect": Mode.FRANCECONNECT,
    "v3_identite": Mode.IDENTITY,
    "v3_identite_2026_09": Mode.IDENTITY,
}
CASES = [
    pytest.param(mode, case, id=f"{folder}-{case['name']}")
    for folder, mode in FOLDERS.items()
    for case in staging_cases(folder)
]
STATUSES = {
    404: NOT_FOUND,
    422: NOT_FOUND,
    429: UNAVAILABLE,
    500: UNAVAILABLE,
    502: UNAVAILABLE,
    503: UNAVAILABLE,
    504: UNAVAILABLE,
}


def test_the_whole_staging_data_is_here() -> None:
    assert len(CASES) == 113


@pytest.mark.anyio
@pytest.mark.parametrize(("mode", "case"), CASES)
async def test_each_staging_answer_is_read_as_what_it_says(mode: Mode, case: dict[str, Any]) -> None:
    with a_desk() as desk:
        answer = await desk.answers(httpx.Response(case["status"], json=case["payload"])).fetch(REQUESTS[mode])
    if case["status"] != 200:
        assert isinstance(answer, Absent)
        assert answer.status is STATUSES[case["status"]]
        assert answer.code.startswith(f"api_particulier_{case['status']}_")
        return
    assert isinstance(answer, Household)
    data = case["payload"].get("data", case["payload"])
    quotient = data.get("quotient_familial", {})
    assert answer.family_quotient == (quotient["valeur"] if quotient else data["quotientFamilial"])
    months = quotient or data
    assert answer.reference_month == f"{months['annee']}-{months['mois']:02d}"
    assert (answer.computed_month is not None) == bool(quotient)
    assert answer.adults is not None
    assert answer.children is not None
    assert (len(answer.adults), len(answer.children)) == (len(data["allocataires"]), len(data["enfants"]))
    assert answer.address is not None
    addressee = data["adresse"].get("destinataire") or data["adresse"]["identite"]
    assert addressee not in answer.address.lines
    for person in answer.adults:
        assert person.full_name or (person.birth_name and person.given_names)


def household(folder: str, name: str) -> Household:
    case = next(case for case in staging_cases(folder) if case["name"] == name)
    return parse_household(httpx.Response(200, json=case["payload"]).content)


def test_a_v3_household_is_read_whole() -> None:
    assert household("v3_identite_2026_09", "200-nom-usage-1_parent_3_mineurs") == Household(
        fund="cnaf",
        family_quotient=699,
        reference_month="2024-02",
        computed_month="2024-12",
        adults=(Person("MERCIER", "DUBOIS", ("PIERRE",), PartialDate(1969, 3, 17)),),
        children=(
            Person("MERCIER", None, ("PIERRE",), PartialDate(2013, 1, 10)),
            Person("MERCIER", None, ("ROBERT",), PartialDate(2007, 3, 15)),
            Person("MERCIER", None, ("HENRY",), PartialDate(2022, 6, 20)),
        ),
        address=Address(("1 RUE MONTORGUEIL",), "75002", "PARIS", None, "FRANCE"),
    )


def test_a_v2_household_is_read_whole() -> None:
    assert household("v2_composition", "200-seul-1_enfant-qf_caf_650") == Household(
        fund="cnaf",
        family_quotient=650,
        reference_month="2023-06",
        adults=(Person("BERNARD", None, ("ELODIE", "JUDITH", "GERTRUDE"), PartialDate(1990, 3, 18)),),
        children=(Person("BERNARD", None, ("LEO",), PartialDate(1990, 4, 20)),),
        address=Address(("1 RUE MONTORGUEIL",), "75002", "PARIS", None, "FRANCE"),
    )


def test_a_household_of_the_number_route_is_read_whole() -> None:
    assert household("v1_numero", "200") == Household(
        fund=None,
        family_quotient=1234,
        reference_month="2022-07",
        adults=(
            Person(full_name="MARIE DUPONT", birthdate=PartialDate(1988, 3, 1)),
            Person(full_name="JEAN DUPONT", birthdate=PartialDate(1990, 4, 1)),
        ),
        children=(
            Person(full_name="JACQUES DUPONT", birthdate=PartialDate(2010, 1, 1)),
            Person(full_name="JEANNE DUPONT", birthdate=PartialDate(2012, 2, 1)),
        ),
        address=Address(
            ("APPARTEMENT 51", "RESIDENCE DES COLOMBES", "42 RUE DE LA PAIX", "ILOTS DES OISEAUX"),
            "75001",
            "PARIS",
            None,
            "FRANCE",
        ),
    )


def test_the_msa_is_told_from_the_cnaf() -> None:
    assert household("v3_france_connect", "france_connect_200_msa_2_parents_5_mineurs").fund == "msa"
    assert household("v3_france_connect", "france_connect_200_cnaf_2_parents_0_enfant").fund == "cnaf"


def test_partial_dates_keep_what_is_known() -> None:
    name = "france_connect_200_cnaf_2_parents_3_mineurs_dont_1_jour_et_mois_inconnus"
    children = household("v3_france_connect", name).children
    assert children is not None
    assert PartialDate(2020) in [child.birthdate for child in children]
    adults = household("v2_composition", "france_connect_200_cnaf_2_parents_dont_1_avec_jour_00_3_mineurs").adults
    assert adults is not None
    assert adults[0].birthdate == PartialDate(1981, 11)


def test_v2_date_parts_may_be_null_or_empty() -> None:
    births = [
        child.birthdate
        for case in staging_cases("v2_composition")
        if case["status"] == 200
        for child in parse_household(httpx.Response(200, json=case["payload"]).content).children or ()
    ]
    assert births.count(None) == 1
    assert [str(birth) for birth in births if birth is not None and birth.month is None] != []


def test_a_foreign_postal_line_is_kept_whole_rather_than_cut_wrongly() -> None:
    address = household("v2_composition", "200-couple-2_enfants-cas-etranger-qf_msa_600").address
    assert address is not None
    assert (address.postal_code, address.city, address.country) == (None, None, "TUNIS")
    assert address.lines[-1][0].isdigit()
