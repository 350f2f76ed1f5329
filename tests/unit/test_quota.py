"""The corners of a claim that no other test of the core reaches."""

from gateway.adapters.sessions.places import MemoryLedger
from gateway.core.quota import Claim, Turn, Window, Wish, settle

ONE = (Window("people", 1, 10),)


def _hold(ledger: MemoryLedger, member: str) -> Turn:
    return settle(ledger, 0, Claim(Wish.HOLD, ONE, member, "people", hold_s=5, keep_s=5, waiting_at_most=1, away_s=2))


def test_a_full_line_takes_nobody_and_tells_the_wait_all_the_same() -> None:
    ledger = MemoryLedger()
    assert _hold(ledger, "a").granted
    assert _hold(ledger, "b").waits
    assert _hold(ledger, "c") == Turn(granted=False, wait_s=24, ahead=1)
    assert not ledger.waits("people", "c")


def test_a_share_of_the_wait_is_added_to_what_a_turn_is_kept() -> None:
    ledger = MemoryLedger()
    assert _hold(ledger, "a").granted
    claim = Claim(Wish.HOLD, ONE, "b", "people", hold_s=5, keep_s=5, keep_share=0.5, waiting_at_most=1, away_s=2)
    assert settle(ledger, 0, claim) == Turn(granted=False, wait_s=12, waits=True, until_s=11)


def test_a_claim_without_windows_opens_at_once() -> None:
    assert settle(MemoryLedger(), 7, Claim(Wish.USE, ())) == Turn(granted=True)
