"""How long an answer is kept: the few forms of `retention` that are enforced, and what a session then holds."""

from dataclasses import replace

import pytest

from gateway.core.household import Enquiry, lasting, record_ends, settle
from gateway.core.model import Absent, HouseholdStatus
from gateway.core.retention import looks_like_a_duration, seconds_kept
from tests.builders import a_caf_policy, a_record, a_rule

POLICY = a_caf_policy("household.family_quotient")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30 minutes", 1800),
        ("1 minute", 60),
        ("2 heures", 7200),
        ("1 heure", 3600),
        ("1 hour", 3600),
        ("1 jour", 86_400),
        ("2 days", 172_800),
        ("PT30M", 1800),
        ("PT2H", 7200),
        ("PT1H30M", 5400),
        ("P1D", 86_400),
        ("P1DT2H", 93_600),
    ],
)
def test_a_duration_is_enforced(text: str, seconds: int) -> None:
    assert seconds_kept(text) == seconds


@pytest.mark.parametrize(
    "text",
    ["session", "année scolaire", None, "", "0 minutes", "-5 minutes", "1.5 heures", "30 minutes ou moins", "trente minutes",
     "30  minutes", "P", "PT", "P0D", "PT0M", "P1Y", "P1M", "PT30S", "p1d", "30 minutes\n", "999999 jours"],
)  # fmt: skip
def test_any_other_text_is_for_the_register_and_lasts_as_long_as_the_session(text: str | None) -> None:
    assert seconds_kept(text) is None


def test_an_answer_lasts_as_long_as_the_policy_that_asked_and_the_one_that_looks_both_allow() -> None:
    record = a_record(POLICY, at=100)
    assert record_ends(record, None) is None
    assert record_ends(record, 60) == 160
    asked_for_an_hour = replace(record, kept_until=3700)
    assert record_ends(asked_for_an_hour, None) == 3700
    assert record_ends(asked_for_an_hour, 60) == 160
    assert record_ends(asked_for_an_hour, 7200) == 3700


def test_what_is_over_is_over_at_its_very_second_and_nothing_before() -> None:
    records = (a_record(POLICY, at=100), a_record(POLICY, at=130))
    assert lasting(records, 60, 159) == records
    assert lasting(records, 60, 160) == records[1:]
    assert lasting(records, None, 10**9) == records


def test_a_settled_answer_has_no_end_of_its_own_before_its_policy_gives_it_one() -> None:
    enquiry = Enquiry(a_rule(), POLICY.needs.blocks, POLICY.needs.fields)
    assert settle(Absent(HouseholdStatus.NOT_FOUND, "x"), enquiry, identity=None, now=1).kept_until is None


@pytest.mark.parametrize(
    "text", ["30 minuts", "30 min", "2h", "1 Jour", "15 mn", "PT30", "PT30m", "0 minutes", "10 secondes"]
)
def test_what_may_have_been_meant_as_a_duration_is_told(text: str) -> None:
    assert seconds_kept(text) is None
    assert looks_like_a_duration(text)


@pytest.mark.parametrize(
    "text", ["", "session", "année scolaire", "5 ans", "30 minutes", "PT30M", "12 mois", "jusqu’à 3 h"]
)
def test_any_other_text_is_for_the_register(text: str) -> None:
    assert not looks_like_a_duration(text)
