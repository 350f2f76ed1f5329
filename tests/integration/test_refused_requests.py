"""What a person reads when their request was not taken: words of its own, and a way on."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.core.errors import RequestRejected
from gateway.core.http1.request import read_request
from gateway.sandbox.identities import MATCHING
from gateway.web.failure_texts import REJECTED
from gateway.web.failures import failure
from gateway.web.snapshot import snapshot_of
from tests.world import ROOT, World, running


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running(tmp_path_factory.mktemp("world")) as started:
        yield started


def raised() -> set[int]:
    """Statuses that the code gives a refused request."""
    statuses = {400}
    for path in Path(ROOT, "gateway").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "RequestRejected":
                statuses |= {arg.value for arg in node.args[1:2] if isinstance(arg, ast.Constant)}  # type: ignore[misc]
    return statuses


def test_each_status_of_a_refused_request_has_words_of_its_own() -> None:
    assert raised() - REJECTED.keys() == set()
    assert len({message.body for message in REJECTED.values()}) == len(REJECTED)


def test_an_address_too_long_to_be_signed_is_said_so(world: World) -> None:
    person = world.person()
    world.sign_in(person, "/compte/", MATCHING)
    page = person.visit("/compte/?" + "a" * 8000)
    assert page.status == 414
    assert "Adresse trop longue" in page.text
    assert "Demande non comprise" not in page.text


def test_without_a_first_page_no_link_leads_there(tmp_path: Path) -> None:
    with running(tmp_path, changes={"{path: /, ": "{path: /site/, "}) as bare:
        page = bare.person().visit("/_gateway/nothing-here")
        assert page.status == 404
        assert "Aller à la page d’accueil" not in page.text


def test_a_page_that_is_not_there_leads_to_the_first_page(world: World) -> None:
    person = world.person()
    page = person.visit("/_gateway/nothing-here")
    assert page.status == 404
    assert person.press(page, "Aller à la page d’accueil").response.url.path == "/"


def test_a_page_of_a_session_that_is_over_leads_back_to_what_was_asked(world: World) -> None:
    person = world.person()
    page = person.visit("/_gateway/review?return_to=/cantine/")
    assert page.status == 403
    assert "Votre session est terminée" in page.text
    assert "Formulaire expiré" not in page.text
    login = person.press(page, "Recommencer")
    assert (login.status, login.response.url.path) == (200, "/_gateway/login")
    assert login.response.url.params["return_to"] == "/cantine/"


def test_a_query_that_cannot_be_read_leaves_the_refusal_what_it_was(world: World) -> None:
    application = world.application
    assert application is not None
    head = read_request(
        b"GET /_gateway/review?return_to=/a&return_to=/b HTTP/1.1\r\nHost: localhost\r\nAccept: text/html"
    )
    refusal = RequestRejected("page_without_session", 403)
    page = failure(application._services, snapshot_of(head, "127.0.0.1"), refusal, "K7QM-2F4D")
    assert page.status_code == 403
    assert 'href="/_gateway/login"' in bytes(page.body).decode()
