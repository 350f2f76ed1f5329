"""Disputes of several gateways in one Redis, or Valkey: what a person contests stops everywhere, and outlives the server."""

import json
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest

from gateway.sandbox.identities import MATCHING
from tests.agents import POLICIES, ROUTES, contest
from tests.integration.test_shared_store import Two, ask, cookies_of, two_gateways
from tests.processes import until
from tests.redis_servers import NEEDS

WITHIN_S = 1.0

KEPT = {"sessions:\n": "disputes: {key: {env: DISPUTES_KEY}}\n\nsessions:\n"}

Seen = tuple[str, bool]
"""The status that the application read, and whether a value came with it."""


@pytest.fixture(params=[pytest.param(name, marks=mark) for name, mark in NEEDS.items()])
def two(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Two]:
    files = {"changes": KEPT, "routes": ROUTES, "policies": POLICIES}
    with two_gateways(tmp_path, program=request.param, **files) as running:
        yield running


def _seen(connections: list[HTTPConnection], port: int, cookie: str) -> set[Seen]:
    answers = [ask(each, port, "/quotient/", cookie) for each in connections]
    assert {status for status, _ in answers} == {200}, answers
    told = [json.loads(body)["headers"] for _, body in answers]
    return {(headers["x-statut"], "x-valeur" in headers) for headers in told}


def _within(connections: list[HTTPConnection], port: int, cookie: str, wanted: Seen) -> float:
    """Seconds until every worker of both says so, asked without a pause meanwhile."""
    began = time.monotonic()
    while _seen(connections, port, cookie) != {wanted}:
        assert time.monotonic() - began < WITHIN_S
    return time.monotonic() - began


def test_what_is_contested_at_one_gateway_stops_at_both_within_a_second_and_outlives_the_server(two: Two) -> None:
    world, port = two.first.world, two.first.port
    person = world.person()
    assert world.sign_in(person, "/quotient/", MATCHING).status == 200
    cookie = cookies_of(person)
    connections = [two.to(worker, address) for worker, address in two.workers().items()]
    assert len(connections) == 4
    assert _seen(connections, port, cookie) == {("verified", True)}

    reference = contest(person)
    print(f"stopped everywhere after {_within(connections, port, cookie, ('contested', False)):.2f} s")

    two.server.kill()
    two.server.start()
    until(lambda: ask(connections[0], port, "/quotient/", cookie)[0] == 200)
    assert reference in two.command("list", of="disputes")
    assert _within(connections, port, cookie, ("contested", False)) < WITHIN_S

    two.command("settle", reference, "settled", of="disputes")
    print(f"settled everywhere after {_within(connections, port, cookie, ('settled', True)):.2f} s")
    assert reference not in two.command("list", of="disputes")
    for connection in connections:
        connection.close()
