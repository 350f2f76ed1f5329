"""Values that must not leave, looked for in everything that leaves."""

import pytest

from gateway.sandbox.identities import MATCHING, MISMATCHING
from tests.browser import Person
from tests.world import World

QUOTIENT = 31_337
"""A quotient that no page, header or file holds by chance."""

OTHERS = ("GEORGES", "Georges", "2550", "MONTORGUEIL")
"""What the household of somebody else would show."""


def _everything(world: World, person: Person) -> str:
    pages = [f"{answer.headers}\n{answer.text}" for answer in person.seen if str(answer.url).startswith(world.url)]
    return "\n".join([*pages, world.written()])


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
        assert written not in everything
    # The person alone may read it: it is theirs (RGPD art. 15).
    assert str(QUOTIENT) in parent.visit("/_gateway/mes-donnees").text
    assert str(QUOTIENT) not in world.written()


def test_a_policy_that_injects_the_quotient_shows_it_where_it_should(world: World) -> None:
    """The twin: the canary is there to be found."""
    world.api.faults.quotient = QUOTIENT
    parent = world.person()
    page = parent.press(world.sign_in(parent, "/famille/", MATCHING), "Continuer")
    assert str(QUOTIENT) in page.text
    assert str(QUOTIENT) not in world.written()


@pytest.mark.parametrize("path", ["/cantine/", "/famille/"])
def test_a_mismatch_leaves_no_value_anywhere(world: World, path: str) -> None:
    world.api.faults.quotient = QUOTIENT
    person = world.person()
    page = world.sign_in(person, path, MISMATCHING)
    person.visit("/_gateway/mes-donnees")
    person.visit(path)
    assert page.status == 403
    everything = _everything(world, person)
    for value in (*OTHERS, str(QUOTIENT)):
        assert value not in everything


def test_the_page_of_a_mismatch_names_no_trait(world: World) -> None:
    person = world.person()
    text = world.sign_in(person, "/cantine/", MISMATCHING).text.lower()
    assert not any(trait in text for trait in ("prénom", "date", "naissance", "différent", "nom de"))
