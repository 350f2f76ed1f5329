"""The simulated day of `bench/`, small: nobody is banned, nobody gets a wrong status, everybody is served or told when."""

import asyncio

import pytest
import uvloop

from bench.day.report import Figures
from bench.day.run import day


def _run(mode: str, people: int, **options: object) -> Figures:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(day(mode, people, store="memory", **options))  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def _quiet(capsys: pytest.CaptureFixture[str]) -> None:
    """Its progress is for who runs it by hand."""


def test_a_rush_in_franceconnect_mode_is_served_in_turn_or_told_when() -> None:
    result = _run("franceconnect", 150, peak_s=120)
    assert result.faults == ()
    assert (result.refused, result.bans) == (0, 0)
    assert result.most_in_a_minute <= 30
    assert result.calls == result.statuses["verified"] > 60
    assert sum(result.outcomes.values()) == 150
    # It was a rush: most had to wait, and were told for how long.
    assert result.longest_line > 50
    assert abs(result.told_error_min["median"]) < 2


def test_a_rush_in_identity_mode_is_served_within_the_second_or_the_next_ones() -> None:
    result = _run("identity", 60, peak_s=0.5)
    assert result.faults == ()
    assert (result.refused, result.bans) == (0, 0)
    assert result.calls == result.statuses["verified"] == result.outcomes["served"] > 40


def test_the_day_would_show_a_quota_that_is_not_kept() -> None:
    result = _run("franceconnect", 60, peak_s=30, quotas="{franceconnect_per_minute: 1000}")
    assert result.refused > 0
    assert result.faults != ()
