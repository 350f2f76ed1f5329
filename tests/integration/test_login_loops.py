"""A login that ends and is asked for again: a page that says what to do, and a code in the log (peers §3.1, 3; §4.4, 112)."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.assembly import LOOP_LOGINS, LOOP_S
from gateway.core.model import Acr
from gateway.core.rules import Login
from gateway.sandbox.identities import MATCHING
from gateway.settings import Settings
from tests.browser import Page
from tests.flows import COMPTE, callback_url, codes
from tests.world import World, running


@pytest.fixture
def world(tmp_path: Path, lane: None) -> Iterator[World]:
    with running(tmp_path) as started:
        yield started


def _leads_on(page: Page) -> None:
    assert page.status == 403
    assert any("Recommencer" in text for text, _ in page.links)
    assert any("justificatif" in text for text, _ in page.links)


def test_a_session_cookie_that_is_never_kept_ends_the_loop_on_a_page(world: World) -> None:
    person = world.person()
    for _ in range(LOOP_LOGINS):
        assert person.visit(callback_url(world, person)).path == COMPTE
        person.client.cookies.delete("gateway-session")
    page = person.visit(callback_url(world, person))
    _leads_on(page)
    assert "cookies" in page.text
    assert codes(world, "login_failed") == ["login_loop"]
    assert person.press(page, "Continuer").path == COMPTE


def test_a_few_logins_in_a_longer_while_are_no_loop(world: World) -> None:
    person = world.person()
    for _ in range(LOOP_LOGINS + 2):
        assert person.visit(callback_url(world, person)).path == COMPTE
        person.client.cookies.delete("gateway-session")
        world.clock.ahead_s += LOOP_S / 2


def test_logins_for_several_services_are_no_loop(world: World) -> None:
    person = world.person()
    for _ in range(2):
        assert person.visit(callback_url(world, person)).path == COMPTE
        person.client.cookies.delete("gateway-session")
        assert person.visit(callback_url(world, person, "/famille/")).path != COMPTE
        person.client.cookies.delete("gateway-session")
    assert codes(world, "login_failed") == []


def test_a_browser_without_cookies_never_leaves_for_the_provider(world: World) -> None:
    person = world.person()
    for _ in range(3):
        page = person.visit(COMPTE)
        person.client.cookies.clear()
        assert person.press(page, "S’identifier avec").status == 403
    assert codes(world, "login_refused") == ["cookies_refused"] * 3


def test_a_level_that_is_never_reached_is_said_at_once(world: World) -> None:
    person = world.person()
    world.franceconnect.faults.id_token = lambda claims: claims | {"acr": "eidas0"}
    page = person.visit(callback_url(world, person))
    assert page.status in {400, 403}
    assert page.path.startswith("/_gateway/callback")


@pytest.mark.parametrize("reason", ["acr_too_low", "provider_not_accepted", "scopes_missing"])
def test_a_login_that_does_not_satisfy_the_page_is_said_at_once(world: World, reason: str) -> None:
    """The policy changed while the person was away: whatever the cause, one more redirect would not help."""
    person = world.person()
    url = callback_url(world, person)
    world.reload(_with_policy(world, reason))
    page = person.visit(url)
    _leads_on(page)
    assert page.path.startswith("/_gateway/callback")
    assert codes(world, "login_failed") == [f"login_in_vain_{reason}"]


def _with_policy(world: World, reason: str) -> Settings:
    settings = world.settings
    policy = settings.policies["signed-in"]
    login = policy.login or Login(Acr.EIDAS1)
    changed = {
        "acr_too_low": replace(policy, login=replace(login, acr=Acr.EIDAS2)),
        "provider_not_accepted": replace(policy, login=replace(login, providers=("proconnect",))),
        "scopes_missing": replace(policy, needs=replace(policy.needs, claims=policy.needs.claims | {"email"})),
    }[reason]
    routes = tuple(replace(route, policy=changed) if route.policy is policy else route for route in settings.routes)
    return replace(settings, routes=routes, policies={**settings.policies, "signed-in": changed})


def test_the_same_login_without_the_change_is_let_through(world: World) -> None:
    person = world.person()
    url = callback_url(world, person, COMPTE, MATCHING)
    world.reload(world.settings)
    assert person.visit(url).path == COMPTE
