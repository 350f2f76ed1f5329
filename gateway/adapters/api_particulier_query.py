"""Identity mode: the civil status that API Particulier looks a person up by, in the letters it accepts."""

import re
import unicodedata
from collections.abc import Mapping
from types import MappingProxyType

from gateway.core.model import Identity, PartialDate

FRANCE = "99100"

Parameters = tuple[tuple[str, str], ...]

_ACCEPTED = re.compile(r"[A-Za-zÀ-ÖØ-öø-ÿ' -]+")
_LETTER = re.compile(r"[A-Za-zÀ-ÖØ-öø-ÿ]")
_COUNTRY = re.compile(r"99[0-9]{3}|92352")
"""Official geographic code; 92352 is Algeria before 1962."""
_COMMUNE = re.compile(r"(?:[0-9]{2}|2[AB])[0-9]{3}")
_GIVEN_NAMES_AT_MOST = 3

_FOLDS: Mapping[str, str] = MappingProxyType(
    dict.fromkeys("\u2018\u2019\u02bc\u02bb\u0060\u00b4\u2032", "'")
    | dict.fromkeys("\u2010\u2011\u2012\u2013\u2014", "-")
    | {"œ": "oe", "Œ": "OE", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ħ": "h", "Ħ": "H", "ı": "i", "ẞ": "SS"}
)
"""Letters and signs that decomposition alone does not bring into the accepted set."""


class IdentityUnusable(Exception):
    """This identity cannot be looked up; the code never holds any of it."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def identity_parameters(identity: Identity) -> Parameters:
    """The query of the `identite` route, but for `recipient`; `IdentityUnusable` when no call is worth making."""
    return (
        *_names(identity),
        *_date(identity.birthdate),
        ("sexeEtatCivil", "M" if identity.gender == "male" else "F"),
        *_place(identity),
    )


def _names(identity: Identity) -> Parameters:
    if not identity.given_names:
        raise IdentityUnusable("identity_without_given_names")
    given = [("prenoms[]", transliterate(name)) for name in identity.given_names[:_GIVEN_NAMES_AT_MOST]]
    if identity.birth_name is None:
        raise IdentityUnusable("identity_without_birth_name")
    usage = (("nomUsage", transliterate(identity.usage_name)),) if identity.usage_name else ()
    return (*given, ("nomNaissance", transliterate(identity.birth_name)), *usage)


def transliterate(name: str) -> str:
    """`name` in the letters that the route accepts; what has no plain form there is refused, never dropped.

    French accents, æ and ß are accepted as they are; œ, ş, ğ, ł, ı and curly apostrophes are written plainly.
    """
    composed = unicodedata.normalize("NFC", name)
    written = "".join(_plain(character) for character in composed).strip(" ")
    if not _ACCEPTED.fullmatch(written) or not _LETTER.search(written):
        raise IdentityUnusable("identity_name_unusable")
    return written


def _plain(character: str) -> str:
    if _ACCEPTED.fullmatch(character):
        return character
    if character in _FOLDS:
        return _FOLDS[character]
    if unicodedata.category(character) == "Zs":
        return " "
    decomposed = unicodedata.normalize("NFD", character)
    return "".join(part for part in decomposed if not unicodedata.combining(part))


def _date(birthdate: PartialDate | None) -> Parameters:
    """The route ignores a month without its year, and a day without its month: they are not sent."""
    if birthdate is None:
        return ()
    parts = [("anneeDateNaissance", str(birthdate.year))]
    if birthdate.month is not None:
        parts.append(("moisDateNaissance", str(birthdate.month)))
        if birthdate.day is not None:
            parts.append(("jourDateNaissance", str(birthdate.day)))
    return tuple(parts)


def _place(identity: Identity) -> Parameters:
    """A country is always needed, and for France the commune too. An eIDAS identity has neither."""
    if identity.birthcountry is None:
        raise IdentityUnusable("identity_without_birthcountry")
    if not _COUNTRY.fullmatch(identity.birthcountry):
        raise IdentityUnusable("identity_birthcountry_unusable")
    country = ("codeCogInseePaysNaissance", identity.birthcountry)
    if identity.birthcountry != FRANCE:
        return (country,)
    if identity.birthplace is None or not _COMMUNE.fullmatch(identity.birthplace):
        raise IdentityUnusable("identity_without_birthplace")
    return (country, ("codeCogInseeCommuneNaissance", identity.birthplace))
