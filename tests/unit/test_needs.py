"""What is injected and tested determines what is asked and kept."""

from gateway.core.model import Need, Source
from gateway.core.needs import compute_needs, covers
from gateway.core.rules import Conditions, Mode
from tests.builders import EIDAS1, a_caf_policy, a_condition, a_policy, a_rule, injections


def test_nothing_injected_asks_for_nothing_but_who_it_is() -> None:
    needs = a_policy(inject=()).needs
    assert (needs.claims, needs.blocks, needs.fields) == ({"openid"}, frozenset(), frozenset())


def test_a_public_policy_asks_for_nothing() -> None:
    assert a_policy(login=None, inject=injections("gateway.policy")).needs.claims == frozenset()


def test_identity_facts_ask_for_their_own_claim_only() -> None:
    assert a_policy(inject=injections("identity.birth_name", "identity.email")).needs.claims == {
        "openid",
        "family_name",
        "email",
    }


def test_a_policy_that_injects_nothing_from_caf_has_no_household_need() -> None:
    assert a_policy(household=a_rule()).needs.blocks == frozenset()


def test_caf_by_franceconnect_needs_the_whole_pivot_and_the_adults_names() -> None:
    needs = a_caf_policy("household.family_quotient", "identity.birthdate").needs
    assert needs.claims == {"openid", "identite_pivot"}
    assert needs.blocks == {Need.QUOTIENT, Need.ADULTS}
    assert needs.fields == {"household.family_quotient"}


def test_a_bracket_needs_the_quotient_and_keeps_it() -> None:
    needs = a_caf_policy("brackets.name", "household.status").needs
    assert needs.blocks == {Need.QUOTIENT, Need.ADULTS}
    assert needs.fields == {"household.family_quotient"}


def test_a_status_alone_needs_the_match_only() -> None:
    needs = a_caf_policy("household.status").needs
    assert (needs.blocks, needs.fields) == ({Need.ADULTS}, frozenset())


def test_what_a_condition_tests_is_asked_for_too() -> None:
    allow = Conditions(any=(a_condition("household.children.age", "known", True),))
    needs = a_policy(household=a_rule(), allow=allow).needs
    assert needs.blocks == {Need.CHILDREN, Need.ADULTS}
    assert needs.fields == {"household.children.age"}


def test_number_mode_needs_the_names_that_are_compared_and_no_more() -> None:
    needs = a_caf_policy("household.family_quotient", rule=a_rule(mode=Mode.NUMBER)).needs
    assert needs.claims == {"openid", "family_name", "given_name", "birthdate"}


def test_without_a_match_nobody_is_asked_for_the_adults() -> None:
    rule = a_rule(mode=Mode.NUMBER, match=False)
    needs = compute_needs(
        login=None, rules={Source.HOUSEHOLD: rule}, inject=injections("household.family_quotient"), allow=None
    )
    assert (needs.claims, needs.blocks) == (frozenset(), {Need.QUOTIENT})


def test_household_facts_without_a_household_block_ask_for_nothing() -> None:
    needs = compute_needs(login=EIDAS1, rules={}, inject=injections("household.family_quotient"), allow=None)
    assert (needs.blocks, needs.fields) == (frozenset(), frozenset())


def test_the_pivot_covers_its_six_claims() -> None:
    assert covers(frozenset({"openid", "identite_pivot"}), frozenset({"openid", "family_name", "email"})) == {"email"}
    assert covers(frozenset({"openid"}), frozenset({"openid", "family_name"})) == {"family_name"}


def test_the_values_that_a_source_s_policy_wants_are_worked_out_once_and_a_status_is_none() -> None:
    (only,) = a_caf_policy("household.status", "brackets.name", "identity.sub").lookups
    assert (only.source, only.wanted) == (Source.HOUSEHOLD, ("brackets.name",))
