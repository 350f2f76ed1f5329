"""From a source's answer to what a session may keep."""

from dataclasses import replace

import pytest

from gateway.core.household import (
    Enquiry,
    concerning,
    forgotten,
    merged,
    minimise,
    remember,
    settle,
    view,
    widened,
)
from gateway.core.model import (
    Absent,
    Address,
    Household,
    HouseholdRecord,
    HouseholdStatus,
    Need,
    PartialDate,
    Person,
    Session,
    SessionId,
    Source,
)
from gateway.core.rules import Mode, Needs
from gateway.core.ways import Way
from tests.builders import ADULT, ANGELA, CHILDREN, HOUSEHOLD, a_caf_policy, a_record, a_rule

QUOTIENT = frozenset({"household.family_quotient"})
BLOCKS = frozenset({Need.QUOTIENT, Need.ADULTS})
BY_FRANCECONNECT = Enquiry(a_rule(), BLOCKS, QUOTIENT)
BY_NUMBER = Enquiry(a_rule(mode=Mode.NUMBER), BLOCKS, QUOTIENT)
STRANGER = replace(ADULT, birth_name="DURAND")
DOUBTFUL = replace(ADULT, given_names=("CLAIRE", "ANGELA"))


def test_a_match_keeps_the_wanted_facts_and_drops_the_names() -> None:
    record = settle(HOUSEHOLD, BY_FRANCECONNECT, identity=ANGELA, now=7)
    assert record.status is HouseholdStatus.VERIFIED
    assert record.obtained_at == 7
    assert record.household == Household(fund="cnaf", family_quotient=648)


def test_a_mismatch_keeps_no_household_at_all() -> None:
    record = settle(replace(HOUSEHOLD, adults=(STRANGER,)), BY_FRANCECONNECT, identity=ANGELA, now=7)
    assert (record.status, record.household) == (HouseholdStatus.MISMATCH, None)
    assert record.reasons


def test_a_doubt_keeps_no_household_either() -> None:
    record = settle(replace(HOUSEHOLD, adults=(DOUBTFUL,)), BY_FRANCECONNECT, identity=ANGELA, now=7)
    assert (record.status, record.household) == (HouseholdStatus.PENDING_REVIEW, None)


def test_a_child_who_bears_the_names_is_never_the_person() -> None:
    household = replace(HOUSEHOLD, adults=(STRANGER,), children=(ADULT,))
    assert settle(household, BY_FRANCECONNECT, identity=ANGELA, now=7).status is HouseholdStatus.MISMATCH


def test_in_number_mode_somebody_elses_number_is_an_unknown_number() -> None:
    foreign = settle(replace(HOUSEHOLD, adults=(STRANGER,)), BY_NUMBER, identity=ANGELA, now=7)
    unknown = settle(
        Absent(HouseholdStatus.NOT_FOUND, "api_particulier_404_not_found"), BY_NUMBER, identity=ANGELA, now=7
    )
    assert foreign == unknown


def test_a_source_that_gives_no_names_cannot_be_verified() -> None:
    record = settle(replace(HOUSEHOLD, adults=None), BY_FRANCECONNECT, identity=ANGELA, now=7)
    assert (record.status, record.household) == (HouseholdStatus.UNAVAILABLE, None)


def test_a_match_without_anybody_signed_in_is_refused() -> None:
    record = settle(HOUSEHOLD, BY_FRANCECONNECT, identity=None, now=7)
    assert (record.status, record.household) == (HouseholdStatus.NOT_AUTHENTICATED, None)


def test_a_policy_without_a_match_says_that_the_identity_is_unverified() -> None:
    enquiry = Enquiry(a_rule(mode=Mode.NUMBER, match=False), frozenset({Need.QUOTIENT}), QUOTIENT)
    record = settle(HOUSEHOLD, enquiry, identity=None, now=7)
    assert record.status is HouseholdStatus.IDENTITY_UNVERIFIED
    assert record.household is not None
    assert record.household.adults is None


def test_an_absent_household_keeps_its_status_and_its_code() -> None:
    record = settle(Absent(HouseholdStatus.UNAVAILABLE, "timeout"), BY_FRANCECONNECT, identity=ANGELA, now=7)
    assert (record.status, record.household, record.reasons) == (HouseholdStatus.UNAVAILABLE, None, ("timeout",))


@pytest.mark.parametrize(
    ("fact", "kept"),
    [
        ("household.fund", Household(fund="cnaf")),
        ("household.family_quotient", Household(fund="cnaf", family_quotient=648)),
        ("household.reference_month", Household(fund="cnaf", reference_month="2026-11")),
        ("household.computed_month", Household(fund="cnaf", computed_month="2026-10")),
        ("household.adults", Household(fund="cnaf", adults=(ADULT,))),
        ("household.children", Household(fund="cnaf", children=CHILDREN)),
        (
            "household.children.age",
            Household(
                fund="cnaf",
                children=(Person(birthdate=PartialDate(2018, 1, 10)), Person(birthdate=PartialDate(2022, 6, 20))),
            ),
        ),
        ("household.children.count", Household(fund="cnaf", children=(Person(), Person()))),
        ("household.address", Household(fund="cnaf", address=HOUSEHOLD.address)),
        ("household.address.city", Household(fund="cnaf", address=Address(city="PARIS"))),
    ],
)
def test_only_the_named_fact_is_kept(fact: str, kept: Household) -> None:
    assert minimise(HOUSEHOLD, frozenset({fact})) == kept


def test_what_was_not_given_stays_absent() -> None:
    fields = frozenset({"household.children", "household.address", "household.address.city"})
    assert minimise(Household(), fields) == Household()


CANTINE = a_caf_policy("household.family_quotient")
FAMILLE = a_caf_policy("household.address.city", "household.children")


def test_nothing_asked_means_that_everything_is_missing() -> None:
    seen = view((), CANTINE.lookups[0])
    assert (seen.status, seen.missing) == (None, {Need.QUOTIENT, Need.ADULTS})


def test_a_record_that_answers_is_enough() -> None:
    seen = view((a_record(CANTINE),), CANTINE.lookups[0])
    assert (seen.status, seen.missing, seen.obtained_at) == (HouseholdStatus.VERIFIED, frozenset(), 1)


def test_another_policy_misses_only_its_own_blocks() -> None:
    seen = view((a_record(CANTINE),), FAMILLE.lookups[0])
    assert (seen.status, seen.missing) == (None, {Need.ADDRESS, Need.CHILDREN})


def test_two_enquiries_are_joined_and_the_latest_date_counts() -> None:
    first = a_record(CANTINE, minimise(HOUSEHOLD, CANTINE.needs.fields))
    second = a_record(FAMILLE, minimise(HOUSEHOLD, FAMILLE.needs.fields), at=9)
    both = a_caf_policy("household.family_quotient", "household.address.city")
    seen = view((first, second), both.lookups[0])
    assert (seen.status, seen.obtained_at) == (HouseholdStatus.VERIFIED, 9)
    assert (seen.household.family_quotient, seen.household.address) == (648, Address(city="PARIS"))


def test_holding_the_children_means_holding_their_number() -> None:
    counted = a_caf_policy("household.children.count")
    assert view((a_record(FAMILLE),), counted.lookups[0]).status is HouseholdStatus.VERIFIED


def test_a_failed_enquiry_answers_for_the_blocks_that_it_asked() -> None:
    failed = a_record(FAMILLE, None, HouseholdStatus.UNAVAILABLE)
    assert view((failed,), FAMILLE.lookups[0]).status is HouseholdStatus.UNAVAILABLE
    assert view((failed,), CANTINE.lookups[0]).status is None


def test_a_failed_enquiry_does_not_take_away_what_an_earlier_one_obtained() -> None:
    records = (a_record(CANTINE), a_record(FAMILLE, None, HouseholdStatus.MISMATCH))
    assert view(records, CANTINE.lookups[0]).status is HouseholdStatus.VERIFIED
    assert view(records, FAMILLE.lookups[0]).status is HouseholdStatus.MISMATCH


def test_a_value_under_a_status_that_carries_none_is_never_seen() -> None:
    forged = replace(a_record(CANTINE), status=HouseholdStatus.MISMATCH)
    seen = view((forged,), CANTINE.lookups[0])
    assert (seen.status, seen.household) == (HouseholdStatus.MISMATCH, Household())


def test_a_policy_that_needs_the_match_alone_is_answered_by_any_verified_record() -> None:
    only_status = replace(CANTINE.lookups[0], needs=Needs(blocks=frozenset({Need.ADULTS})))
    assert view((a_record(CANTINE),), only_status).status is HouseholdStatus.VERIFIED


def test_a_failure_is_forgotten_when_it_is_asked_again_and_a_value_is_not() -> None:
    held, failed = a_record(CANTINE), a_record(FAMILLE, None, HouseholdStatus.UNAVAILABLE)
    again: HouseholdRecord = a_record(FAMILLE, at=5)
    assert remember((held, failed), again) == (held, again)
    other = a_record(CANTINE, None, HouseholdStatus.UNAVAILABLE)
    assert remember((failed,), other) == (failed, other)


OLD, GONE, CAME, NEW = (a_record(CANTINE, at=moment) for moment in range(4))


def test_what_was_forgotten_meanwhile_does_not_come_back_with_a_new_answer() -> None:
    assert merged((), (OLD,), (OLD, NEW)) == (NEW,)


def test_what_came_meanwhile_stays_and_what_a_new_answer_replaces_goes() -> None:
    assert merged((OLD, GONE, CAME), (OLD, GONE), (OLD, NEW)) == (OLD, CAME, NEW)


def test_an_answer_that_is_there_already_is_not_there_twice() -> None:
    assert merged((OLD, NEW), (OLD,), (OLD, NEW)) == (OLD, NEW)


def test_a_session_that_forgets_asks_anew_and_keeps_who_it_is() -> None:
    session = Session(
        SessionId("1" * 64), 9, ANGELA, frozenset({"openid", str(Need.QUOTIENT)}), (OLD,), reviewed=frozenset({"p@1"})
    )
    found = forgotten(session)
    assert (found.identity, found.scopes, found.household, found.reviewed) == (ANGELA, {"openid"}, (), frozenset())


ALONE = a_caf_policy("household.family_quotient", rule=a_rule(mode=Mode.NUMBER, match=False), login=None)
TYPED = a_record(ALONE, HOUSEHOLD, HouseholdStatus.IDENTITY_UNVERIFIED)
UNKNOWN = a_record(ALONE, None, HouseholdStatus.NOT_FOUND)
BY_WAY = {
    Way.FRANCECONNECT: CANTINE,
    Way.IDENTITY: a_caf_policy("household.family_quotient", rule=a_rule(mode=Mode.IDENTITY)),
    Way.NUMBER: a_caf_policy("household.family_quotient", rule=a_rule(mode=Mode.NUMBER)),
    Way.NUMBER_ALONE: ALONE,
}


@pytest.mark.parametrize("way", Way)
def test_an_enquiry_says_in_which_way_it_was_made(way: Way) -> None:
    (lookup,) = BY_WAY[way].lookups
    record = settle(HOUSEHOLD, Enquiry(lookup.rule, BLOCKS, QUOTIENT), identity=ANGELA, now=7)
    assert (record.way, lookup.key) == (way, (Source.HOUSEHOLD, way))


@pytest.mark.parametrize("asked", Way)
@pytest.mark.parametrize("held", Way)
def test_an_answer_obtained_in_one_way_is_none_in_another(asked: Way, held: Way) -> None:
    (lookup,) = BY_WAY[asked].lookups
    for record in (a_record(BY_WAY[held]), a_record(BY_WAY[held], None, HouseholdStatus.NOT_FOUND)):
        seen = view((replace(record, asked=BLOCKS),), lookup)
        assert (seen.status is None) is (asked is not held)
        assert (seen.household == Household()) is (asked is not held or record.household is None)


def test_a_failure_made_in_one_way_is_not_forgotten_for_an_answer_of_another() -> None:
    answer = a_record(CANTINE)
    assert remember((UNKNOWN,), answer) == (UNKNOWN, answer)


def test_a_round_touches_what_it_could_replace_alone() -> None:
    before = concerning((TYPED, OLD), CANTINE.lookups)
    assert before == (OLD,)
    assert merged((TYPED, OLD), before, (NEW,)) == (TYPED, NEW)
    assert merged((OLD,), before, (NEW,)) == (NEW,)


def test_a_number_typed_anew_asks_for_all_that_the_last_one_had_answered() -> None:
    (lookup,) = a_caf_policy("household.children.count", rule=a_rule(mode=Mode.NUMBER, match=False), login=None).lookups
    assert widened(lookup, (UNKNOWN, a_record(CANTINE))) == lookup
    wide = widened(lookup, (TYPED,)).needs
    assert wide.blocks == {Need.CHILDREN, Need.QUOTIENT}
    assert {"household.children.count", "household.family_quotient"} <= wide.fields
