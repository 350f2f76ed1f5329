"""A person acts in another tab while a login, or an enquiry, is under way: what they said last holds."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest

from gateway.sandbox.identities import MATCHING
from gateway.web import caf_number, callback
from tests.agents import MY_DATA, POLICIES, ROUTES, received
from tests.attack.test_number_mode import NUMBER, marie
from tests.browser import Page, Person
from tests.world import World, running


def _token(person: Person) -> str:
    """The token of every form of this session."""
    return next(form.fields["token"] for form in person.visit("/_gateway/logout").forms if "token" in form.fields)


def _meanwhile(monkeypatch: pytest.MonkeyPatch, module: ModuleType, act: Callable[[], object]) -> None:
    """What the person does in another tab between the question to CAF and its answer."""
    real: Any = vars(module)["enquire"]

    async def slow(*asked: Any, **more: Any) -> Any:
        answer = await real(*asked, **more)
        await asyncio.to_thread(act)
        return answer

    monkeypatch.setattr(module, "enquire", slow)


def _other_tab(parent: Person) -> httpx.Client:
    return httpx.Client(base_url=parent.client.base_url, cookies=dict(parent.client.cookies), trust_env=False)


@contextmanager
def _login_under_way(folder: Path) -> Iterator[tuple[World, Person, Page]]:
    """Signed in for one service, and on FranceConnect's page for the other. Nothing outlives the session."""
    with running(folder, routes=ROUTES, policies=POLICIES) as world:
        parent = world.person()
        world.sign_in(parent, "/quotient/", MATCHING)
        yield world, parent, parent.press(parent.visit("/adresse/"), "S’identifier avec")


@pytest.mark.parametrize("service", ["quotient", "adresse"])
def test_an_objection_made_while_caf_answers_a_login_holds(
    tmp_path: Path, lane: None, monkeypatch: pytest.MonkeyPatch, service: str
) -> None:
    with _login_under_way(tmp_path) as (_, parent, login), _other_tab(parent) as tab:
        token = _token(parent)
        objects = partial(tab.post, f"{MY_DATA}/objection", data={"token": token, "policy": service})
        _meanwhile(monkeypatch, callback, objects)
        parent.press(login, "Continuer")
        assert received(parent, f"/{service}/") == {"x-statut": "declined"}
        other = {"quotient": "adresse", "adresse": "quotient"}[service]
        assert received(parent, f"/{other}/")["x-statut"] == "verified"


def test_an_objection_to_the_very_service_that_a_login_under_way_is_for_holds(tmp_path: Path, lane: None) -> None:
    with _login_under_way(tmp_path) as (_, parent, login):
        parent.client.post(f"{MY_DATA}/objection", data={"token": _token(parent), "policy": "adresse"})
        parent.press(login, "Continuer")
        assert received(parent, "/adresse/") == {"x-statut": "declined"}


def test_a_login_that_was_begun_after_an_objection_takes_it_back(tmp_path: Path, lane: None) -> None:
    with _login_under_way(tmp_path) as (_, parent, _login):
        parent.client.post(f"{MY_DATA}/objection", data={"token": _token(parent), "policy": "adresse"})
        login = parent.press(parent.visit("/_gateway/login?return_to=/adresse/"), "S’identifier avec")
        parent.press(login, "Continuer")
        assert received(parent, "/adresse/")["x-statut"] == "verified"


def test_what_is_forgotten_while_caf_answers_a_login_stays_forgotten(
    tmp_path: Path, lane: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with _login_under_way(tmp_path) as (_, parent, login), _other_tab(parent) as tab:
        _meanwhile(monkeypatch, callback, partial(tab.post, MY_DATA, data={"token": _token(parent)}))
        parent.press(login, "Continuer")
        page = parent.visit(MY_DATA).text
        assert ("Adresse" in page, "(Quotient familial)" in page) == (True, False)
        assert received(parent, "/adresse/")["x-statut"] == "verified"


def test_what_a_logout_ended_while_caf_answers_a_login_does_not_come_along(
    tmp_path: Path, lane: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with _login_under_way(tmp_path) as (_, parent, login), _other_tab(parent) as tab:
        _meanwhile(monkeypatch, callback, partial(tab.post, "/_gateway/logout", data={"token": _token(parent)}))
        parent.press(login, "Continuer")
        page = parent.visit(MY_DATA).text
        assert ("Adresse" in page, "(Quotient familial)" in page) == (True, False)


def test_a_number_whose_answer_comes_after_a_review_is_reviewed_itself(
    tmp_path: Path, lane: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two tabs type a number: what was confirmed in one is not what the other obtains."""
    policy = NUMBER["policies"]["numero"].replace("review: false", "review: true")
    with running(tmp_path, broker=True, **{**NUMBER, "policies": {"numero": policy}}) as world:
        world.franceconnect.faults.userinfo = marie
        parent = world.person()
        form = world.sign_in(parent, "/numero/", MATCHING)
        with _other_tab(parent) as tab:
            token = _token(parent)

            def types_and_confirms() -> None:
                monkeypatch.undo()
                world.clock.ahead_s += 5
                typed = {"token": token, "return_to": "/numero/", "number": "4400101", "postal_code": "44100"}
                tab.post("/_gateway/allocataire", data=typed)
                assert tab.get("/numero/").headers["location"].startswith("/_gateway/review")
                answer = {"token": token, "return_to": "/numero/", "answer": "confirm"}
                tab.post("/_gateway/review", data=answer)
                assert "600" in tab.get("/numero/").text

            _meanwhile(monkeypatch, caf_number, types_and_confirms)
            late = parent.press(form, "Continuer", number="4400101", postal_code="44100")
            assert late.path.startswith("/_gateway/review")
            assert parent.press(late, "Continuer").path == "/numero/"
