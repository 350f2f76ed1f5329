"""What a value of a fixture may be, fact by fact: what the gateway itself could have read, and nothing else."""

import re
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, date, datetime
from typing import Any, NamedTuple, TypeVar

from gateway.config.shapes import suggestion
from gateway.config.yaml_source import Path_, Source
from gateway.core.model import Acr, HouseholdStatus, PartialDate
from gateway.core.names import parse_partial_date

Value = TypeVar("Value")


class Kind(NamedTuple):
    """`read` raises ValueError for what is none."""

    read: Callable[[Any], Any]
    what: str
    example: str


class Reader:
    """One mapping of a fixture. What is wrong is said in the file, at its own line, and reads as not known."""

    def __init__(self, source: Source, place: Path_, name: str, raw: object) -> None:
        self._source = source
        self._place = place
        self._name = name
        if raw is not None and not isinstance(raw, Mapping):
            self.wrong((), "must be a mapping", "write {family_quotient: 648}")
        self.raw: Mapping[str, Any] = raw if isinstance(raw, Mapping) else {}

    def wrong(self, key: Path_, message: str, hint: str) -> None:
        name = ".".join(str(part + 1) if isinstance(part, int) else part for part in (self._name, *key) if part != "")
        self._source.say((*self._place, *key), f"`{name}` {message}", hint)

    def keys(self, known: Collection[str], what: str) -> None:
        for key in self.raw:
            if key not in known:
                self.wrong((key,), f"is not {what}", suggestion(key, sorted(known)))

    def read(self, key: str, kind: Kind) -> Any:
        """None where it is not written, or null."""
        return self._read((key,), self.raw.get(key), kind)

    def many(self, key: str, kind: Kind) -> list[Any] | None:
        return self._each(key, lambda index, value: self._read((key, index), value, kind))

    def parts(self, key: str) -> list["Reader"] | None:
        """A list of mappings."""
        return self._each(
            key,
            lambda index, value: Reader(
                self._source, (*self._place, key, index), f"{self._name}.{key}.{index + 1}", value
            ),
        )

    def part(self, key: str) -> "Reader":
        return Reader(self._source, (*self._place, key), f"{self._name}.{key}".lstrip("."), self.raw.get(key))

    def _each(self, key: str, read: Callable[[int, Any], Value]) -> list[Value] | None:
        written = self.raw.get(key)
        if written is not None and not isinstance(written, list):
            self.wrong((key,), "must be a list", "write [4, 9] for ages, [{birth_name: DUBOIS}] for people")
        return [read(index, value) for index, value in enumerate(written)] if isinstance(written, list) else None

    def _read(self, key: Path_, value: object, kind: Kind) -> Any:
        if value is None:
            return None
        try:
            return kind.read(value)
        except ValueError:
            self.wrong(key, f"must be {kind.what}", f"write {kind.example}")
            return None


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("not a text")
    return value


def _words(value: object) -> tuple[str, ...]:
    return tuple(map(_text, value)) if isinstance(value, list) else tuple(_text(value).split())


def _number(at_most: int) -> Callable[[object], int]:
    def read(value: object) -> int:
        if type(value) is not int or not 0 <= value <= at_most:
            raise ValueError("not such a number")
        return value

    return read


def _matching(pattern: str) -> Callable[[object], str]:
    def read(value: object) -> str:
        if not re.fullmatch(pattern, text := _text(value)):
            raise ValueError("another form")
        return text

    return read


def _civil_date(value: object) -> PartialDate | None:
    return parse_partial_date(value.isoformat() if type(value) is date else _text(value))


def _moment(value: object) -> int:
    """Unix seconds; without an offset, UTC, as YAML has it."""
    if type(value) is int and value > 0:
        return value
    if not isinstance(value, date):
        value = datetime.fromisoformat(_text(value))
    if not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day, tzinfo=UTC)
    return int((value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp())


def _acr(value: object) -> Acr:
    for acr in Acr:
        if value == str(acr):
            return acr
    raise ValueError("no level")


TEXT = Kind(_text, "text, between quotes if it looks like a number", '"75107"')
WORDS = Kind(_words, "text, or a list of texts", "[Angela, Claire]")
COUNT = Kind(_number(10_000_000), "a whole number, 0 or more", "648")
AGE = Kind(_number(150), "an age in whole years", "34")
CHILDREN = Kind(_number(50), "a number of children", "2")
YEAR = Kind(_number(9999), "a year", "2024")
MONTH = Kind(_matching(r"[0-9]{4}-(0[1-9]|1[0-2])"), "a month", "2026-05")
FUND = Kind(_matching("cnaf|msa"), "the fund that answered", "cnaf, or msa")
DATE = Kind(_civil_date, "a civil date, its unknown parts 00", "1962-08-24")
MOMENT = Kind(_moment, "a moment", "2026-11-26T09:30:00Z, or Unix seconds")
ACR = Kind(_acr, "a level", "eidas1, eidas2 or eidas3")
STATUS = Kind(HouseholdStatus, "a status of the closed list", ", ".join(HouseholdStatus))
