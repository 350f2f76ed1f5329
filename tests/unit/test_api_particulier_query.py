import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.adapters.api_particulier_query import IdentityUnusable, identity_parameters, transliterate
from gateway.core.model import Identity, PartialDate
from tests.builders import ANGELA


def code_of(identity: Identity) -> str:
    with pytest.raises(IdentityUnusable) as refusal:
        identity_parameters(identity)
    return refusal.value.code


def parameters(**changes: object) -> list[tuple[str, str]]:
    return list(identity_parameters(replace(ANGELA, **changes)))  # type: ignore[arg-type]


def test_a_person_born_in_france_is_asked_for_by_her_whole_civil_status() -> None:
    assert parameters() == [
        ("prenoms[]", "Angela"),
        ("prenoms[]", "Claire"),
        ("prenoms[]", "Louise"),
        ("nomNaissance", "DUBOIS"),
        ("anneeDateNaissance", "1962"),
        ("moisDateNaissance", "8"),
        ("jourDateNaissance", "24"),
        ("sexeEtatCivil", "F"),
        ("codeCogInseePaysNaissance", "99100"),
        ("codeCogInseeCommuneNaissance", "75107"),
    ]


def test_a_person_born_abroad_has_a_country_and_no_commune() -> None:
    sent = dict(parameters(birthcountry="99404", birthplace="75107"))
    assert sent["codeCogInseePaysNaissance"] == "99404"
    assert "codeCogInseeCommuneNaissance" not in sent


def test_at_most_three_given_names_are_sent_each_whole() -> None:
    sent = parameters(given_names=("Jean Philippe", "Marie-Ange", "Paul", "Ex-œquo 4"))
    assert [value for name, value in sent if name == "prenoms[]"] == ["Jean Philippe", "Marie-Ange", "Paul"]


def test_the_usage_name_is_sent_when_there_is_one() -> None:
    assert ("nomUsage", "MERCIER") in parameters(usage_name="MERCIER")
    assert "nomUsage" not in dict(parameters(usage_name=None))


@pytest.mark.parametrize(
    ("birthdate", "sent"),
    [
        (PartialDate(1962, 8, 24), ["1962", "8", "24"]),
        (PartialDate(1962, 8), ["1962", "8"]),
        (PartialDate(1962), ["1962"]),
        (PartialDate(1962, None, 24), ["1962"]),
        (None, []),
    ],
)
def test_unknown_parts_of_a_birth_date_are_left_out(birthdate: PartialDate | None, sent: list[str]) -> None:
    assert [value for name, value in parameters(birthdate=birthdate) if name.endswith("DateNaissance")] == sent


@pytest.mark.parametrize(("gender", "letter"), [("male", "M"), ("female", "F"), ("unspecified", "F"), (None, "F")])
def test_the_sex_is_always_sent(gender: str | None, letter: str) -> None:
    assert ("sexeEtatCivil", letter) in parameters(gender=gender)


def test_an_identity_without_a_country_of_birth_is_not_worth_a_call() -> None:
    assert code_of(replace(ANGELA, birthcountry=None)) == "identity_without_birthcountry"


@pytest.mark.parametrize("birthcountry", ["FR", "75015", "991000", "99100\n", ""])
def test_a_country_that_is_no_code_of_one_is_not_sent(birthcountry: str) -> None:
    assert code_of(replace(ANGELA, birthcountry=birthcountry)) == "identity_birthcountry_unusable"


@pytest.mark.parametrize("birthcountry", ["99100", "99352", "92352"])
def test_countries_and_former_algeria_have_codes(birthcountry: str) -> None:
    assert ("codeCogInseePaysNaissance", birthcountry) in parameters(birthcountry=birthcountry)


@pytest.mark.parametrize("birthplace", [None, "", "Paris", "5046", "2C004", "٧٥١٠٧"])
def test_a_birth_in_france_needs_its_commune(birthplace: str | None) -> None:
    assert code_of(replace(ANGELA, birthplace=birthplace)) == "identity_without_birthplace"


@pytest.mark.parametrize("birthplace", ["75107", "2A004", "2B033", "97411"])
def test_communes_of_corsica_and_overseas_have_codes_too(birthplace: str) -> None:
    assert ("codeCogInseeCommuneNaissance", birthplace) in parameters(birthplace=birthplace)


def test_an_identity_without_names_is_not_worth_a_call() -> None:
    assert code_of(replace(ANGELA, birth_name=None)) == "identity_without_birth_name"
    assert code_of(replace(ANGELA, given_names=())) == "identity_without_given_names"
    assert code_of(replace(ANGELA, birth_name="Иванов")) == "identity_name_unusable"
    assert code_of(replace(ANGELA, given_names=("Angela", "李"))) == "identity_name_unusable"


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ("LEFÈVRE", "LEFÈVRE"),
        ("N'Guyen", "N'Guyen"),
        ("LE GOFF-MARTIN", "LE GOFF-MARTIN"),
        ("Lætitia", "Lætitia"),
        ("Strauß", "Strauß"),
        ("Cœur", "Coeur"),
        ("ŒUVRARD", "OEUVRARD"),
        ("L\u2019HAŸ", "L'HAY"),
        ("D\u02bcAngelo", "D'Angelo"),
        ("Yılmaz", "Yilmaz"),
        ("İpek", "Ipek"),
        ("Paweł", "Pawel"),
        ("Şahin", "Sahin"),
        ("Erdoğan", "Erdogan"),
        ("Kovačević", "Kovacevic"),
        ("Nguyễn", "Nguyen"),
        ("Đỗ", "Do"),
        ("Jean\u2011Paul", "Jean-Paul"),
        ("LE\u00a0GOFF", "LE GOFF"),
        ("E\u0301lodie", "Élodie"),
        (" Dubois ", "Dubois"),
    ],
)
def test_names_are_written_in_the_letters_that_the_route_accepts(name: str, sent: str) -> None:
    assert transliterate(name) == sent


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        "-",
        "'",
        "Jean2",
        "Jean_Y180001",
        "J. P.",
        "A,B",
        "×",
        "÷",
        "Иван",
        "李",
        "Jean\u200bPaul",
        "Jean\tPaul",
        "Mª",
        "Ａ",
        "🙂",
    ],
)
def test_what_has_no_plain_form_is_refused_and_not_dropped(name: str) -> None:
    with pytest.raises(IdentityUnusable, match=r"\Aidentity_name_unusable\Z"):
        transliterate(name)


@given(st.text(max_size=30))
def test_whatever_is_sent_is_in_the_accepted_set(name: str) -> None:
    try:
        sent = transliterate(name)
    except IdentityUnusable:
        return
    assert re.fullmatch(r"[A-Za-zÀ-ÖØ-öø-ÿ' -]*[A-Za-zÀ-ÖØ-öø-ÿ][A-Za-zÀ-ÖØ-öø-ÿ' -]*", sent)
    assert transliterate(sent) == sent


@given(st.text(alphabet="ABCabcÀÉÖØöøÿœŒşğıłđ' -\u2019", min_size=1).filter(lambda name: any(map(str.isalpha, name))))
def test_every_latin_name_has_a_plain_form(name: str) -> None:
    assert transliterate(name)
