"""What a policy depends on, told from what it names."""

import pytest

from gateway.core.rules import Conditions, Injection, Policy, Text
from tests.builders import a_caf_policy, a_condition, a_policy


def test_a_policy_that_names_nothing_of_the_request_decides_alike_for_each() -> None:
    assert a_policy().varies_by == frozenset()


@pytest.mark.parametrize("group", ["all", "any", "none"])
def test_a_condition_on_the_request_makes_the_decision_depend_on_it(group: str) -> None:
    conditions = Conditions(**{group: (a_condition("request.method", "in", ("GET",)),)})
    assert a_policy(allow=conditions).varies_by == {"request.method"}


def test_an_injected_decision_id_is_each_request_s_own() -> None:
    assert a_policy(inject=(Injection("X-Decision", "gateway.decision_id"),)).varies_by == {"gateway.decision_id"}


def test_only_a_policy_about_a_person_needs_a_session() -> None:
    assert a_policy().needs_session
    assert a_caf_policy("household.status").needs_session
    assert not a_policy(login=None, household=None, inject=()).needs_session


def test_a_text_is_its_french_and_nothing_when_there_is_none() -> None:
    assert str(Text("Bonjour", "Hello")) == "Bonjour"
    assert Text("Bonjour")
    assert not Text("", "Hello")


def test_what_a_policy_says_may_be_in_two_languages() -> None:
    policy = Policy("cantine", "0" * 12, "Cantine", retention="session", english={"purpose": "Lunch"})
    assert policy.text("purpose") == Text("Cantine", "Lunch")
    assert policy.text("retention") == Text("session")
    assert policy.text("legal_basis") == Text("")
