"""A source that is down is left alone, and asked again by one."""

from gateway.adapters.breaker import FAILURES, REST_S, Breaker


def _open(now: float = 0) -> Breaker:
    breaker = Breaker()
    for _ in range(FAILURES):
        assert breaker.admits(now)
        breaker.note(now, answered=False)
    return breaker


def test_it_takes_several_failures_in_a_row() -> None:
    assert not _open().admits(REST_S - 0.1)


def test_after_a_rest_one_call_is_the_probe_and_the_others_wait_for_its_outcome() -> None:
    breaker = _open()
    assert breaker.admits(REST_S)
    assert not breaker.admits(REST_S)
    breaker.note(REST_S + 1, answered=True)
    assert breaker.admits(REST_S + 1)


def test_a_probe_that_fails_begins_another_rest_and_one_that_is_lost_too() -> None:
    breaker = _open()
    assert breaker.admits(REST_S)
    breaker.note(REST_S + 5, answered=False)
    assert not breaker.admits(2 * REST_S)
    assert breaker.admits(2 * REST_S + 5)
    # Nobody says what became of that one.
    assert breaker.admits(3 * REST_S + 5)
