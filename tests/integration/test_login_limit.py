"""`limits.logins_per_minute_per_address`: off unless written; then a page, and the address that a listed proxy names."""

from pathlib import Path

from tests.browser import Page, Person
from tests.parts import can_go_on
from tests.world import World, running

LIMIT = {"sessions:": "limits: {logins_per_minute_per_address: 3}\nsessions:"}
BEHIND = LIMIT | {"trusted_proxies: [] ": "trusted_proxies: [127.0.0.1/32] "}


def _leave(world: World, *, through: str = "") -> Page:
    person = world.person()
    if through:
        person.client.headers["x-forwarded-for"] = through
    return person.press(person.visit("/cantine/"), "S’identifier avec")


def _left(page: Page) -> bool:
    """Arrived at FranceConnect."""
    return page.status == 200 and not page.path.startswith("/_gateway/")


def test_without_the_limit_a_whole_city_may_leave_from_one_address(world: World) -> None:
    assert all(_left(_leave(world)) for _ in range(12))


def test_the_fourth_in_a_minute_is_told_to_wait_and_how_to_go_on(tmp_path: Path) -> None:
    with running(tmp_path, changes=LIMIT) as world:
        assert [_left(_leave(world)) for _ in range(3)] == [True] * 3
        page = _leave(world)
        assert (page.status, page.response.headers["retry-after"]) == (429, "60")
        assert "Attendez une minute" in page.text
        assert can_go_on(page) in world.logs.getvalue()
        assert "Je préfère fournir un justificatif" in [text for text, _ in page.links]
        assert _can_read_on(world.people[-1])
        world.clock.ahead_s += 61
        assert _left(_leave(world))


def _can_read_on(person: Person) -> bool:
    return person.visit("/").status == 200


def test_behind_a_listed_proxy_each_address_has_its_own_and_an_invented_one_gives_none(tmp_path: Path) -> None:
    with running(tmp_path, changes=BEHIND) as world:
        assert [_left(_leave(world, through="203.0.113.7")) for _ in range(4)] == [True] * 3 + [False]
        assert _left(_leave(world, through="203.0.113.8"))
        # What the client itself put in front of what the proxy saw changes nothing.
        assert not _left(_leave(world, through="198.51.100.1, 203.0.113.7"))


def test_from_a_peer_that_is_not_listed_no_address_is_believed(tmp_path: Path) -> None:
    with running(tmp_path, changes=LIMIT) as world:
        assert [_left(_leave(world, through=f"203.0.113.{n}")) for n in range(4)] == [True] * 3 + [False]
