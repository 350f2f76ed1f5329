"""The nursery's file as a second source: what is asked, kept, computed and decided, apart from the household's."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from gateway.core.decision import Allow, Alternative, Ask, Authenticate, Deny, Question, Reason
from gateway.core.facts import FACTS, household_value, source_of
from gateway.core.household import Enquiry, minimise, settle, view
from gateway.core.model import Absent, Childcare, Facts, Household, HouseholdRecord, HouseholdStatus, Need, Source
from gateway.core.policy import decide, injected, look
from gateway.core.rules import Conditions, Missing, Mode, Operator, Policy, Scale, Test
from gateway.core.tariff import hourly_rate, rate_for, scale_faults
from tests.builders import (
    ADULT,
    ANGELA,
    CHILDREN,
    HOUSEHOLD,
    PIVOT,
    SCHEDULE,
    TODAY,
    a_caf_policy,
    a_condition,
    a_policy,
    a_record,
    a_rule,
    every_need,
    facts,
    injections,
)

KNOWN = Childcare(annual_resources=38_400, resources_year=2024, dependent_children=3, aeeh_children=0)
FILE = Household(adults=(ADULT,), children=CHILDREN, address=HOUSEHOLD.address, childcare=KNOWN)
SCALE = Scale(
    date(2024, 9, 1),
    "Cnaf, 1er septembre 2024",
    (
        (1, Decimal("0.0619")),
        (2, Decimal("0.0516")),
        (3, Decimal("0.0413")),
        (4, Decimal("0.0310")),
        (8, Decimal("0.0206")),
    ),
    Decimal("765.77"),
    Decimal(7000),
)
VERIFIED, MISMATCH = HouseholdStatus.VERIFIED, HouseholdStatus.MISMATCH


def a_nursery(*names: str, **changes: object) -> Policy:
    rule = changes.pop("rule", a_rule())
    return a_policy(childcare=rule, inject=injections(*names), **changes)


CRECHE = a_nursery("childcare.status", "childcare.annual_resources", "childcare.dependent_children")
BOTH = a_policy(
    household=a_rule(),
    childcare=a_rule(default=Missing.FORWARD),
    inject=injections("household.family_quotient", "childcare.status", "childcare.aeeh_children"),
)


def a_file(
    policy: Policy, file: Household | None = FILE, status: HouseholdStatus = VERIFIED, at: int = 5
) -> HouseholdRecord:
    needs = policy.needs.of(Source.CHILDCARE)
    return HouseholdRecord(status, needs.blocks, needs.fields, at, file, source=Source.CHILDCARE)


def _with(policy: Policy, *records: HouseholdRecord) -> Facts:
    return facts(household=records)


# What is asked and kept


def test_each_source_is_asked_for_its_own_blocks_under_its_own_scopes() -> None:
    assert CRECHE.needs.blocks == {Need.CHILDCARE_PARAMETERS, Need.CHILDCARE_ADULTS}
    assert CRECHE.needs.claims == PIVOT
    assert {need.source for need in Need} == set(Source)
    assert [lookup.source for lookup in BOTH.lookups] == [Source.HOUSEHOLD, Source.CHILDCARE]
    assert BOTH.lookups[0].needs.blocks == {Need.QUOTIENT, Need.ADULTS}
    assert BOTH.lookups[1].needs.fields == {"childcare.aeeh_children"}


def test_an_estimate_keeps_what_it_is_computed_from_and_a_child_s_age_is_asked_for_when_it_decides() -> None:
    estimate = a_nursery("childcare.estimated_hourly_rate")
    assert estimate.needs.fields == {
        "childcare.annual_resources",
        "childcare.dependent_children",
        "childcare.aeeh_children",
    }
    young = a_nursery("childcare.status", rule=a_rule(child_age=Test(Operator.AT_MOST, 3)))
    assert Need.CHILDCARE_CHILDREN in young.needs.blocks
    assert young.needs.fields == {"childcare.children.age"}


def test_only_the_named_parameters_are_kept() -> None:
    fields = frozenset({"childcare.annual_resources"})
    assert minimise(FILE, fields).childcare == Childcare(annual_resources=38_400)
    assert minimise(FILE, fields | {"childcare.resources_year"}).childcare == Childcare(38_400, 2024)
    assert minimise(FILE, frozenset({"childcare.aeeh_children"})).childcare == Childcare(aeeh_children=0)
    assert minimise(FILE, frozenset({"childcare.children.count"})).childcare is None
    assert minimise(HOUSEHOLD, fields).childcare is None


def test_a_record_says_which_source_it_comes_from() -> None:
    lookup = CRECHE.lookups[0]
    asked = Enquiry(lookup.rule, lookup.needs.blocks, lookup.needs.fields, Source.CHILDCARE)
    found = settle(FILE, asked, identity=ANGELA, now=5)
    assert (found.source, found.status) == (Source.CHILDCARE, VERIFIED)
    assert found.household is not None
    assert (found.household.adults, found.household.children) == (None, None)
    nothing = settle(Absent(HouseholdStatus.NOT_AVAILABLE, "childcare_incomplete"), asked, identity=ANGELA, now=5)
    assert (nothing.source, nothing.status) == (Source.CHILDCARE, HouseholdStatus.NOT_AVAILABLE)


def test_a_record_of_one_source_never_answers_for_the_other() -> None:
    lookup = CRECHE.lookups[0]
    disguised = replace(a_file(CRECHE), source=Source.HOUSEHOLD)
    assert view((disguised,), lookup).status is None
    assert view((a_file(CRECHE),), lookup).status is VERIFIED
    refused = a_file(CRECHE, None, MISMATCH)
    assert view((replace(refused, reasons=("birthdate.conflict",)),), lookup).reasons == ("birthdate.conflict",)


# How facts are read


@pytest.mark.parametrize(
    ("fact", "value"),
    [
        ("childcare.status", "verified"),
        ("childcare.annual_resources", 38_400),
        ("childcare.resources_year", 2024),
        ("childcare.dependent_children", 3),
        ("childcare.aeeh_children", 0),
        ("childcare.children.age", [8, 4]),
        ("childcare.address.city", "PARIS"),
        ("childcare.obtained_at", "1970-01-01T00:00:05Z"),
    ],
)
def test_a_childcare_fact_is_read(fact: str, value: object) -> None:
    assert household_value(fact, FILE, VERIFIED, 5, TODAY) == value


def test_every_childcare_fact_has_its_source_and_an_empty_file_knows_none() -> None:
    named = [fact for fact in FACTS if fact.startswith("childcare.")]
    assert {source_of(fact) for fact in named} == {Source.CHILDCARE}
    read = [
        fact
        for fact in named
        if fact not in {"childcare.status", "childcare.estimated_hourly_rate", "childcare.scale_valid_from"}
    ]
    assert all(household_value(fact, Household(), VERIFIED, None, TODAY) is None for fact in read)
    assert source_of("identity.sub") is None


# What is decided


def test_nothing_asked_yet_sends_to_the_provider_for_the_nursery_s_scopes_alone() -> None:
    decision = decide(CRECHE, facts())
    assert isinstance(decision, Authenticate)
    assert decision.scopes == PIVOT | every_need(Need.CHILDCARE_PARAMETERS, Need.CHILDCARE_ADULTS)


def test_a_household_that_is_held_is_not_asked_for_again_with_the_nursery() -> None:
    decision = decide(BOTH, _with(BOTH, a_record(a_caf_policy("household.family_quotient"))))
    assert isinstance(decision, Authenticate)
    assert decision.scopes == PIVOT | every_need(Need.CHILDCARE_PARAMETERS, Need.CHILDCARE_ADULTS)


def test_what_the_nursery_receives_is_what_its_policy_names() -> None:
    decision = decide(CRECHE, _with(CRECHE, a_file(CRECHE)))
    assert isinstance(decision, Allow)
    assert [item.value for item in decision.inject] == ["verified", 38_400, 3]
    assert decision.status is VERIFIED


def test_a_session_that_holds_the_household_alone_lets_none_of_it_out_as_the_nursery_s() -> None:
    by_identity = replace(CRECHE, lookups=(replace(CRECHE.lookups[0], rule=a_rule(mode=Mode.IDENTITY)),))
    decision = decide(by_identity, _with(CRECHE, a_record(a_caf_policy("household.family_quotient"))))
    assert decision == Alternative(HouseholdStatus.UNAVAILABLE, Reason.HOUSEHOLD_MISSING, Source.CHILDCARE)


def test_a_mismatch_at_the_nursery_takes_nothing_away_from_the_household() -> None:
    household = a_record(a_caf_policy("household.family_quotient"))
    decision = decide(BOTH, _with(BOTH, household, a_file(BOTH, None, MISMATCH)))
    assert isinstance(decision, Allow)
    assert [(item.fact, item.value) for item in decision.inject] == [
        ("household.family_quotient", 648),
        ("childcare.status", "mismatch"),
    ]
    assert decision.status is MISMATCH


def test_of_two_sources_the_one_without_a_value_decides_the_way() -> None:
    failed = replace(a_record(a_caf_policy("household.family_quotient"), None, HouseholdStatus.NOT_FOUND))
    decision = decide(BOTH, _with(BOTH, failed, a_file(BOTH)))
    assert decision == Alternative(HouseholdStatus.NOT_FOUND, Reason.HOUSEHOLD_MISSING, Source.HOUSEHOLD)
    denied = a_nursery("childcare.aeeh_children", rule=a_rule(default=Missing.DENY))
    assert decide(denied, _with(denied, a_file(denied, None, MISMATCH))) == Deny(Reason.HOUSEHOLD_MISSING, MISMATCH)


def test_a_review_is_asked_for_a_value_of_either_source() -> None:
    reviewed = a_nursery("childcare.annual_resources", rule=a_rule(review=True))
    held = _with(reviewed, a_file(reviewed))
    assert decide(reviewed, held) == Ask(Question.REVIEW, Reason.REVIEW_NEEDED)
    assert isinstance(decide(reviewed, replace(held, reviewed=True)), Allow)


def test_a_parameter_that_was_not_given_is_not_available() -> None:
    only = a_nursery("childcare.annual_resources")
    decision = decide(only, _with(only, a_file(only, Household(adults=(ADULT,)))))
    assert decision == Alternative(HouseholdStatus.NOT_AVAILABLE, Reason.HOUSEHOLD_MISSING, Source.CHILDCARE)


def test_a_condition_on_the_nursery_s_file_follows_its_own_when_missing() -> None:
    allow = Conditions(all=(a_condition("childcare.dependent_children", "at_least", 4),))
    policy = a_policy(childcare=a_rule(), allow=allow)
    assert decide(policy, _with(policy, a_file(policy))) == Deny(Reason.CONDITION_FALSE, VERIFIED)
    unknown = decide(policy, _with(policy, a_file(policy, Household(childcare=Childcare(aeeh_children=0)))))
    assert unknown == Alternative(HouseholdStatus.NOT_AVAILABLE, Reason.CONDITION_UNKNOWN, Source.CHILDCARE)


# A child of the age that the service is for


LISTED = Test(Operator.BETWEEN, (3, 11))
OF_SCHOOL_AGE = a_caf_policy("household.family_quotient", rule=a_rule(child_age=LISTED))


@pytest.mark.parametrize("fund", ["cnaf", "msa"])
def test_a_file_that_lists_such_a_child_gives_its_value(fund: str) -> None:
    record = a_record(OF_SCHOOL_AGE, replace(HOUSEHOLD, fund=fund))
    assert isinstance(decide(OF_SCHOOL_AGE, _with(OF_SCHOOL_AGE, record)), Allow)


@pytest.mark.parametrize(
    "household",
    [
        pytest.param(replace(HOUSEHOLD, children=()), id="no child"),
        pytest.param(replace(HOUSEHOLD, children=(replace(CHILDREN[0], birthdate=None),)), id="an age not known"),
        pytest.param(replace(HOUSEHOLD, children=None), id="children not given"),
    ],
)
def test_a_child_who_is_not_listed_is_a_person_s_work_and_never_a_refusal(household: Household) -> None:
    found = decide(OF_SCHOOL_AGE, _with(OF_SCHOOL_AGE, a_record(OF_SCHOOL_AGE, household)))
    assert found == Alternative(HouseholdStatus.PENDING_REVIEW, Reason.CHILD_NOT_LISTED)
    (seen,) = look(OF_SCHOOL_AGE, _with(OF_SCHOOL_AGE, a_record(OF_SCHOOL_AGE, household)))
    assert seen.status is HouseholdStatus.PENDING_REVIEW
    assert injected(OF_SCHOOL_AGE, _with(OF_SCHOOL_AGE, a_record(OF_SCHOOL_AGE, household))) == ()


def test_a_doubt_about_the_names_is_not_a_missing_child() -> None:
    doubtful = a_record(OF_SCHOOL_AGE, None, HouseholdStatus.PENDING_REVIEW)
    found = decide(OF_SCHOOL_AGE, _with(OF_SCHOOL_AGE, doubtful))
    assert found == Alternative(HouseholdStatus.PENDING_REVIEW, Reason.HOUSEHOLD_MISSING)


# The scale


@pytest.mark.parametrize(
    ("resources", "dependent", "aeeh", "euros"),
    [
        pytest.param(38_400, 3, 0, "1.32", id="3200 a month, three children: 0.0413 percent"),
        pytest.param(38_400, 3, 1, "0.99", id="a child with AEEH is one more"),
        pytest.param(0, 1, 0, "0.47", id="the floor"),
        pytest.param(98_342, 1, 0, "4.33", id="the ceiling"),
        pytest.param(38_400, 0, 0, "1.98", id="a child not born yet is the first"),
        pytest.param(24_000, 9, 0, "0.41", id="eight or more"),
        pytest.param(24_000, 7, 0, "0.62", id="four to seven"),
    ],
)
def test_an_hour_costs_what_the_scale_says(resources: int, dependent: int, aeeh: int, euros: str) -> None:
    known = Childcare(resources, 2024, dependent, aeeh)
    assert str(hourly_rate(SCALE, known)) == euros


@pytest.mark.parametrize("lacking", ["annual_resources", "dependent_children", "aeeh_children"])
def test_a_parameter_that_is_not_known_gives_no_estimate(lacking: str) -> None:
    assert hourly_rate(SCALE, replace(KNOWN, **{lacking: None})) is None
    assert hourly_rate(SCALE, None) is None


def test_a_half_cent_is_rounded_up() -> None:
    scale = replace(SCALE, rates=((1, Decimal("0.05")),))
    assert str(hourly_rate(scale, Childcare(12 * 1010, 2024, 1, 0))) == "0.51"


def test_a_scale_that_serves_every_family_has_no_fault() -> None:
    assert scale_faults(SCALE) == []
    assert rate_for(SCALE, 100) == Decimal("0.0206")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"rates": ()}, "begin with 1"),
        ({"rates": ((2, Decimal("0.05")),)}, "begin with 1"),
        ({"rates": ((1, Decimal("0.05")), (3, Decimal("0.04")), (2, Decimal("0.04")))}, "go up"),
        ({"rates": ((1, Decimal("6.19")),)}, "percent"),
        ({"floor": Decimal(7000)}, "below"),
        ({"floor": Decimal(0)}, "below"),
    ],
)
def test_what_is_not_a_scale_is_said(changes: dict[str, object], said: str) -> None:
    assert any(said in fault for fault in scale_faults(replace(SCALE, **changes)))  # type: ignore[arg-type]


ESTIMATED = a_nursery("childcare.estimated_hourly_rate", "childcare.scale_valid_from", scales=(SCALE,))


def test_an_estimate_is_injected_with_the_date_of_its_scale() -> None:
    assert [item.value for item in injected(ESTIMATED, _with(ESTIMATED, a_file(ESTIMATED)))] == ["1.32", "2024-09-01"]


def test_before_the_first_scale_there_is_no_estimate() -> None:
    early = replace(_with(ESTIMATED, a_file(ESTIMATED)), today=date(2024, 8, 31))
    assert decide(ESTIMATED, early) == Alternative(
        HouseholdStatus.NOT_AVAILABLE, Reason.HOUSEHOLD_MISSING, Source.CHILDCARE
    )


def test_a_bracket_and_an_estimate_live_in_one_policy() -> None:
    policy = a_policy(
        household=a_rule(),
        childcare=a_rule(),
        inject=injections("brackets.name", "childcare.estimated_hourly_rate"),
        schedules=(SCHEDULE,),
        scales=(SCALE,),
    )
    held = _with(policy, a_record(a_caf_policy("brackets.name", schedules=(SCHEDULE,))), a_file(policy))
    assert [item.value for item in injected(policy, held)] == ["T2", "1.32"]


def test_an_estimate_in_a_condition_without_a_scale_is_unknown() -> None:
    allow = Conditions(all=(a_condition("childcare.estimated_hourly_rate", "is", "1.32"),))
    policy = a_policy(childcare=a_rule(), allow=allow)
    found = decide(policy, _with(policy, a_file(policy)))
    assert found == Alternative(HouseholdStatus.NOT_AVAILABLE, Reason.CONDITION_UNKNOWN, Source.CHILDCARE)
