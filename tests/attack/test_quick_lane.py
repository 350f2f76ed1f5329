"""What the quick lane keeps must never answer for another route, another method or another person."""

import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.sandbox.identities import MATCHING
from tests.world import running

JSON = {"accept": "application/json", "sec-fetch-mode": "cors"}

BIRTHDAY = datetime(2026, 8, 23, 22, tzinfo=UTC).timestamp()
"""When the day begins in Paris on which who is born on 24 August 1962 grows older."""

NAMES = """purpose: Nom
legal_basis: mission d'intérêt public
retention: session
login: {acr: eidas1}
alternative: {url: /justificatif, text: {fr: Autrement}}
inject: {X-Usager-Nom: identity.birth_name}
"""

OTHER_HEADER = NAMES.replace("X-Usager-Nom", "X-Autre-Nom")

ONE_PATH_TWO_METHODS = """
  - {path: /double/, upstream: UPSTREAM, policy: noms, methods: [GET]}
  - {path: /double/, upstream: UPSTREAM, policy: autres, methods: [POST]}
"""

BY_METHOD = NAMES + "allow: {all: [{request.method: {in: [GET]}}]}\n"
BY_PATH = NAMES + "allow: {all: [{request.path: {is: /chemin/ouvert}}]}\n"
BY_DECISION = NAMES.replace("inject: {", "inject: {X-Decision: gateway.decision_id, ")


def test_two_routes_of_one_path_never_share_a_permit(tmp_path: Path) -> None:
    policies = {"noms": NAMES, "autres": OTHER_HEADER}
    with running(tmp_path, routes=ONE_PATH_TWO_METHODS, policies=policies) as world:
        person = world.person()
        world.sign_in(person, "/double/", MATCHING)
        for _ in range(3):
            got = person.client.get("/double/", headers=JSON).json()
            posted = person.client.post("/double/", headers=JSON, content=b"a").json()
            assert set(got["claims"]["hdr"]) == {"x-usager-nom"}
            assert set(posted["claims"]["hdr"]) == {"x-autre-nom"}


def test_a_condition_on_the_method_is_decided_for_each_method(tmp_path: Path) -> None:
    routes = "\n  - {path: /methode/, upstream: UPSTREAM, policy: methode}\n"
    with running(tmp_path, routes=routes, policies={"methode": BY_METHOD}) as world:
        person = world.person()
        world.sign_in(person, "/methode/", MATCHING)
        for _ in range(3):
            assert person.client.get("/methode/", headers=JSON).status_code == 200
            assert person.client.delete("/methode/", headers=JSON).status_code == 403


def test_a_condition_on_the_path_is_decided_for_each_path(tmp_path: Path) -> None:
    routes = "\n  - {path: /chemin/, upstream: UPSTREAM, policy: chemin}\n"
    with running(tmp_path, routes=routes, policies={"chemin": BY_PATH}) as world:
        person = world.person()
        world.sign_in(person, "/chemin/ouvert", MATCHING)
        for _ in range(3):
            assert person.client.get("/chemin/ouvert", headers=JSON).status_code == 200
            assert person.client.get("/chemin/ferme", headers=JSON).status_code == 403


def test_a_decision_id_that_is_injected_is_each_request_s_own(tmp_path: Path) -> None:
    routes = "\n  - {path: /decision/, upstream: UPSTREAM, policy: decision}\n"
    with running(tmp_path, routes=routes, policies={"decision": BY_DECISION}) as world:
        person = world.person()
        world.sign_in(person, "/decision/", MATCHING)
        answers = [person.client.get("/decision/", headers=JSON).json() for _ in range(3)]
        seen = {answer["headers"]["x-decision"] for answer in answers}
        assert len(seen) == 3
        assert seen == {answer["claims"]["dec"] for answer in answers}


@pytest.mark.usefixtures("lane")
def test_a_decision_is_no_older_than_the_day(tmp_path: Path) -> None:
    """Schedules and ages change at midnight in Paris, whatever was decided a moment before."""
    routes = "\n  - {path: /age/, upstream: UPSTREAM, policy: age}\n"
    policy = NAMES.replace("X-Usager-Nom: identity.birth_name", "X-Age: identity.age")
    with running(tmp_path, routes=routes, policies={"age": policy}) as world:
        world.clock.ahead_s = BIRTHDAY - 60 - time.time()
        person = world.person()
        world.sign_in(person, "/age/", MATCHING)
        before = [person.client.get("/age/", headers=JSON).json()["headers"]["x-age"] for _ in range(3)]
        world.clock.ahead_s += 61
        after = [person.client.get("/age/", headers=JSON).json()["headers"]["x-age"] for _ in range(3)]
        assert (before, after) == (["63"] * 3, ["64"] * 3)
