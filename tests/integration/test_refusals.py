"""A refusal is never the end of the road: each page says how to go on."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.sandbox.identities import MATCHING, UNKNOWN
from tests.browser import Page
from tests.world import World, running

LOGIN = "legal_basis: mission d'intérêt public\nretention: session\nlogin: {acr: eidas1}\n"
WAY_OUT = "alternative: {url: /accueil, text: Se présenter à l'accueil}\n"
NAME = "inject: {X-Nom: identity.birth_name}\n"
OLD = "allow: {all: [{identity.age: {at_least: 130}}]}\n"
GROWN_UP = "allow: {all: [{identity.age: {at_least: 18}}]}\n"
DENIED = "household: {review: false, when_missing: deny}\ninject: {X-Qf: household.family_quotient}\n"
ALONE = "household: {mode: number, match: none, review: false, when_missing: deny}\n"
POLICIES = {
    "defaut": LOGIN + WAY_OUT + NAME + OLD,
    "texte": LOGIN + WAY_OUT + NAME + OLD + "refused: {text: Réservé aux aînés.}\n",
    "adresse": LOGIN + WAY_OUT + NAME + OLD + "refused: {text: Réservé aux aînés., url: /contact}\n",
    "libre": LOGIN.replace("eidas1", "eidas1, optional: true") + WAY_OUT + NAME + GROWN_UP,
    "libretexte": LOGIN.replace("eidas1", "eidas1, optional: true")
    + WAY_OUT
    + NAME
    + GROWN_UP
    + "refused: {text: Réservé aux adultes.}\n",
    "foyer": LOGIN.replace("eidas1", "eidas1, optional: true")
    + WAY_OUT
    + "household: {review: false, when_missing: alternative}\ninject: {X-Qf: household.family_quotient}\n"
    + GROWN_UP,
    "dossier": LOGIN + WAY_OUT + DENIED,
    "numero": ALONE + "inject: {X-Qf: household.family_quotient}\n",
    "lecture": "allow: {all: [{request.method: {in: [POST]}}]}\n",
}
FILES: dict[str, Any] = {
    "changes": {"mode: franceconnect ": "mode: franceconnect\n    token: {env: API_PARTICULIER_TOKEN} "},
    "policies": {name: f"purpose: Essai {name}\n{policy}" for name, policy in POLICIES.items()},
    "routes": "".join(f'  - {{path: /{name}/, upstream: "UPSTREAM", policy: {name}}}\n' for name in POLICIES),
}
DOCUMENT = ("Je préfère fournir un justificatif", "/accueil")


@pytest.fixture
def world(tmp_path: Path, lane: None) -> Iterator[World]:
    with running(tmp_path, broker=True, **FILES) as started:
        yield started


def ways(page: Page) -> list[tuple[str, str]]:
    """What the page offers, without what every page has around it."""
    links = [link for link in page.links if link[1].startswith("/") and link[0] not in {"English", "Français"}]
    footer = next(place for place, link in enumerate(links) if link[0] == "Mes données")
    return links[:footer]


@pytest.mark.parametrize(
    ("path", "said"), [("/defaut/", "Les conditions d’accès à ce service"), ("/texte/", "Réservé aux aînés.")]
)
def test_a_refusal_offers_the_policy_s_alternative_and_a_new_beginning(world: World, path: str, said: str) -> None:
    page = world.sign_in(world.person(), path, MATCHING)
    assert page.status == 403
    assert said in page.text
    assert ways(page) == [DOCUMENT, ("Recommencer", f"/_gateway/login?return_to=%2F{path[1:-1]}%2F")]


def test_a_refusal_that_names_where_to_go_leads_there_first(world: World) -> None:
    page = world.sign_in(world.person(), "/adresse/", MATCHING)
    assert ways(page)[0] == ("Continuer", "/contact")
    assert [label for label, _ in ways(page)[1:]] == [DOCUMENT[0], "Recommencer"]


@pytest.mark.parametrize("path", ["/libre/", "/libretexte/", "/foyer/"])
def test_who_is_refused_only_because_nobody_signed_in_is_offered_to(world: World, path: str) -> None:
    person = world.person()
    page = person.visit(path)
    assert page.status == 403
    assert "ne sont pas remplies" not in page.text
    assert "n’a pas, pour vous" not in page.text
    assert ("Réservé aux adultes." in page.text) is (path == "/libretexte/")
    login = "/_gateway/login?return_to=" + path.replace("/", "%2F")
    assert sorted(ways(page)) == sorted([("S’identifier avec FranceConnect", login), DOCUMENT])
    arrived = person.press(person.press(page, "S’identifier avec FranceConnect"), "S’identifier avec")
    assert person.press(world.choose(person, arrived, MATCHING), "Continuer").path == path


def test_who_signed_in_and_is_refused_reads_no_word_of_signing_in(world: World) -> None:
    person = world.person()
    world.franceconnect.faults.userinfo = lambda claims: claims | {"birthdate": "2020-01-01"}
    page = world.sign_in(person, "/_gateway/login?return_to=/libre/", MATCHING)
    assert (page.status, page.path) == (403, "/libre/")
    assert "Les conditions d’accès à ce service ne sont pas remplies" in page.text
    assert [label for label, _ in ways(page)] == [DOCUMENT[0], "Recommencer"]


def test_a_file_that_is_wanted_and_missing_is_said_as_such_and_asked_for_again(world: World) -> None:
    page = world.sign_in(world.person(), "/dossier/", UNKNOWN)
    assert page.status == 403
    assert "Aucun dossier trouvé à votre nom" in page.text
    assert ways(page) == [DOCUMENT, ("Recommencer", "/_gateway/login?return_to=%2Fdossier%2F")]


def test_a_number_that_is_refused_leads_back_to_the_form(world: World) -> None:
    person = world.person()
    page = person.press(person.visit("/numero/"), "Continuer", number="9999999", postal_code="44100")
    assert (page.status, "Ce numéro n’est pas reconnu" in page.text) == (403, True)
    form = person.press(page, "Recommencer")
    assert person.press(form, "Continuer", number="4400101", postal_code="44100").path == "/numero/"


def test_a_refused_request_of_nobody_leads_to_its_own_page(world: World) -> None:
    page = world.person().visit("/lecture/?annee=2026")
    assert (page.status, ways(page)) == (403, [("Recommencer", "/lecture/?annee=2026")])


def test_what_was_contested_leads_to_where_it_can_be_taken_back(world: World) -> None:
    person = world.person()
    world.sign_in(person, "/dossier/", MATCHING)
    form = person.press(person.visit("/_gateway/mes-donnees"), "contester cette donnée")
    person.press(form, "Contester cette donnée")
    page = person.visit("/dossier/")
    assert "Vous avez contesté cette information" in page.text
    assert ("Voir mes données et mes choix", "/_gateway/mes-donnees") in ways(page)


def test_a_refusal_is_said_in_english_too(world: World) -> None:
    person = world.person()
    french = person.visit("/libre/")
    page = person.press(french, "English")
    assert "Sign in to continue" in page.text
    assert "Sign in with FranceConnect" in [label for label, _ in page.links]
