"""What must hold for any names at all."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from gateway.core.matching import match
from gateway.core.model import Acr, Identity, MatchOutcome, PartialDate, Person
from gateway.core.names import normalise

LETTERS = st.text(alphabet="abcdeéèêëîïôöûüçœæ", min_size=1, max_size=12)
NAMES = st.lists(LETTERS, min_size=1, max_size=3).map("-".join)
DATES = st.builds(PartialDate, st.integers(1930, 2008), st.integers(1, 12), st.integers(1, 28))
ANY_TEXT = st.text(max_size=40)


def _identity(name: str, given_names: tuple[str, ...], born: PartialDate | None) -> Identity:
    return Identity("franceconnect", "s", Acr.EIDAS1, 0, name, None, given_names, born)


@given(NAMES, st.lists(NAMES, min_size=1, max_size=3), DATES)
def test_one_who_is_written_as_files_write_is_the_same_person(
    name: str, given_names: list[str], born: PartialDate
) -> None:
    def as_a_file(text: str) -> str:
        opened = text.replace("œ", "oe").replace("æ", "ae").replace("-", " ")
        return unicodedata.normalize("NFD", opened).encode("ascii", "ignore").decode().upper()

    identity = _identity(name, tuple(given_names), born)
    person = Person(as_a_file(name), None, tuple(as_a_file(" ".join(given_names)).split()), born)
    placeholders = [normalise(name), normalise(*given_names)]
    if not any(each.is_placeholder for each in placeholders):
        assert match(identity, [person]).outcome is MatchOutcome.MATCH


@given(NAMES, NAMES, DATES, DATES)
def test_two_known_years_that_differ_are_never_one_person(
    name: str, given_name: str, one: PartialDate, other: PartialDate
) -> None:
    person = Person(name, None, (given_name,), other)
    outcome = match(_identity(name, (given_name,), one), [person]).outcome
    assert one.year == other.year or outcome is MatchOutcome.MISMATCH


@given(NAMES, NAMES, NAMES, DATES)
def test_two_surnames_are_never_accepted_unless_one_is_cut(
    one: str, other: str, given_name: str, born: PartialDate
) -> None:
    result = match(_identity(one, (given_name,), born), [Person(other, None, (given_name,), born)])
    mine, yours = normalise(one), normalise(other)
    if mine.solid != yours.solid and not {len(mine.written), len(yours.written)} & {20, 25, 30}:
        assert result.outcome is not MatchOutcome.MATCH


@given(ANY_TEXT, st.lists(ANY_TEXT, max_size=3), ANY_TEXT, st.lists(ANY_TEXT, max_size=3), st.none() | DATES)
def test_any_text_at_all_has_an_outcome(
    name: str, given_names: list[str], other: str, others: list[str], born: PartialDate | None
) -> None:
    people = [Person(other, other, tuple(others), born), Person(full_name=other, birthdate=born)]
    result = match(_identity(name, tuple(given_names), born), people)
    assert result.reasons
    assert (result.adult is not None) == (result.outcome is MatchOutcome.MATCH)


@given(st.permutations([0, 1, 2]))
def test_the_order_of_the_adults_changes_the_index_only(order: list[int]) -> None:
    born = PartialDate(1962, 8, 24)
    adults = [Person(name, None, ("ANGELA",), born) for name in ("DUBOIS", "MARTIN", "DURAND")]
    result = match(_identity("Dubois", ("Angela",), born), [adults[place] for place in order])
    assert (result.outcome, result.adult) == (MatchOutcome.MATCH, order.index(0))


@given(ANY_TEXT)
def test_nothing_is_never_somebody(text: str) -> None:
    identity = _identity("", (), PartialDate(1962, 8, 24))
    person = Person("", "", (), PartialDate(1962, 8, 24))
    assert (
        match(identity, [person, Person(text, None, (text,), PartialDate(1962, 8, 24))]).outcome
        is MatchOutcome.MISMATCH
    )
