"""Numéro d'allocataire and code postal: what is told, what is not, and how often one may try."""

from pathlib import Path
from typing import Any

import pytest

from gateway.sandbox.identities import MATCHING
from tests.browser import Person
from tests.world import World, running

NUMBER_POLICY = """
purpose: Essai du mode numéro
legal_basis: mission d'intérêt public
retention: session
login: {acr: eidas1}
household: {mode: number, review: false, when_missing: alternative}
alternative: {url: /accueil, text: Se présenter à l'accueil}
inject: {X-Caf-Statut: household.status, X-Caf-Quotient: household.family_quotient}
"""
NUMBER: dict[str, Any] = {
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


JSON = {"accept": "application/json", "sec-fetch-mode": "cors"}


def _marie(claims: dict[str, Any]) -> dict[str, Any]:
    """The first adult of the file 4400101, as FranceConnect would say her."""
    return claims | {
        "family_name": "MARTIN",
        "given_name": "Marie Louise",
        "given_name_array": ["Marie", "Louise"],
        "birthdate": "1969-02-25",
    }


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
        assert "MARTIN" not in world.written()
        ours = "".join(answer.text for answer in person.seen if str(answer.url).startswith(world.url))
        assert "MARTIN" not in ours


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


def test_number_mode_gives_a_person_their_own_household(tmp_path: Path) -> None:
    with running(tmp_path, broker=True, **NUMBER) as world:
        world.franceconnect.faults.userinfo = _marie
        person = world.person()
        form = world.sign_in(person, "/numero/", MATCHING)
        page = person.press(form, "Continuer", number=" 4400101 ", postal_code="44100")
        assert page.path == "/numero/"
        answer = person.client.get("/numero/", headers=JSON).json()
        assert (answer["signature"], answer["headers"]["x-caf-statut"]) == ("valid", "verified")
        assert answer["headers"]["x-caf-quotient"] == "600"


WITHOUT_LOGIN = """
purpose: Estimation du tarif
household: {mode: number, match: none, review: true, when_missing: forward}
inject: {X-Caf-Statut: household.status, X-Caf-Quotient: household.family_quotient}
"""


@pytest.mark.parametrize(("number", "status"), [("4400101", "identity_unverified"), ("9999999", "not_found")])
def test_without_a_login_the_status_says_that_nobody_was_compared(tmp_path: Path, number: str, status: str) -> None:
    changes = {**NUMBER, "policies": {"numero": WITHOUT_LOGIN}}
    with running(tmp_path, broker=True, **changes) as world:
        person = world.person()
        page = person.press(person.visit("/numero/"), "Continuer", number=number, postal_code="44100")
        if status == "identity_unverified":
            assert page.path.startswith("/_gateway/review")
            page = person.press(page, "Continuer")
        answer = person.client.get("/numero/", headers=JSON).json()
        assert (answer["signature"], answer["headers"]["x-caf-statut"]) == ("anonymous", status)
        assert ("x-caf-quotient" in answer["headers"]) == (status == "identity_unverified")


@pytest.mark.parametrize(("listed", "other"), [("127.0.0.1/32", 403), ("192.0.2.0/24", 429)])
def test_people_behind_a_listed_proxy_have_attempts_of_their_own_and_an_invented_address_gives_none(
    tmp_path: Path, listed: str, other: int
) -> None:
    changes = {**NUMBER["changes"], "trusted_proxies: []": f"trusted_proxies: [{listed}]"}
    policy = WITHOUT_LOGIN.replace("when_missing: forward", "when_missing: deny")
    files: dict[str, Any] = {**NUMBER, "changes": changes, "policies": {"numero": policy}}
    with running(tmp_path, broker=True, **files) as world:
        for address, statuses in (("198.51.100.1", [403] * 5 + [429]), ("198.51.100.2", [other])):
            person = world.person()
            person.client.headers["x-forwarded-for"] = address
            assert [_typed(world, person, "9999999", "33000")[0] for _ in statuses] == statuses
