"""What stands against a person's data, from what they and the agents have said."""

from dataclasses import replace

import pytest

from gateway.core.disputes import (
    Dispute,
    State,
    data_of,
    is_withheld,
    standing_of,
    stands_against,
    still_current,
)
from gateway.core.model import HouseholdRecord, HouseholdStatus, Need, Standing
from gateway.core.policy import decide, injected
from gateway.core.rules import Missing
from tests.builders import HOUSEHOLD, a_caf_policy, a_record, a_rule, facts

YEAR_S = 365 * 86_400
NOW = 1_790_000_000

CONTEST = Dispute("K7QM-2F4D", Need.QUOTIENT, "", NOW)
OBJECTION = Dispute("K7QM-2F4F", None, "cantine", NOW)

QUOTIENT = a_caf_policy("household.status", "household.family_quotient")
ADDRESS = a_caf_policy("household.status", "household.address.city")
BRACKET = a_caf_policy("brackets.name")
CHILDREN = a_caf_policy("household.children.count")
FUND = a_caf_policy("household.fund")


def standing(*disputes: Dispute, now: int = NOW) -> Standing:
    return standing_of(disputes, now=now, retention_s=YEAR_S)


def answered(dispute: Dispute, state: State, at: int = NOW) -> Dispute:
    return replace(dispute, state=state, settled_at=at)


def word(policy: object, *disputes: Dispute, declined: bool = False) -> HouseholdStatus | None:
    return stands_against(policy.name, policy.needs, standing(*disputes), declined=declined)  # type: ignore[attr-defined]


def test_nothing_said_is_nothing_standing() -> None:
    assert standing() == Standing()
    assert word(QUOTIENT) is None


def test_a_contested_quotient_withholds_the_quotient_and_the_bracket_and_nothing_else() -> None:
    assert word(QUOTIENT, CONTEST) is HouseholdStatus.CONTESTED
    assert word(BRACKET, CONTEST) is HouseholdStatus.CONTESTED
    assert word(ADDRESS, CONTEST) is None
    assert word(CHILDREN, CONTEST) is None
    assert word(FUND, CONTEST) is None


def test_a_contested_address_withholds_the_address_only() -> None:
    contest = replace(CONTEST, datum=Need.ADDRESS)
    assert word(ADDRESS, contest) is HouseholdStatus.CONTESTED
    assert word(QUOTIENT, contest) is None


def test_a_condition_on_a_contested_datum_is_withheld_too() -> None:
    assert data_of({"household.children.age", "identity.age", "unknown"}) == {Need.CHILDREN}


@pytest.mark.parametrize(
    ("state", "status"),
    [
        (State.SETTLED, HouseholdStatus.SETTLED),
        (State.CORRECTED, HouseholdStatus.SETTLED),
        (State.DOCUMENT_PROVIDED, HouseholdStatus.DOCUMENT_PROVIDED),
        (State.VERIFIED_BY_AGENT, HouseholdStatus.VERIFIED_BY_AGENT),
        (State.REJECTED, None),
    ],
)
def test_each_answer_of_an_agent_has_its_status(state: State, status: HouseholdStatus | None) -> None:
    assert word(QUOTIENT, answered(CONTEST, state)) is status


def test_an_objection_is_about_one_service_and_its_answer_too() -> None:
    policy, other = replace(QUOTIENT, name="cantine"), replace(QUOTIENT, name="creche")
    assert word(policy, OBJECTION) is HouseholdStatus.DECLINED
    assert word(other, OBJECTION) is None
    received = answered(OBJECTION, State.DOCUMENT_PROVIDED)
    assert word(policy, received) is HouseholdStatus.DOCUMENT_PROVIDED
    # The document takes the place of what was refused in this session.
    assert word(policy, received, declined=True) is HouseholdStatus.DOCUMENT_PROVIDED
    assert word(other, received, declined=True) is HouseholdStatus.DECLINED


def test_the_newest_of_several_counts() -> None:
    again = replace(CONTEST, reference="K7QM-2F4G")
    assert word(QUOTIENT, answered(CONTEST, State.SETTLED), again) is HouseholdStatus.CONTESTED
    assert word(QUOTIENT, CONTEST, answered(again, State.REJECTED)) is None


def test_the_gravest_word_on_several_data_counts() -> None:
    policy = a_caf_policy("household.family_quotient", "household.address")
    settled = answered(CONTEST, State.SETTLED)
    contest = replace(CONTEST, datum=Need.ADDRESS)
    assert word(policy, settled, contest) is HouseholdStatus.CONTESTED
    assert word(policy, settled, answered(contest, State.DOCUMENT_PROVIDED)) is HouseholdStatus.DOCUMENT_PROVIDED
    assert word(policy, settled, answered(contest, State.VERIFIED_BY_AGENT)) is HouseholdStatus.VERIFIED_BY_AGENT


def test_an_answer_ends_with_its_retention_and_an_open_dispute_does_not() -> None:
    settled = answered(CONTEST, State.SETTLED)
    later = NOW + YEAR_S
    assert standing(settled, now=later - 1).data == {Need.QUOTIENT: HouseholdStatus.SETTLED}
    assert standing(settled, now=later) == Standing()
    assert standing(CONTEST, now=NOW + 20 * YEAR_S).data == {Need.QUOTIENT: HouseholdStatus.CONTESTED}


def test_what_cannot_be_asked_withholds_every_household_value() -> None:
    unknown = Standing(known=False)
    assert stands_against("cantine", QUOTIENT.needs, unknown, declined=False) is HouseholdStatus.UNAVAILABLE
    assert is_withheld("cantine", FUND.needs, unknown)


def test_what_leaves_and_what_does_not() -> None:
    assert is_withheld("page", QUOTIENT.needs, standing(CONTEST))
    assert is_withheld("page", QUOTIENT.needs, Standing(), declined=True)
    assert not is_withheld("page", QUOTIENT.needs, standing(answered(CONTEST, State.SETTLED)))
    assert not is_withheld("page", QUOTIENT.needs, Standing())


def test_an_agent_may_answer_a_contest_once_but_for_a_document_that_is_still_to_be_read() -> None:
    assert State.REJECTED in CONTEST.outcomes
    received = answered(CONTEST, State.DOCUMENT_PROVIDED)
    assert State.SETTLED in received.outcomes
    assert State.DOCUMENT_PROVIDED not in received.outcomes
    assert answered(CONTEST, State.SETTLED).outcomes == ()


def test_nobody_rejects_or_settles_an_objection() -> None:
    assert OBJECTION.outcomes == (State.DOCUMENT_PROVIDED, State.VERIFIED_BY_AGENT)


def test_what_was_obtained_before_a_correction_is_no_longer_held() -> None:
    corrected = standing(answered(CONTEST, State.CORRECTED, at=101), now=200)
    before, after = a_record(QUOTIENT, at=100), a_record(QUOTIENT, at=101)
    address = a_record(ADDRESS, at=1)
    assert still_current((before, address, after), corrected) == (address, after)
    assert still_current((before,), standing(answered(CONTEST, State.SETTLED, at=100), now=200)) == (before,)


def test_a_correction_that_has_ended_asks_for_nothing_again() -> None:
    corrected = answered(CONTEST, State.CORRECTED, at=NOW - YEAR_S)
    assert standing(corrected) == Standing()


def test_a_dispute_shows_nobody_in_its_repr() -> None:
    shown = repr(replace(CONTEST, text="secret words", name="DUBOIS Angela", contact="0600000000"))
    assert "secret" not in shown
    assert "DUBOIS" not in shown
    assert "0600000000" not in shown


def _facts(policy: object, stands: Standing, status: HouseholdStatus = HouseholdStatus.VERIFIED) -> object:
    record: HouseholdRecord = a_record(policy, HOUSEHOLD, status)  # type: ignore[arg-type]
    return facts(household=(record,), scopes=policy.needs.claims, standing=stands)  # type: ignore[attr-defined]


def test_a_contested_datum_is_not_injected_and_its_status_is_when_the_policy_forwards() -> None:
    policy = a_caf_policy(
        "household.status",
        "household.family_quotient",
        rule=a_rule(when_missing={HouseholdStatus.CONTESTED: Missing.FORWARD}),
    )
    decision = decide(policy, _facts(policy, standing(CONTEST)))  # type: ignore[arg-type]
    assert [(item.fact, item.value) for item in decision.inject] == [("household.status", "contested")]  # type: ignore[union-attr]
    assert decision.status is HouseholdStatus.CONTESTED  # type: ignore[union-attr]


def test_a_settled_datum_is_injected_with_its_own_status() -> None:
    stands = standing(answered(CONTEST, State.SETTLED))
    values = {item.fact: item.value for item in injected(QUOTIENT, _facts(QUOTIENT, stands))}  # type: ignore[arg-type]
    assert values == {"household.status": "settled", "household.family_quotient": 648}


def test_a_settlement_gives_no_value_to_who_has_none() -> None:
    stands = standing(answered(CONTEST, State.SETTLED))
    plain = facts(
        household=(a_record(QUOTIENT, None, HouseholdStatus.MISMATCH),), scopes=QUOTIENT.needs.claims, standing=stands
    )
    assert decide(QUOTIENT, plain).status is HouseholdStatus.MISMATCH  # type: ignore[union-attr]


def test_nobody_is_sent_to_log_in_for_what_may_not_leave() -> None:
    plain = facts(scopes=QUOTIENT.needs.claims, standing=standing(CONTEST))
    assert decide(QUOTIENT, plain).status is HouseholdStatus.CONTESTED  # type: ignore[union-attr]
