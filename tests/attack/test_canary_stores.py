"""Nothing of a person is readable in Redis, in what is kept of disputes and forms, in logs, traces or metrics."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gateway.adapters.metrics.exposition import Exposition
from gateway.sandbox.identities import MATCHING
from tests.agents import MY_DATA, POLICIES, ROUTES, contest
from tests.browser import Person
from tests.redis_servers import Server, needs_redis, redis_server
from tests.world import World, running

pytestmark = needs_redis

QUOTIENT = 31_337
"""A quotient that no page, header or file holds by chance."""

TEXT, CONTACT, TYPED = "CANARY-WORDS", "CANARY-CONTACT", "CANARY-TYPED"

MORE = (
    "purpose: Dossier famille\nlegal_basis: mission\nretention: session\nlogin: {acr: eidas1}\n"
    "household: {match: required, review: false, when_missing: forward}\n"
    "alternative: {url: /, text: {fr: Au guichet}}\ninject: {X-Caf-Nombre: household.children.count}\n"
)


@contextmanager
def _town(folder: Path, store: str) -> Iterator[World]:
    changes = {
        "  store: sqlite:var/sessions.db": f"  store: {store}",
        "sessions:\n": "disputes:\n  key: {env: DISPUTES_KEY}\n\nsessions:\n",
    }
    routes = ROUTES + '  - {path: /more/, upstream: "UPSTREAM", policy: more}\n'
    with running(folder, changes=changes, routes=routes, policies=POLICIES | {"more": MORE}) as world:
        world.api.faults.quotient = QUOTIENT
        yield world


def _lives(world: World) -> tuple[Person, list[str]]:
    """Somebody goes through everything that keeps something; what is theirs, and the secrets of their browser."""
    parent = world.person()
    world.sign_in(parent, "/quotient/", MATCHING)
    parent.press(parent.press(parent.visit("/adresse/"), "S’identifier avec"), "Continuer")
    copy = parent.client.get(f"{MY_DATA}/copie").json()
    reference = contest(parent, text=TEXT, contact=CONTACT)
    for page in ("", "/imprimer", f"/recu?reference={reference}", "/objection?policy=adresse"):
        parent.visit(MY_DATA + page)
    said = {"sec-fetch-site": "same-origin", "sec-fetch-dest": "document", "origin": world.url}
    assert parent.client.post("/more/x", data={"a": TYPED}, headers=said).status_code == 303
    who = copy["identite"]
    secrets = [cookie.value.partition(".")[0] for cookie in parent.client.cookies.jar if cookie.value]
    theirs = [who["nom_de_naissance"], *who["prenoms"], who["identifiant"]]
    return parent, [*theirs, *map(str.upper, who["prenoms"]), *secrets]


def _dump(server: Server) -> str:
    """Names and contents of all that is there."""
    keys = server.asked("KEYS", "*")
    assert isinstance(keys, list)
    assert len(keys) > 5
    return "\n".join(repr((key, server.asked("DUMP", key))) for key in keys)


def _metrics(world: World) -> str:
    assert world.application is not None
    return Exposition(world.application.cells, "").text("")[0].decode("utf-8")


@pytest.mark.parametrize("store", ["redis", "sqlite"])
def test_nothing_of_a_person_is_readable_where_anything_is_kept(tmp_path: Path, lane: None, store: str) -> None:
    with (
        redis_server(tmp_path / "redis", "rdbcompression no") as server,
        _town(tmp_path, server.url if store == "redis" else "sqlite:var/sessions.db") as world,
    ):
        _, theirs = _lives(world)
        kept = world.written() + _metrics(world) + (_dump(server) if store == "redis" else "")
        for value in (str(QUOTIENT), TEXT, CONTACT, TYPED, *theirs):
            assert value not in kept, value


def test_it_can_be_read_where_its_person_reads_it(tmp_path: Path) -> None:
    """The twin: the canaries are there to be found."""
    with redis_server(tmp_path / "redis") as server, _town(tmp_path, server.url) as world:
        parent, theirs = _lives(world)
        copy = parent.client.get(f"{MY_DATA}/copie").text
        for value in (TEXT, CONTACT, *theirs[:2]):
            assert value in copy, value
        assert "gateway_logins_total" in _metrics(world)
