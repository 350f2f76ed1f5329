"""Asked again while signed in: why is said, what was known is kept, and a refusal changes nothing (issue: login flows)."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from gateway.sandbox.franceconnect import server
from gateway.sandbox.identities import MATCHING
from tests.browser import Page, Person
from tests.flows import codes
from tests.world import World, running

_COMMON = "legal_basis: mission\nretention: session\nalternative: {url: /accueil, text: {fr: Au guichet}}\n"
POLICIES = {
    "fort": "purpose: Dossier sensible\nlogin: {acr: eidas2}\ninject: {X-Acr: identity.acr}\n" + _COMMON,
    "courriel": "purpose: Lettre d'information\nlogin: {acr: eidas1}\ninject: {X-Mail: identity.email}\n" + _COMMON,
}
ROUTES = """
  - {path: /fort/, upstream: "UPSTREAM", policy: fort}
  - {path: /courriel/, upstream: "UPSTREAM", policy: courriel}
"""


@pytest.fixture
def world(tmp_path: Path, lane: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    # FranceConnect itself has one level only; this one takes every level, and `_level` says which it gives.
    monkeypatch.setattr(server, "lowest_acr", lambda values: "eidas1")
    with running(tmp_path, routes=ROUTES, policies=POLICIES) as started:
        yield started


def _level(world: World, acr: str) -> None:
    world.franceconnect.faults.id_token = lambda claims: claims | {"acr": acr}


def _headers(person: Person, path: str) -> dict[str, str]:
    answer = person.client.get(path, headers={"accept": "application/json", "sec-fetch-mode": "cors"})
    assert answer.status_code == 200, answer.text
    return dict(answer.json()["headers"])


def _asked_for(person: Person) -> set[str]:
    authorize = next(seen for seen in reversed(person.seen) if seen.url.path.endswith("/authorize"))
    return set(authorize.url.params["scope"].split())


def _refuse(person: Person, page: Page) -> Page:
    back = next(href for text, href in page.links if "Revenir" in text)
    return person.visit(str(httpx.URL(page.url).join(back)))


def test_a_first_login_is_told_no_reason(world: World) -> None:
    page = world.person().visit("/cantine/")
    assert "en plus" not in page.text
    assert "plus forte" not in page.text


def test_the_next_service_says_what_it_needs_beyond_and_asks_only_for_that(world: World) -> None:
    person = world.person()
    person.press(world.sign_in(person, "/cantine/", MATCHING), "Continuer")
    page = person.visit("/famille/")
    said = page.text.partition("besoin en plus de :")[2].partition("Vous restez identifié")[0]
    assert "votre adresse" in said
    assert "les noms et dates de naissance des enfants" in said
    # The canteen kept no month: the quotient's block is asked for it, and what is held is not said to be needed.
    assert "le mois du quotient familial" in said
    assert "votre quotient familial" not in said
    person.press(page, "S’identifier avec")
    assert {"cnaf_adresse", "cnaf_quotient_familial"} <= set(_asked_for(person))


def test_what_is_held_is_not_asked_again_with_the_rest(world: World) -> None:
    person = world.person()
    person.press(world.sign_in(person, "/famille/", MATCHING), "Continuer")
    assert person.visit("/cantine/").path.startswith("/_gateway/review")


def test_who_is_signed_in_at_franceconnect_is_not_identified_a_second_time(world: World) -> None:
    """FranceConnect's own session does it (eidas1): straight to its page of consent, and never without ours before."""
    person = world.person()
    person.press(world.sign_in(person, "/cantine/", MATCHING), "Continuer")
    page = person.visit("/famille/")
    assert page.path.startswith("/_gateway/login")
    assert "Les données utilisées" in page.text
    consent = person.press(page, "S’identifier avec")
    assert any("Continuer" in button for button in consent.buttons)


def test_no_login_is_ever_silent(world: World) -> None:
    person = world.person()
    world.sign_in(person, "/compte/", MATCHING)
    person.visit("/famille/")
    departures = [seen for seen in person.seen if seen.url.path.endswith("/authorize")]
    assert len(departures) == 1
    assert "prompt" not in departures[0].url.params or "none" not in departures[0].url.params["prompt"]


def test_a_stronger_login_says_so_and_gives_the_level(world: World) -> None:
    person = world.person()
    world.sign_in(person, "/compte/", MATCHING)
    page = person.visit("/fort/")
    assert "une identification plus forte" in page.text
    _level(world, "eidas2")
    _again(world, person, page)
    assert _headers(person, "/fort/")["x-acr"] == "eidas2"


def _again(world: World, person: Person, page: Page, login: str = MATCHING) -> Page:
    page = person.press(page, "S’identifier avec")
    if not any("Continuer" in button for button in page.buttons):
        page = world.choose(person, page, login)
    return person.press(page, "Continuer")


def test_asking_for_one_more_scope_makes_nobody_less_identified(world: World) -> None:
    """Else two services would send a person to and fro between two levels."""
    person = world.person()
    _level(world, "eidas2")
    world.sign_in(person, "/fort/", MATCHING)
    _level(world, "eidas1")
    assert _again(world, person, person.visit("/courriel/")).path == "/courriel/"
    assert _headers(person, "/fort/")["x-acr"] == "eidas2"


def test_what_one_service_asked_for_is_still_known_after_the_next_one_s_login(world: World) -> None:
    person = world.person()
    world.sign_in(person, "/courriel/", MATCHING)
    mail = _headers(person, "/courriel/")["x-mail"]
    assert _again(world, person, person.visit("/compte/")).path == "/compte/"
    assert _headers(person, "/courriel/")["x-mail"] == mail


def test_what_caf_said_and_was_confirmed_stays_after_a_step_up(world: World) -> None:
    person = world.person()
    person.press(world.sign_in(person, "/cantine/", MATCHING), "Continuer")
    calls = world.api.calls
    _again(world, person, person.visit("/courriel/"))
    assert "x-caf-tranche" in _headers(person, "/cantine/")
    assert world.api.calls == calls


def test_a_step_up_changes_the_session_id(world: World) -> None:
    person = world.person()
    world.sign_in(person, "/compte/", MATCHING)
    before = person.client.cookies["gateway-session"]
    _level(world, "eidas2")
    _again(world, person, person.visit("/fort/"))
    assert person.client.cookies["gateway-session"] != before


def test_a_refused_step_up_leaves_the_session_as_it_was(world: World) -> None:
    person = world.person()
    world.sign_in(person, "/compte/", MATCHING)
    session = person.client.cookies["gateway-session"]
    person.client.cookies.delete("sandbox-fc-session")
    refused = _refuse(person, person.press(person.visit("/fort/"), "S’identifier avec"))
    assert refused.status == 403
    assert person.client.cookies["gateway-session"] == session
    assert person.visit("/compte/").path == "/compte/"


def test_an_account_too_weak_for_the_service_is_told_so_and_changes_nothing(world: World) -> None:
    person = world.person()
    world.sign_in(person, "/compte/", MATCHING)
    session = person.client.cookies["gateway-session"]
    page = _again(world, person, person.visit("/fort/"))
    assert "une identification plus forte" in page.text
    assert any("Recommencer" in text for text, _ in page.links)
    assert codes(world, "login_failed") == ["acr_too_low"]
    assert person.client.cookies["gateway-session"] == session
    assert person.visit("/compte/").path == "/compte/"
