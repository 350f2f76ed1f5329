"""Is the person who signed in one of the adults of this file? Three values, explained by codes, never by values.

A false acceptance hands somebody's household to somebody else; a false refusal makes a family pay the top tariff. So
only equality accepts, whatever is near goes to a human, and a birth date that contradicts decides against any name.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from gateway.core.model import Identity, MatchOutcome, MatchResult, PartialDate, Person
from gateway.core.names import Name, normalise, together
from gateway.core.similarity import is_near

TRUNCATIONS = frozenset({20, 25, 30})
"""Lengths at which old files cut a name."""

_PARTICLES = frozenset(
    [
        "DE",
        "DU",
        "DES",
        "D",
        "LE",
        "LA",
        "LES",
        "L",
        "DEL",
        "DELLA",
        "DI",
        "DA",
        "DOS",
        "VAN",
        "VON",
        "DER",
        "DEN",
        "EL",
        "AL",
        "BEN",
        "IBN",
        "AIT",
        "ABD",
        "BIN",
    ]
)
_MARRIED = frozenset({"EPOUSE", "EP", "EPX", "VEUVE", "VVE", "VEUF"})
_BORN = frozenset({"NEE", "NE"})
_ABBREVIATED = {"ST": "SAINT", "STE": "SAINTE"}
_GENDERED = (
    ("", "E"), ("", "LE"), ("", "NE"), ("", "TE"), ("", "SE"), ("", "TTE"), ("", "IE"), ("", "A"), ("", "INE"),
    ("E", "A"), ("O", "A"), ("C", "QUE"), ("IS", "IA"), ("S", "A"), ("F", "VE"), ("E", "INE"), ("E", "ETTE"),
    ("IEN", "IANE"),
)  # fmt: skip
_ICAO = (("OE", "O"), ("AE", "A"), ("UE", "U"), ("AA", "A"), ("SS", "S"))


class Level(IntEnum):
    """Ordered: of several, the lowest decides."""

    MISMATCH = 0
    REVIEW = 1
    EQUAL = 2


@dataclass(frozen=True, slots=True)
class Finding:
    level: Level
    reason: str


STRONG = frozenset({"birthdate.equal", "birthdate.presumed"})

_OUTCOMES = {
    Level.EQUAL: MatchOutcome.MATCH,
    Level.REVIEW: MatchOutcome.REVIEW,
    Level.MISMATCH: MatchOutcome.MISMATCH,
}


def match(identity: Identity, adults: Sequence[Person]) -> MatchResult:
    """Try every adult and never a child; accept when exactly one is the person."""
    if not adults:
        return MatchResult(MatchOutcome.MISMATCH, None, ("adults.none",))
    findings = [_compare(identity, adult) for adult in adults]
    levels = [min(finding.level for finding in each) for each in findings]
    best = max(levels)
    first = levels.index(best)
    reasons = tuple(finding.reason for finding in findings[first])
    if best is Level.EQUAL and levels.count(Level.EQUAL) > 1:
        return MatchResult(MatchOutcome.REVIEW, None, ("adults.two_accepted",))
    return MatchResult(_OUTCOMES[best], first if best is Level.EQUAL else None, reasons)


def _compare(identity: Identity, adult: Person) -> tuple[Finding, ...]:
    date = compare_dates(identity.birthdate, adult.birthdate)
    surname, given = normalise(identity.birth_name), together(*identity.given_names)
    if adult.full_name is not None:
        return _compare_full_name(surname, given, adult.full_name, date)
    theirs = normalise(adult.birth_name)
    names = _surname_or_usage(identity, adult, _compare_surnames(surname, theirs, date))
    return names, compare_given_names(given, normalise(*adult.given_names), date), date


def _compare_full_name(surname: Name, given: Name, full_name: str, date: Finding) -> tuple[Finding, ...]:
    """Both orders, every split; the date must corroborate, since the split is ours."""
    whole = normalise(full_name)
    if whole.fault or len(whole.words) < 2:
        return (Finding(Level.MISMATCH, f"full_name.{whole.fault or 'incomplete'}"), date)
    tried = []
    for cut in range(1, len(whole.units)):
        head, tail = _part(whole, 0, cut), _part(whole, cut, len(whole.units))
        for theirs_surname, theirs_given in ((head, tail), (tail, head)):
            found = (
                _compare_surnames(surname, theirs_surname, date),
                compare_given_names(given, theirs_given, date),
                date,
            )
            tried.append(found)
    if not tried:
        return (Finding(Level.MISMATCH, "full_name.incomplete"), date)
    best = max(tried, key=lambda found: (min(each.level for each in found), sum(each.level for each in found)))
    if date.reason not in STRONG:
        return (*best, Finding(Level.REVIEW, "full_name.uncorroborated"))
    return best


def _part(name: Name, start: int, end: int) -> Name:
    units = name.units[start:end]
    return Name(tuple(word for unit in units for word in unit), units, name.fault, name.foreign)


def compare_dates(ours: PartialDate | None, theirs: PartialDate | None) -> Finding:
    """Presumed parts are `01` at FranceConnect and `00` at CAF: they are one date."""
    if ours is None or theirs is None:
        return Finding(Level.REVIEW, "birthdate.none")
    if ours == theirs:
        return Finding(Level.EQUAL, "birthdate.equal")
    if ours.year != theirs.year:
        return Finding(Level.MISMATCH, "birthdate.conflict")
    pairs = ((ours.month, theirs.month), (ours.day, theirs.day))
    if any(a is not None and b is not None and a != b for a, b in pairs):
        swapped = (ours.month, ours.day) == (theirs.day, theirs.month)
        return Finding(Level.REVIEW, "birthdate.swapped") if swapped else Finding(Level.MISMATCH, "birthdate.conflict")
    presumed = all(a == b or {a, b} == {None, 1} for a, b in pairs)
    return Finding(Level.EQUAL, "birthdate.presumed" if presumed else "birthdate.weak")


def _unfit(ours: Name, theirs: Name, field: str) -> Finding | None:
    """What no comparison can repair, and what only a human can read."""
    fault = ours.fault or theirs.fault
    if fault:
        return Finding(Level.MISMATCH, f"{field}.{fault}")
    if not ours.words or not theirs.words:
        return Finding(Level.MISMATCH, f"{field}.empty")
    if ours.is_placeholder or theirs.is_placeholder:
        return Finding(Level.REVIEW, f"{field}.placeholder")
    if ours.foreign or theirs.foreign:
        return Finding(Level.REVIEW, f"{field}.other_script")
    return None


def _compare_surnames(ours: Name, theirs: Name, date: Finding) -> Finding:
    if (unfit := _unfit(ours, theirs, "surname")) is not None:
        return unfit
    mine, yours = _birth_words(ours.words), _birth_words(theirs.words)
    if "".join(mine) == "".join(yours):
        return Finding(Level.EQUAL, "surname.equal")
    if _is_cut(" ".join(mine), " ".join(yours)):
        return Finding(Level.EQUAL if date.reason in STRONG else Level.REVIEW, "surname.truncated")
    for reason, holds in _NEARLY:
        if holds(mine, yours):
            return Finding(Level.REVIEW, f"surname.{reason}")
    return Finding(Level.MISMATCH, "surname.different")


def _birth_words(words: tuple[str, ...]) -> tuple[str, ...]:
    """`DUPONT EPOUSE MARTIN` and `MARTIN NEE DUPONT` are both born DUPONT."""
    for place, word in enumerate(words[1:-1], start=1):
        if word in _MARRIED:
            return words[:place]
        if word in _BORN:
            return words[place + 1 :]
    return words


def _is_cut(mine: str, yours: str) -> bool:
    shorter, longer = sorted((mine, yours), key=len)
    return len(shorter) in TRUNCATIONS and longer.startswith(shorter) and longer[len(shorter)] != " "


def _is_half(mine: tuple[str, ...], yours: tuple[str, ...]) -> bool:
    shorter, longer = sorted((mine, yours), key=len)
    starts = range(len(longer) - len(shorter) + 1)
    return len(shorter) < len(longer) and any(longer[start : start + len(shorter)] == shorter for start in starts)


def _without_particles(words: tuple[str, ...]) -> str:
    return "".join(word for word in words if word not in _PARTICLES)


def _spelled_out(words: tuple[str, ...]) -> str:
    return "".join(_ABBREVIATED.get(word, word) for word in words)


def _as_stripped(words: tuple[str, ...]) -> str:
    """Passport transliteration undone the French way: MUELLER and MULLER."""
    text = "".join(words)
    for opened, stripped in _ICAO:
        text = text.replace(opened, stripped)
    return text


_NEARLY = (
    ("particle", lambda a, b: _without_particles(a) == _without_particles(b) != ""),
    ("abbreviation", lambda a, b: _spelled_out(a) == _spelled_out(b)),
    ("other_order", lambda a, b: sorted(a) == sorted(b)),
    ("half", _is_half),
    ("transliteration", lambda a, b: _as_stripped(a) == _as_stripped(b)),
    ("similar", lambda a, b: is_near("".join(a), "".join(b))),
)


def _surname_or_usage(identity: Identity, adult: Person, surname: Finding) -> Finding:
    """A usage name equal to the other's birth name raises a mismatch to a doubt, and nothing further."""
    if surname.reason != "surname.different":
        return surname
    pairs = ((identity.usage_name, adult.birth_name), (identity.birth_name, adult.usage_name))
    if any(_same(ours, theirs) for ours, theirs in pairs):
        return Finding(Level.REVIEW, "surname.usage")
    return surname


def _same(ours: str | None, theirs: str | None) -> bool:
    mine, yours = normalise(ours), normalise(theirs)
    return not mine.fault and not yours.fault and mine.solid == yours.solid


def compare_given_names(ours: Name, theirs: Name, date: Finding) -> Finding:
    if (unfit := _unfit(ours, theirs, "given_names")) is not None:
        return unfit
    if ours.solid == theirs.solid:
        return Finding(Level.EQUAL, "given_names.equal")
    if _is_prefix(ours, theirs) or _is_prefix(theirs, ours):
        return Finding(Level.EQUAL if date.reason in STRONG else Level.REVIEW, "given_names.prefix")
    if _is_gendered(ours.words, theirs.words):
        return Finding(Level.MISMATCH, "given_names.different")
    for reason, holds in _NEARLY_GIVEN:
        if holds(ours.words, theirs.words):
            return Finding(Level.REVIEW, f"given_names.{reason}")
    return Finding(Level.MISMATCH, "given_names.different")


def _is_prefix(longer: Name, shorter: Name) -> bool:
    """All the words of the shorter list, ended where a given name of the longer one ends."""
    count = len(shorter.words)
    if longer.words[:count] != shorter.words:
        return False
    ends, end = set(), 0
    for unit in longer.units:
        end += len(unit)
        ends.add(end)
    return count in ends


def _is_gendered(mine: tuple[str, ...], yours: tuple[str, ...]) -> bool:
    pairs = [(a, b) for a, b in zip(mine, yours, strict=False) if a != b]
    return any(_gendered_pair(a, b) or _gendered_pair(b, a) for a, b in pairs)


def _gendered_pair(one: str, other: str) -> bool:
    return any(one.endswith(m) and other == one[: len(one) - len(m)] + f for m, f in _GENDERED)


def _is_initial(mine: tuple[str, ...], yours: tuple[str, ...]) -> bool:
    pairs = list(zip(mine, yours, strict=False))
    return all(a == b or (1 in (len(a), len(b)) and a[0] == b[0]) for a, b in pairs)


def _near_as_far(mine: tuple[str, ...], yours: tuple[str, ...]) -> bool:
    count = min(len(mine), len(yours))
    return is_near("".join(mine[:count]), "".join(yours[:count])) or is_near("".join(mine), "".join(yours))


_NEARLY_GIVEN = (
    ("other_order", lambda a, b: sorted(a) == sorted(b)),
    ("some", lambda a, b: set(a) <= set(b) or set(b) <= set(a)),
    ("initial", _is_initial),
    ("similar", _near_as_far),
)
