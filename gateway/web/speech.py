"""French sentences → what a person reads, in their language and in the authority's own words."""

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from markupsafe import Markup, escape

from gateway.core.rules import Text
from gateway.web.texts import MONTHS


def grouped(amount: str) -> str:
    """`38400` → `38 400`, with a narrow space where no line breaks; digits after a comma stay as they are."""
    whole, comma, rest = amount.partition(",")
    return f"{int(whole):,}".replace(",", "\u202f") + comma + rest if whole.isdecimal() else amount


Catalogue = Mapping[str, str]
"""French sentence of ours → the one to show."""

_PARIS = ZoneInfo("Europe/Paris")
_THIN = re.compile(r" (?=[:;?!»])|(?<=«) ")
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

    def day(self, unix_s: int) -> str:
        """`24 novembre 2026`, in Paris."""
        return self.date(datetime.fromtimestamp(unix_s, _PARIS))

    def date(self, on: date) -> str:
        first = "1er" if on.day == 1 and self.language == "fr" else str(on.day)
        return f"{first} {self.say(MONTHS[on.month - 1])} {on.year}"

    def _found(self, sentence: str) -> str | None:
        """A sentence that begins with a capital may stand in the catalogue as a part of another."""
        if sentence in self._catalogue:
            return self._catalogue[sentence]
        small = sentence[:1].lower() + sentence[1:]
        found = self._catalogue.get(small)
        return None if found is None else found[:1].upper() + found[1:]

    def _spaced(self, text: str) -> str:
        """French puts a space before `:` and inside guillemets, and a line must not break there."""
        return _THIN.sub("\u00a0", text) if self.language == "fr" else text

    def _french(self, text: str) -> Markup:
        return Markup('<span lang="fr">{}</span>').format(text)
