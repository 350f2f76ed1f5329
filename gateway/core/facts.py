"""The facts that a policy may inject or test: the catalogue, and how each is read.

A fact that is not known reads as None. None is never a value: it is an absent header, and a condition on it is
neither true nor false.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime

from gateway.core.model import (
    Address,
    Childcare,
    Household,
    HouseholdStatus,
    Identity,
    Need,
    PartialDate,
    Person,
    Source,
)


@dataclass(frozen=True, slots=True)
class FactSpec:
    """What must be asked for a fact to be known, and where it may be named."""

    scope: str | None = None
    """OIDC scope of an identity fact."""
    block: Need | None = None
    """Household block of a household or bracket fact."""
    injectable: bool = True
    testable: bool = True


def _identity(scope: str) -> FactSpec:
    return FactSpec(scope=scope)


def _household(block: Need | None) -> FactSpec:
    return FactSpec(block=block)


FACTS: Mapping[str, FactSpec] = {
    "identity.sub": _identity("openid"),
    "identity.birth_name": _identity("family_name"),
    "identity.usage_name": _identity("preferred_username"),
    "identity.given_names": _identity("given_name"),
    "identity.first_given_name": _identity("given_name"),
    "identity.birthdate": _identity("birthdate"),
    "identity.age": _identity("birthdate"),
    "identity.gender": _identity("gender"),
    "identity.birthplace": _identity("birthplace"),
    "identity.birthcountry": _identity("birthcountry"),
    "identity.email": _identity("email"),
    "identity.acr": _identity("openid"),
    "identity.authenticated_at": _identity("openid"),
    "identity.provider": _identity("openid"),
    "household.status": _household(None),
    "household.fund": _household(Need.QUOTIENT),
    "household.family_quotient": _household(Need.QUOTIENT),
    "household.reference_month": _household(Need.QUOTIENT),
    "household.computed_month": _household(Need.QUOTIENT),
    "household.address": _household(Need.ADDRESS),
    "household.address.lines": _household(Need.ADDRESS),
    "household.address.postal_code": _household(Need.ADDRESS),
    "household.address.city": _household(Need.ADDRESS),
    "household.address.insee_code": _household(Need.ADDRESS),
    "household.adults": _household(Need.ADULTS),
    "household.children": _household(Need.CHILDREN),
    "household.children.count": _household(Need.CHILDREN),
    "household.children.age": _household(Need.CHILDREN),
    "household.obtained_at": _household(None),
    "brackets.name": FactSpec(block=Need.QUOTIENT),
    "brackets.valid_from": FactSpec(block=Need.QUOTIENT),
    "childcare.status": _household(None),
    "childcare.annual_resources": _household(Need.CHILDCARE_PARAMETERS),
    "childcare.resources_year": _household(Need.CHILDCARE_PARAMETERS),
    "childcare.dependent_children": _household(Need.CHILDCARE_PARAMETERS),
    "childcare.aeeh_children": _household(Need.CHILDCARE_PARAMETERS),
    "childcare.address": _household(Need.CHILDCARE_ADDRESS),
    "childcare.address.lines": _household(Need.CHILDCARE_ADDRESS),
    "childcare.address.postal_code": _household(Need.CHILDCARE_ADDRESS),
    "childcare.address.city": _household(Need.CHILDCARE_ADDRESS),
    "childcare.address.insee_code": _household(Need.CHILDCARE_ADDRESS),
    "childcare.adults": _household(Need.CHILDCARE_ADULTS),
    "childcare.children": _household(Need.CHILDCARE_CHILDREN),
    "childcare.children.count": _household(Need.CHILDCARE_CHILDREN),
    "childcare.children.age": _household(Need.CHILDCARE_CHILDREN),
    "childcare.obtained_at": _household(None),
    "childcare.estimated_hourly_rate": FactSpec(block=Need.CHILDCARE_PARAMETERS),
    "childcare.scale_valid_from": FactSpec(block=Need.CHILDCARE_PARAMETERS),
    "request.method": FactSpec(injectable=False),
    "request.host": FactSpec(injectable=False),
    "request.path": FactSpec(injectable=False),
    "gateway.decision_id": FactSpec(testable=False),
    "gateway.policy": FactSpec(testable=False),
    "gateway.policy_version": FactSpec(testable=False),
}

WITHOUT_A_VALUE = frozenset({"household.status", "childcare.status"})
"""Facts of a source that leave whatever the status is."""

ESTIMATE = frozenset({"childcare.estimated_hourly_rate", "childcare.scale_valid_from"})
"""Computed by the policy's scale."""

COMPUTED_FROM: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(("brackets.name", "brackets.valid_from"), frozenset({"household.family_quotient"})),
    **dict.fromkeys(
        ESTIMATE, frozenset(f"childcare.{name}" for name in ("annual_resources", "dependent_children", "aeeh_children"))
    ),
}
"""Facts that no source gives: what is kept of the source instead."""

IMPLIED: Mapping[str, frozenset[str]] = {
    "household.family_quotient": frozenset({"household.fund"}),
    **{f"{source}.children": frozenset({f"{source}.children.age", f"{source}.children.count"}) for source in Source},
    **{f"{source}.children.age": frozenset({f"{source}.children.count"}) for source in Source},
    **{
        f"{source}.address": frozenset(
            {f"{source}.address.{name}" for name in ("lines", "postal_code", "city", "insee_code")}
        )
        for source in Source
    },
}
"""Holding the first means that the others can be told too."""

PIVOT = frozenset({"family_name", "given_name", "birthdate", "gender", "birthplace", "birthcountry"})
"""What `identite_pivot` opens at FranceConnect, all of it required there to query CAF."""


_SOURCES = {"household": Source.HOUSEHOLD, "brackets": Source.HOUSEHOLD, "childcare": Source.CHILDCARE}


def source_of(fact: str) -> Source | None:
    """The source that a fact is read or computed from; None for the identity's, the request's and our own."""
    return _SOURCES.get(fact.partition(".")[0])


def is_household_value(fact: str) -> bool:
    """Whether a fact says something that CAF or MSA knows, whichever source gave it."""
    return source_of(fact) is not None and fact not in WITHOUT_A_VALUE


def identity_value(fact: str, identity: Identity, today: date) -> object | None:
    """An `identity.` fact, or None when the provider did not give it."""
    readers: Mapping[str, Callable[[], object | None]] = {
        "first_given_name": lambda: identity.given_names[0] if identity.given_names else None,
        "given_names": lambda: list(identity.given_names) or None,
        "birthdate": lambda: _text(identity.birthdate),
        "age": lambda: age(identity.birthdate, today),
        "acr": lambda: str(identity.acr),
        "authenticated_at": lambda: _when(identity.authenticated_at),
    }
    name = fact.removeprefix("identity.")
    return readers[name]() if name in readers else getattr(identity, name)


def household_value(
    fact: str, household: Household, status: HouseholdStatus, obtained_at: int | None, today: date
) -> object | None:
    """A fact that a source gives, or None when it did not."""
    name = fact.partition(".")[2]
    if name == "status":
        return str(status)
    if name == "obtained_at":
        return _when(obtained_at)
    if name.startswith("address"):
        return _address_value(name, household.address)
    if name.startswith("children"):
        return _children_value(name, household.children, today)
    if name == "adults":
        return _people(household.adults)
    if name in Childcare.__dataclass_fields__:
        return getattr(household.childcare, name, None)
    return getattr(household, name)  # type: ignore[no-any-return]


def _address_value(name: str, address: Address | None) -> object | None:
    if address is None:
        return None
    parts: dict[str, object] = {
        "lines": list(address.lines),
        "postal_code": address.postal_code,
        "city": address.city,
        "insee_code": address.insee_code,
        "country": address.country,
    }
    if name == "address":
        return {name: part for name, part in parts.items() if part} or None
    return parts[name.removeprefix("address.")] or None


def _children_value(name: str, children: tuple[Person, ...] | None, today: date) -> object | None:
    if children is None:
        return None
    if name == "children.count":
        return len(children)
    if name == "children.age":
        return [age(child.birthdate, today) for child in children]
    return _people(children)


def _people(people: tuple[Person, ...] | None) -> list[dict[str, object]] | None:
    return None if people is None else [_person(person) for person in people]


def _person(person: Person) -> dict[str, object]:
    parts: dict[str, object | None] = {
        "birth_name": person.birth_name,
        "usage_name": person.usage_name,
        "given_names": " ".join(person.given_names) or None,
        "full_name": person.full_name,
        "birthdate": _text(person.birthdate),
    }
    return {name: part for name, part in parts.items() if part is not None}


def _text(value: object | None) -> str | None:
    return None if value is None else str(value)


def age(birthdate: PartialDate | None, today: date) -> int | None:
    """Whole years, or None when an unknown month or day leaves two answers."""
    if birthdate is None:
        return None
    latest = (birthdate.month or 12, birthdate.day or 31)
    earliest = (birthdate.month or 1, birthdate.day or 1)
    years = {today.year - birthdate.year - ((today.month, today.day) < day) for day in (earliest, latest)}
    return years.pop() if len(years) == 1 else None


def _when(unix_s: int | None) -> str | None:
    return timestamp(unix_s) if unix_s else None


def timestamp(unix_s: int) -> str:
    """ISO 8601 in UTC, to the second."""
    return datetime.fromtimestamp(unix_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
