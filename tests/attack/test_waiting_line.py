"""Who wants more than one place, somebody else's, or a call without any."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.sandbox.identities import MATCHING
from tests.browser import Page, Person
from tests.world import World, running

CANTINE = "/cantine/"
PLACE_S = 180


def _world(folder: Path, a_minute: int) -> Iterator[World]:
    quotas = f"quotas: {{franceconnect_per_minute: {a_minute}}}\n    mode: franceconnect "
    with running(folder, changes={"mode: franceconnect ": quotas}) as world:
        yield world


@pytest.fixture
def one(tmp_path: Path) -> Iterator[World]:
    yield from _world(tmp_path, 1)


@pytest.fixture
def two(tmp_path: Path) -> Iterator[World]:
    yield from _world(tmp_path, 2)


def _login(person: Person, path: str = CANTINE) -> Page:
    return person.press(person.visit(path), "S’identifier avec")


def _position(page: Page) -> str:
    return page.text.partition("en position ")[2].partition(".")[0]


def test_a_browser_that_opens_tabs_holds_one_place(two: World) -> None:
    greedy, other = two.person(), two.person()
    for _ in range(4):
        assert "FranceConnect simulé" in _login(greedy).text
    assert "FranceConnect simulé" in _login(other).text
    assert _position(_login(two.person())) == "1"


def test_a_browser_that_opens_tabs_waits_once(one: World) -> None:
    _login(one.person())
    greedy, other = one.person(), one.person()
    assert [_position(_login(greedy)) for _ in range(4)] == ["1"] * 4
    assert _position(_login(greedy, "/famille/")) == "1"
    assert _position(_login(other)) == "2"


def test_one_place_is_one_call_however_many_logins_come_back(two: World) -> None:
    greedy = two.person()
    tabs = [two.choose(greedy, _login(greedy), MATCHING)]
    # Signed in at FranceConnect, the next tabs come to its confirmation at once.
    tabs += [_login(greedy) for _ in range(2)]
    _login(two.person())
    arrived = [greedy.press(tab, "Continuer") for tab in tabs]
    assert two.api.calls == 1
    assert two.api.doorkeeper.refused == 0
    assert [page.status for page in arrived[1:]] == [403, 403]


def test_a_place_is_not_held_for_ever_by_pressing_again(one: World) -> None:
    greedy, waiting = one.person(), one.person()
    _login(greedy)
    page = _login(waiting)
    held_s = 0
    while "en position" in page.text:
        one.clock.ahead_s += 30
        held_s += 30
        if held_s < 2 * PLACE_S:
            _login(greedy)
        page = waiting.visit(page.url)
    assert "C’est votre tour" in page.text
    assert held_s == 2 * PLACE_S


def test_a_place_is_of_the_browser_that_waited_and_an_address_copied_from_it_is_worth_nothing(one: World) -> None:
    _login(one.person())
    first, thief = one.person(), one.person()
    page = first.press(_login(first), "Ne plus actualiser")
    thief.visit(CANTINE)
    assert "Votre tour est passé" in thief.visit(page.url).text
    one.clock.ahead_s += PLACE_S
    assert "Votre tour est passé" in thief.visit(page.url).text
    assert "C’est votre tour" in first.visit(page.url).text


def test_a_form_of_another_browser_takes_no_place(one: World) -> None:
    victim, thief = one.person(), one.person()
    page, own = victim.visit(CANTINE), thief.visit(CANTINE)
    answer = thief.send(page, page.forms[0], {})
    assert answer.status == 403
    assert "FranceConnect simulé" in thief.press(own, "S’identifier avec").text


def test_whoever_waits_cannot_leave_by_the_address_of_franceconnect_kept_from_before(one: World) -> None:
    """The transaction of a login that was not let out does not exist: no state, no callback."""
    _login(one.person())
    person = one.person()
    assert _position(_login(person)) == "1"
    assert not any(seen.url.path.endswith("/authorize") for seen in person.seen)
    assert one.api.calls == 0


@pytest.mark.parametrize("value", ["", "1", "true", "HOUSEHOLD"])
def test_only_the_button_itself_waives_the_household(one: World, value: str) -> None:
    _login(one.person())
    person = one.person()
    page = person.visit(CANTINE)
    assert _position(person.press(page, "S’identifier avec", without=value)) == "1"


def test_waiving_asks_for_no_caf_scope_and_makes_no_call_even_with_room(one: World) -> None:
    person = one.person()
    page = person.press(person.visit(CANTINE), "S’identifier avec", without="household")
    arrived = person.press(one.choose(person, page, MATCHING), "Continuer")
    assert arrived.status == 403
    assert one.api.calls == 0
    assert "FranceConnect simulé" in _login(one.person()).text


def test_addresses_of_the_line_lead_nowhere_else(one: World) -> None:
    _login(one.person())
    person = one.person()
    person.visit(CANTINE)
    page = person.visit("/_gateway/waiting?return_to=https://evil.example/&provider=%22%3E%3Cscript%3E&asked_by=x")
    assert "evil.example" not in page.response.text
    assert "<script>" not in page.response.text
