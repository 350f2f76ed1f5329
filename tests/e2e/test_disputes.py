"""A contested datum stops, survives a restart and resumes: real processes, two workers, two legacy applications."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page as BrowserPage

from gateway.sandbox.identities import MATCHING
from gateway.sandbox.legacy import legacy_app
from tests.agents import agents_at, proconnect_of
from tests.browser import Person
from tests.e2e.chromium import NEEDS_CHROMIUM, started
from tests.e2e.driving import agent_answers, rows, sign_in
from tests.e2e.driving import contest as dispute
from tests.processes import START_S, Gateway, gateway, get, start, stop, until
from tests.world import ROOT, bound_sockets, served

WITHIN_S = 1.0

POLICY = """purpose: {name}
legal_basis: mission d'intérêt public
retention: session
login: {{acr: eidas1}}
household: {{review: false, when_missing: forward}}
alternative: {{url: /, text: {{fr: Au guichet}}}}
inject:
  X-Caf-Statut: household.status
  {header}: {fact}
"""

BRACKET = """brackets:
  - {from: household.family_quotient, council_decision: "1", valid_from: 2025-09-01, table: [{up_to: 400, name: T1}, {name: T9}]}
"""

KEPT = {"sessions:\n": "disputes: {key: {env: DISPUTES_KEY}}\n\nsessions:\n"}


@pytest.fixture
def second() -> Iterator[int]:
    """Another legacy application, in the hands of another service."""
    own = socket.socket()
    own.bind(("127.0.0.1", 0))
    with served([(legacy_app("http://127.0.0.1:1/keys"), own)]):
        yield own.getsockname()[1]


def _files(second: int) -> dict[str, Any]:
    routes = f"""
  - {{path: /restaurant/, upstream: "UPSTREAM", policy: restaurant}}
  - {{path: /loisirs/, upstream: "http://127.0.0.1:{second}", policy: loisirs}}
"""
    policies = {
        "restaurant": POLICY.format(name="Restaurant", header="X-Caf-Quotient", fact="household.family_quotient"),
        "loisirs": POLICY.format(name="Loisirs", header="X-Caf-Tranche", fact="brackets.name") + BRACKET,
    }
    return {"workers": 2, "routes": routes, "policies": policies}


@pytest.fixture
def two(tmp_path: Path, second: int) -> Iterator[Gateway]:
    with gateway(tmp_path, changes=KEPT, **_files(second)) as running:
        yield running


@pytest.fixture
def staffed(tmp_path: Path, second: int) -> Iterator[Gateway]:
    """The same, with agents who answer."""
    (own,) = bound_sockets(1)
    issuer = f"http://127.0.0.1:{own.getsockname()[1]}/api/v2"
    with (
        gateway(tmp_path, changes=agents_at(issuer), **_files(second)) as running,
        served([(proconnect_of(running.world, issuer).app, own)]),
    ):
        yield running


@pytest.fixture(params=[False, pytest.param(True, marks=pytest.mark.slow)], ids=["without script", "with script"])
def page(request: pytest.FixtureRequest) -> Iterator[BrowserPage]:
    with started() as chromium:
        yield chromium.new_context(locale="fr-FR", java_script_enabled=request.param).new_page()


Seen = tuple[str, bool]
"""The status that the application read, and whether any value came with it."""


def _seen(connection: HTTPConnection, path: str, cookie: str) -> Seen:
    status, body = get(connection, path, Cookie=cookie)
    assert status == 200, body
    headers = json.loads(body)["headers"]
    return headers["x-caf-statut"], "x-caf-quotient" in headers or "x-caf-tranche" in headers


PATHS = ("/restaurant/", "/loisirs/")


def _everywhere(connections: list[HTTPConnection], cookie: str) -> set[Seen]:
    """What both applications read through every worker."""
    return {_seen(connection, path, cookie) for connection in connections for path in PATHS}


def _within(connections: list[HTTPConnection], cookie: str, wanted: Seen) -> float:
    """Seconds until everywhere says `wanted`, asked without a pause meanwhile."""
    began = time.monotonic()
    while _everywhere(connections, cookie) != {wanted}:
        assert time.monotonic() - began < WITHIN_S
    return time.monotonic() - began


def _cookie(person: Person) -> str:
    return "; ".join(f"{each.name}={each.value}" for each in person.client.cookies.jar)


def _contest(person: Person) -> str:
    page = person.press(person.visit("/_gateway/mes-donnees"), "contester cette donnée (Quotient familial)")
    receipt = person.press(page, "Contester cette donnée")
    return receipt.path.rpartition("=")[2]


def _settle(running: Gateway, reference: str, outcome: str) -> "subprocess.CompletedProcess[str]":
    """As the operator does, in another process."""
    command = [
        sys.executable,
        "-m",
        "gateway",
        "disputes",
        "--config",
        str(running.config),
        "settle",
        reference,
        outcome,
    ]
    environ = {**os.environ, **running.environ}
    return subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)


def _restart(running: Gateway) -> None:
    """The whole gateway ends and begins again, on the same files and with the same keys."""
    assert stop(running.process) == 0
    said = running.said.count("Application startup complete")
    running.process = start(running.config, running.environ, running.several)
    until(lambda: running.said.count("Application startup complete") >= said + running.several, START_S)


def test_a_contested_quotient_stops_for_two_applications_survives_a_restart_and_resumes_when_settled(
    two: Gateway,
) -> None:
    person = two.world.person()
    two.world.sign_in(person, "/restaurant/", MATCHING)
    cookie, connections = _cookie(person), two.each()
    assert _everywhere(connections, cookie) == {("verified", True)}

    reference = _contest(person)
    assert _within(connections, cookie, ("contested", False)) < WITHIN_S

    _restart(two)
    connections = two.each()
    assert _everywhere(connections, cookie) == {("contested", False)}

    settled = _settle(two, reference, "settled")
    assert settled.returncode == 0, settled.stderr
    assert _within(connections, cookie, ("settled", True)) < WITHIN_S


@pytest.mark.parametrize(
    ("outcome", "seen"),
    [
        ("document_provided", ("document_provided", False)),
        ("verified_by_agent", ("verified_by_agent", False)),
        ("rejected", ("verified", True)),
    ],
)
def test_each_answer_reaches_every_application_within_the_second(two: Gateway, outcome: str, seen: Seen) -> None:
    person = two.world.person()
    two.world.sign_in(person, "/restaurant/", MATCHING)
    cookie, connections = _cookie(person), two.each()
    reference = _contest(person)
    _within(connections, cookie, ("contested", False))
    assert _settle(two, reference, outcome).returncode == 0
    _within(connections, cookie, seen)


@pytest.mark.browser
@NEEDS_CHROMIUM[1]
def test_a_person_contests_and_an_agent_settles_in_their_browsers(staffed: Gateway, page: BrowserPage) -> None:
    sign_in(staffed.world, page, "/restaurant/")
    assert rows(page)["X-Caf-Quotient"] == "2550"
    page.goto(staffed.world.url + "/loisirs/")
    assert rows(page)["X-Caf-Tranche"] == "T9"
    connections = staffed.each()
    cookie = "; ".join(f"{each['name']}={each['value']}" for each in page.context.cookies(staffed.world.url))
    assert _everywhere(connections, cookie) == {("verified", True)}

    reference = dispute(staffed.world, page)
    # The second itself is measured above: here two browsers share the machine with it.
    until(lambda: _everywhere(connections, cookie) == {("contested", False)})
    for path in PATHS:
        page.goto(staffed.world.url + path)
        assert rows(page).items().isdisjoint({("X-Caf-Quotient", "2550"), ("X-Caf-Tranche", "T9")})
        assert rows(page)["X-Caf-Statut"] == "contested"

    _restart(staffed)
    connections = staffed.each()
    assert _everywhere(connections, cookie) == {("contested", False)}

    agent_answers(staffed.world, page, reference, "settled")
    until(lambda: _everywhere(connections, cookie) == {("settled", True)})
    page.goto(staffed.world.url + "/restaurant/")
    assert (rows(page)["X-Caf-Statut"], rows(page)["X-Caf-Quotient"]) == ("settled", "2550")
    page.goto(staffed.world.url + "/_gateway/mes-donnees")
    assert page.get_by_text("Un agent a répondu : la donnée est exacte").is_visible()
