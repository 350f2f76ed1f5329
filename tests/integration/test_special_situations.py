"""`alternative.special`: a path where nobody signs in, CAF is not asked, and the application is told so."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.sandbox.identities import PARENT
from tests.world import World, running

POLICY = """
purpose: Essai
legal_basis: mission d'intérêt public
retention: session
login: {acr: eidas1}
household: {review: false}
childcare: {review: false}
alternative:
  url: /deux/justificatif
  text: {fr: Déposer une attestation}
  special: {url: /deux/particuliere, text: {fr: "Accueil d'urgence"}}
inject:
  X-Usager-Nom: identity.birth_name
  X-Caf-Statut: household.status
  X-Caf-Quotient: household.family_quotient
  X-Creche-Statut: childcare.status
"""
OWN = """
purpose: Écrite pour ce chemin
inject: {X-Choix: {const: situation}}
"""
ROUTES = '  - {path: /deux/, upstream: "UPSTREAM", policy: deux}\n'


@pytest.fixture
def world(tmp_path: Path, lane: None) -> Iterator[World]:
    with running(tmp_path, routes=ROUTES, policies={"deux": POLICY}) as started:
        yield started


def test_each_status_header_says_that_nothing_was_asked_and_nobody_is_named(world: World) -> None:
    person = world.person()
    for _ in range(2):
        page = person.visit("/deux/particuliere")
        assert page.status == 200
        told = page.response.text
        assert told.count("not_asked") >= 2
        assert "X-Caf-Statut" in told
        assert "X-Creche-Statut" in told
        assert "X-Usager-Nom" not in told
    assert world.api.calls == 0


def test_a_client_cannot_say_it_otherwise(world: World) -> None:
    text = (
        world.person()
        .client.get("/deux/particuliere", headers={"x-caf-statut": "verified", "x_caf_quotient": "1"})
        .text
    )
    assert "not_asked" in text
    assert "<td>verified" not in text
    assert "<td>1<" not in text


def test_somebody_signed_in_is_named_there_no_more_than_anybody(world: World) -> None:
    person = world.person()
    world.sign_in(person, "/deux/", PARENT)
    told = person.visit("/deux/particuliere").response.text
    assert "DUPONT" not in told
    assert "not_asked" in told


def test_the_page_before_franceconnect_leads_there(world: World) -> None:
    person = world.person()
    page = person.visit("/deux/")
    assert "Accueil d’urgence" in page.text
    assert person.press(page, "Ma situation est particulière").path == "/deux/particuliere"
    assert "Ma situation" not in person.visit("/cantine/").text


def test_a_route_written_for_this_path_says_itself_what_the_application_is_told(tmp_path: Path, lane: None) -> None:
    routes = ROUTES + '  - {path: /deux/particuliere, upstream: "UPSTREAM", policy: ecrite}\n'
    with running(tmp_path, routes=routes, policies={"deux": POLICY, "ecrite": OWN}) as world:
        told = world.person().visit("/deux/particuliere").response.text
    assert "situation" in told
    assert "not_asked" not in told
