"""A person written by hand, in the names of the facts: `{identity: {…}, household: {…}, childcare: {…}}`.

Ages and counts, which the gateway derives, may be written too: they become birthdates and people without a name.
What was said against the data too: `disputes: {quotient: contested}`, `objections: {cantine: declined}`; `disputes:
unknown` is a dispute store that does not answer.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from gateway.config.shapes import suggestion
from gateway.config.yaml_source import Path_, read_yaml
from gateway.config.yaml_source import Source as YamlSource
from gateway.core.claims import parse_acr
from gateway.core.errors import ConfigError, LoginFailed
from gateway.core.facts import FACTS
from gateway.core.model import (
    CARRIES_A_VALUE,
    Acr,
    Address,
    Childcare,
    Household,
    HouseholdRecord,
    HouseholdStatus,
    Identity,
    Need,
    PartialDate,
    Person,
    Source,
    Standing,
)
from gateway.core.names import parse_partial_date
from gateway.core.ways import Way

EVERY_SCOPE = frozenset({"openid", "identite_pivot", "preferred_username", "email"})


@dataclass(frozen=True, slots=True)
class Fixture:
    identity: Identity | None
    household: tuple[HouseholdRecord, ...]
    standing: Standing = field(default_factory=Standing)


def read_fixture(path: Path, today: date) -> Fixture:
    """Read YAML or JSON; ConfigError names every key that is not a fact."""
    source = read_yaml(path, str(path))
    fixture = None if source.problems else fixture_of(source, (), source.data, today)
    if fixture is None:
        raise ConfigError(source.problems)
    return fixture


def fixture_of(source: YamlSource, place: Path_, raw: object, today: date) -> Fixture | None:
    """The person written at that place of a file; None when something is wrong there, which is then in `source`."""
    before = len(source.problems)
    if not isinstance(raw, Mapping):
        source.say(place, "a mapping was expected", _SHAPE)
        return None
    _check(source, place, raw)
    if len(source.problems) > before:
        return None
    try:
        records = (record for each in Source for record in _record(each, raw.get(each), today))
        return Fixture(_identity(raw.get("identity"), today), tuple(records), _standing(raw))
    except (LoginFailed, ValueError, TypeError, AttributeError, KeyError) as error:
        hint = "dates as 2019-05-31, months as 2026-05, acr as eidas1, status from the closed list"
        source.say(place, f"a value has the wrong form ({type(error).__name__})", hint)
    return None


_PARTS = ("identity", *Source)
_SHAPE = "write {identity: {birth_name: …}, household: {status: verified, family_quotient: 648}}"


def _check(source: YamlSource, place: Path_, raw: Mapping[str, Any]) -> None:
    for key in raw:
        if key not in (*_PARTS, "disputes", "objections"):
            source.say((*place, key), f"`{key}` is not a part of a fixture", _SHAPE)
    for part, words in (("disputes", ("contested", *_ANSWERS)), ("objections", ("declined", *_ANSWERS[1:]))):
        _check_said(source, (*place, part), raw.get(part) or {}, words)
    for part in _PARTS:
        facts = raw.get(part) or {}
        if not isinstance(facts, Mapping):
            source.say((*place, part), f"`{part}` must be a mapping", _SHAPE)
            continue
        known = {fact.removeprefix(f"{part}.") for fact in FACTS if fact.startswith(f"{part}.")}
        for key in facts:
            if key not in known:
                source.say((*place, part, key), f"`{part}.{key}` is not a fact", suggestion(key, sorted(known)))


_ANSWERS = ("settled", "document_provided", "verified_by_agent")
_DATA = {need.name.lower(): need for need in Need}


def _check_said(source: YamlSource, place: Path_, said: object, words: tuple[str, ...]) -> None:
    """What `disputes` and `objections` cannot say."""
    part = place[-1]
    if part == "disputes" and said == "unknown":
        return
    if not isinstance(said, Mapping):
        source.say(place, f"`{part}` must be a mapping", f"write {part}: {{quotient: {words[0]}}}")
        return
    for about, word in said.items():
        if part == "disputes" and about not in _DATA:
            source.say((*place, about), f"`{part}.{about}` is no datum", "known: " + ", ".join(_DATA))
        if word not in words:
            source.say((*place, about), f"`{part}.{about}` cannot be `{word}`", ", ".join(words))


def _standing(raw: Mapping[str, Any]) -> Standing:
    said = raw.get("disputes") or {}
    if said == "unknown":
        return Standing(known=False)
    return Standing(
        data={_DATA[datum]: HouseholdStatus(word) for datum, word in said.items()},
        services={name: HouseholdStatus(word) for name, word in (raw.get("objections") or {}).items()},
    )


def _identity(raw: Mapping[str, Any] | None, today: date) -> Identity | None:
    if not raw:
        return None
    given = raw.get("given_names") or ([raw["first_given_name"]] if "first_given_name" in raw else [])
    birthdate = _date(raw.get("birthdate"))
    if birthdate is None and "age" in raw:
        birthdate = _born(int(raw["age"]), today)
    return Identity(
        provider=raw.get("provider", "franceconnect"),
        sub=raw.get("sub", "fixture"),
        acr=parse_acr(raw.get("acr", str(Acr.EIDAS1))),
        authenticated_at=0,
        birth_name=raw.get("birth_name"),
        usage_name=raw.get("usage_name"),
        given_names=tuple(given.split() if isinstance(given, str) else given),
        birthdate=birthdate,
        gender=raw.get("gender"),
        birthplace=raw.get("birthplace"),
        birthcountry=raw.get("birthcountry"),
        email=raw.get("email"),
    )


def _record(source: Source, raw: Mapping[str, Any] | None, today: date) -> tuple[HouseholdRecord, ...]:
    if raw is None:
        return ()
    status = HouseholdStatus(raw.get("status", "verified"))
    household = Household(
        fund=raw.get("fund"),
        family_quotient=raw.get("family_quotient"),
        reference_month=raw.get("reference_month"),
        computed_month=raw.get("computed_month"),
        adults=_people(raw.get("adults")),
        children=_children(raw, today),
        address=_address(raw),
        childcare=Childcare(**{name: raw.get(name) for name in Childcare.__dataclass_fields__}),
    )
    fields = frozenset(fact for fact in FACTS if FACTS[fact].block is not None and fact.startswith(f"{source}."))
    held = household if status in CARRIES_A_VALUE else None
    blocks = frozenset(need for need in Need if need.source is source)
    return tuple(
        HouseholdRecord(status, blocks, fields, 0, held, source=source, way=way) for way in Way if _ends(way, status)
    )


def _ends(way: Way, status: HouseholdStatus) -> bool:
    """Whether an enquiry made that way can end so: a value has its own word where nobody is compared."""
    return status not in CARRIES_A_VALUE or (status is HouseholdStatus.IDENTITY_UNVERIFIED) is (way is Way.NUMBER_ALONE)


def _children(raw: Mapping[str, Any], today: date) -> tuple[Person, ...] | None:
    if "children" in raw:
        return _people(raw["children"])
    if "children.age" in raw:
        return tuple(Person(birthdate=_born(years, today)) for years in raw["children.age"])
    return tuple(Person() for _ in range(raw["children.count"])) if "children.count" in raw else None


def _people(raw: list[Mapping[str, Any]] | None) -> tuple[Person, ...] | None:
    return None if raw is None else tuple(_person(person) for person in raw)


def _person(raw: Mapping[str, Any]) -> Person:
    given = raw.get("given_names") or ()
    names = tuple(given.split() if isinstance(given, str) else given)
    return Person(raw.get("birth_name"), raw.get("usage_name"), names, _date(raw.get("birthdate")))


def _address(raw: Mapping[str, Any]) -> Address | None:
    parts = dict(raw.get("address") or {})
    parts |= {key.removeprefix("address."): value for key, value in raw.items() if key.startswith("address.")}
    return Address(**(parts | {"lines": tuple(parts.get("lines", ()))})) if parts else None


def _date(value: object) -> PartialDate | None:
    return None if value is None else parse_partial_date(str(value))


def _born(years: int | None, today: date) -> PartialDate | None:
    return None if years is None else PartialDate(today.year - years, 1, 1)
