"""The simulated day of `bench/`, small: nobody is banned, nobody gets a wrong status, everybody is served or told when."""

import asyncio
from collections import Counter

import pytest
import uvloop

from bench.day.addresses import address
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


@pytest.mark.parametrize(("proxies", "refused"), [("[127.0.0.1/32]", 0), ("[]", 57)])
def test_people_have_addresses_of_their_own_and_the_day_would_show_a_share_that_refuses_them(
    monkeypatch: pytest.MonkeyPatch, proxies: str, refused: int
) -> None:
    """Three logins for one address and nothing beyond: enough for each, and for nobody when all have the proxy's."""
    monkeypatch.setattr("gateway.assembly.LOGIN_SHARE", 3)
    monkeypatch.setattr("gateway.assembly.LOGINS_FREE", 0)
    assert max(Counter(address(number) for number in range(60)).values()) == 3
    result = _run("identity", 60, peak_s=0.5, proxies=proxies)
    turned_away = [each for each in result.faults if "no way to FranceConnect: 429" in each]
    assert (len(turned_away), len(result.faults)) == (refused, refused)


def test_a_large_city_has_homes_that_share_nothing_phones_that_share_and_counters_behind_one_address() -> None:
    by_address = Counter(address(number) for number in range(20_000))
    (_, counters), (_, phone) = by_address.most_common(2)
    assert 900 < counters < 1100
    assert 100 < phone < 160
    assert 11_000 < sum(count == 1 for count in by_address.values()) < 13_000
    networks = {each.rpartition("::")[0] for each in by_address if ":" in each}
    assert len(networks) == sum(":" in each for each in by_address) > 5_000
