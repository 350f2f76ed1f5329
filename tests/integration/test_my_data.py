"""«Mes données», contest, objection, withdrawal and copy, through the real pages."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.sandbox.identities import MATCHING
from tests.agents import MY_DATA, POLICIES, ROUTES, received
from tests.browser import Page, Person, shows
from tests.world import World, running

KEPT = {"sessions:\n": "disputes: {key: {env: DISPUTES_KEY}}\n\nsessions:\n"}


@pytest.fixture(params=[True, False], ids=["kept", "session only"])
def either(request: pytest.FixtureRequest, tmp_path: Path, lane: None) -> Iterator[World]:
    """With a dispute store, and without one."""
    with running(tmp_path, changes=KEPT if request.param else {}, routes=ROUTES, policies=POLICIES) as started:
        yield started


@pytest.fixture
def kept(tmp_path: Path, lane: None) -> Iterator[World]:
    with running(tmp_path, changes=KEPT, routes=ROUTES, policies=POLICIES) as started:
        yield started


def signed_in(world: World) -> Person:
    parent = world.person()
    world.sign_in(parent, "/quotient/", MATCHING)
    parent.press(parent.press(parent.visit("/adresse/"), "S’identifier avec"), "Continuer")
    return parent


def contest(person: Person, datum: str = "Quotient familial", **typed: str) -> Page:
    form = person.press(person.visit(MY_DATA), f"contester cette donnée ({datum})")
    return person.press(form, "Contester cette donnée", **typed)


def test_a_contested_quotient_reaches_no_service_from_then_on_and_the_address_still_does(either: World) -> None:
    parent = signed_in(either)
    assert received(parent, "/quotient/")["x-statut"] == "verified"
    assert "x-valeur" in received(parent, "/quotient/")
    receipt = contest(parent)
    assert "n’est plus transmise à aucun service" in receipt.text
    assert "caf.fr" in receipt.text
    assert "msa.fr" in receipt.text
    assert received(parent, "/quotient/") == {"x-statut": "contested"}
    assert received(parent, "/adresse/")["x-statut"] == "verified"
    # The tariff bracket comes from the quotient.
    page = parent.visit("/cantine/")
    assert page.status == 403
    assert "Vous avez contesté cette information" in page.text


def test_the_address_alone_is_withheld_when_it_alone_is_contested(either: World) -> None:
    parent = signed_in(either)
    contest(parent, "Adresse")
    assert received(parent, "/adresse/") == {"x-statut": "contested"}
    assert received(parent, "/quotient/")["x-statut"] == "verified"


def test_a_withdrawn_contest_lets_the_value_leave_again(either: World) -> None:
    parent = signed_in(either)
    contest(parent)
    parent.press(parent.visit(MY_DATA), "Retirer ma demande : Quotient familial")
    assert received(parent, "/quotient/")["x-statut"] == "verified"


def test_an_objection_is_about_one_service_and_asks_no_reason(either: World) -> None:
    parent = signed_in(either)
    form = parent.press(parent.visit(MY_DATA), "justificatif pour : Dossier quotient")
    receipt = parent.press(form, "Je préfère fournir un justificatif")
    assert "Votre choix est enregistré" in receipt.text
    assert received(parent, "/quotient/") == {"x-statut": "declined"}
    assert received(parent, "/adresse/")["x-statut"] == "verified"
    parent.press(parent.visit(MY_DATA), "Retirer ma demande : Dossier quotient")
    assert received(parent, "/quotient/")["x-statut"] == "verified"


def test_a_page_without_a_store_says_that_a_contest_ends_with_the_session(tmp_path: Path, lane: None) -> None:
    with running(tmp_path, routes=ROUTES, policies=POLICIES) as world:
        receipt = contest(signed_in(world))
        assert "jusqu’à la fin de votre session" in receipt.text
        assert "dpo@ville.example" in receipt.text


def test_a_kept_contest_has_a_receipt_with_a_reference_and_a_delay_and_outlives_the_session(kept: World) -> None:
    parent = signed_in(kept)
    receipt = contest(parent, text="Mon quotient a changé.", contact="0102030405")
    reference = receipt.path.rpartition("=")[2]
    assert receipt.path.startswith("/_gateway/mes-donnees/recu?reference=")
    assert f"Référence : {reference}" in receipt.text
    assert "Un agent vous répondra au plus tard le" in receipt.text
    assert "Continuer en attendant" in receipt.text
    parent.press(parent.visit("/_gateway/logout"), "Se déconnecter")
    again = kept.person()
    kept.sign_in(again, "/quotient/", MATCHING)
    assert received(again, "/quotient/") == {"x-statut": "contested"}
    assert reference in again.visit(MY_DATA).text


def test_a_contested_datum_is_not_asked_of_caf_again(kept: World) -> None:
    parent = signed_in(kept)
    contest(parent)
    calls = kept.api.calls
    again = kept.person()
    kept.sign_in(again, "/quotient/", MATCHING)
    assert kept.api.calls == calls


def test_a_lasting_objection_outlives_the_session(kept: World) -> None:
    parent = signed_in(kept)
    form = parent.press(parent.visit(MY_DATA), "justificatif pour : Dossier quotient")
    receipt = parent.press(form, "Je préfère fournir un justificatif", lasting="yes")
    assert "Référence" in receipt.text
    again = kept.person()
    kept.sign_in(again, "/quotient/", MATCHING)
    assert received(again, "/quotient/") == {"x-statut": "declined"}


def test_the_same_contest_twice_is_one(kept: World) -> None:
    parent = signed_in(kept)
    form = parent.press(parent.visit(MY_DATA), "contester cette donnée (Quotient familial)")
    first = parent.press(form, "Contester cette donnée")
    second = parent.press(form, "Contester cette donnée")
    assert first.path == second.path


def test_what_was_typed_is_kept_when_it_is_too_long(kept: World) -> None:
    parent = signed_in(kept)
    page = contest(parent, text="é" * 501)
    assert page.status == 422
    assert "Erreur" in page.text
    assert "é" * 501 in page.text
    assert 'aria-describedby="text-format text-erreur" aria-invalid="true"' in page.response.text
    assert '<a href="#text">Ce que vous expliquez est trop long' in page.response.text
    assert 'aria-describedby="contact-format"' in page.response.text
    assert "<title>Erreur" in page.response.text
    assert received(parent, "/quotient/")["x-statut"] == "verified"


def test_the_values_are_shown_with_their_source_and_month_and_no_name_that_nobody_injects(kept: World) -> None:
    parent = kept.person()
    parent.press(kept.sign_in(parent, "/cantine/", MATCHING), "Continuer")
    page = parent.visit(MY_DATA)
    assert "Votre quotient familial 2550" in page.text
    assert "la CAF (allocations familiales)" in page.text
    assert "PIERRE" not in page.text
    assert "ADULTES" not in page.text.upper()
    assert page.response.headers["cache-control"] == "no-store"


def test_the_copy_is_a_file_with_everything_that_the_page_shows(kept: World) -> None:
    parent = signed_in(kept)
    contest(parent, text="Mon texte")
    response = parent.visit("/_gateway/mes-donnees/copie").response
    assert response.headers["content-disposition"].startswith('attachment; filename="mes-donnees-')
    assert response.headers["cache-control"] == "no-store"
    copy: dict[str, Any] = json.loads(response.content)
    quotient = next(each for each in copy["donnees"] if each["donnee"] == "Quotient familial")
    assert quotient["valeurs"]["Votre quotient familial"] == "2550"
    assert copy["identite"]["nom_de_naissance"] == "DUBOIS"
    assert copy["textes_des_contestations"][0]["texte"] == "Mon texte"
    assert {each["service"] for each in copy["transmissions"]} == {"Dossier quotient", "Dossier adresse"}


def test_the_printable_page_holds_the_same(kept: World) -> None:
    parent = signed_in(kept)
    contest(parent)
    page = parent.visit("/_gateway/mes-donnees/imprimer")
    assert "Votre quotient familial 2550" in page.text
    assert "Vos prénoms Angela Claire Louise" in page.text
    assert "Votre date de naissance 24 août 1962" in page.text
    assert "Votre sexe féminin" in page.text
    assert "Fournisseur d’identité FranceConnect" in page.text
    assert "Contestation enregistrée" in page.text


def test_forgetting_does_not_forget_a_contest(either: World) -> None:
    parent = signed_in(either)
    contest(parent)
    parent.press(parent.visit(MY_DATA), "Oublier ces données")
    assert received(parent, "/quotient/") == {"x-statut": "contested"}


@pytest.mark.parametrize("page", ["", "/contester?datum=quotient", "/objection?policy=cantine", "/recu?reference=X",
                                  "/copie", "/imprimer"])  # fmt: skip
def test_the_pages_send_who_has_no_session_to_sign_in(kept: World, page: str) -> None:
    assert kept.person().visit(MY_DATA + page).path.startswith("/_gateway/login")


def test_what_was_said_is_on_disk_for_nobody_to_read(kept: World) -> None:
    parent = signed_in(kept)
    contest(parent, text="Phrase reconnaissable", contact="0102030405")
    written = kept.written()
    for value in ("Phrase reconnaissable", "0102030405", "DUBOIS", "2550"):
        assert not shows(written, value)
    assert '"action":"contest","about":"quotient","outcome":"open","by":"person"' in written


def test_the_identity_is_shown_with_its_source_and_the_services_that_received_it(kept: World) -> None:
    parent = kept.person()
    kept.sign_in(parent, "/quotient/", MATCHING)
    page = parent.visit(MY_DATA)
    for shown in ("Mon identité", "DUBOIS", "FranceConnect depuis le"):
        assert shown in page.text
    assert "votre nom de naissance" not in page.text
    parent.visit("/compte/")
    assert "votre nom de naissance" in parent.visit(MY_DATA).text
    told = json.loads(parent.client.get(f"{MY_DATA}/copie").text)["transmissions"]
    assert len({line["service"] for line in told}) == len(told) == 2
    parent.visit("/compte/")
    assert json.loads(parent.client.get(f"{MY_DATA}/copie").text)["transmissions"] == told


def test_who_did_not_sign_in_has_no_identity_to_read(kept: World) -> None:
    """The twin."""
    assert kept.person().visit(MY_DATA).path.startswith("/_gateway/login")


NAMED = """purpose: Dossier d'essai
legal_basis: mission d'intérêt public
retention: session
login: {acr: eidas1, providers: [franceconnect]}
household: {review: false, when_missing: forward}
alternative: {url: /, text: {fr: Au guichet}}
inject: {X-Niveau: identity.acr, X-Statut: household.status, X-Avec: identity.provider}
"""


def test_what_a_service_received_is_always_named_in_words(tmp_path: Path, lane: None) -> None:
    """What is said of a login and of a question tells of the person too; and no fact is shown by its code."""
    route = '  - {path: /essai/, upstream: "UPSTREAM", policy: essai}\n'
    with running(tmp_path, routes=route, policies={"essai": NAMED}) as world:
        parent = world.person()
        world.sign_in(parent, "/essai/", MATCHING)
        page = parent.visit(MY_DATA)
        for named in (
            "niveau de garantie de votre identification",
            "résultat de la demande",
            "service d’identification",
        ):
            assert named in page.text
        assert "identity." not in page.text
        assert "household." not in page.text


def test_a_month_is_kept_and_shown_only_where_a_policy_names_it(tmp_path: Path, lane: None) -> None:
    with running(tmp_path) as world:
        bracket, months = world.person(), world.person()
        world.sign_in(bracket, "/cantine/", MATCHING)
        world.sign_in(months, "/famille/", MATCHING)
        for person, told in ((bracket, False), (months, True)):
            page = person.visit(MY_DATA).text
            copy = person.client.get(f"{MY_DATA}/copie").text
            assert "2550" in page
            assert ("Le mois du quotient familial" in page) is ("Le mois du quotient familial" in copy) is told
            assert "Le mois de calcul" not in page + copy
