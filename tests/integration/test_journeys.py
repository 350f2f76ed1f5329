"""From the protected page to the legacy application, over real sockets, for the people that the demo names."""

import re

import httpx
import pytest

from gateway.sandbox.identities import MATCHING, MISMATCHING, UNKNOWN
from tests.world import World

CANTINE = "/cantine/"


def test_a_parent_sees_the_tariff_page_with_signed_minimised_headers(world: World) -> None:
    parent = world.person()
    review = world.sign_in(parent, CANTINE, MATCHING)
    assert review.path.startswith("/_gateway/review")
    page = parent.press(review, "Continuer")
    assert page.path == CANTINE
    assert "Signature valide" in page.text
    assert "verified" in page.text


def test_what_the_application_received_is_exactly_what_the_policy_names(world: World) -> None:
    parent = world.person()
    parent.press(world.sign_in(parent, CANTINE, MATCHING), "Continuer")
    answer = parent.client.get(CANTINE, headers={"accept": "application/json", "sec-fetch-mode": "cors"}).json()
    names = {name.lower() for name in answer["headers"]}
    assert {"x-usager-nom", "x-usager-prenoms", "x-caf-statut", "x-caf-tranche", "x-gateway-assertion"} <= names
    assert not any("quotient" in name or "cookie" in name for name in names)


def test_a_person_whose_household_is_somebody_elses_gets_the_alternative(world: World) -> None:
    person = world.person()
    page = world.sign_in(person, CANTINE, MISMATCHING)
    assert page.status == 403
    assert "justificatif" in " ".join(text for text, _ in page.links)
    assert "Signature" not in page.text


def test_a_person_unknown_to_caf_gets_the_alternative_with_its_own_words(world: World) -> None:
    mismatched, unknown = world.person(), world.person()
    first = world.sign_in(mismatched, CANTINE, MISMATCHING)
    second = world.sign_in(unknown, CANTINE, UNKNOWN)
    assert (first.status, second.status) == (403, 403)
    assert first.text != second.text


def test_the_alternative_path_needs_no_login_and_carries_nobody(world: World) -> None:
    page = world.person().visit("/cantine/justificatif", headers={"x-usager-nom": "FORGED"})
    assert page.status == 200
    assert "FORGED" not in page.text
    assert "signé par la passerelle" in page.text


def test_the_alternative_button_leads_to_a_page_that_answers(world: World) -> None:
    person = world.person()
    page = person.press(world.sign_in(person, CANTINE, UNKNOWN), "Je préfère fournir un justificatif")
    assert (page.status, page.path) == (200, "/cantine/justificatif")


def test_declining_at_the_review_sends_nothing_and_leads_to_the_alternative(world: World) -> None:
    parent = world.person()
    page = parent.press(world.sign_in(parent, CANTINE, MATCHING), "Je préfère fournir un justificatif")
    assert page.path == "/cantine/justificatif"
    again = parent.visit(CANTINE)
    assert again.status == 403
    assert world.audited("cantine", 4)[-1]["household_status"] == "declined"


def test_a_second_policy_injects_the_address_and_the_children_after_asking_only_for_them(world: World) -> None:
    parent = world.person()
    parent.press(world.sign_in(parent, CANTINE, "sans_nom_dusage"), "Continuer")
    login = parent.visit("/famille/")
    consent = parent.press(login, "S’identifier avec")
    authorize = next(r for r in reversed(parent.seen) if r.url.path.endswith("/authorize"))
    scopes = set(authorize.url.params["scope"].split())
    assert {"cnaf_adresse", "cnaf_enfants"} <= scopes
    page = parent.press(consent, "Continuer")
    page = parent.press(page, "Continuer")
    assert page.path == "/famille/"
    assert "Signature valide" in page.text
    assert "RUE MONTORGUEIL" in page.text
    assert "PIERRE" in page.text


def test_a_route_that_injects_nothing_from_caf_never_calls_caf(world: World) -> None:
    person = world.person()
    page = world.sign_in(person, "/compte/", MATCHING)
    assert page.path == "/compte/"
    assert "Signature valide" in page.text
    assert world.api.calls == 0


def test_a_program_gets_401_and_a_problem_instead_of_a_redirect(world: World) -> None:
    response = httpx.get(world.url + CANTINE, headers={"accept": "application/json"})
    assert response.status_code == 401
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["code"] == "anonymous"


def test_an_answer_to_a_signed_in_person_is_private(world: World) -> None:
    person = world.person()
    page = world.sign_in(person, "/compte/", MATCHING)
    assert "private" in page.response.headers["cache-control"] or "no-store" in page.response.headers["cache-control"]


def test_an_anonymous_visitor_of_the_public_site_is_signed_as_nobody(world: World) -> None:
    page = world.person().visit("/")
    assert (page.status, page.path) == (200, "/")
    assert "signé par la passerelle" in page.text


def test_leaving_ends_the_session_here_and_at_franceconnect(world: World) -> None:
    person = world.person()
    world.sign_in(person, "/compte/", MATCHING)
    cookie = person.client.cookies["gateway-session"]
    page = person.press(person.visit("/_gateway/logout"), "Se déconnecter")
    assert page.path.startswith("/_gateway/logged-out")
    assert any(r.url.path.endswith("/session/end") for r in person.seen)
    replay = httpx.get(
        world.url + "/compte/", headers={"cookie": f"gateway-session={cookie}", "accept": "application/json"}
    )
    assert replay.status_code == 401


def test_a_callback_without_a_known_page_arrives_at_my_data(world: World) -> None:
    person = world.person()
    page = person.press(person.visit("/_gateway/login"), "S’identifier avec")
    page = person.press(world.choose(person, page, MATCHING), "Continuer")
    assert page.path == "/_gateway/mes-donnees"


def test_my_data_names_what_was_obtained_and_who_received_it_and_forgets(world: World) -> None:
    parent = world.person()
    parent.press(world.sign_in(parent, CANTINE, MATCHING), "Continuer")
    page = parent.visit("/_gateway/mes-donnees")
    assert "Votre quotient familial" in page.text
    assert "votre tranche de tarif" in page.text
    forgotten = parent.press(page, "Oublier ces données")
    assert "Aucune donnée de la CAF" in forgotten.text
    assert parent.visit(CANTINE).path.startswith("/_gateway/login")


def test_an_outage_of_caf_opens_nothing_and_says_how_to_go_on(world: World) -> None:
    world.api.faults.next_status = 504
    person = world.person()
    page = world.sign_in(person, CANTINE, MATCHING)
    assert page.status == 403
    assert "ne répond pas" in page.text


def test_keys_and_probes_answer(world: World) -> None:
    with httpx.Client(base_url=world.url) as client:
        assert client.get("/_gateway/keys").json()["keys"][0]["use"] == "sig"
        assert client.get("/_gateway/health/live", headers={"host": "10.0.0.1"}).status_code == 200
        assert client.get("/_gateway/health/ready").json() == {"status": "ready"}
        assert client.get("/_gateway/nothing").status_code == 404
        assert client.get("/", headers={"host": "elsewhere.example"}).status_code == 421


def test_each_decision_leaves_one_audit_line_of_codes(world: World) -> None:
    person = world.person()
    world.sign_in(person, "/compte/", MATCHING)
    assert [line["outcome"] for line in world.audited("signed-in", 2)] == ["authenticate", "allow"]


@pytest.mark.parametrize("identity", [MATCHING, MISMATCHING, UNKNOWN])
def test_nobody_is_named_in_logs_audit_or_on_disk(world: World, identity: str) -> None:
    person = world.person()
    world.sign_in(person, CANTINE, identity)
    written = world.written()
    for value in ("DUBOIS", "Angela", "ANGELA", "Delatour", "GEORGES", "MONTORGUEIL"):
        assert value not in written
    # A few digits also stand inside a token or a time, by chance.
    assert not re.search(r"(?<![0-9A-Za-z.])2550(?![0-9A-Za-z])", written)
