"""Disputes under attack: other people's references, forged forms, strangers among the agents, races, a failing store."""

import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from gateway.adapters.disputes.store import PER_DAY
from gateway.adapters.sessions.sqlite import SqliteRecords
from gateway.core.errors import DependencyFailed
from gateway.sandbox.identities import MATCHING
from tests.agents import MY_DATA, POLICIES, ROUTES, STRANGER, Office, contest, office, received
from tests.browser import Form, Page, Person
from tests.world import running


@pytest.fixture
def town(tmp_path: Path, lane: None) -> Iterator[Office]:
    with office(tmp_path) as opened:
        yield opened


def _other(town: Office) -> Person:
    """Another person, signed in."""
    person = town.world.person()
    page = person.press(person.visit("/compte/"), "S’identifier avec")
    for form in page.forms:
        for _, name, value in form.buttons:
            if value and MATCHING not in (value, *form.fields.values()):
                page = person.send(page, form, {name: value})
                if "Continuer" in " ".join(page.buttons):
                    person.press(page, "Continuer")
                    return person
                page = person.press(person.visit("/compte/"), "S’identifier avec")
    raise AssertionError("nobody else")


def _token(person: Person) -> str:
    """The token of every form of this session."""
    return next(form.fields["token"] for form in person.visit("/_gateway/logout").forms if "token" in form.fields)


def _post(person: Person, path: str, **fields: str) -> httpx.Response:
    return person.client.post(path, data=fields)


# --- somebody else's


def test_somebody_else_s_receipt_is_as_unknown_as_an_invented_one(town: Office) -> None:
    reference = contest(town.parent(), text="Mots de la personne")
    other = _other(town)
    theirs = other.visit(f"{MY_DATA}/recu?reference={reference}")
    invented = other.visit(f"{MY_DATA}/recu?reference=K7QM-2F4D")
    assert (theirs.status, invented.status) == (404, 404)
    assert "Mots de la personne" not in theirs.text
    assert "Quotient" not in theirs.text


def test_somebody_else_s_contest_cannot_be_withdrawn(town: Office) -> None:
    parent = town.parent()
    reference = contest(parent)
    other = _other(town)
    answer = _post(other, f"{MY_DATA}/retirer", token=_token(other), reference=reference)
    assert answer.status_code == 404
    assert received(parent, "/quotient/") == {"x-statut": "contested"}
    assert _post(parent, f"{MY_DATA}/retirer", token=_token(parent), reference=reference).status_code == 303
    assert received(parent, "/quotient/")["x-statut"] == "verified"


# --- forged forms

FORMS = {
    f"{MY_DATA}/contester": {"datum": "quotient"},
    f"{MY_DATA}/objection": {"policy": "quotient", "lasting": "yes"},
    f"{MY_DATA}/retirer": {"datum": "quotient"},
    MY_DATA: {"answer": "forget"},
}


@pytest.mark.parametrize("path", FORMS)
def test_a_form_without_its_token_with_another_s_or_from_elsewhere_changes_nothing(town: Office, path: str) -> None:
    parent = town.parent()
    good = _token(parent)
    another = _token(_other(town))
    assert _post(parent, path, **FORMS[path]).status_code == 403
    assert _post(parent, path, token=another, **FORMS[path]).status_code == 403
    for headers in ({"sec-fetch-site": "cross-site"}, {"origin": "https://elsewhere.example"}):
        assert parent.client.post(path, data={"token": good, **FORMS[path]}, headers=headers).status_code == 403
    assert received(parent, "/quotient/")["x-statut"] == "verified"
    assert _post(parent, path, token=good, **FORMS[path]).status_code == 303


def test_an_agent_s_answer_without_its_token_or_with_a_person_s_changes_nothing(town: Office) -> None:
    browser = town.parent()
    reference = contest(browser)
    persons = _token(browser)
    town.sign_in(browser)
    settle = {"reference": reference, "outcome": "rejected"}
    assert _post(browser, "/_gateway/agents/settle", **settle).status_code == 403
    assert _post(browser, "/_gateway/agents/settle", token=persons, **settle).status_code == 403
    assert received(browser, "/quotient/") == {"x-statut": "contested"}
    page = browser.visit(f"/_gateway/agents/dispute?reference={reference}")
    token = next(form.fields["token"] for form in page.forms if form.action.endswith("settle"))
    assert _post(browser, "/_gateway/agents/settle", token=token, **settle).status_code == 303


def test_a_foreign_site_cannot_send_an_agent_to_sign_in(town: Office) -> None:
    browser = town.world.person()
    browser.visit("/_gateway/agents")
    assert _post(browser, "/_gateway/agents/login", token="forged").status_code == 403


# --- who is an agent


def test_a_person_sees_nothing_of_the_agents_pages(town: Office) -> None:
    parent = town.parent()
    reference = contest(parent, text="Mots de la personne")
    for path in ("/_gateway/agents", f"/_gateway/agents/dispute?reference={reference}"):
        page = parent.visit(path)
        assert page.buttons == ["S’identifier avec ProConnect"]
        assert "Mots de la personne" not in page.text
    answer = _post(parent, "/_gateway/agents/settle", token=_token(parent), reference=reference, outcome="rejected")
    assert "S’identifier avec ProConnect" in answer.text
    assert received(parent, "/quotient/") == {"x-statut": "contested"}


def test_a_person_s_cookie_is_no_agent_s_and_an_agent_s_is_no_person_s(town: Office) -> None:
    parent, agent = town.parent(), town.agent()
    of_person = parent.client.cookies["gateway-session"]
    of_agent = agent.client.cookies["gateway-agent"]
    as_agent = httpx.get(town.world.url + "/_gateway/agents", headers={"cookie": f"gateway-agent={of_person}"})
    assert "Contestations à traiter" not in as_agent.text
    as_person = httpx.get(town.world.url + MY_DATA, headers={"cookie": f"gateway-session={of_agent}"})
    assert as_person.status_code == 303
    twin = httpx.get(town.world.url + "/_gateway/agents", headers={"cookie": f"gateway-agent={of_agent}"})
    assert "Contestations à traiter" in twin.text


def test_the_agent_s_cookie_never_reaches_an_application(town: Office) -> None:
    browser = town.parent()
    town.sign_in(browser)
    answer = browser.client.get("/quotient/", headers={"accept": "application/json", "sec-fetch-mode": "cors"})
    assert "gateway-agent" not in answer.text


def test_an_agent_who_is_not_on_the_list_answers_nothing(town: Office) -> None:
    parent = town.parent()
    reference = contest(parent)
    stranger = town.agent(STRANGER)
    assert "gateway-agent" not in stranger.client.cookies
    assert stranger.visit(f"/_gateway/agents/dispute?reference={reference}").buttons == ["S’identifier avec ProConnect"]
    assert [each["action"] for each in town.acts()][-1] == "refused"


def test_an_agent_taken_off_the_list_is_out_at_once(town: Office) -> None:
    agent = town.agent()
    assert "Contestations à traiter" in agent.visit("/_gateway/agents").text
    kept = town.world.settings.disputes
    assert kept is not None
    object.__setattr__(kept, "agents", frozenset({"somebody else"}))
    assert "Contestations à traiter" not in agent.visit("/_gateway/agents").text


def test_nobody_is_served_through_the_agents_provider(town: Office) -> None:
    person = town.world.person()
    page = person.visit("/_gateway/login?return_to=%2Fcompte%2F")
    form = page.forms[0]
    left = person.client.post("/_gateway/login", data=form.fields | {"provider": "proconnect"})
    assert town.proconnect.issuer not in left.headers["location"]


# --- what is typed

TYPED = "<script>alert(1)</script>\u202eevil\u2066\x00\x1b[31m\u200bfin"


def test_what_a_person_types_reaches_an_agent_as_plain_text(town: Office) -> None:
    reference = contest(town.parent(), text=TYPED, contact="<b>06</b>\u202e")
    agent = town.agent()
    raw = agent.visit(f"/_gateway/agents/dispute?reference={reference}").response.text
    assert "<script>" not in raw
    assert "&lt;script&gt;alert(1)&lt;/script&gt;evil[31mfin" in raw
    assert "<b>06" not in raw
    for character in "\u202e\u2066\x00\x1b\u200b":
        assert character not in raw


def test_a_return_that_is_not_ours_is_not_shown_again(town: Office) -> None:
    parent = town.parent()
    answer = _post(
        parent,
        f"{MY_DATA}/contester",
        token=_token(parent),
        datum="quotient",
        text="x" * 501,
        return_to="javascript:alert(1)",
    )
    assert answer.status_code == 422
    assert "javascript:" not in answer.text


@pytest.mark.parametrize("datum", ["", "QUOTIENT", "household.family_quotient", "../agents"])
def test_what_is_no_datum_is_refused(town: Office, datum: str) -> None:
    parent = town.parent()
    assert _post(parent, f"{MY_DATA}/contester", token=_token(parent), datum=datum).status_code == 404
    assert parent.visit(f"{MY_DATA}/contester?datum={datum}").status == 404


@pytest.mark.parametrize("outcome", ["", "open", "contested", "SETTLED", "corrected; rejected"])
def test_what_is_no_answer_is_refused(town: Office, outcome: str) -> None:
    parent = town.parent()
    reference = contest(parent)
    agent = town.agent()
    page = agent.visit(f"/_gateway/agents/dispute?reference={reference}")
    token = next(form.fields["token"] for form in page.forms if form.action.endswith("settle"))
    answer = _post(agent, "/_gateway/agents/settle", token=token, reference=reference, outcome=outcome)
    assert answer.status_code in {400, 409, 422}
    assert received(parent, "/quotient/") == {"x-statut": "contested"}


# --- too many, twice, at once


def test_who_contests_all_day_is_stopped_before_the_service_s_mailbox_is_full(town: Office) -> None:
    parent = town.parent()
    token, seen = _token(parent), []
    for _ in range(PER_DAY + 1):
        answer = _post(parent, f"{MY_DATA}/contester", token=token, datum="quotient")
        seen.append(answer.status_code)
        reference = answer.headers.get("location", "").rpartition("=")[2]
        _post(parent, f"{MY_DATA}/retirer", token=token, reference=reference)
    assert seen == [303] * PER_DAY + [429]


def _answer_form(agent: Person, reference: str) -> tuple[Page, Form]:
    page = agent.visit(f"/_gateway/agents/dispute?reference={reference}")
    return page, next(form for form in page.forms if form.action.endswith("settle"))


def test_an_answer_sent_again_changes_nothing(town: Office) -> None:
    parent = town.parent()
    reference = contest(parent)
    agent = town.agent()
    page, form = _answer_form(agent, reference)
    agent.send(page, form, {"outcome": "settled"})
    assert agent.send(page, form, {"outcome": "rejected"}).status == 409
    assert received(parent, "/quotient/")["x-statut"] == "settled"


def test_an_answer_to_a_dispute_that_was_withdrawn_brings_nothing_back(town: Office) -> None:
    parent = town.parent()
    reference = contest(parent)
    agent = town.agent()
    page, form = _answer_form(agent, reference)
    parent.press(parent.visit(MY_DATA), "Retirer ma demande : Quotient familial")
    assert agent.send(page, form, {"outcome": "document_provided"}).status == 409
    assert received(parent, "/quotient/")["x-statut"] == "verified"


def test_of_two_agents_who_answer_at_once_one_is_told_that_it_was_too_late(town: Office) -> None:
    parent = town.parent()
    reference = contest(parent)
    agents = [town.agent(), town.agent()]
    forms = [_answer_form(agent, reference) for agent in agents]
    statuses: list[int] = []

    def answer(number: int, outcome: str) -> None:
        statuses.append(agents[number].send(*forms[number], {"outcome": outcome}).status)

    threads = [threading.Thread(target=answer, args=each) for each in enumerate(("settled", "verified_by_agent"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200, 409]


# --- nothing comes back


def test_a_late_answer_of_caf_does_not_bring_back_what_was_contested_meanwhile(town: Office) -> None:
    """A login under way in one browser while the same person contests in another."""
    first = town.parent()
    late = town.world.person()
    page = late.press(late.visit("/quotient/"), "S’identifier avec")
    page = town.world.choose(late, page, MATCHING)
    contest(first)
    late.press(page, "Continuer")
    assert received(late, "/quotient/") == {"x-statut": "contested"}


def test_a_login_that_ends_after_a_contest_in_the_same_browser_keeps_it(tmp_path: Path, lane: None) -> None:
    """Without a store the contest is the session's own, and a login makes a new session."""
    with running(tmp_path, routes=ROUTES, policies=POLICIES) as world:
        parent = world.person()
        world.sign_in(parent, "/quotient/", MATCHING)
        login = parent.press(parent.visit("/adresse/"), "S’identifier avec")
        parent.press(parent.press(parent.visit(MY_DATA), "(Quotient familial)"), "Contester cette donnée")
        parent.press(login, "Continuer")
        assert received(parent, "/adresse/")["x-statut"] == "verified"
        assert received(parent, "/quotient/") == {"x-statut": "contested"}


def test_both_lanes_and_forward_auth_withhold_alike(town: Office) -> None:
    parent = town.parent()
    cookie = "; ".join(f"{each.name}={each.value}" for each in parent.client.cookies.jar)
    asked = {
        "cookie": cookie,
        "x-forwarded-method": "GET",
        "x-forwarded-host": httpx.URL(town.world.url).netloc.decode(),
        "x-forwarded-uri": "/quotient/",
        "accept": "application/json",
    }
    before = httpx.get(town.world.url + "/_gateway/auth", headers=asked)
    assert before.headers["x-statut"] == "verified"
    contest(parent)
    for _ in range(3):
        after = httpx.get(town.world.url + "/_gateway/auth", headers=asked)
        assert after.headers["x-statut"] == "contested"
        assert "x-valeur" not in after.headers
        assert received(parent, "/quotient/") == {"x-statut": "contested"}


# --- a store that fails


def test_a_dispute_store_that_fails_lets_no_value_leave_and_says_so_to_people(
    town: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    parent = town.parent()
    real = SqliteRecords.load

    async def load(self: SqliteRecords, key: str, now: int) -> bytes | None:
        if "disputes" in self._path.name:
            raise DependencyFailed("session-store", "session_store_unavailable", 503)
        return await real(self, key, now)

    monkeypatch.setattr(SqliteRecords, "load", load)

    page = parent.visit(MY_DATA)
    assert page.status == 503
    assert "momentanément indisponible" in page.text
    assert received(parent, "/quotient/") == {"x-statut": "unavailable"}
    assert parent.visit("/compte/").status == 200
    monkeypatch.undo()
    parent.visit(MY_DATA)
    assert received(parent, "/quotient/")["x-statut"] == "verified"


def test_the_agents_door_is_no_way_round_the_limit_of_logins(tmp_path: Path) -> None:
    """Each login takes of the room that all have: 40,000 in half an hour."""
    with office(tmp_path, limits="{logins_per_minute_per_address: 3}") as town:
        browser = town.world.person()
        statuses = []
        for _ in range(4):
            token = browser.visit("/_gateway/agents").forms[0].fields["token"]
            statuses.append(_post(browser, "/_gateway/agents/login", token=token))
        assert [answer.status_code for answer in statuses] == [303, 303, 303, 429]
        assert 'href="/_gateway/agents"' in statuses[-1].text
