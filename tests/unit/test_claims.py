"""FranceConnect's claims → Identity."""

from dataclasses import replace
from typing import Any

import pytest

from gateway.core.claims import keep_known, parse_acr, to_identity
from gateway.core.errors import LoginFailed
from gateway.core.model import Acr, Identity, PartialDate, VerifiedClaims

CLAIMS: dict[str, Any] = {
    "sub": "b" * 64 + "v1",
    "given_name": "Jean Philippe Pierre Louis",
    "given_name_array": ["Jean Philippe", "Pierre", "Louis"],
    "family_name": "DUBOIS",
    "preferred_username": "Martin",
    "gender": "male",
    "birthdate": "1962-08-24",
    "birthplace": "75107",
    "birthcountry": "99100",
    "email": "multi@example.org",
}


def _identity(**changes: Any) -> Identity:
    claims = {name: value for name, value in (CLAIMS | changes).items() if value is not ...}
    return to_identity(VerifiedClaims(claims), provider="franceconnect", acr=Acr.EIDAS1, authenticated_at=7)


def test_every_claim_finds_its_place() -> None:
    assert _identity() == Identity(
        provider="franceconnect",
        sub="b" * 64 + "v1",
        acr=Acr.EIDAS1,
        authenticated_at=7,
        birth_name="DUBOIS",
        usage_name="Martin",
        given_names=("Jean Philippe", "Pierre", "Louis"),
        birthdate=PartialDate(1962, 8, 24),
        gender="male",
        birthplace="75107",
        birthcountry="99100",
        email="multi@example.org",
    )


def test_nothing_personal_is_in_its_repr() -> None:
    assert "DUBOIS" not in repr(_identity())
    assert "multi@example.org" not in repr(_identity())


@pytest.mark.parametrize("array", [..., [], ["Jean", ""], "Jean", None])
def test_without_a_usable_array_the_joined_names_are_split(array: object) -> None:
    assert _identity(given_name_array=array).given_names == ("Jean", "Philippe", "Pierre", "Louis")


def test_commas_separate_given_names_too() -> None:
    assert _identity(given_name="Paolo, Luigi", given_name_array=...).given_names == ("Paolo", "Luigi")


@pytest.mark.parametrize(
    "name", ["birthplace", "preferred_username", "family_name", "email", "birthdate", "given_name"]
)
@pytest.mark.parametrize("value", ["", "  ", None, ...])
def test_an_empty_claim_is_a_missing_claim(name: str, value: object) -> None:
    field = {"preferred_username": "usage_name", "family_name": "birth_name", "given_name": "given_names"}.get(
        name, name
    )
    identity = _identity(**{name: value, "given_name_array": ...})
    assert getattr(identity, field) in (None, ())


def test_a_presumed_birthdate_keeps_its_unknown_parts() -> None:
    assert _identity(birthdate="1992-00-00").birthdate == PartialDate(1992)


@pytest.mark.parametrize(
    ("written", "read"), [("female", "female"), ("Male", "male"), ("unspecified", "unspecified"), ("x", None)]
)
def test_a_gender_is_one_of_three(written: str, read: str | None) -> None:
    assert _identity(gender=written).gender == read


@pytest.mark.parametrize(
    "changes",
    [
        {"sub": ""},
        {"sub": ...},
        {"sub": 7},
        {"sub": "a" * 256},
        {"family_name": ["DUBOIS"]},
        {"family_name": "A\r\nX-Auth: b"},
        {"family_name": "A" * 1001},
        {"given_name_array": ["Jean", 7]},
        {"birthdate": "24/08/1962"},
        {"birthdate": 1962},
    ],
)
def test_a_claim_of_the_wrong_form_ends_the_login(changes: dict[str, Any]) -> None:
    with pytest.raises(LoginFailed) as caught:
        _identity(**changes)
    assert caught.value.code == "claim_malformed"


def test_levels_are_read_and_ordered() -> None:
    assert [parse_acr(f"eidas{n}") for n in (1, 2, 3)] == [Acr.EIDAS1, Acr.EIDAS2, Acr.EIDAS3]
    assert Acr.EIDAS1 < Acr.EIDAS2


@pytest.mark.parametrize("value", [None, "", "eidas0", "EIDAS1", 1, ["eidas1"], "eidas1 "])
def test_an_unknown_level_is_no_level(value: object) -> None:
    with pytest.raises(LoginFailed):
        parse_acr(value)


def test_what_this_login_did_not_ask_for_is_still_known() -> None:
    before = _identity()
    later = _identity(email=..., preferred_username=..., family_name="AUTRE")
    kept = keep_known(later, before, frozenset({"openid", "identite_pivot"}))
    assert (kept.email, kept.usage_name, kept.birth_name) == ("multi@example.org", "Martin", "AUTRE")


def test_what_it_asked_for_and_did_not_get_is_known_no_more() -> None:
    kept = keep_known(_identity(email=..., birthplace=...), _identity(), frozenset({"email", "identite_pivot"}))
    assert (kept.email, kept.birthplace, kept.usage_name) == (None, None, "Martin")


def test_the_stronger_of_two_authentications_counts_with_its_time() -> None:
    strong, weak = replace(_identity(), acr=Acr.EIDAS2, authenticated_at=5), replace(_identity(), authenticated_at=9)
    for kept in (keep_known(weak, strong, frozenset()), keep_known(strong, weak, frozenset())):
        assert (kept.acr, kept.authenticated_at) == (Acr.EIDAS2, 5)
    again = keep_known(weak, replace(weak, authenticated_at=3), frozenset())
    assert (again.acr, again.authenticated_at) == (Acr.EIDAS1, 9)


def test_a_first_login_keeps_nothing_from_before() -> None:
    assert keep_known(_identity(), None, frozenset()) == _identity()
