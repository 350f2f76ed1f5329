"""«Je relis» says all that leaves: what the application receives is listed there, and nothing else is."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.sandbox.identities import MATCHING
from tests.browser import Page
from tests.world import World, running

LOGIN = "legal_basis: mission d'intérêt public\nretention: session\nlogin: {acr: eidas1}\n"
WAY_OUT = "alternative: {url: /accueil, text: Se présenter à l'accueil}\n"
ALL = """
purpose: Essai tout
household: {when_missing: forward}
childcare: {when_missing: forward}
inject:
  X-Sub: identity.sub
  X-Age: identity.age
  X-Sexe: identity.gender
  X-Commune: identity.birthplace
  X-Nom: identity.birth_name
  X-Niveau: identity.acr
  X-Heure: identity.authenticated_at
  X-Fournisseur: identity.provider
  X-Statut: household.status
  X-Qf: household.family_quotient
  X-Creche: childcare.status
  X-Aeeh: childcare.aeeh_children
  X-Origine: {const: guichet numérique}
  X-Regle: gateway.policy
  X-Version: gateway.policy_version
  X-Reference: gateway.decision_id
"""
FEW = "purpose: Essai peu\nhousehold: {}\ninject: {X-Qf: household.family_quotient}\n"
TYPED = """
purpose: Essai numero
household: {mode: number, match: none, when_missing: forward}
inject: {X-Statut: household.status, X-Qf: household.family_quotient, X-Origine: {const: guichet}}
"""
FILES: dict[str, Any] = {
    "changes": {"mode: franceconnect ": "mode: franceconnect\n    token: {env: API_PARTICULIER_TOKEN} "},
    "policies": {"tout": LOGIN + WAY_OUT + ALL, "peu": LOGIN + WAY_OUT + FEW, "numero": TYPED},
    "routes": '  - {path: /tout/, upstream: "UPSTREAM", policy: tout}\n'
    '  - {path: /peu/, upstream: "UPSTREAM", policy: peu}\n'
    '  - {path: /nu/, upstream: "UPSTREAM", policy: peu, sign: none}\n'
    '  - {path: /numero/, upstream: "UPSTREAM", policy: numero}\n',
}


@pytest.fixture
def world(tmp_path: Path, lane: None) -> Iterator[World]:
    with running(tmp_path, broker=True, **FILES) as started:
        yield started


def reviewed(page: Page) -> str:
    assert page.path.startswith("/_gateway/review")
    return page.text.partition("Références")[0].partition("En continuant")[0].partition("By continuing")[0]


def test_all_that_a_policy_injects_is_named_before_it_leaves(world: World) -> None:
    page = world.sign_in(world.person(), "/tout/", MATCHING)
    said = reviewed(page)
    for line in (
        "Identifiant un identifiant propre à ce site",
        "Votre âge",
        "Votre sexe féminin",
        "Votre commune de naissance",
        "Votre nom de naissance DUBOIS",
        "Le niveau de garantie de votre identification eidas1",
        "L’heure de votre identification",
        "Le nom du service d’identification FranceConnect",
        "Le résultat de la demande (dossier trouvé, ou non) dossier trouvé, à votre nom",
        "Votre quotient familial 2550",
        "Une mention fixe guichet numérique",
        "Le nom de la règle appliquée tout",
        "La version de cette règle",
        "La référence de la demande une nouvelle à chaque demande",
    ):
        assert line in said, (line, said)
    names = {item.header.lower() for item in world.settings.policies["tout"].inject}
    page = world.people[0].press(page, "Continuer")
    answer = world.people[0].client.get("/tout/", headers={"accept": "application/json", "sec-fetch-mode": "cors"})
    received = {name.lower() for name in answer.json()["headers"]} & names
    # The nursery has no file of her.
    assert names - received <= {"x-aeeh"}


def test_what_the_signature_says_of_the_person_is_named_and_only_where_it_says_so(world: World) -> None:
    person = world.person()
    said = reviewed(world.sign_in(person, "/peu/", MATCHING))
    assert "La signature un identifiant propre à ce site le niveau de garantie de votre identification" in said
    assert "Une mention fixe" not in said
    assert "Votre âge" not in said
    bare = reviewed(person.visit("/nu/"))
    assert "Votre quotient familial 2550" in bare
    assert "identifiant propre à ce site" not in bare
    assert "Joint à chaque demande" not in bare


def test_without_a_login_the_result_is_said_and_the_value_is_not_shown(world: World) -> None:
    person = world.person()
    page = person.press(person.visit("/numero/"), "Continuer", number="4400101", postal_code="44100")
    said = reviewed(page)
    assert "dossier trouvé, identité non vérifiée" in said
    assert "Une mention fixe guichet" in said
    assert "identifiant propre à ce site" not in said
    assert "600" not in said


def test_it_is_all_said_in_english_too(world: World) -> None:
    person = world.person()
    world.sign_in(person, "/tout/", MATCHING)
    said = reviewed(person.visit("/_gateway/review?return_to=/tout/&lang=en"))
    for line in (
        "Identifier an identifier for this site only",
        "A fixed mention guichet numérique",
        "file found, in your name",
        "a new one for each request",
    ):
        assert line in said, (line, said)
