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

from gateway.cli.fixture_values import (
    ACR,
    AGE,
    CHILDREN,
    COUNT,
    DATE,
    FUND,
    MOMENT,
    MONTH,
    STATUS,
    TEXT,
    WORDS,
    YEAR,
    Reader,
)
from gateway.config.yaml_source import Path_, read_yaml
from gateway.config.yaml_source import Source as YamlSource
from gateway.core.errors import ConfigError
from gateway.core.facts import ESTIMATE, FACTS
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
from gateway.core.ways import Way

EVERY_SCOPE = frozenset({"openid", "identite_pivot", "preferred_username", "email"})


@dataclass(frozen=True, slots=True)
class Fixture:
    identity: Identity | None
    household: tuple[HouseholdRecord, ...]
    standing: Standing = field(default_factory=Standing)


def read_fixture(path: Path, today: date) -> Fixture:
    """Read YAML or JSON; ConfigError names every key that is not a fact, every value that is none of it."""
    source = read_yaml(path, str(path), piped=True)
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
    for key in raw:
        if key not in (*_PARTS, "disputes", "objections"):
            source.say((*place, key), f"`{key}` is not a part of a fixture", _SHAPE)
    for part, words in (("disputes", ("contested", *_ANSWERS)), ("objections", ("declined", *_ANSWERS[1:]))):
        _check_said(source, (*place, part), raw.get(part) or {}, words)
    whole = Reader(source, place, "", raw)
    identity = _identity(whole.part("identity"), today)
    told = [each for each in Source if raw.get(each) is not None]
    records = [record for each in told for record in _record(each, whole.part(each), today)]
    return Fixture(identity, tuple(records), _standing(raw)) if len(source.problems) == before else None


_PARTS = ("identity", *Source)
_SHAPE = "write {identity: {birth_name: …}, household: {status: verified, family_quotient: 648}}"
_COMPUTED = frozenset(name.partition(".")[2] for name in ESTIMATE)
"""What a policy computes: no source gives it."""

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


def _facts_of(part: str) -> frozenset[str]:
    return frozenset(fact.removeprefix(f"{part}.") for fact in FACTS if fact.startswith(f"{part}.")) - _COMPUTED


def _identity(written: Reader, today: date) -> Identity | None:
    written.keys(_facts_of("identity"), "a fact")
    first = written.read("first_given_name", TEXT)
    given = written.read("given_names", WORDS) or ((first,) if first else ())
    birthdate, years = written.read("birthdate", DATE), written.read("age", AGE)
    acr, moment = written.read("acr", ACR), written.read("authenticated_at", MOMENT)
    texts = {name: written.read(name, TEXT) for name in _TEXTS}
    if not written.raw:
        return None
    return Identity(
        provider=texts.pop("provider") or "franceconnect",
        sub=texts.pop("sub") or "fixture",
        acr=acr or Acr.EIDAS1,
        authenticated_at=moment or 0,
        given_names=given,
        birthdate=birthdate or _born(years, today),
        **texts,
    )


_TEXTS = ("provider", "sub", "birth_name", "usage_name", "gender", "birthplace", "birthcountry", "email")


def _record(source: Source, written: Reader, today: date) -> tuple[HouseholdRecord, ...]:
    """One for each way in which an enquiry could have ended so."""
    written.keys(_facts_of(source), "a fact")
    status = written.read("status", STATUS) or HouseholdStatus.VERIFIED
    household = Household(
        fund=written.read("fund", FUND),
        family_quotient=written.read("family_quotient", COUNT),
        reference_month=written.read("reference_month", MONTH),
        computed_month=written.read("computed_month", MONTH),
        adults=_people(written, "adults", today),
        children=_children(written, today),
        address=_address(written),
        childcare=Childcare(**{name: written.read(name, kind) for name, kind in _CHILDCARE.items()}),
    )
    fields = frozenset(fact for fact in FACTS if FACTS[fact].block is not None and fact.startswith(f"{source}."))
    held = household if status in CARRIES_A_VALUE else None
    blocks = frozenset(need for need in Need if need.source is source)
    obtained_at = written.read("obtained_at", MOMENT) or 0
    return tuple(
        HouseholdRecord(status, blocks, fields, obtained_at, held, source=source, way=way)
        for way in Way
        if _ends(way, status)
    )


def _ends(way: Way, status: HouseholdStatus) -> bool:
    """Whether an enquiry made that way can end so: a value has its own word where nobody is compared."""
    return status not in CARRIES_A_VALUE or (status is HouseholdStatus.IDENTITY_UNVERIFIED) is (way is Way.NUMBER_ALONE)


_CHILDCARE = {
    "annual_resources": COUNT,
    "resources_year": YEAR,
    "dependent_children": CHILDREN,
    "aeeh_children": CHILDREN,
}


def _children(written: Reader, today: date) -> tuple[Person, ...] | None:
    people = _people(written, "children", today)
    ages, count = written.many("children.age", AGE), written.read("children.count", CHILDREN)
    if people is not None:
        return people
    if ages is not None:
        return tuple(Person(birthdate=_born(years, today)) for years in ages)
    return None if count is None else tuple(Person() for _ in range(count))


def _people(written: Reader, key: str, today: date) -> tuple[Person, ...] | None:
    people = written.parts(key)
    return None if people is None else tuple(_person(each, today) for each in people)


def _person(written: Reader, today: date) -> Person:
    written.keys(_OF_A_PERSON, "said of a person")
    birthdate, years = written.read("birthdate", DATE), written.read("age", AGE)
    return Person(
        written.read("birth_name", TEXT),
        written.read("usage_name", TEXT),
        written.read("given_names", WORDS) or (),
        birthdate or _born(years, today),
        written.read("full_name", TEXT),
    )


_OF_A_PERSON = ("birth_name", "usage_name", "given_names", "birthdate", "full_name", "age")


def _address(written: Reader) -> Address | None:
    """In one piece, or part by part."""
    whole = written.part("address")
    whole.keys(("lines", *_OF_AN_ADDRESS), "a part of an address")
    lines = written.many("address.lines", TEXT) or whole.many("lines", TEXT) or []
    parts = {name: written.read(f"address.{name}", TEXT) or whole.read(name, TEXT) for name in _OF_AN_ADDRESS}
    return Address(lines=tuple(lines), **parts) if lines or any(parts.values()) else None


_OF_AN_ADDRESS = ("postal_code", "city", "insee_code", "country")


def _born(years: int | None, today: date) -> PartialDate | None:
    return None if years is None else PartialDate(today.year - years, 1, 1)
