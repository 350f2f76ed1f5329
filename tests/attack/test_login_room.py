"""Anybody can begin a login, and each one takes room in the store: one address must not take it from everybody else."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser import Page
from tests.parts import can_go_on
from tests.world import World, running

BEHIND = {"trusted_proxies: [] ": "trusted_proxies: [127.0.0.1/32] "}
FLOODER = "203.0.113.7"


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A small room: two of each address for sure, of which there is room for six in all, and three more for anybody."""
    monkeypatch.setattr("gateway.assembly.LOGIN_SHARE", 2)
    monkeypatch.setattr("gateway.assembly.LOGINS_SHARED_OUT", 6)
    monkeypatch.setattr("gateway.assembly.LOGINS_FREE", 3)
    with running(tmp_path, changes=BEHIND) as started:
        yield started


def _leave(world: World, address: str) -> Page:
    person = world.person()
    person.client.headers["x-forwarded-for"] = address
    return person.press(person.visit("/cantine/"), "S’identifier avec")


def _left(page: Page) -> bool:
    """Arrived at FranceConnect."""
    return page.status == 200 and not page.path.startswith("/_gateway/")


def test_who_begins_all_the_logins_there_is_room_for_is_stopped_and_nobody_else_is(world: World) -> None:
    assert [_left(_leave(world, FLOODER)) for _ in range(5)] == [True] * 5
    for _ in range(20):
        page = _leave(world, FLOODER)
        assert page.status == 429
    assert page.response.headers["retry-after"] == "60"
    assert "Trop de connexions ont été demandées depuis votre réseau" in page.text
    assert can_go_on(page) in world.logs.getvalue()
    assert '"login_attempts"' in world.logs.getvalue()
    others = [f"198.51.100.{number}" for number in (1, 1, 2, 2)]
    assert all(_left(_leave(world, address)) for address in others)


def test_the_room_of_all_ends_too_and_says_that_it_is_full(world: World) -> None:
    many = [f"198.51.100.{number // 2}" for number in range(9)]
    assert all(_left(_leave(world, address)) for address in many)
    page = _leave(world, "198.51.100.99")
    assert page.status == 503
    assert "Trop de personnes se connectent en ce moment" in page.text
    assert '"session_store_full"' in world.logs.getvalue()


def test_a_whole_town_behind_one_address_has_its_share_and_what_nobody_else_takes(world: World) -> None:
    assert [_left(_leave(world, FLOODER)) for _ in range(6)] == [True] * 5 + [False]
    world.clock.ahead_s += 1801
    assert _left(_leave(world, FLOODER))
