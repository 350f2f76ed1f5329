"""Policy × Facts → Decision: the whole table of outcomes."""

from dataclasses import replace
from datetime import date

import pytest

from gateway.core.decision import Allow, Alternative, Ask, Authenticate, Decision, Deny, Injected, Question, Reason
from gateway.core.model import Acr, Facts, Household, HouseholdStatus, Need, PartialDate, Person
from gateway.core.needs import with_needs
from gateway.core.policy import decide, injected, trace
from gateway.core.rules import Conditions, Injection, Login, Missing, Mode, Policy, Schedule
from tests.builders import (
    ANGELA,
    HOUSEHOLD,
    PIVOT,
    SCHEDULE,
    TODAY,
    a_caf_policy,
    a_condition,
    a_policy,
    a_record,
    a_rule,
    anonymous,
    every_need,
    facts,
    injections,
)

CANTINE = a_caf_policy("identity.birth_name", "household.status", "household.family_quotient")
PUBLIC = a_policy(login=None, inject=(Injection("X-Portail", "const", "famille"),))
QF = Injected("X-Household-Family-Quotient", "household.family_quotient", 648)
NAME = Injected("X-Identity-Birth-Name", "identity.birth_name", "DUBOIS")


def _status(status: str) -> Injected:
    return Injected("X-Household-Status", "household.status", status)


def _with(
    policy: Policy, status: HouseholdStatus = HouseholdStatus.VERIFIED, household: Household | None = HOUSEHOLD
) -> Facts:
    return facts(household=(a_record(policy, household, status),))


def test_a_public_page_is_allowed_with_its_constants_and_nobody() -> None:
    expected = Allow((Injected("X-Portail", "const", "famille"),), None, Reason.PUBLIC)
    assert decide(PUBLIC, anonymous()) == expected
    assert decide(PUBLIC, facts()) == expected


def test_a_public_page_never_tells_who_is_signed_in_elsewhere() -> None:
    assert injected(replace(PUBLIC, inject=injections("identity.birth_name")), facts()) == ()


def test_the_anonymous_are_sent_to_log_in_for_what_the_policy_needs() -> None:
    expected = Authenticate(
        Acr.EIDAS1, PIVOT | every_need(Need.QUOTIENT, Need.ADULTS), ("franceconnect",), Reason.ANONYMOUS
    )
    assert decide(replace(CANTINE, login=Login(Acr.EIDAS1, providers=("franceconnect",))), anonymous()) == expected


def test_an_optional_login_serves_the_anonymous_without_an_identity() -> None:
    policy = a_policy(login=Login(Acr.EIDAS1, optional=True))
    assert decide(policy, anonymous()) == Allow((), None, Reason.ALLOWED)
    assert decide(policy, facts()) == Allow((NAME,), None, Reason.ALLOWED)


def test_an_optional_login_with_caf_serves_the_anonymous_with_a_status_alone() -> None:
    policy = a_caf_policy("household.status", "household.family_quotient", login=Login(Acr.EIDAS1, optional=True))
    expected = Allow((_status("not_authenticated"),), HouseholdStatus.NOT_AUTHENTICATED, Reason.ALLOWED)
    assert decide(policy, anonymous()) == expected


def test_who_could_not_log_in_because_the_provider_failed_is_told_apart_from_who_did_not_try() -> None:
    policy = a_caf_policy("household.status", "household.family_quotient", login=Login(Acr.EIDAS1, optional=True))
    expected = Allow((_status("unavailable"),), HouseholdStatus.UNAVAILABLE, Reason.ALLOWED)
    assert decide(policy, replace(anonymous(), login_down=True)) == expected
    required = decide(replace(policy, login=Login(Acr.EIDAS1)), replace(anonymous(), login_down=True))
    assert isinstance(required, Authenticate)


def test_an_optional_login_serves_who_signed_in_for_another_service_and_tells_that_caf_was_not_asked() -> None:
    policy = a_caf_policy(
        "identity.birth_name", "household.status", "household.address.city", login=Login(Acr.EIDAS1, optional=True)
    )
    expected = Allow((NAME, _status("not_asked")), HouseholdStatus.NOT_ASKED, Reason.ALLOWED)
    assert decide(policy, _with(CANTINE)) == expected
    required = decide(replace(policy, login=Login(Acr.EIDAS1)), _with(CANTINE))
    assert isinstance(required, Authenticate)


def test_a_provider_that_the_policy_does_not_accept_is_not_enough() -> None:
    policy = a_policy(login=Login(Acr.EIDAS1, providers=("proconnect",)))
    decision = decide(policy, facts())
    assert isinstance(decision, Authenticate)
    assert decision.reason is Reason.PROVIDER_NOT_ACCEPTED


def test_a_level_too_low_is_not_enough_and_the_level_itself_is() -> None:
    policy = a_policy(login=Login(Acr.EIDAS2))
    decision = decide(policy, facts())
    assert isinstance(decision, Authenticate)
    assert (decision.acr, decision.reason) == (Acr.EIDAS2, Reason.ACR_TOO_LOW)
    assert isinstance(decide(policy, facts(identity=replace(ANGELA, acr=Acr.EIDAS2))), Allow)


def test_a_person_logged_in_for_one_service_is_asked_only_for_what_the_next_one_lacks() -> None:
    second = a_caf_policy("household.address", "household.children", "household.family_quotient")
    decision = decide(second, _with(CANTINE))
    assert decision == Authenticate(
        Acr.EIDAS1, PIVOT | every_need(Need.ADDRESS, Need.CHILDREN, Need.ADULTS), (), Reason.SCOPES_MISSING
    )


def test_a_missing_identity_scope_is_asked_for() -> None:
    policy = a_policy(inject=injections("identity.email"))
    decision = decide(policy, facts())
    assert decision == Authenticate(Acr.EIDAS1, frozenset({"openid", "email"}), (), Reason.SCOPES_MISSING)
    assert isinstance(decide(policy, facts(scopes=PIVOT | {"email"})), Allow)


def test_a_verified_household_is_injected_field_by_field() -> None:
    expected = Allow((NAME, _status("verified"), QF), HouseholdStatus.VERIFIED, Reason.ALLOWED)
    assert decide(CANTINE, _with(CANTINE)) == expected


@pytest.mark.parametrize(
    "status",
    [status for status in HouseholdStatus if status.value not in {"verified", "settled", "identity_unverified"}],
)
@pytest.mark.parametrize(
    ("word", "expected"),
    [
        (Missing.ALTERNATIVE, Alternative),
        (Missing.DENY, Deny),
        (Missing.FORWARD, Allow),
    ],
)
def test_a_status_without_a_value_takes_the_way_that_the_policy_says(
    status: HouseholdStatus, word: Missing, expected: type[Decision]
) -> None:
    policy = with_needs(replace(CANTINE, household=a_rule(default=word)))
    decision = decide(policy, _with(policy, status, HOUSEHOLD))
    assert isinstance(decision, expected)
    assert getattr(decision, "status", None) is status
    if isinstance(decision, Allow):
        assert decision.inject == (NAME, _status(str(status)))


def test_when_missing_may_differ_by_status() -> None:
    rule = a_rule(when_missing={HouseholdStatus.NOT_FOUND: Missing.FORWARD}, default=Missing.DENY)
    policy = with_needs(replace(CANTINE, household=rule))
    assert isinstance(decide(policy, _with(policy, HouseholdStatus.NOT_FOUND, None)), Allow)
    assert isinstance(decide(policy, _with(policy, HouseholdStatus.MISMATCH, None)), Deny)


def test_a_null_quotient_is_not_available_and_zero_is_a_value() -> None:
    null = _with(CANTINE, household=replace(HOUSEHOLD, family_quotient=None))
    zero = _with(CANTINE, household=replace(HOUSEHOLD, family_quotient=0))
    assert decide(CANTINE, null) == Alternative(HouseholdStatus.NOT_AVAILABLE, Reason.HOUSEHOLD_MISSING)
    decision = decide(CANTINE, zero)
    assert isinstance(decision, Allow)
    assert decision.inject[-1].value == 0


BRACKET = a_caf_policy("household.status", "brackets.name", "brackets.valid_from", schedules=(SCHEDULE,))


def test_a_bracket_leaves_instead_of_the_quotient() -> None:
    decision = decide(BRACKET, _with(BRACKET))
    assert isinstance(decision, Allow)
    assert [item.value for item in decision.inject] == ["verified", "T2", "2026-09-01"]


@pytest.mark.parametrize(
    ("policy", "seen"),
    [
        pytest.param(BRACKET, replace(_with(BRACKET), today=date(2026, 8, 31)), id="no schedule in force yet"),
        pytest.param(
            replace(BRACKET, schedules=(replace(SCHEDULE, zero_is_a_value=False),)),
            _with(BRACKET, household=Household(family_quotient=0)),
            id="a zero that the schedule refuses",
        ),
        pytest.param(BRACKET, _with(BRACKET, household=Household()), id="no quotient"),
    ],
)
def test_no_bracket_is_not_available(policy: Policy, seen: Facts) -> None:
    assert decide(policy, seen) == Alternative(HouseholdStatus.NOT_AVAILABLE, Reason.HOUSEHOLD_MISSING)


def test_one_known_value_is_enough_and_the_others_are_absent_headers() -> None:
    policy = a_caf_policy("household.address", "household.children.count")
    decision = decide(policy, _with(policy, household=Household(children=())))
    assert isinstance(decision, Allow)
    assert [item.value for item in decision.inject] == [0]


def test_no_known_value_at_all_is_not_available() -> None:
    policy = a_caf_policy("household.address", "household.obtained_at")
    assert isinstance(decide(policy, _with(policy, household=Household())), Alternative)


def test_ages_of_which_one_is_unknown_are_an_absent_header() -> None:
    policy = a_caf_policy("household.children.age", "household.children.count")
    household = Household(children=(Person(birthdate=PartialDate(2018, 1, 10)), Person()))
    decision = decide(policy, _with(policy, household=household))
    assert isinstance(decision, Allow)
    assert [item.fact for item in decision.inject] == ["household.children.count"]


def test_a_value_is_shown_for_review_before_it_leaves() -> None:
    policy = with_needs(replace(CANTINE, household=a_rule(review=True)))
    assert decide(policy, _with(policy)) == Ask(Question.REVIEW, Reason.REVIEW_NEEDED)
    assert isinstance(decide(policy, replace(_with(policy), reviewed=True)), Allow)


def test_a_status_alone_needs_no_review() -> None:
    policy = a_caf_policy("household.status", rule=a_rule(review=True))
    assert isinstance(decide(policy, _with(policy)), Allow)


def test_a_missing_value_that_is_forwarded_needs_no_review() -> None:
    policy = with_needs(replace(CANTINE, household=a_rule(review=True, default=Missing.FORWARD)))
    assert isinstance(decide(policy, _with(policy, HouseholdStatus.NOT_FOUND, None)), Allow)


def test_a_person_who_prefers_a_document_is_never_asked_to_log_in_again_for_caf() -> None:
    declined = facts(declined=True)
    assert decide(CANTINE, declined) == Alternative(HouseholdStatus.DECLINED, Reason.HOUSEHOLD_MISSING)
    with_value = replace(_with(CANTINE), declined=True)
    assert decide(CANTINE, with_value) == Alternative(HouseholdStatus.DECLINED, Reason.HOUSEHOLD_MISSING)


def test_a_person_who_prefers_a_document_is_never_told_their_value() -> None:
    forwarded = with_needs(replace(CANTINE, household=a_rule(default=Missing.FORWARD)))
    decision = decide(forwarded, replace(_with(forwarded), declined=True))
    assert decision == Allow((NAME, _status("declined")), HouseholdStatus.DECLINED, Reason.ALLOWED)


def test_a_person_who_declined_and_lacks_an_identity_scope_is_asked_for_that_alone() -> None:
    decision = decide(CANTINE, facts(declined=True, scopes=frozenset({"openid"})))
    assert isinstance(decision, Authenticate)
    assert decision.scopes == PIVOT


def test_number_mode_asks_for_the_number() -> None:
    policy = a_caf_policy("household.family_quotient", rule=a_rule(mode=Mode.NUMBER))
    assert decide(policy, facts()) == Ask(Question.NUMBER, Reason.NUMBER_NEEDED)


def test_number_mode_without_a_login_gives_an_unverified_value() -> None:
    rule = a_rule(mode=Mode.NUMBER, match=False)
    policy = a_caf_policy("household.status", "household.family_quotient", rule=rule, login=None)
    assert decide(policy, anonymous()) == Ask(Question.NUMBER, Reason.NUMBER_NEEDED)
    record = a_record(policy, HOUSEHOLD, HouseholdStatus.IDENTITY_UNVERIFIED)
    expected = Allow((_status("identity_unverified"), QF), HouseholdStatus.IDENTITY_UNVERIFIED, Reason.ALLOWED)
    assert decide(policy, anonymous(household=(record,))) == expected


def test_identity_mode_that_was_not_asked_is_unavailable_and_never_open() -> None:
    policy = a_caf_policy("household.family_quotient", rule=a_rule(mode=Mode.IDENTITY))
    assert decide(policy, facts()) == Alternative(HouseholdStatus.UNAVAILABLE, Reason.HOUSEHOLD_MISSING)


def test_franceconnect_mode_without_a_login_is_unavailable_and_never_open() -> None:
    policy = a_caf_policy("household.family_quotient", login=None)
    assert decide(policy, anonymous()) == Alternative(HouseholdStatus.UNAVAILABLE, Reason.HOUSEHOLD_MISSING)


ADULTS_ONLY = a_policy(allow=Conditions(all=(a_condition("identity.age", "at_least", 65),)))


def test_a_false_condition_denies() -> None:
    assert decide(ADULTS_ONLY, facts()) == Deny(Reason.CONDITION_FALSE)
    older = facts(identity=replace(ANGELA, birthdate=PartialDate(1961, 1, 1)))
    assert isinstance(decide(ADULTS_ONLY, older), Allow)


def test_an_unknown_condition_denies_where_there_is_no_household() -> None:
    nobody_knows = facts(identity=replace(ANGELA, birthdate=None))
    assert decide(ADULTS_ONLY, nobody_knows) == Deny(Reason.CONDITION_UNKNOWN)


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        (Missing.ALTERNATIVE, Alternative(HouseholdStatus.NOT_AVAILABLE, Reason.CONDITION_UNKNOWN)),
        (Missing.DENY, Deny(Reason.CONDITION_UNKNOWN, HouseholdStatus.VERIFIED)),
        (Missing.FORWARD, Deny(Reason.CONDITION_UNKNOWN, HouseholdStatus.VERIFIED)),
    ],
)
def test_an_unknown_household_condition_follows_when_missing_with_forward_read_as_deny(
    word: Missing, expected: Decision
) -> None:
    allow = Conditions(none=(a_condition("household.children.count", "at_least", 4),))
    policy = a_policy(household=a_rule(default=word), allow=allow)
    assert decide(policy, _with(policy, household=Household())) == expected


def test_a_tested_fact_is_not_sent_unless_injected() -> None:
    allow = Conditions(all=(a_condition("household.family_quotient", "at_most", 700),))
    policy = a_policy(household=a_rule(), allow=allow)
    assert decide(policy, _with(policy)) == Allow((NAME,), HouseholdStatus.VERIFIED, Reason.ALLOWED)


def test_conditions_may_look_at_the_request_and_the_status() -> None:
    allow = Conditions(
        all=(
            a_condition("request.method", "in", ("GET", "POST")),
            a_condition("household.status", "is", "verified"),
            a_condition("brackets.name", "is", "T2"),
        )
    )
    policy = a_policy(household=a_rule(), allow=allow, schedules=(SCHEDULE,))
    assert isinstance(decide(policy, _with(policy)), Allow)


def test_a_bracket_that_cannot_be_known_makes_its_condition_unknown() -> None:
    policy = a_policy(household=a_rule(), allow=Conditions(all=(a_condition("brackets.name", "is", "T2"),)))
    assert decide(policy, _with(policy)) == Alternative(HouseholdStatus.NOT_AVAILABLE, Reason.CONDITION_UNKNOWN)


def test_gateway_facts_name_the_decision_and_the_policy() -> None:
    policy = a_policy(inject=injections("gateway.decision_id", "gateway.policy", "gateway.policy_version"))
    assert [item.value for item in injected(policy, facts())] == ["K7QM-2F4D", "page", "0123456789ab"]


def test_an_empty_value_is_an_absent_header() -> None:
    policy = a_policy(inject=injections("identity.given_names", "identity.usage_name"))
    assert injected(policy, facts(identity=replace(ANGELA, given_names=(), usage_name=""))) == ()


def test_the_trace_says_each_condition() -> None:
    assert [line.truth for line in trace(ADULTS_ONLY, facts())] == [False]
    assert trace(CANTINE, facts()) == ()


def test_a_household_status_in_a_condition_without_a_household_is_unknown() -> None:
    policy = a_policy(allow=Conditions(all=(a_condition("household.status", "is", "verified"),)))
    assert decide(policy, facts()) == Deny(Reason.CONDITION_UNKNOWN)


def test_two_schedules_follow_the_calendar() -> None:
    older = Schedule(date(2025, 9, 1), SCHEDULE.brackets[2:], "2025-06-12 n° 4")
    policy = replace(BRACKET, schedules=(older, SCHEDULE))
    before, after = (replace(_with(policy), today=day) for day in (date(2026, 8, 31), TODAY))
    assert [item.value for item in injected(policy, before)][1:] == ["T3", "2025-09-01"]
    assert [item.value for item in injected(policy, after)][1:] == ["T2", "2026-09-01"]


def test_without_a_match_the_adults_names_are_not_asked_for() -> None:
    policy = a_caf_policy("household.family_quotient", rule=a_rule(match=False))
    decision = decide(policy, anonymous())
    assert isinstance(decision, Authenticate)
    assert decision.scopes == PIVOT | every_need(Need.QUOTIENT)


def test_a_review_is_tied_to_the_version_of_the_policy() -> None:
    assert a_policy().tag == "page@0123456789ab"
