"""What a typed number gave and what was obtained for somebody signed in never stand in for each other."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.sandbox.identities import MATCHING, MISMATCHING
from tests.attack.test_number_mode import JSON, marie
from tests.browser import Person
from tests.world import World, running

INJECT = "inject: {X-Statut: household.status, X-Qf: household.family_quotient}\n"
SIGNED_IN = """
purpose: Essai {name}
legal_basis: mission d'intérêt public
retention: session
login: {{acr: eidas1}}
household: {{{keys}, when_missing: forward}}
alternative: {{url: /accueil, text: Se présenter à l'accueil}}
"""
POLICIES = {
    "num": "purpose: Estimation\nhousehold: {mode: number, match: none, when_missing: forward}\n" + INJECT,
    "nr": SIGNED_IN.format(name="nr", keys="review: false") + INJECT,
    "parnom": SIGNED_IN.format(name="parnom", keys="mode: identity, review: false") + INJECT,
    "avecnom": SIGNED_IN.format(name="avecnom", keys="mode: number, review: false") + INJECT,
    "bref": SIGNED_IN.format(name="bref", keys="review: false").replace("session", "5 minutes") + INJECT,
}
POLICIES |= {
    name: POLICIES["nr"].replace("household.family_quotient", fact)
    for name, fact in {"tranche": "brackets.name", "mois": "household.reference_month"}.items()
}
POLICIES["tranche"] += (
    "brackets: {council_decision: n° 1, valid_from: 2026-01-01, table: [{up_to: 400, name: T1}, {name: T2}]}\n"
)
FILES: dict[str, Any] = {
    "changes": {"mode: franceconnect ": "mode: franceconnect\n    token: {env: API_PARTICULIER_TOKEN} "},
    "policies": POLICIES,
    "routes": "".join(f'  - {{path: /{name}/, upstream: "UPSTREAM", policy: {name}}}\n' for name in POLICIES),
}
TYPED = {"x-statut": "identity_unverified", "x-qf": "600"}
OWN = {"x-statut": "verified", "x-qf": "2550"}


@pytest.fixture
def world(tmp_path: Path, lane: None) -> Iterator[World]:
    with running(tmp_path, broker=True, **FILES) as started:
        yield started


def told(person: Person, path: str) -> dict[str, str]:
    """What the application reads of the household; empty when the person is not let through to it."""
    answer = person.client.get(path, headers=JSON)
    said = answer.json().get("headers", {})
    return {name: said[name] for name in ("x-statut", "x-qf") if name in said}


def types(person: Person, path: str = "/num/", number: str = "4400101") -> None:
    """A number typed on the form that the page asks for, and confirmed where there is something to confirm."""
    page = person.visit(path)
    assert page.path.startswith("/_gateway/allocataire")
    page = person.press(page, "Continuer", number=number, postal_code="44100")
    if page.path.startswith("/_gateway/review"):
        person.press(page, "Continuer")


def test_a_login_after_a_typed_number_asks_caf_as_for_anybody_and_loses_neither(world: World) -> None:
    person = world.person()
    types(person)
    assert told(person, "/num/") == TYPED
    world.sign_in(person, "/nr/", MATCHING)
    assert told(person, "/nr/") == OWN
    assert told(person, "/num/") == TYPED
    assert "Votre tranche de tarif" in person.visit("/cantine/").text


def test_who_signed_in_elsewhere_is_asked_for_a_number_where_nobody_signs_in(world: World) -> None:
    person = world.person()
    world.sign_in(person, "/nr/", MATCHING)
    assert told(person, "/num/") == {}
    types(person)
    assert told(person, "/num/") == TYPED
    assert told(person, "/nr/") == OWN


@pytest.mark.parametrize("path", ["/parnom/", "/avecnom/"])
def test_the_same_holds_for_what_was_obtained_by_name(world: World, path: str) -> None:
    person = world.person()
    if path == "/avecnom/":
        world.franceconnect.faults.userinfo = marie
        world.sign_in(person, path, MATCHING)
        types(person, path)
    else:
        world.sign_in(person, path, MATCHING)
    assert told(person, path)["x-statut"] == "verified"
    assert told(person, "/num/") == {}
    assert person.visit("/num/").path.startswith("/_gateway/allocataire")


def test_a_number_that_nobody_knows_says_nothing_of_the_person_who_signs_in(world: World) -> None:
    person = world.person()
    types(person, number="9999999")
    assert told(person, "/num/") == {"x-statut": "not_found"}
    world.sign_in(person, "/nr/", MATCHING)
    assert told(person, "/nr/") == OWN
    assert told(person, "/num/") == {"x-statut": "not_found"}


def test_a_file_that_franceconnect_does_not_find_leaves_the_number_to_be_asked(world: World) -> None:
    world.franceconnect.faults.userinfo = marie
    person = world.person()
    world.sign_in(person, "/nr/", MATCHING)
    assert "x-qf" not in told(person, "/nr/")
    types(person, "/avecnom/")
    assert told(person, "/avecnom/") == {"x-statut": "verified", "x-qf": "600"}


def test_my_data_tells_them_apart_and_forgets_both(world: World) -> None:
    person = world.person()
    types(person)
    world.sign_in(person, "/nr/", MATCHING)
    page = person.visit("/_gateway/mes-donnees")
    assert "2550" in page.text
    assert "600" not in page.text
    assert page.text.count("Donnée obtenue le") == 2
    assert page.text.count("La valeur n’est pas affichée") == 1
    copy = person.client.get("/_gateway/mes-donnees/copie").json()
    assert [bool(each["valeurs_non_affichees"]) for each in copy["donnees"]] == [False, True]
    person.press(page, "Oublier ces données")
    assert told(person, "/num/") == told(person, "/nr/") == {}


def test_what_was_contested_before_a_login_stays_so_after_it(world: World) -> None:
    person = world.person()
    types(person)
    form = person.press(person.visit("/_gateway/mes-donnees"), "contester cette donnée")
    person.press(form, "Contester cette donnée")
    assert told(person, "/num/") == {"x-statut": "contested"}
    world.sign_in(person, "/nr/", MATCHING)
    assert told(person, "/num/") == told(person, "/nr/") == {"x-statut": "contested"}


def test_a_policy_that_keeps_less_does_not_shorten_what_another_way_obtained(world: World) -> None:
    person = world.person()
    types(person)
    world.clock.ahead_s += 400
    world.sign_in(person, "/bref/", MATCHING)
    assert told(person, "/bref/") == OWN
    assert told(person, "/num/") == TYPED


def test_somebody_else_who_signs_in_finds_nothing_that_was_typed(world: World) -> None:
    person = world.person()
    world.sign_in(person, "/nr/", MATCHING)
    types(person)
    for cookie in [each for each in person.client.cookies.jar if not each.name.startswith("gateway-")]:
        person.client.cookies.jar.clear(cookie.domain, cookie.path, cookie.name)
    assert world.sign_in(person, "/_gateway/login?return_to=/compte/", MISMATCHING).path == "/compte/"
    assert told(person, "/num/") == {}


def test_two_services_that_keep_other_facts_of_one_block_do_not_ask_in_turns(world: World) -> None:
    person = world.person()
    world.sign_in(person, "/tranche/", MATCHING)
    assert told(person, "/tranche/") == {"x-statut": "verified", "x-qf": "T2"}
    assert told(person, "/mois/") == {}
    person.press(person.press(person.visit("/mois/"), "S’identifier avec"), "Continuer")
    assert told(person, "/mois/") == {"x-statut": "verified", "x-qf": "2024-02"}
    assert told(person, "/tranche/") == {"x-statut": "verified", "x-qf": "T2"}
