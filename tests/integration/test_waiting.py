"""The line before FranceConnect: told, kept, given up, passed; and what becomes of a login without a place."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gateway.sandbox.identities import MATCHING
from gateway.web import callback
from tests.browser import Page, Person
from tests.world import World, running

CANTINE = "/cantine/"
ONE_A_MINUTE = {"mode: franceconnect ": "quotas: {franceconnect_per_minute: 1}\n    mode: franceconnect "}
MINUTE_S = 65
PLACE_S = 180


@pytest.fixture
def narrow(tmp_path: Path) -> Iterator[World]:
    """API Particulier lets one in a minute."""
    with running(tmp_path, changes=ONE_A_MINUTE) as world:
        yield world


def _press_login(world: World, person: Person, path: str = CANTINE) -> Page:
    return person.press(person.visit(path), "S’identifier avec")


def _from_franceconnect(world: World, person: Person, page: Page) -> Page:
    return person.press(world.choose(person, page, MATCHING), "Continuer")


def _look(person: Person, page: Page) -> Page:
    """The link «Continuer» of the line, not the button «Continuer sans attendre»."""
    (address,) = [href for label, href in page.links if label == "Continuer"]
    return person.visit(address)


def _one_comes_first(world: World) -> Person:
    """Uses the minute's only call."""
    first = world.person()
    assert _from_franceconnect(world, first, _press_login(world, first)).path.startswith("/_gateway/review")
    return first


def test_who_finds_a_place_leaves_at_once_and_never_sees_the_line(narrow: World) -> None:
    person = narrow.person()
    assert "FranceConnect simulé" in _press_login(narrow, person).text
    assert not any("/_gateway/waiting" in str(seen.url) for seen in person.seen)


def test_who_finds_none_is_told_position_and_time_and_every_way_to_go_on(narrow: World) -> None:
    _one_comes_first(narrow)
    second, third = narrow.person(), narrow.person()
    page = _press_login(narrow, second)
    assert page.path.startswith("/_gateway/waiting")
    assert (page.status, page.response.headers["cache-control"]) == (200, "no-store")
    assert "Vous êtes en position 1. Votre tour viendra dans environ 2 minutes, vers " in page.text
    assert "Vous êtes en position 2." in _press_login(narrow, third).text
    assert "Continuer sans attendre" in page.buttons
    assert {"Je préfère fournir un justificatif", "Continuer"} <= {text for text, _ in page.links}
    assert narrow.api.calls == 1


def test_the_page_comes_again_by_itself_politely_and_the_person_may_stop_it(narrow: World) -> None:
    _one_comes_first(narrow)
    person = narrow.person()
    page = _press_login(narrow, person)
    first_s, _, address = page.response.headers["refresh"].partition("; url=")
    assert first_s == "20"
    again = person.visit(address)
    assert 20 <= int(again.response.headers["refresh"].partition(";")[0]) <= 120
    assert again.response.headers["refresh"].endswith(address)
    still = person.press(page, "Ne plus actualiser cette page automatiquement")
    assert "refresh" not in still.response.headers
    assert "votre place est gardée jusqu’à" in still.text
    moving = person.press(still, "Actualiser cette page automatiquement")
    assert "refresh" in moving.response.headers
    assert "http-equiv" not in page.response.text


def test_when_the_turn_comes_the_person_goes_on_and_is_served(narrow: World) -> None:
    _one_comes_first(narrow)
    person = narrow.person()
    page = _press_login(narrow, person)
    narrow.clock.ahead_s += MINUTE_S
    page = _look(person, page)
    assert "C’est votre tour" in page.text
    assert "refresh" not in page.response.headers
    review = _from_franceconnect(narrow, person, person.press(page, "Continuer"))
    assert review.path.startswith("/_gateway/review")
    assert narrow.api.calls == 2


def test_the_order_is_that_of_arrival_whoever_looks_first(narrow: World) -> None:
    _one_comes_first(narrow)
    second, third = narrow.person(), narrow.person()
    page_of_second, page_of_third = _press_login(narrow, second), _press_login(narrow, third)
    narrow.clock.ahead_s += MINUTE_S
    assert "en position 2" in _look(third, page_of_third).text
    assert "C’est votre tour" in _look(second, page_of_second).text
    newcomer = narrow.person()
    assert "en position 2" in _press_login(narrow, newcomer).text


def test_who_goes_on_without_waiting_is_signed_in_and_caf_is_not_asked(narrow: World) -> None:
    _one_comes_first(narrow)
    person = narrow.person()
    page = person.press(_press_login(narrow, person), "Continuer sans attendre")
    authorize = next(seen for seen in reversed(person.seen) if seen.url.path.endswith("/authorize"))
    assert "cnaf_" not in authorize.url.params["scope"]
    arrived = _from_franceconnect(narrow, person, page)
    assert (arrived.status, arrived.path) == (403, CANTINE)
    assert "Vous avez continué sans attendre" in arrived.text
    assert "Je préfère fournir un justificatif" in [text for text, _ in arrived.links]
    assert narrow.audited("cantine", 4)[-1]["household_status"] == "unavailable"
    assert narrow.api.calls == 1


def test_who_goes_on_without_waiting_stands_in_nobodys_way(narrow: World) -> None:
    _one_comes_first(narrow)
    impatient, patient = narrow.person(), narrow.person()
    page = _press_login(narrow, impatient)
    behind = _press_login(narrow, patient)
    assert "en position 2" in behind.text
    impatient.press(page, "Continuer sans attendre")
    assert "en position 1" in _look(patient, behind).text


def test_a_place_that_no_call_was_made_with_is_given_back(narrow: World) -> None:
    """FranceConnect granted no scope of CAF's: there is nothing to ask with."""
    person = narrow.person()
    page = narrow.choose(person, _press_login(narrow, person), MATCHING)
    for interaction in narrow.franceconnect._interactions.values():
        interaction[0]["scope"] = "openid identite_pivot"
    assert person.press(page, "Continuer").status == 403
    assert narrow.api.calls == 0
    assert "FranceConnect simulé" in _press_login(narrow, narrow.person()).text


def test_a_login_that_took_the_tokens_life_asks_nothing(narrow: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(callback, "TOKEN_S", 1.0)
    person = narrow.person()
    page = _from_franceconnect(narrow, person, _press_login(narrow, person))
    assert page.status == 403
    assert narrow.api.calls == 0
    assert '"api_particulier_late"' in narrow.logs.getvalue()


def test_going_on_without_waiting_follows_when_missing(tmp_path: Path) -> None:
    with running(tmp_path, changes=ONE_A_MINUTE, policies={"souple": _FORWARDING}, routes=_ROUTE) as world:
        _one_comes_first(world)
        person = world.person()
        page = person.press(_press_login(world, person, "/souple/"), "Continuer sans attendre")
        arrived = _from_franceconnect(world, person, page)
        assert (arrived.status, arrived.path) == (200, "/souple/")
        said = person.client.get("/souple/", headers={"accept": "application/json", "sec-fetch-mode": "cors"}).json()
        assert said["headers"]["x-caf-statut"] == "unavailable"
        assert "x-caf-quotient" not in said["headers"]


_FORWARDING = """\
purpose: Essai
legal_basis: mission d'intérêt public
retention: session
login: {acr: eidas1}
household: {match: required, review: false, when_missing: forward}
alternative: {url: /souple/autrement, text: {fr: Autrement}}
inject: {X-Caf-Statut: household.status, X-Caf-Quotient: household.family_quotient}
"""
_ROUTE = '  - {path: /souple/, upstream: "UPSTREAM", policy: souple}\n'


def test_a_login_that_asks_nothing_of_caf_waits_for_nobody(narrow: World) -> None:
    _one_comes_first(narrow)
    person = narrow.person()
    assert "FranceConnect simulé" in _press_login(narrow, person, "/compte/").text


def test_a_place_that_nobody_comes_back_for_goes_to_the_next(narrow: World) -> None:
    leaving, waiting = narrow.person(), narrow.person()
    assert "FranceConnect simulé" in _press_login(narrow, leaving).text
    page = _press_login(narrow, waiting)
    while "en position 1" in page.text:
        narrow.clock.ahead_s += 30
        page = _look(waiting, page)
    assert "C’est votre tour" in page.text
    assert narrow.clock.ahead_s == PLACE_S
    assert narrow.api.calls == 0


def test_who_comes_back_after_their_place_is_over_is_served_if_there_is_room(narrow: World) -> None:
    person = narrow.person()
    page = narrow.choose(person, _press_login(narrow, person), MATCHING)
    narrow.clock.ahead_s += PLACE_S + 1
    assert person.press(page, "Continuer").path.startswith("/_gateway/review")


def test_who_comes_back_too_late_with_the_quota_spent_is_told_so_in_plain_words(narrow: World) -> None:
    late = narrow.person()
    page = narrow.choose(late, _press_login(narrow, late), MATCHING)
    narrow.clock.ahead_s += PLACE_S + 1
    _one_comes_first(narrow)
    arrived = late.press(page, "Continuer")
    assert arrived.status == 403
    assert "Trop de demandes à la fois" in arrived.text
    assert "Je préfère fournir un justificatif" in [text for text, _ in arrived.links]
    assert narrow.audited("cantine", 4)[-1]["household_status"] == "unavailable"
    assert narrow.api.calls == 1
    assert narrow.api.doorkeeper.refused == 0


def test_who_closes_the_page_gives_up_their_place_in_the_line(narrow: World) -> None:
    _one_comes_first(narrow)
    gone, staying = narrow.person(), narrow.person()
    left_at = _press_login(narrow, gone)
    page = _press_login(narrow, staying)
    while "en position" in page.text:
        narrow.clock.ahead_s += 30
        page = _look(staying, page)
    # The told time, and the half of it and 90 s in which the other did not come again.
    assert narrow.clock.ahead_s < 300
    assert "C’est votre tour" in page.text
    over = _look(gone, left_at)
    assert "Votre tour est passé" in over.text
    assert {"Recommencer", "Continuer sans attendre"} <= set(over.buttons)


def test_who_reads_at_their_own_pace_keeps_their_place_until_after_the_time_they_were_told(narrow: World) -> None:
    _one_comes_first(narrow)
    slow, other = narrow.person(), narrow.person()
    page = slow.press(_press_login(narrow, slow), "Ne plus actualiser cette page automatiquement")
    _press_login(narrow, other)
    narrow.clock.ahead_s += MINUTE_S + 290
    assert "C’est votre tour" in _look(slow, page).text


def test_a_person_who_turns_back_at_franceconnect_finds_their_place_again(narrow: World) -> None:
    person = narrow.person()
    page = _press_login(narrow, person)
    back = person.press(page, "Revenir à")
    assert "n’a pas abouti" in back.text
    again = person.press(person.press(back, "Recommencer"), "S’identifier avec")
    assert "FranceConnect simulé" in again.text
    assert _from_franceconnect(narrow, person, again).path.startswith("/_gateway/review")


def test_a_full_line_takes_no_more_and_says_how_to_go_on(tmp_path: Path) -> None:
    full = {
        "mode: franceconnect ": "quotas: {franceconnect_per_minute: 1, waiting_at_most: 1}\n    mode: franceconnect "
    }
    with running(tmp_path, changes=full) as world:
        _one_comes_first(world)
        _press_login(world, world.person())
        page = _press_login(world, world.person())
        assert page.status == 503
        assert "La file d’attente est pleine" in page.text
        assert {"Recommencer", "Continuer sans attendre"} <= set(page.buttons)
        assert "Je préfère fournir un justificatif" in [text for text, _ in page.links]


def test_the_line_told_of_without_having_pressed_the_button_is_nobodys(narrow: World) -> None:
    person = narrow.person()
    assert person.visit("/_gateway/waiting").path == "/_gateway/login"
    person.visit(CANTINE)
    page = person.visit("/_gateway/waiting?return_to=/cantine/&of=household")
    assert "Votre tour est passé" in page.text
    assert narrow.api.calls == 0


IDENTITY = {"mode: franceconnect ": "mode: identity\n    token: {env: API_PARTICULIER_TOKEN} "}


def test_requests_of_one_person_at_once_ask_caf_once(tmp_path: Path) -> None:
    policy = _FORWARDING.replace("retention: session", "retention: 20 minutes")
    with running(tmp_path, changes=IDENTITY, policies={"souple": policy}, routes=_ROUTE) as world:
        person = world.person()
        assert (world.sign_in(person, "/souple/", MATCHING).status, world.api.calls) == (200, 1)
        cookie = "; ".join(f"{each.name}={each.value}" for each in person.client.cookies.jar)
        headers = {"cookie": cookie, "accept": "application/json", "sec-fetch-mode": "cors"}
        world.clock.ahead_s += 1201
        with ThreadPoolExecutor(6) as pool:
            answers = list(
                pool.map(
                    lambda other: other.client.get("/souple/", headers=headers), [world.person() for _ in range(6)]
                )
            )
        assert {answer.json()["headers"]["x-caf-statut"] for answer in answers} == {"verified"}
        assert world.api.calls == 2


@pytest.mark.parametrize("mode", [IDENTITY, {}], ids=["identity", "franceconnect"])
def test_an_answer_is_kept_as_long_as_the_policy_says_and_then_asked_and_reviewed_again(
    tmp_path: Path, mode: dict[str, str]
) -> None:
    policy = _FORWARDING.replace("review: false", "review: true").replace("retention: session", "retention: 20 minutes")
    with running(tmp_path, changes=mode, policies={"souple": policy}, routes=_ROUTE) as world:
        person = world.person()
        page = person.press(world.sign_in(person, "/souple/", MATCHING), "Continuer")
        assert (page.path, world.api.calls) == ("/souple/", 1)
        world.clock.ahead_s += 1190
        assert (person.visit("/souple/").status, world.api.calls) == (200, 1)
        assert "Votre quotient familial" in person.visit("/_gateway/mes-donnees").text
        world.clock.ahead_s += 11
        assert "Aucune donnée de la CAF" in person.visit("/_gateway/mes-donnees").text
        page = person.visit("/souple/")
        assert page.path.startswith("/_gateway/review" if mode else "/_gateway/login")
        assert world.api.calls == (2 if mode else 1)


@pytest.mark.parametrize("quick_lane", [True, False])
def test_no_lane_injects_a_value_beyond_its_time(tmp_path: Path, quick_lane: bool) -> None:
    policy = _FORWARDING.replace("retention: session", "retention: 20 minutes")
    with running(tmp_path, policies={"souple": policy}, routes=_ROUTE, quick_lane=quick_lane) as world:
        person = world.person()
        world.sign_in(person, "/souple/", MATCHING)
        headers = {"accept": "application/json", "sec-fetch-mode": "cors"}
        said = [person.client.get("/souple/", headers=headers).json()["headers"] for _ in range(3)]
        assert {each["x-caf-statut"] for each in said} == {"verified"}
        world.clock.ahead_s += 1201
        # In the second in which the lane would still have its permit.
        assert person.client.get("/souple/", headers=headers).status_code == 401
