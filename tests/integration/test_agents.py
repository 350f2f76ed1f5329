"""Agents: sign in through the provider, read, answer; and what the person and the applications see of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.agents import MY_DATA, STRANGER, Office, contest, office, received
from tests.browser import shows
from tests.processes import until


@pytest.fixture
def town(tmp_path: Path, lane: None) -> Iterator[Office]:
    with office(tmp_path) as opened:
        yield opened


@pytest.mark.parametrize(
    ("outcome", "seen"),
    [
        ("settled", "settled"),
        ("rejected", "verified"),
        ("document_provided", "document_provided"),
        ("verified_by_agent", "verified_by_agent"),
    ],
)
def test_each_answer_of_an_agent_is_what_the_application_reads(town: Office, outcome: str, seen: str) -> None:
    parent = town.parent()
    reference = contest(parent)
    assert received(parent, "/quotient/") == {"x-statut": "contested"}
    town.settle(town.agent(), reference, outcome)
    told = received(parent, "/quotient/")
    assert told["x-statut"] == seen
    assert ("x-valeur" in told) == (seen in {"settled", "verified"})


def test_what_caf_has_corrected_is_asked_again_before_anything_leaves(town: Office) -> None:
    parent = town.parent()
    reference = contest(parent)
    town.world.api.faults.quotient = 321
    town.world.clock.ahead_s += 1
    town.settle(town.agent(), reference, "corrected")
    page = parent.visit("/quotient/")
    assert page.path.startswith("/_gateway/login")
    parent.press(parent.press(page, "S’identifier avec"), "Continuer")
    assert received(parent, "/quotient/") == {"x-statut": "settled", "x-valeur": "321"}


def test_a_document_given_for_an_objection_is_told_to_its_service_alone(town: Office) -> None:
    parent = town.parent()
    form = parent.press(parent.visit(MY_DATA), "justificatif pour : Dossier quotient")
    receipt = parent.press(form, "Je préfère fournir un justificatif", lasting="yes")
    assert received(parent, "/quotient/") == {"x-statut": "declined"}
    town.settle(town.agent(), receipt.path.rpartition("=")[2], "document_provided")
    assert received(parent, "/quotient/") == {"x-statut": "document_provided"}
    assert received(parent, "/adresse/")["x-statut"] == "verified"


def test_an_agent_sees_who_what_and_the_words_and_never_a_value(town: Office) -> None:
    parent = town.parent()
    reference = contest(parent, text="Mes revenus ont baissé.\nDepuis mars.", contact="0102030405")
    agent = town.agent()
    page = agent.visit("/_gateway/agents")
    assert reference in page.text
    page = agent.press(page, reference)
    for shown in ("DUBOIS Angela", "0102030405", "Mes revenus ont baissé.", "Depuis mars.", "Quotient familial"):
        assert shown in page.text
    assert not shows(page.text.replace("\u202f", ""), "2550")
    assert "Dossier quotient" in page.text
    assert page.response.headers["cache-control"] == "no-store"


def test_a_settled_dispute_leaves_the_list_and_the_person_reads_the_answer(town: Office) -> None:
    parent = town.parent()
    reference = contest(parent)
    agent = town.agent()
    assert "Aucune demande" in town.settle(agent, reference, "settled").text
    assert "la donnée est exacte" in parent.visit(MY_DATA).text


def test_an_answer_without_a_choice_is_the_form_again_and_changes_nothing(town: Office) -> None:
    parent = town.parent()
    reference = contest(parent, text="Mes revenus ont baissé.")
    agent = town.agent()
    page = town.settle(agent, reference, "")
    assert page.status == 422
    assert "Erreur : Contestation" in page.text
    assert "Choisissez une réponse : rien n’a encore été enregistré." in page.text
    assert 'aria-describedby="outcome-erreur"' in page.response.text
    assert ("Choisissez une réponse : rien n’a encore été enregistré.", "#outcome-settled") in page.links
    assert "Mes revenus ont baissé." in page.text
    assert received(parent, "/quotient/") == {"x-statut": "contested"}
    assert "Aucune demande" in agent.press(page, "Enregistrer ma réponse", outcome="settled").text
    assert received(parent, "/quotient/")["x-statut"] == "settled"


def test_an_english_page_of_agents_names_data_in_english_and_marks_what_is_french(town: Office) -> None:
    reference = contest(town.parent())
    agent = town.agent()
    assert "Family quotient" in agent.visit("/_gateway/agents?lang=en").text
    page = agent.visit(f"/_gateway/agents/dispute?reference={reference}&lang=en")
    assert "Family quotient" in page.text
    assert '<span lang="fr">Dossier quotient</span>' in page.response.text


def test_no_choice_for_what_is_answered_already_says_so(town: Office) -> None:
    reference = contest(town.parent())
    agent = town.agent()
    page = agent.visit(f"/_gateway/agents/dispute?reference={reference}")
    town.settle(agent, reference, "settled")
    late = agent.press(page, "Enregistrer ma réponse", outcome="")
    assert late.status == 409
    assert "Cette demande a déjà reçu une réponse" in late.text


def test_an_answer_that_no_form_offers_is_refused(town: Office) -> None:
    reference = contest(town.parent())
    assert town.settle(town.agent(), reference, "whatever").status == 400


def test_a_document_may_still_be_followed_by_an_answer(town: Office) -> None:
    parent = town.parent()
    reference = contest(parent)
    agent = town.agent()
    assert reference in town.settle(agent, reference, "document_provided").text
    town.settle(agent, reference, "settled")
    assert received(parent, "/quotient/")["x-statut"] == "settled"


def test_each_act_of_an_agent_leaves_a_line_with_a_pseudonym_and_no_value(town: Office) -> None:
    parent = town.parent()
    reference = contest(parent, text="Mots")
    town.settle(town.agent(), reference, "settled")
    until(lambda: len(town.acts()) == 6)
    acts = town.acts()
    assert [each["action"] for each in acts] == ["contest", "login", "list", "read", "settle", "list"]
    by = {each["by"] for each in acts[1:]}
    assert len(by) == 1
    assert next(iter(by)) not in {"", "person"}
    assert town.proconnect.sub("agent-enfance") not in town.world.written()
    assert "Mots" not in town.world.written()
    assert acts[4]["reference"] == reference


def test_signing_in_as_an_agent_asks_nothing_of_caf_and_leaves_a_person_s_session_alone(town: Office) -> None:
    browser = town.parent()
    calls = town.world.api.calls
    town.sign_in(browser)
    assert town.world.api.calls == calls
    assert received(browser, "/quotient/")["x-statut"] == "verified"
    asked = [answer.url.params["scope"] for answer in browser.seen if answer.url.path.endswith("/api/v2/authorize")]
    assert asked[-1] == "openid"


def test_an_agent_leaves_here_and_at_the_provider(town: Office) -> None:
    agent = town.agent()
    page = agent.press(agent.visit("/_gateway/agents"), "Se déconnecter")
    assert page.path.startswith("/_gateway/logged-out")
    assert any(answer.url.path.endswith("/session/end") for answer in agent.seen)
    assert "S’identifier avec" in " ".join(agent.visit("/_gateway/agents").buttons)


def test_an_agent_s_session_ends_when_nobody_uses_it(town: Office) -> None:
    agent = town.agent()
    town.world.clock.ahead_s += town.world.settings.sessions.idle_s - 60
    assert "Contestations à traiter" in agent.visit("/_gateway/agents").text
    town.world.clock.ahead_s += town.world.settings.sessions.idle_s + 1
    assert "Contestations à traiter" not in agent.visit("/_gateway/agents").text


def test_somebody_who_is_not_on_the_list_is_told_their_identifier_and_sees_nothing(town: Office) -> None:
    contest(town.parent())
    browser = town.world.person()
    page = town.sign_in(browser, STRANGER)
    assert page.status == 403
    assert town.proconnect.sub(STRANGER) in page.text
    assert "Contestations à traiter" not in browser.visit("/_gateway/agents").text


def test_the_agents_provider_is_not_offered_to_the_people_served(town: Office) -> None:
    page = town.world.person().visit("/_gateway/login")
    assert page.buttons == ["S’identifier avec FranceConnect"]
