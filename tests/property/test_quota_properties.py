"""Whatever people do, and in whatever order: windows hold, places are calls, and nobody passes in the line."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.adapters.sessions.places import MemoryLedger
from gateway.core.quota import Claim, Turn, Window, Wish, settle

PEOPLE = "people"
WINDOWS = (Window(PEOPLE, 2, 10), Window(PEOPLE, 3, 40), Window("all", 4, 10))
HOLD_S = 15.0

_wishes = st.sampled_from([Wish.HOLD, Wish.HOLD, Wish.USE, Wish.USE, Wish.STAY, Wish.LEAVE])
_steps = st.lists(st.tuples(st.integers(0, 12), st.sampled_from("abcdef"), _wishes), max_size=60)


class Office:
    """One quota and its clock."""

    def __init__(self) -> None:
        self.ledger = MemoryLedger()
        self.now = 1000.0

    def claim(self, wish: Wish, member: str, **changes: object) -> Turn:
        self.ledger.forget(self.now)
        plain: dict[str, object] = {"hold_s": HOLD_S, "keep_s": 30, "waiting_at_most": 4, "away_s": 5}
        return settle(self.ledger, self.now, Claim(wish, WINDOWS, member, PEOPLE, **(plain | changes)))  # type: ignore[arg-type]


@given(_steps)
def test_no_window_is_ever_overfull_and_who_holds_a_place_is_never_refused(steps: list[tuple[int, str, Wish]]) -> None:
    office, used, held = Office(), list[float](), dict[str, float]()
    for pause_s, member, wish in steps:
        office.now += pause_s
        turn = office.claim(wish, member)
        held = {who: end for who, end in held.items() if end > office.now}
        if wish is Wish.USE:
            assert turn.granted or member not in held
            used += [office.now] if turn.granted else []
            held.pop(member, None) if turn.granted else None
        elif wish is Wish.LEAVE:
            held.pop(member, None)
        elif turn.granted:
            held[member] = office.now + turn.until_s
            assert turn.until_s <= HOLD_S
    for _, most, period_s in WINDOWS:
        for begins in used:
            assert sum(begins <= each < begins + period_s for each in used) <= most


@given(_steps)
def test_the_line_is_passed_in_the_order_of_arrival(steps: list[tuple[int, str, Wish]]) -> None:
    office, order = Office(), list[str]()
    for pause_s, member, wish in steps:
        office.now += pause_s
        if wish is Wish.USE:
            continue
        turn = office.claim(wish, member, keep_s=1e9)
        if wish is Wish.LEAVE:
            order = [each for each in order if each != member]
        elif turn.granted:
            # Whoever is let in has at most as many before them as there are places.
            assert member not in order or order.index(member) < 3
            order = [each for each in order if each != member]
        elif turn.waits:
            order += [] if member in order else [member]
            assert turn.ahead == order.index(member)


@given(st.integers(0, 30))
def test_what_is_told_to_a_line_never_goes_down_along_it(several: int) -> None:
    office = Office()
    waits = [office.claim(Wish.HOLD, f"m{number}", waiting_at_most=99).wait_s for number in range(several)]
    assert waits == sorted(waits)


@given(st.lists(st.integers(0, 100), min_size=1, max_size=5))
def test_a_door_opens_when_the_last_word_of_the_provider_says_so(closings: list[int]) -> None:
    office = Office()
    for seconds in closings:
        office.claim(Wish.CLOSE, "", closed_s=seconds)
    assert office.claim(Wish.CLOSE, "").closed == (max(closings) > 0)
    refused = office.claim(Wish.USE, "a", patience_s=1e6)
    assert refused.granted == (max(closings) == 0)
    office.now += max(closings)
    assert office.claim(Wish.USE, "a").granted
