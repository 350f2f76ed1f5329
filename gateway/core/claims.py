"""Verified claims → Identity. FranceConnect's own forms: an empty birthplace abroad, a usage name often missing."""

import unicodedata
from collections.abc import Mapping
from dataclasses import replace

from gateway.core.errors import LoginFailed
from gateway.core.facts import FACTS, PIVOT
from gateway.core.model import Acr, Identity, PartialDate, VerifiedClaims
from gateway.core.names import parse_partial_date

_LONGEST = 1_000
_SUB_LONGEST = 255
_SCOPE_OF = {
    name: FACTS[f"identity.{name}"].scope
    for name in (
        "birth_name",
        "usage_name",
        "given_names",
        "birthdate",
        "gender",
        "birthplace",
        "birthcountry",
        "email",
    )
}
_GENDERS = frozenset({"male", "female", "unspecified"})


def parse_acr(value: object) -> Acr:
    """`eidas1` … `eidas3`; anything else is LoginFailed."""
    for acr in Acr:
        if value == str(acr):
            return acr
    raise LoginFailed("acr_unknown")


def to_identity(claims: VerifiedClaims, *, provider: str, acr: Acr, authenticated_at: int) -> Identity:
    """Read the claims that are there; a claim of the wrong form is LoginFailed, one without a value is None."""
    sub = _text(claims, "sub")
    if sub is None or len(sub) > _SUB_LONGEST:
        raise LoginFailed("claim_malformed")
    gender = (_text(claims, "gender") or "").lower()
    return Identity(
        provider=provider,
        sub=sub,
        acr=acr,
        authenticated_at=authenticated_at,
        birth_name=_text(claims, "family_name"),
        usage_name=_text(claims, "preferred_username"),
        given_names=_given_names(claims),
        birthdate=_date(claims),
        gender=gender if gender in _GENDERS else None,
        birthplace=_text(claims, "birthplace"),
        birthcountry=_text(claims, "birthcountry"),
        email=_text(claims, "email"),
    )


def _text(claims: Mapping[str, object], name: str) -> str | None:
    value = claims.get(name)
    if value is None:
        return None
    return _checked(value) or None


def _checked(value: object) -> str:
    if not isinstance(value, str) or len(value) > _LONGEST:
        raise LoginFailed("claim_malformed")
    if any(unicodedata.category(character) == "Cc" for character in value):
        raise LoginFailed("claim_malformed")
    return value.strip()


def _given_names(claims: Mapping[str, object]) -> tuple[str, ...]:
    """The array when there is one: an entry may hold a space, which the joined string loses."""
    array = claims.get("given_name_array")
    if isinstance(array, list):
        names = tuple(_checked(each) for each in array)
        if names and all(names):
            return names
    joined = _text(claims, "given_name") or ""
    return tuple(joined.replace(",", " ").split())


def _date(claims: Mapping[str, object]) -> PartialDate | None:
    text = _text(claims, "birthdate")
    try:
        return parse_partial_date(text)
    except ValueError:
        raise LoginFailed("claim_malformed") from None


def keep_known(identity: Identity, before: Identity | None, asked: frozenset[str]) -> Identity:
    """The same person again, in the same session: what this login did not ask for is still known.

    So is the stronger of the two authentications: asking for one more scope makes nobody less identified.
    """
    if before is None:
        return identity
    have = asked | PIVOT if "identite_pivot" in asked else asked
    known = {name: getattr(before, name) for name, scope in _SCOPE_OF.items() if scope not in have}
    if before.acr > identity.acr:
        known |= {"acr": before.acr, "authenticated_at": before.authenticated_at}
    return replace(identity, **known)
