import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.adapters.household_payload import PayloadRefused, parse_household
from gateway.core.model import Address, Household, PartialDate
from tests.household_source import PAYLOAD

V2: dict[str, Any] = {
    "quotientFamilial": 748,
    "mois": 9,
    "annee": 2026,
    "allocataires": [
        {
            "nomNaissance": "DUBOIS",
            "nomUsuel": "MERCIER",
            "prenoms": "ANGELA CLAIRE",
            "anneeDateDeNaissance": "1962",
            "moisDateDeNaissance": "08",
            "jourDateDeNaissance": "24",
            "sexe": "F",
        }
    ],
}


def read(payload: object) -> Household:
    return parse_household(json.dumps(payload).encode())


def v3(block: str = "", **members: object) -> dict[str, Any]:
    """The sample answer with members of one block, or whole blocks, replaced."""
    payload = copy.deepcopy(PAYLOAD)
    target = payload["data"][block] if block else payload["data"]
    target = target[0] if isinstance(target, list) else target
    target.update(members)
    return payload


def v2_person(**members: object) -> dict[str, Any]:
    return V2 | {"allocataires": [V2["allocataires"][0] | members]}


def with_address(**members: object) -> Address | None:
    return read(v3(adresse=members)).address


def code_of(payload: object) -> str:
    with pytest.raises(PayloadRefused) as refusal:
        read(payload)
    return refusal.value.code


def test_a_block_that_is_missing_or_null_is_unknown_and_an_empty_one_is_empty() -> None:
    household = read({"data": {"enfants": [], "adresse": None}})
    assert household == Household(children=())
    assert household.adults is None


@pytest.mark.parametrize("payload", [{"data": {}}, {"data": {"autre": 1}}, {}, {"autre": 1}])
def test_an_object_without_any_known_block_is_not_a_household(payload: object) -> None:
    assert code_of(payload) == "payload_malformed"


def test_unknown_keys_are_ignored() -> None:
    payload = v3("allocataires", annee_date_de_naissance="1962")
    assert read(payload | {"autre": [1]}) == read(PAYLOAD)


@pytest.mark.parametrize("quotient", [0, 748, None])
def test_a_quotient_is_kept_as_it_is_zero_and_null_apart(quotient: int | None) -> None:
    assert read(v3("quotient_familial", valeur=quotient)).family_quotient == quotient
    assert read(V2 | {"quotientFamilial": quotient}).family_quotient == quotient


@pytest.mark.parametrize("quotient", [True, False, "748", "", 748.0, 0.5, -1, 10_000_000, [748], {}])
def test_a_quotient_of_another_type_or_size_refuses_the_payload(quotient: object) -> None:
    assert code_of(v3("quotient_familial", valeur=quotient)) == "payload_malformed"
    assert code_of(V2 | {"quotientFamilial": quotient}) == "payload_malformed"


@pytest.mark.parametrize(
    ("name", "fund"), [("CNAF", "cnaf"), ("MSA", "msa"), ("CAF", "cnaf"), (None, None), ("", None)]
)
def test_the_fund_is_one_of_two_or_unknown(name: str | None, fund: str | None) -> None:
    assert read(v3("quotient_familial", fournisseur=name)).fund == fund
    assert read(V2 | {"regime": name}).fund == fund


def test_the_serializer_of_v2_gives_no_fund() -> None:
    assert read(V2).fund is None


def test_a_fund_nobody_knows_refuses_the_payload() -> None:
    assert code_of(v3("quotient_familial", fournisseur="RNCPS")) == "payload_malformed"


def test_months_are_written_in_iso_8601() -> None:
    household = read(v3("quotient_familial", annee=2026, mois=5, annee_calcul=2025, mois_calcul=12))
    assert (household.reference_month, household.computed_month) == ("2026-05", "2025-12")
    assert read(v3("quotient_familial", annee=None, mois=None)).reference_month is None


@pytest.mark.parametrize("month", [0, 13, "5", True, None])
def test_half_a_month_or_an_impossible_one_refuses_the_payload(month: object) -> None:
    assert code_of(v3("quotient_familial", mois=month)) == "payload_malformed"


def test_null_names_and_dates_are_unknown() -> None:
    payload = v3("allocataires", nom_naissance=None, nom_usage=None, prenoms=None, date_naissance=None)
    (adult,) = read(payload).adults or ()
    assert (adult.birth_name, adult.usage_name, adult.given_names, adult.birthdate) == (None, None, (), None)


@pytest.mark.parametrize(
    ("text", "birthdate"),
    [
        ("1984-02-17", PartialDate(1984, 2, 17)),
        ("1984-02-00", PartialDate(1984, 2)),
        ("1984-00-00", PartialDate(1984)),
        ("0000-00-00", None),
        ("", None),
    ],
)
def test_a_v3_date_keeps_the_parts_that_are_known(text: str, birthdate: PartialDate | None) -> None:
    (adult,) = read(v3("allocataires", date_naissance=text)).adults or ()
    assert adult.birthdate == birthdate


@pytest.mark.parametrize("text", ["1984-13-01", "17/02/1984", "hier", 19840217])
def test_a_date_that_is_none_refuses_the_payload(text: object) -> None:
    assert code_of(v3("allocataires", date_naissance=text)) == "payload_malformed"


@pytest.mark.parametrize(
    ("parts", "birthdate"),
    [
        (("1962", "08", "24"), PartialDate(1962, 8, 24)),
        (("1962", "8", "4"), PartialDate(1962, 8, 4)),
        (("1962", "08", None), PartialDate(1962, 8)),
        (("1962", None, None), PartialDate(1962)),
        (("1962", "00", "00"), PartialDate(1962)),
        (("", "", ""), None),
        ((None, None, None), None),
    ],
)
def test_a_v2_date_is_put_together_from_its_parts(
    parts: tuple[str | None, str | None, str | None], birthdate: PartialDate | None
) -> None:
    year, month, day = parts
    payload = v2_person(anneeDateDeNaissance=year, moisDateDeNaissance=month, jourDateDeNaissance=day)
    (adult,) = read(payload).adults or ()
    assert adult.birthdate == birthdate


def test_a_v2_date_part_that_is_no_text_refuses_the_payload() -> None:
    assert code_of(v2_person(anneeDateDeNaissance=1962)) == "payload_malformed"


@pytest.mark.parametrize("key", ["nomUsuel", "nomUsage"])
def test_the_usage_name_of_v2_is_read_under_both_its_keys(key: str) -> None:
    person = {"nomNaissance": "DUBOIS", "prenoms": "ANGELA", key: "MERCIER"}
    (adult,) = read(V2 | {"allocataires": [person]}).adults or ()
    assert (adult.birth_name, adult.usage_name, adult.given_names) == ("DUBOIS", "MERCIER", ("ANGELA",))


def test_the_oldest_people_have_one_name_in_an_order_that_nobody_promises() -> None:
    (adult,) = read(V2 | {"allocataires": [{"nomPrenom": "MARIE DUPONT", "dateDeNaissance": "01031988"}]}).adults or ()
    assert (adult.full_name, adult.birth_name, adult.birthdate) == ("MARIE DUPONT", None, PartialDate(1988, 3, 1))


@pytest.mark.parametrize(
    ("line", "postal_code", "city"),
    [
        ("29000 QUIMPER", "29000", "QUIMPER"),
        ("20000 AJACCIO", "20000", "AJACCIO"),
        ("20233 SISCO", "20233", "SISCO"),
        ("97400 SAINT-DENIS", "97400", "SAINT-DENIS"),
        ("98800 NOUMEA", "98800", "NOUMEA"),
        ("85350 L'ILE-D'YEU", "85350", "L'ILE-D'YEU"),
        ("75012  PARIS CEDEX 12", "75012", "PARIS CEDEX 12"),
        ("51000 CHÂLONS-EN-CHAMPAGNE", "51000", "CHÂLONS-EN-CHAMPAGNE"),
        (" 33000 ", "33000", None),
    ],
)
def test_a_french_postal_line_is_split(line: str, postal_code: str, city: str | None) -> None:
    assert with_address(code_postal_ville=line) == Address((), postal_code, city)


@pytest.mark.parametrize(
    "line", ["7250 MANOUBA", "QUIMPER", "2A004 AJACCIO", "00100 ROMA", "99350 RABAT", "33000 12", "33000BORDEAUX"]
)
def test_an_odd_postal_line_is_a_line_without_a_city_rather_than_a_wrong_one(line: str) -> None:
    assert with_address(code_postal_ville=line) == Address((line,))


def test_the_addressee_is_not_part_of_an_address() -> None:
    address = with_address(
        destinataire="MME DUBOIS ANGELA",
        complement_information="APPARTEMENT 51",
        complement_information_geographique=None,
        numero_libelle_voie="12 RUE DES ECOLES",
        lieu_dit="",
        code_postal_ville="29000 QUIMPER",
        pays="FRANCE",
    )
    assert address == Address(("APPARTEMENT 51", "12 RUE DES ECOLES"), "29000", "QUIMPER", None, "FRANCE")


def test_an_address_of_nothing_but_nulls_is_unknown() -> None:
    assert with_address(destinataire="MME DUBOIS ANGELA", numero_libelle_voie=None, pays=" ") is None


@pytest.mark.parametrize(
    "payload",
    [
        {"data": None},
        {"data": []},
        {"data": {"allocataires": {}}},
        {"data": {"allocataires": ["DUBOIS"]}},
        {"data": {"allocataires": [None]}},
        {"data": {"quotient_familial": 748}},
        {"data": {"adresse": "29000 QUIMPER"}},
        {"data": {"enfants": [{"nom_naissance": ["DUBOIS"]}]}},
        {"data": {"enfants": [{"prenoms": 1}]}},
        {"allocataires": "DUBOIS"},
    ],
)
def test_a_broken_shape_is_refused(payload: object) -> None:
    assert code_of(payload) == "payload_malformed"


@pytest.mark.parametrize(
    "payload", [{"errors": []}, {"errors": ["texte"]}, {"error": "not_found"}, PAYLOAD | {"errors": []}]
)
def test_an_error_is_not_a_household_whatever_its_status(payload: object) -> None:
    assert code_of(payload) == "payload_errors"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.binary(max_size=200))
def test_bytes_of_any_kind_are_refused_by_a_code(body: bytes) -> None:
    with pytest.raises(PayloadRefused, match=r"\Apayload_(not_json|malformed)\Z"):
        parse_household(body)


@given(st.dictionaries(st.sampled_from(sorted(PAYLOAD["data"])), JSON, min_size=1))
def test_blocks_of_any_shape_are_read_or_refused_and_nothing_else(data: dict[str, object]) -> None:
    try:
        household = read({"data": data})
    except PayloadRefused:
        return
    assert (household.adults is None) == (data.get("allocataires") is None)
