"""A session id that somebody else chose is worth nothing once its bearer has signed in (session fixation)."""

from gateway.sandbox.identities import MATCHING, PARENT
from tests.browser import Person
from tests.world import World

COMPTE = "/compte/"


def _session(person: Person) -> str:
    (found,) = (cookie for cookie in person.client.cookies.jar if cookie.name.endswith("gateway-session"))
    return f"{found.name}={found.value}"


def _served(world: World, cookie: str) -> bool:
    somebody = world.person()
    return somebody.visit(COMPTE, headers={"cookie": cookie}).path == COMPTE


def test_a_planted_session_is_replaced_at_login_and_opens_nothing_any_more(world: World) -> None:
    attacker, victim = world.person(), world.person()
    world.sign_in(attacker, COMPTE, PARENT)
    planted = _session(attacker)
    assert _served(world, planted)
    name, _, value = planted.partition("=")
    victim.client.cookies.set(name, value, domain="localhost.local", path="/")
    victim.visit("/_gateway/login?return_to=/compte/")
    page = victim.press(victim.visit("/_gateway/login?return_to=/compte/"), "S’identifier avec")
    page = victim.press(world.choose(victim, page, MATCHING), "Continuer")
    assert page.path == COMPTE
    assert _session(victim) != planted
    assert _served(world, _session(victim))
    assert not _served(world, planted)


def test_an_id_that_we_did_not_sign_is_never_taken_up(world: World) -> None:
    victim = world.person()
    victim.client.cookies.set("gateway-session", "0" * 64, domain="localhost.local", path="/")
    world.sign_in(victim, COMPTE, MATCHING)
    assert "0" * 64 not in _session(victim)
    assert _served(world, _session(victim))
