"""The normal forms of civil-status names and partial dates.

Two registers write one name in many ways: accents lost, ligatures opened, hyphens turned into spaces. A normal form
undoes what is spelling and keeps what is identity. Nothing here decides; `matching` does.
"""

import re
import unicodedata
from dataclasses import dataclass, field

from gateway.core.model import PartialDate, Person

_APOSTROPHES = "'\u2019\u02bc\u02bb\u0060\u00b4\u2032"
_HYPHENS = "-\u2010\u2011\u2012\u2013\u2014"
# Before NFKC: U+00B4 decomposes into a space and a combining accent.
_UNIFIED = str.maketrans(dict.fromkeys(_APOSTROPHES, "'") | dict.fromkeys(_HYPHENS, "-"))
_FOLDS = str.maketrans(
    {"œ": "OE", "Œ": "OE", "æ": "AE", "Æ": "AE", "ł": "L", "Ł": "L", "ø": "O", "Ø": "O", "đ": "D", "Đ": "D",
     "ð": "D", "Ð": "D", "þ": "TH", "Þ": "TH", "ß": "SS", "ẞ": "SS", "ı": "I"}
)  # fmt: skip

_PLACEHOLDERS = frozenset({"SNP", "INCONNU", "INCONNUE", "SP", "SNC", "SANSPRENOM", "SANSNOM", "SEDISANT", "NC"})
_PLACEHOLDER_X = re.compile(r"X+")

_ISO = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_DAY_FIRST = re.compile(r"([0-9]{2})([0-9]{2})([0-9]{4})")


@dataclass(frozen=True, slots=True)
class Name:
    """One name in normal form: capitals A to Z in words, and what is odd about it."""

    words: tuple[str, ...] = field(repr=False)
    units: tuple[tuple[str, ...], ...] = field(repr=False)
    """The words, grouped as they were written: a hyphen keeps `ANNE-LAURE` together, a space does not."""
    fault: str = ""
    """`control`, `digit` or `mixed_script`: no civil-status name has one."""
    foreign: bool = False
    """Letters of a script other than Latin."""

    @property
    def solid(self) -> str:
        return "".join(self.words)

    @property
    def written(self) -> str:
        return " ".join(self.words)

    @property
    def is_placeholder(self) -> bool:
        return self.solid in _PLACEHOLDERS or bool(_PLACEHOLDER_X.fullmatch(self.solid))


def normalise(*texts: str | None) -> Name:
    """Read one name, or several given names, each of which keeps its own words together."""
    units: list[tuple[str, ...]] = []
    fault, foreign = "", False
    for text in texts:
        folded = _fold(text or "")
        fault = fault or _fault(text or "", folded)
        foreign = foreign or any(_script(letter) != "LATIN" for letter in folded if letter.isalpha())
        units += [tuple(_words(unit)) for unit in _units(folded)]
    kept = tuple(unit for unit in units if unit)
    return Name(tuple(word for unit in kept for word in unit), kept, fault, foreign)


def together(*texts: str) -> Name:
    """Given names whose boundaries are known (`given_name_array`): each entry is one unit, spaces included."""
    names = [normalise(text) for text in texts]
    units = tuple(name.words for name in names if name.words)
    fault = next((name.fault for name in names if name.fault), "")
    return Name(tuple(w for unit in units for w in unit), units, fault, any(name.foreign for name in names))


def _fold(text: str) -> str:
    text = unicodedata.normalize("NFKC", text.translate(_UNIFIED))
    text = "".join(character for character in text if unicodedata.category(character) != "Cf").translate(_FOLDS)
    text = "".join(
        character for character in unicodedata.normalize("NFD", text) if not unicodedata.combining(character)
    )
    # Never lower() first: İ would become two characters. Again after upper(): it may bring back what was folded.
    return text.upper().translate(_FOLDS)


def _fault(text: str, folded: str) -> str:
    if any(unicodedata.category(character) == "Cc" for character in text):
        return "control"
    if any(character.isnumeric() for character in folded):
        return "digit"
    for word in _words(folded):
        if len({_script(letter) for letter in word}) > 1:
            return "mixed_script"
    return ""


def _script(letter: str) -> str:
    return unicodedata.name(letter, "UNKNOWN").partition(" ")[0]


def _units(folded: str) -> list[str]:
    return re.split(r"[\s,]+", folded)


def _words(folded: str) -> list[str]:
    spaced = "".join(character if character.isalpha() else " " for character in folded)
    return spaced.split()


def parse_partial_date(text: str | None) -> PartialDate | None:
    """`1984-02-17`, `1984-00-00`, `17021984`; None when nothing is known. ValueError for any other form."""
    if text is None or not text.strip():
        return None
    found = _ISO.fullmatch(text.strip())
    if found:
        year, month, day = (int(part) for part in found.groups())
    else:
        found = _DAY_FIRST.fullmatch(text.strip())
        if found is None:
            raise ValueError("not a civil date")
        day, month, year = (int(part) for part in found.groups())
    if year == 0:
        return None
    if month > 12 or day > 31:
        raise ValueError("not a civil date")
    return PartialDate(year, month or None, day or None if month else None)


def civil_person(
    *, birth_name: str | None, usage_name: str | None, given_names: str | None, birthdate: str | None
) -> Person:
    """A person as v2 and v3 write it; blank is None."""
    return Person(
        birth_name=_text(birth_name),
        usage_name=_text(usage_name),
        given_names=tuple((given_names or "").split()),
        birthdate=parse_partial_date(birthdate),
    )


def person_from_full_name(full_name: str, birthdate: str | None) -> Person:
    """A person of the oldest payloads: one string, in an order that nobody promises."""
    return Person(full_name=_text(full_name), birthdate=parse_partial_date(birthdate))


def _text(value: str | None) -> str | None:
    return value if value and value.strip() else None
