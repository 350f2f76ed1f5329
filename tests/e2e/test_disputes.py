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

import pytest

from gateway.sandbox.identities import MATCHING
from gateway.sandbox.legacy import legacy_app
from tests.browser import Person
from tests.processes import START_S, Gateway, gateway, get, start, stop, until
from tests.world import ROOT, served

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


@pytest.fixture
def two(tmp_path: Path, second: int) -> Iterator[Gateway]:
    routes = f"""
  - {{path: /restaurant/, upstream: "UPSTREAM", policy: restaurant}}
  - {{path: /loisirs/, upstream: "http://127.0.0.1:{second}", policy: loisirs}}
"""
    policies = {
        "restaurant": POLICY.format(name="Restaurant", header="X-Caf-Quotient", fact="household.family_quotient"),
        "loisirs": POLICY.format(name="Loisirs", header="X-Caf-Tranche", fact="brackets.name") + BRACKET,
    }
    with gateway(tmp_path, workers=2, routes=routes, changes=KEPT, policies=policies) as running:
        yield running


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
