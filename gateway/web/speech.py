"""French sentences → what a person reads, in their language and in the authority's own words."""

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from markupsafe import Markup, escape

from gateway.core.rules import Text
from gateway.web.texts import MONTHS

Catalogue = Mapping[str, str]
"""French sentence of ours → the one to show."""

_PARIS = ZoneInfo("Europe/Paris")
_THIN = re.compile(r" (?=[;?!])")
_WIDE = re.compile(r" (?=[:»€]|%(?!\())|(?<=[«°]) |(?<=\b[LR]\.) (?=[0-9])")
_STRAIGHT = re.compile(r"(?<=[^\W\d_])'(?=[^\W\d_])")
_DAY = re.compile(r"\b(?:([0-9]{2})/([0-9]{2})/([0-9]{4})|([0-9]{4})-([0-9]{2})-([0-9]{2}))\b")
_AMOUNT = re.compile(r"([0-9]+)(?:[.,]([0-9]+))?")
_FORMATTED = re.compile(r"%[(%]")


class Speech:
    """One language: what templates call `_`, `told`, `month` and `day`."""

    def __init__(self, language: str, catalogue: Catalogue) -> None:
        self.language = language
        self._catalogue = catalogue

    def say(self, sentence: str, **values: Any) -> str:
        """The sentence, with its `%(name)s` replaced; Markup only when a value is, and then the rest is escaped."""
        text = self._spaced(self._found(sentence) or sentence)
        if any(isinstance(value, Markup) for value in values.values()):
            return escape(text) % values
        return text % values if values or _FORMATTED.search(text) else text

    def say_several(self, one: str, several: str, number: int, **values: Any) -> str:
        """French counts 0 as one, English does not."""
        single = number < 2 if self.language == "fr" else number == 1
        return self.say(one if single else several, **{"num": number, **values})

    def told(self, text: str | Text) -> str | Markup:
        """What somebody wrote: a sentence of ours, or of a policy; marked as French where that is all there is."""
        if isinstance(text, Text):
            written = text.fr if self.language == "fr" else text.en or ""
            return self._spaced(written) or self._french(text.fr)
        found = self._found(text)
        if found is not None or self.language == "fr" or not text:
            return self._spaced(found or text)
        return self._french(text)

    def listed(self, labels: Sequence[str]) -> str:
        """«a, b et c», each a sentence of ours."""
        said = [self.say(label) for label in labels]
        if len(said) < 2:
            return "".join(said)
        return f"{', '.join(said[:-1])} {self.say('et')} {said[-1]}"

    def month(self, iso: str) -> str:
        """`2026-05` → «mai 2026»."""
        year, number = iso.split("-")
        return f"{self.say(MONTHS[int(number) - 1])} {year}"

    def amount(self, number: str) -> str:
        """`1234.5` → «1 234,5» with a narrow space that does not break, or `1,234.5`. For pages, never for headers."""
        found = _AMOUNT.match(number)
        if found is None:
            return number
        grouped, rest = f"{int(found[1]):,}", number[found.end() :]
        fraction = found[2] or ""
        if self.language == "fr":
            return grouped.replace(",", "\u202f") + (f",{fraction}" if fraction else "") + rest.replace(" %", "\u00a0%")
        return grouped + (f".{fraction}" if fraction else "") + rest.replace(" %", "%")

    def moment(self, then: datetime, today: date) -> str:
        """`15 h 40` or `15:40`; with its day when that is another one."""
        time = f"{then.hour} h {then.minute:02d}" if self.language == "fr" else f"{then:%H:%M}"
        return time if then.date() == today else f"{time}, {then.day} {self.say(MONTHS[then.month - 1])}"

    def at(self, unix_s: float, now: float) -> str:
        """That moment in Paris, as it is said now."""
        return self.moment(datetime.fromtimestamp(unix_s, _PARIS), datetime.fromtimestamp(now, _PARIS).date())

    def day(self, unix_s: int) -> str:
        """`24 novembre 2026`, in Paris."""
        return self.date(datetime.fromtimestamp(unix_s, _PARIS))

    def date(self, on: date) -> str:
        first = "1er" if on.day == 1 and self.language == "fr" else str(on.day)
        return f"{first} {self.say(MONTHS[on.month - 1])} {on.year}"

    def dated(self, text: str) -> str:
        """Dates of numbers → in words: `26/11/2026` or `2026-11-26` → «26 novembre 2026»; one that is not whole stays.

        A number and a date written by others (`2026-06-14 n° 37`) are no value of a header: pages alone show this.
        """
        return self._spaced(_DAY.sub(self._in_words, text))

    def _in_words(self, found: re.Match[str]) -> str:
        day, month, year = found[1] or found[6], found[2] or found[5], found[3] or found[4]
        try:
            return self.date(date(int(year), int(month), int(day)))
        except ValueError:
            return found[0]

    def _found(self, sentence: str) -> str | None:
        """A sentence that begins with a capital may stand in the catalogue as a part of another."""
        if sentence in self._catalogue:
            return self._catalogue[sentence]
        small = sentence[:1].lower() + sentence[1:]
        found = self._catalogue.get(small)
        return None if found is None else found[:1].upper() + found[1:]

    def _spaced(self, text: str) -> str:
        """French puts a space before `:` and inside guillemets, a narrow one before `;`, `!` and `?`, and a line must
        not break there. Its apostrophe is curved, also where a policy's file has the one of a keyboard."""
        if self.language != "fr":
            return text
        return _STRAIGHT.sub("’", _THIN.sub("\u202f", _WIDE.sub("\u00a0", text)))

    def _french(self, text: str) -> Markup:
        return Markup('<span lang="fr">{}</span>').format(text)
