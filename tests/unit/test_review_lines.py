"""Household values in words, for the person who reviews them."""

import pytest

from gateway.web.review import Line, lines


@pytest.mark.parametrize(
    ("fact", "value", "line"),
    [
        ("household.family_quotient", 0, Line("Votre quotient familial", "0", kind="number")),
        ("household.reference_month", "2026-05", Line("Le mois du quotient familial", "2026-05", kind="month")),
        (
            "household.fund",
            "msa",
            Line("L’organisme qui a répondu (CAF ou MSA)", "la MSA (régime agricole)", kind="sentence"),
        ),
        ("brackets.name", "T2", Line("Votre tranche de tarif", "T2")),
        (
            "household.address",
            {"lines": ["APT 2", "1 RUE MONTORGUEIL"], "postal_code": "75002", "city": "PARIS", "insee_code": "75102"},
            Line("Votre adresse", items=("APT 2", "1 RUE MONTORGUEIL", "75002 PARIS", "Insee 75102")),
        ),
        ("household.address", {"city": "PARIS"}, Line("Votre adresse", items=("PARIS",))),
        (
            "household.children",
            [
                {"birth_name": "DUPONT", "given_names": "PIERRE", "birthdate": "2018-01-10"},
                {"birth_name": "DUPONT", "given_names": "ROBERT", "birthdate": "2020-00-00"},
                {"given_names": "HENRY"},
            ],
            Line(
                "Les noms et dates de naissance des enfants",
                items=("PIERRE DUPONT, 10/01/2018", "ROBERT DUPONT, 2020-00-00", "HENRY"),
                kind="day",
            ),
        ),
        ("household.children.age", [8, 4], Line("L’âge des enfants", items=("8", "4"))),
    ],
)
def test_a_value_is_shown_in_words(fact: str, value: object, line: Line) -> None:
    assert lines([(fact, value)]) == [line]


def test_only_household_values_are_reviewed() -> None:
    assert lines([("identity.birth_name", "DUBOIS"), ("household.status", "verified"), ("const", "x")]) == []
