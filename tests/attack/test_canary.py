"""Values that must not leave, looked for in everything that leaves."""

from pathlib import Path

import pytest

from gateway.sandbox.identities import MATCHING, MISMATCHING
from tests.browser import Person
from tests.world import World, running

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
    parent.visit("/_gateway/mes-donnees")
    json_answer = parent.client.get("/cantine/", headers={"accept": "application/json", "sec-fetch-mode": "cors"})
    parent.seen.append(json_answer)
    assert "T3" in page.text
    assert "Signature valide" in page.text
    assert json_answer.json()["signature"] == "valid"
    everything = _everything(world, parent)
    for written in (str(QUOTIENT), f"{QUOTIENT:_}", f"{QUOTIENT:,}", "31 337", "31\u202f337"):
        assert written not in everything


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


NUMBER_POLICY = """
purpose: Essai du mode numéro
legal_basis: mission d'intérêt public
retention: session
login: {acr: eidas1}
household: {mode: number, review: false, when_missing: alternative}
alternative: {url: /accueil, text: Se présenter à l'accueil}
inject: {X-Caf-Statut: household.status, X-Caf-Quotient: household.family_quotient}
"""
NUMBER = {
    "changes": {
        "mode: franceconnect ": "mode: number\n    token: {env: API_PARTICULIER_TOKEN} ",
    },
    "policies": {"numero": NUMBER_POLICY},
    "routes": '  - {path: /numero/, upstream: "UPSTREAM", policy: numero}\n',
}


def _typed(world: World, person: Person, number: str, postal_code: str) -> tuple[int, str]:
    form = person.visit("/_gateway/allocataire?return_to=/numero/")
    page = person.press(form, "Continuer", number=number, postal_code=postal_code)
    return page.status, page.text.replace(page.text.rpartition("Référence : ")[2][:9], "")


def test_number_mode_never_tells_unknown_from_somebody_elses(tmp_path: Path) -> None:
    with running(tmp_path, broker=True, **NUMBER) as world:
        person = world.person()
        page = world.sign_in(person, "/numero/", MATCHING)
        assert page.path.startswith("/_gateway/allocataire")
        unknown = _typed(world, person, "9999999", "33000")
        foreign = _typed(world, person, "4400101", "44100")
        assert unknown == foreign
        assert unknown[0] == 403
        assert len(set(world.slept)) <= 2
        assert all(0 < wait <= 4 for wait in world.slept)
        lines = world.audited("numero", 4)
        statuses = {line["household_status"] for line in lines if line["outcome"] == "alternative"}
        assert statuses == {"not_found"}
        assert '"reasons": "number_not_found"' in world.logs.getvalue()
        assert "MARTIN" not in _everything(world, person)


def test_number_mode_bounds_the_attempts_and_keeps_what_was_typed(tmp_path: Path) -> None:
    with running(tmp_path, broker=True, **NUMBER) as world:
        person = world.person()
        form = world.sign_in(person, "/numero/", MATCHING)
        again = person.press(form, "Continuer", number="12A", postal_code="33000")
        assert again.status == 422
        assert again.forms[0].fields["number"] == "12A"
        statuses = [_typed(world, person, "9999999", "33000")[0] for _ in range(6)]
        assert statuses == [403] * 5 + [429]
        world.clock.ahead_s += 3600
        assert _typed(world, world.people[0], "9999999", "33000")[0] in {200, 403}
