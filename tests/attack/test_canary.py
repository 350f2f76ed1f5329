"""Values that must not leave, looked for in everything that leaves."""

from pathlib import Path

import pytest

from gateway.sandbox.identities import MATCHING, MISMATCHING, PARENT
from tests.browser import Person, shows
from tests.world import World, running

QUOTIENT = 31_337
"""A quotient that no page, header or file holds by chance."""

OTHERS = ("GEORGES", "Georges", "MONTORGUEIL", str(QUOTIENT))
"""What the household of somebody else would show."""


def _everything(world: World, person: Person) -> str:
    pages = [f"{answer.headers}\n{answer.text}" for answer in person.seen if str(answer.url).startswith(world.url)]
    # Pages put a narrow space into a number.
    return "\n".join([*pages, world.written()]).replace("\u202f", "")


def test_a_bracket_leaves_and_its_quotient_never_does(world: World) -> None:
    world.api.faults.quotient = QUOTIENT
    parent = world.person()
    page = parent.press(world.sign_in(parent, "/cantine/", MATCHING), "Continuer")
    json_answer = parent.client.get("/cantine/", headers={"accept": "application/json", "sec-fetch-mode": "cors"})
    parent.seen.append(json_answer)
    assert "T3" in page.text
    assert "Signature valide" in page.text
    assert json_answer.json()["signature"] == "valid"
    everything = _everything(world, parent)
    for written in (str(QUOTIENT), f"{QUOTIENT:_}", f"{QUOTIENT:,}", "31 337", "31\u202f337"):
        assert not shows(everything, written)
    # The person alone may read it: it is theirs (RGPD art. 15).
    assert shows(parent.visit("/_gateway/mes-donnees").text, str(QUOTIENT))
    assert not shows(world.written(), str(QUOTIENT))


def test_a_policy_that_injects_the_quotient_shows_it_where_it_should(world: World) -> None:
    """The twin: the canary is there to be found."""
    world.api.faults.quotient = QUOTIENT
    parent = world.person()
    page = parent.press(world.sign_in(parent, "/famille/", MATCHING), "Continuer")
    assert shows(page.text, str(QUOTIENT))
    assert not shows(world.written(), str(QUOTIENT))


@pytest.mark.parametrize("path", ["/cantine/", "/famille/"])
def test_a_mismatch_leaves_no_value_anywhere(world: World, path: str) -> None:
    world.api.faults.quotient = QUOTIENT
    person = world.person()
    page = world.sign_in(person, path, MISMATCHING)
    person.visit("/_gateway/mes-donnees")
    person.visit(path)
    assert page.status == 403
    everything = _everything(world, person)
    for value in OTHERS:
        assert not shows(everything, value), value


def test_the_page_of_a_mismatch_names_no_trait(world: World) -> None:
    person = world.person()
    text = world.sign_in(person, "/cantine/", MISMATCHING).text.lower()
    assert not any(trait in text for trait in ("prénom", "date", "naissance", "différent", "nom de"))


RESOURCES = 27_182
"""Annual resources that no page, header or file holds by chance."""

FAMILY = ("DURAND", "ANGELA LOUISE", "1963", "PIERRE", "ROBERT", "2018", "2022")
"""The other parent and the children of PARENT's file."""


def _headers(person: Person, path: str) -> str:
    answer = person.client.get(path, headers={"accept": "application/json", "sec-fetch-mode": "cors"})
    person.seen.append(answer)
    return answer.text


@pytest.mark.parametrize("path", ["/cantine/", "/creche/"])
def test_the_other_parent_and_the_children_are_on_no_page_and_in_no_header(world: World, path: str) -> None:
    parent = world.person()
    review = world.sign_in(parent, path, PARENT)
    assert review.path.startswith("/_gateway/review")
    parent.press(review, "Continuer")
    parent.visit("/_gateway/mes-donnees")
    parent.visit(f"/_gateway/calcul{path.rstrip('/')}")
    assert "verified" in _headers(parent, path)
    everything = _everything(world, parent)
    for written in FAMILY:
        assert not shows(everything, written), written


def test_a_policy_that_injects_the_children_shows_them_where_it_should(world: World) -> None:
    """The twin: they are there to be found."""
    parent = world.person()
    review = world.sign_in(parent, "/famille/", PARENT)
    assert "PIERRE" in review.text
    assert "DURAND" not in _everything(world, parent)
    assert "PIERRE" not in world.written()


def test_a_nursery_s_resources_are_shown_where_they_should_and_written_nowhere(world: World) -> None:
    world.api.faults.resources = RESOURCES
    parent = world.person()
    review = world.sign_in(parent, "/creche/", PARENT)
    assert shows(review.text, str(RESOURCES))
    parent.press(review, "Continuer")
    assert shows(_headers(parent, "/creche/"), str(RESOURCES))
    # The person alone may read it: it is theirs (RGPD art. 15).
    assert shows(parent.visit("/_gateway/mes-donnees").text, str(RESOURCES))
    assert not shows(parent.visit("/_gateway/calcul/creche").text, str(RESOURCES))
    assert not shows(world.written(), str(RESOURCES))


ESTIMATE_ONLY = """
purpose: Simulation
legal_basis: mission d'intérêt public
retention: session
login: {acr: eidas1}
childcare: {review: true}
alternative: {url: /accueil, text: Se présenter}
scale: {valid_from: 2024-09-01, published: Cnaf, rates: {1: 0.0619, 2: 0.0516}, floor: 765.77, ceiling: 7000}
inject: {X-Estimation: childcare.estimated_hourly_rate}
"""


def test_an_estimate_leaves_and_the_resources_never_do(tmp_path: Path) -> None:
    route = '  - {path: /simulation/, upstream: "UPSTREAM", policy: simulation}\n'
    with running(tmp_path, policies={"simulation": ESTIMATE_ONLY}, routes=route) as world:
        world.api.faults.resources = RESOURCES
        parent = world.person()
        parent.press(world.sign_in(parent, "/simulation/", PARENT), "Continuer")
        assert "1.17" in _headers(parent, "/simulation/")
        assert not shows(_everything(world, parent), str(RESOURCES))


@pytest.mark.parametrize("path", ["/creche/"])
def test_a_mismatch_at_the_nursery_leaves_no_value_anywhere(world: World, path: str) -> None:
    world.api.faults.resources = RESOURCES
    person = world.person()
    page = world.sign_in(person, path, MISMATCHING)
    person.visit("/_gateway/mes-donnees")
    assert page.status == 403
    everything = _everything(world, person)
    for value in ("GEORGES", "Georges", "rivoli", str(RESOURCES)):
        assert not shows(everything, value), value
