"""One line of the doctor's: how bad, a stable code, about what, and what to do."""

from dataclasses import asdict, dataclass
from enum import StrEnum


class Level(StrEnum):
    OK = "OK"
    WARN = "WARN"
    ERROR = "ERROR"


@dataclass(frozen=True, slots=True)
class Finding:
    level: Level
    code: str
    about: str
    """A name of the configuration, or an address without credentials."""
    said: str
    hint: str = ""

    def __str__(self) -> str:
        line = f"{self.level:5} {self.code}: {self.about}: {self.said}"
        return f"{line}\n      -> {self.hint}" if self.hint else line

    def as_json(self) -> dict[str, str]:
        return {key: str(value) for key, value in asdict(self).items()}


def good(code: str, about: str, said: str) -> Finding:
    return Finding(Level.OK, code, about, said)


def warned(code: str, about: str, said: str, hint: str) -> Finding:
    return Finding(Level.WARN, code, about, said, hint)


def wrong(code: str, about: str, said: str, hint: str) -> Finding:
    return Finding(Level.ERROR, code, about, said, hint)
