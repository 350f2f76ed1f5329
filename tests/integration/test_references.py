"""The reference that a page shows leads to the line of the log that says why: one call, one search."""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from gateway.sandbox.identities import MATCHING
from tests.asking import named
from tests.parts import Parts, can_go_on, parts
from tests.world import World, running


@pytest.fixture
def broken(tmp_path: Path, lane: None) -> Iterator[Parts]:
    with parts(tmp_path) as running_parts:
        yield running_parts


def _line(world: World, reference: str) -> dict[str, object]:
    (line,) = [
        line for line in map(json.loads, world.logs.getvalue().splitlines()) if line.get("reference") == reference
    ]
    return dict(line)


@pytest.mark.parametrize("error", ["access_denied", "invalid_acr"])
def test_a_provider_that_sends_the_person_back_empty_handed(broken: Parts, error: str) -> None:
    person = broken.world.person()
    left = person.press(person.visit("/cantine/"), "S’identifier avec").response.url
    issuer = broken.world.settings.providers[0].issuer
    page = person.visit(f"/_gateway/callback?error={error}&state={left.params['state']}&iss={issuer}")
    assert page.status == 403
    line = _line(broken.world, can_go_on(page))
    assert (line["event"], line["code"]) == ("login_refused", error)


def test_a_source_that_fails_is_found_from_each_page_that_its_failure_turns_away(broken: Parts) -> None:
    broken.api.stop()
    person = broken.world.person()
    for page in (broken.world.sign_in(person, "/cantine/", MATCHING), person.visit("/cantine/")):
        assert page.status == 403
        line = _line(broken.world, can_go_on(page))
        assert (line["event"], line["outcome"]) == ("turned_away", "unavailable")
        assert line["reasons"] == "api_particulier_connection"
    (asked,) = broken.logged("household")
    assert asked["reference"] not in {None, line["reference"]}


def test_somebody_who_is_let_in_leaves_no_such_line(broken: Parts) -> None:
    person = broken.world.person()
    review = broken.world.sign_in(person, "/cantine/", MATCHING)
    assert person.press(review, "Continuer").status == 200
    assert broken.logged("turned_away") == []


@pytest.mark.usefixtures("lane")
def test_a_proxy_that_is_not_listed_is_named_to_the_operator_and_misleads_nobody(tmp_path: Path) -> None:
    with running(tmp_path) as world:
        answer = httpx.get(
            f"http://127.0.0.1:{world.settings.listen.port}/_gateway/auth",
            headers=[*named(world), ("accept", "text/html"), ("sec-fetch-mode", "navigate")],
        )
        assert answer.status_code == 403
        assert "Demande refusée" in answer.text
        assert "formulaire" not in answer.text.lower()
        (line,) = [each for each in map(json.loads, world.logs.getvalue().splitlines()) if each["event"] == "rejected"]
        assert (line["code"], line["neighbour"]) == ("forward_auth_peer", "127.0.0.1")
        assert line["reference"] in answer.text


def test_what_fails_around_us_is_a_warning_and_what_people_do_is_not(broken: Parts) -> None:
    person = broken.world.person()
    broken.legacy.stop()
    person.visit("/page")
    person.visit("/_gateway/nothing-here")
    assert [line["level"] for line in broken.logged("failed")] == ["warning"]
    assert [line["level"] for line in broken.logged("rejected")] == ["info"]
