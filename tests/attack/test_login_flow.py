"""Attacks on the way to FranceConnect and back; each has its positive twin."""

import httpx
import pytest

from tests.browser import Page
from tests.flows import callback_url as _callback_url
from tests.world import World

COMPTE = "/compte/"


def _refused(page: Page) -> None:
    assert page.status == 400
    assert any("Recommencer" in text for text, _ in page.links)


def test_a_callback_in_the_browser_that_began_it_is_accepted(world: World) -> None:
    person = world.person()
    assert person.visit(_callback_url(world, person)).path == COMPTE


def test_a_callback_in_another_browser_is_refused(world: World) -> None:
    attacker, victim = world.person(), world.person()
    victim.visit("/_gateway/login")
    _refused(victim.visit(_callback_url(world, attacker)))
    assert victim.visit(COMPTE).path.startswith("/_gateway/login")


def test_a_replayed_callback_is_refused_and_keeps_the_session(world: World) -> None:
    person = world.person()
    url = _callback_url(world, person)
    person.visit(url)
    again = person.visit(url)
    _refused(again)
    assert person.press(again, "Continuer").path == COMPTE


def test_a_replayed_callback_offers_the_page_first_asked(world: World) -> None:
    person = world.person()
    url = _callback_url(world, person)
    person.visit(url)
    restart = next(href for text, href in person.visit(url).links if text == "Recommencer")
    assert restart == "/_gateway/login?return_to=%2Fcompte%2F"


def test_a_double_submitted_callback_redeems_the_code_once(world: World) -> None:
    person = world.person()
    url = _callback_url(world, person)
    statuses = sorted(person.client.get(url).status_code for _ in range(2))
    assert statuses == [303, 400]


def test_two_tabs_end_each_on_its_own_page(world: World) -> None:
    person = world.person()
    first = _callback_url(world, person, "/compte/?onglet=1")
    second = _callback_url(world, person, "/compte/?onglet=2")
    assert person.visit(second).path == "/compte/?onglet=2"
    assert person.visit(first).path == "/compte/?onglet=1"


def test_a_callback_that_names_another_issuer_is_refused(world: World) -> None:
    person = world.person()
    url = httpx.URL(_callback_url(world, person))
    _refused(person.visit(str(url.copy_set_param("iss", "https://evil.example"))))


def test_a_callback_without_an_issuer_is_refused(world: World) -> None:
    person = world.person()
    url = httpx.URL(_callback_url(world, person))
    _refused(person.visit(str(url.copy_remove_param("iss"))))


@pytest.mark.parametrize(
    "query",
    [
        pytest.param("", id="nothing"),
        pytest.param("code=a", id="no state"),
        pytest.param("state=undefined&error=access_denied", id="the word undefined as state"),
        pytest.param("state=&code=a", id="an empty state"),
        pytest.param("state=a&state=b&code=c", id="state twice"),
        pytest.param("state=a&code=b&code=c", id="code twice"),
        pytest.param("state=a&code=b&error=access_denied", id="code and error"),
        pytest.param("state=" + "a" * 5000 + "&code=b", id="an endless state"),
        pytest.param("state=a&error=%3Cscript%3Ealert(1)%3C/script%3E", id="markup as error"),
    ],
)
def test_a_malformed_callback_ends_on_a_page_that_starts_again(world: World, query: str) -> None:
    page = world.person().visit(f"/_gateway/callback?{query}")
    _refused(page)
    assert "<script>" not in page.response.text


def test_an_error_text_is_never_shown(world: World) -> None:
    person = world.person()
    page = person.press(person.visit(COMPTE), "S’identifier avec")
    back = next(href for text, href in page.links if "Revenir" in text)
    neutral = person.visit(str(httpx.URL(page.url).join(back)))
    assert neutral.status == 403
    assert "n’a pas abouti" in neutral.text
    assert "aborted" not in neutral.response.text
    assert "refus" not in neutral.text.lower()


def test_an_expired_transaction_is_refused(world: World) -> None:
    person = world.person()
    url = _callback_url(world, person)
    world.clock.ahead_s += 3600
    _refused(person.visit(url))


def test_a_login_changes_the_session_id_and_ends_the_old_one(world: World) -> None:
    person = world.person()
    person.visit(_callback_url(world, person))
    old = person.client.cookies["gateway-session"]
    page = person.press(person.visit("/_gateway/login?return_to=/compte/"), "S’identifier avec")
    person.press(page, "Continuer")
    assert person.client.cookies["gateway-session"] != old
    replay = httpx.get(world.url + COMPTE, headers={"cookie": f"gateway-session={old}", "accept": "application/json"})
    assert replay.status_code == 401


def test_a_form_without_its_token_is_refused(world: World) -> None:
    person = world.person()
    page = person.visit("/_gateway/login?return_to=/compte/")
    form = page.forms[0]
    assert person.send(page, form, {"token": "x"}).status == 403
    assert person.send(page, form, {}).url.startswith(world.settings.providers[0].issuer)


def test_a_form_from_another_origin_is_refused(world: World) -> None:
    person = world.person()
    page = person.visit("/_gateway/login?return_to=/compte/")
    fields = page.forms[0].fields
    for headers in ({"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}):
        response = person.client.post("/_gateway/login", data=fields, headers=headers)
        assert response.status_code == 403
    own = person.client.post("/_gateway/login", data=fields, headers={"origin": world.url})
    assert own.status_code == 303


@pytest.mark.parametrize(
    "return_to",
    [
        "//evil.example/",
        "/\\evil.example",
        "\\/evil.example",
        "https://evil.example/",
        "https:/evil.example",
        "http:evil.example",
        "javascript:alert(1)",
        "data:text/html,x",
        "/%09/evil.example",
        "/\t/evil.example",
        "/..//evil.example",
        "/.//evil.example",
        "https://localhost@evil.example/",
        "https://localhost.evil.example/",
        "/compte/\r\nset-cookie: a=b",
        "/_gateway/logout",
        "/compte%2f..%2f",
        "//localhost/compte/",
        " /compte/",
    ],
)
def test_a_foreign_return_address_counts_as_none(world: World, return_to: str) -> None:
    page = world.person().visit("/_gateway/login", params={"return_to": return_to})
    assert page.status == 200
    assert page.forms[0].fields["return_to"] == ""


def test_our_own_return_address_is_kept(world: World) -> None:
    page = world.person().visit("/_gateway/login", params={"return_to": "/compte/?a=1"})
    assert page.forms[0].fields["return_to"] == "/compte/?a=1"
