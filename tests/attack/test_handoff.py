"""A session carried from the callback's host to another: one use, 30 s, one host, one browser (peers §4.4, 98)."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from gateway.adapters.sessions.handoffs import TTL_S
from gateway.sandbox.identities import MATCHING, UNKNOWN
from tests.browser import Person
from tests.flows import codes
from tests.world import World, running

ROUTES = """
  - {host: 127.0.0.1, path: /autre/, upstream: "UPSTREAM", policy: signed-in, name: autre}
  - {host: 127.0.0.2, path: /tiers/, upstream: "UPSTREAM", policy: signed-in, name: tiers}
"""


@pytest.fixture
def world(tmp_path: Path, lane: None) -> Iterator[World]:
    with running(tmp_path, routes=ROUTES) as started:
        yield started


def _there(world: World) -> str:
    return f"http://127.0.0.1:{urlsplit(world.url).port}"


def _ticket_url(world: World, person: Person, login: str = MATCHING, start: str = "/autre/?a=1") -> str:
    """From the other host to the address that would set its cookie; not followed."""
    page = person.press(person.visit(_there(world) + start), "S’identifier avec")
    if not any("Continuer" in button for button in page.buttons):
        page = world.choose(person, page, login)
    form = next(form for form in page.forms if any("Continuer" in label for label, _, _ in form.buttons))
    fields = form.fields | {name: value for label, name, value in form.buttons if "Continuer" in label and name}
    response = person.client.post(str(httpx.URL(page.url).join(form.action or page.url)), data=fields)
    while "/_gateway/arrive" not in response.headers.get("location", ""):
        response = person.client.get(str(httpx.URL(str(response.url)).join(response.headers["location"])))
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["referrer-policy"] == "no-referrer"
    return response.headers["location"]


def _session(person: Person, domain: str) -> str:
    """This browser's session cookie on one host; empty without one."""
    found = [
        each.value for each in person.client.cookies.jar if each.name == "gateway-session" and domain in each.domain
    ]
    return found[0] or "" if found else ""


def test_a_login_for_another_host_ends_there_on_the_exact_page(world: World) -> None:
    person = world.person()
    arrived = person.visit(_ticket_url(world, person))
    assert arrived.url == f"{_there(world)}/autre/?a=1"
    assert "Signature valide" in arrived.text
    assert _session(person, "127.0.0.1") == _session(person, "localhost") != ""


def test_a_ticket_is_good_once(world: World) -> None:
    person = world.person()
    url = _ticket_url(world, person)
    held = [cookie for cookie in person.client.cookies.jar if "127.0.0.1" in cookie.domain]
    cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in held)
    answers = [httpx.get(url, headers={"cookie": cookies}, trust_env=False) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [303, 400]
    assert codes(world, "login_failed") == ["handoff_unknown"]


def test_a_ticket_is_good_for_seconds(world: World) -> None:
    person = world.person()
    url = _ticket_url(world, person)
    world.clock.ahead_s += TTL_S + 1
    assert person.visit(url).status == 400
    assert _session(person, "127.0.0.1") == ""


def test_a_stolen_ticket_opens_nothing_in_another_browser(world: World) -> None:
    victim, thief = world.person(), world.person()
    url = _ticket_url(world, victim)
    thief.visit(f"{_there(world)}/_gateway/login")
    assert thief.visit(url).status == 400
    assert _session(thief, "127.0.0.1") == ""


def test_an_attackers_ticket_signs_nobody_else_in(world: World) -> None:
    """Login CSRF across hosts: the victim would type into the attacker's account."""
    attacker, victim = world.person(), world.person()
    url = _ticket_url(world, attacker)
    victim.visit(f"{_there(world)}/autre/")
    page = victim.visit(url)
    assert page.status == 400
    assert _session(victim, "127.0.0.1") == ""


def test_an_attacker_s_mark_brings_no_session_of_the_victim_to_the_attacker(world: World) -> None:
    """The victim follows a link with the attacker's `asked_by`: the ticket reaches the victim's browser alone."""
    attacker, victim = world.person(), world.person()
    begun = attacker.visit(f"{_there(world)}/autre/")
    page = victim.press(victim.visit(begun.url), "S’identifier avec")
    end = victim.press(world.choose(victim, page, MATCHING), "Continuer")
    assert (end.status, end.path.partition("?")[0]) == (400, "/_gateway/arrive")
    # Even with the ticket in hand: it is used up.
    assert attacker.visit(end.url).status == 400
    assert _session(attacker, "127.0.0.1") == ""


@pytest.mark.parametrize(("host", "status"), [("127.0.0.2", 400), ("127.0.0.1", 303)])
def test_a_ticket_for_one_host_opens_nothing_on_a_third(world: World, host: str, status: int) -> None:
    """Whoever holds the ticket can copy their own browser's mark as well."""
    person = world.person()
    url = _ticket_url(world, person)
    (mark,) = [e.value for e in person.client.cookies.jar if e.name == "gateway-browser" and "127.0.0.1" in e.domain]
    headers = {"host": f"{host}:{urlsplit(world.url).port}", "cookie": f"gateway-browser={mark}"}
    answer = httpx.get(url, headers=headers, trust_env=False)
    assert (answer.status_code, "set-cookie" in answer.headers) == (status, status == 303)


@pytest.mark.parametrize("ticket", ["", "x", "0" * 64, "0" * 63, "0" * 5000])
def test_an_invented_ticket_is_a_page(world: World, ticket: str) -> None:
    page = world.person().visit(f"{_there(world)}/_gateway/arrive?ticket={ticket}")
    assert page.status == 400
    assert any("Recommencer" in text for text, _ in page.links)


def test_a_session_planted_on_the_other_host_ends_with_the_login(world: World) -> None:
    """Fixation: what was there before is neither kept nor left alive."""
    attacker, victim = world.person(), world.person()
    attacker.visit(_ticket_url(world, attacker, UNKNOWN))
    planted = _session(attacker, "127.0.0.1")
    victim.client.cookies.set("gateway-session", planted, domain="127.0.0.1")
    # With the planted session the page itself would open: the login is begun on purpose.
    victim.visit(_ticket_url(world, victim, start="/_gateway/login?return_to=/autre/"))
    assert _session(victim, "127.0.0.1") not in {"", planted}
    cookie = {"cookie": f"gateway-session={planted}", "accept": "application/json"}
    assert httpx.get(f"{_there(world)}/autre/", headers=cookie, trust_env=False).status_code == 401


@pytest.mark.parametrize("where", ["here", "there"])
def test_leaving_on_one_host_leaves_on_the_other(world: World, where: str) -> None:
    person = world.person()
    person.visit(_ticket_url(world, person))
    left, other = (world.url, f"{_there(world)}/autre/") if where == "here" else (_there(world), f"{world.url}/compte/")
    assert person.visit(other).status == 200
    page = person.visit(f"{left}/_gateway/logout")
    fields = page.forms[0].fields
    person.client.post(f"{left}/_gateway/logout", data=fields)
    assert "/_gateway/login" in person.visit(other).path


def test_no_ticket_is_written_to_the_logs(world: World) -> None:
    person = world.person()
    url = _ticket_url(world, person)
    person.visit(url)
    assert url.partition("ticket=")[2] not in world.written()
