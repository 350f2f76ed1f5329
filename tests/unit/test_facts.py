"""How each fact of the catalogue is read; what is not known is None."""

from dataclasses import replace

import pytest

from gateway.core.facts import (
    FACTS,
    IMPLIED,
    PIVOT,
    age,
    household_value,
    identity_value,
    is_household_value,
    timestamp,
)
from gateway.core.model import Address, Household, HouseholdStatus, PartialDate, Person
from tests.builders import ANGELA, HOUSEHOLD, TODAY


@pytest.mark.parametrize(
    ("fact", "value"),
    [
        ("identity.sub", ANGELA.sub),
        ("identity.birth_name", "DUBOIS"),
        ("identity.usage_name", None),
        ("identity.given_names", ["Angela", "Claire", "Louise"]),
        ("identity.first_given_name", "Angela"),
        ("identity.birthdate", "1962-08-24"),
        ("identity.age", 64),
        ("identity.gender", "female"),
        ("identity.birthplace", "75107"),
        ("identity.birthcountry", "99100"),
        ("identity.email", None),
        ("identity.acr", "eidas1"),
        ("identity.authenticated_at", "2026-09-21T14:13:20Z"),
        ("identity.provider", "franceconnect"),
    ],
)
def test_an_identity_fact_is_read(fact: str, value: object) -> None:
    assert identity_value(fact, ANGELA, TODAY) == value


@pytest.mark.parametrize("fact", ["given_names", "first_given_name", "birthdate", "age"])
def test_an_identity_without_names_or_birthdate_knows_none(fact: str) -> None:
    nameless = replace(ANGELA, given_names=(), birthdate=None)
    assert identity_value(f"identity.{fact}", nameless, TODAY) is None


def _read(fact: str, household: Household = HOUSEHOLD, obtained_at: int | None = 1_790_000_000) -> object | None:
    return household_value(fact, household, HouseholdStatus.VERIFIED, obtained_at, TODAY)


@pytest.mark.parametrize(
    ("fact", "value"),
    [
        ("household.status", "verified"),
        ("household.fund", "cnaf"),
        ("household.family_quotient", 648),
        ("household.reference_month", "2026-11"),
        ("household.computed_month", "2026-10"),
        ("household.obtained_at", "2026-09-21T14:13:20Z"),
        ("household.address.lines", ["1 RUE MONTORGUEIL"]),
        ("household.address.postal_code", "75002"),
        ("household.address.city", "PARIS"),
        ("household.address.insee_code", None),
        (
            "household.address",
            {"lines": ["1 RUE MONTORGUEIL"], "postal_code": "75002", "city": "PARIS", "country": "FRANCE"},
        ),
        ("household.children.count", 2),
        ("household.children.age", [8, 4]),
        (
            "household.adults",
            [{"birth_name": "DUBOIS", "given_names": "ANGELA CLAIRE LOUISE", "birthdate": "1962-08-24"}],
        ),
        (
            "household.children",
            [
                {"birth_name": "DUBOIS", "given_names": "PIERRE", "birthdate": "2018-01-10"},
                {"birth_name": "DUBOIS", "given_names": "ROBERT LOUIS", "birthdate": "2022-06-20"},
            ],
        ),
    ],
)
def test_a_household_fact_is_read(fact: str, value: object) -> None:
    assert _read(fact) == value


@pytest.mark.parametrize(
    "fact",
    [fact for fact, spec in FACTS.items() if fact.startswith("household.") and fact != "household.status"],
)
def test_an_empty_household_knows_nothing(fact: str) -> None:
    assert _read(fact, Household(), None) is None


def test_no_children_is_known_and_an_empty_address_is_not() -> None:
    assert _read("household.children.count", Household(children=())) == 0
    assert _read("household.children", Household(children=())) == []
    assert _read("household.address", Household(address=Address())) is None


def test_a_child_of_the_oldest_payloads_keeps_its_single_name() -> None:
    assert _read("household.children", Household(children=(Person(full_name="MARTIN Léa"),))) == [
        {"full_name": "MARTIN Léa"}
    ]


@pytest.mark.parametrize(
    ("birthdate", "years"),
    [
        pytest.param(PartialDate(2018, 11, 24), 8, id="the birthday itself"),
        pytest.param(PartialDate(2018, 11, 25), 7, id="the day before the birthday"),
        pytest.param(PartialDate(2018, 10), 8, id="a month already over"),
        pytest.param(PartialDate(2018, 11), None, id="a day that decides and is unknown"),
        pytest.param(PartialDate(2018), None, id="a month that decides and is unknown"),
        pytest.param(None, None, id="no date"),
    ],
)
def test_an_age_is_known_when_it_has_one_answer(birthdate: PartialDate | None, years: int | None) -> None:
    assert age(birthdate, TODAY) == years


def test_a_moment_that_is_not_known_is_no_moment() -> None:
    assert identity_value("identity.authenticated_at", replace(ANGELA, authenticated_at=0), TODAY) is None
    assert household_value("household.obtained_at", HOUSEHOLD, HouseholdStatus.VERIFIED, 0, TODAY) is None


def test_a_timestamp_is_iso_8601_in_utc() -> None:
    assert timestamp(0) == "1970-01-01T00:00:00Z"


def test_only_a_status_leaves_without_being_a_household_value() -> None:
    values = {fact for fact in FACTS if is_household_value(fact)}
    assert "household.status" not in values
    assert {"household.family_quotient", "brackets.name", "household.obtained_at"} <= values
    assert not any(fact.startswith(("identity.", "gateway.", "request.")) for fact in values)


def test_the_catalogue_is_closed_under_what_it_implies() -> None:
    assert set(IMPLIED) | set().union(*IMPLIED.values()) <= set(FACTS)
    assert {spec.scope for fact, spec in FACTS.items() if spec.scope in PIVOT} == PIVOT
