"""From a source's answer to what a session may keep of it: compared by name, minimised, never somebody else's."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from gateway.core.facts import FACTS, IMPLIED
from gateway.core.matching import match
from gateway.core.model import (
    CARRIES_A_VALUE,
    Absent,
    Address,
    Childcare,
    Household,
    HouseholdRecord,
    HouseholdStatus,
    Identity,
    MatchOutcome,
    Need,
    Person,
    Session,
    Source,
)
from gateway.core.rules import HouseholdRule, Lookup, Mode, Needs

_NOT_YOURS = frozenset({HouseholdStatus.MISMATCH, HouseholdStatus.NOT_FOUND})

_AFTER_MATCH = {
    MatchOutcome.MATCH: HouseholdStatus.VERIFIED,
    MatchOutcome.REVIEW: HouseholdStatus.PENDING_REVIEW,
    MatchOutcome.MISMATCH: HouseholdStatus.MISMATCH,
}


@dataclass(frozen=True, slots=True)
class Enquiry:
    """What is asked of a source for one policy."""

    rule: HouseholdRule
    blocks: frozenset[Need]
    fields: frozenset[str]
    source: Source = Source.HOUSEHOLD


def settle(answer: Household | Absent, enquiry: Enquiry, *, identity: Identity | None, now: int) -> HouseholdRecord:
    """Compare by name, then keep only what policies asked for, and nothing at all unless it is the person's own."""
    if isinstance(answer, Absent):
        return _as_one_case(_record(enquiry, answer.status, now, (answer.code,)), enquiry)
    if not enquiry.rule.match:
        kept = minimise(answer, enquiry.fields)
        return replace(_record(enquiry, HouseholdStatus.IDENTITY_UNVERIFIED, now, ()), household=kept)
    if identity is None:
        return _record(enquiry, HouseholdStatus.NOT_AUTHENTICATED, now, ("identity.none",))
    if answer.adults is None:
        return _record(enquiry, HouseholdStatus.UNAVAILABLE, now, ("adults.not_given",))
    result = match(identity, answer.adults)
    record = _record(enquiry, _AFTER_MATCH[result.outcome], now, result.reasons)
    if result.outcome is MatchOutcome.MATCH:
        return replace(record, household=minimise(answer, enquiry.fields))
    return _as_one_case(record, enquiry)


def _as_one_case(record: HouseholdRecord, enquiry: Enquiry) -> HouseholdRecord:
    """Somebody else's number and an unknown one are one case, here and for every later reader."""
    if enquiry.rule.mode is Mode.NUMBER and record.status in _NOT_YOURS:
        return replace(record, status=HouseholdStatus.NOT_FOUND, reasons=("number_not_found",))
    return record


def _record(enquiry: Enquiry, status: HouseholdStatus, now: int, reasons: tuple[str, ...]) -> HouseholdRecord:
    asked = HouseholdRecord(status, enquiry.blocks, enquiry.fields, now, reasons=reasons)
    return replace(asked, source=enquiry.source, way=enquiry.rule.way)


def minimise(household: Household, fields: frozenset[str]) -> Household:
    """Only the named facts of one source, and the fund: a person is told whom their data come from (RGPD, article 14).

    A quotient's months are facts of their own: a bracket follows the date of the request, and a contest is about the
    quotient that is held, whatever its month.
    """
    names = frozenset(fact.partition(".")[2] for fact in fields)
    return Household(
        fund=household.fund,
        family_quotient=household.family_quotient if "family_quotient" in names else None,
        reference_month=household.reference_month if "reference_month" in names else None,
        computed_month=household.computed_month if "computed_month" in names else None,
        adults=household.adults if "adults" in names else None,
        children=_children(household.children, names),
        address=_address(household.address, names),
        childcare=_childcare(household.childcare, names),
    )


def _children(children: tuple[Person, ...] | None, names: frozenset[str]) -> tuple[Person, ...] | None:
    if children is None or "children" in names:
        return children
    if "children.age" in names:
        return tuple(Person(birthdate=child.birthdate) for child in children)
    if "children.count" in names:
        return tuple(Person() for _ in children)
    return None


def _address(address: Address | None, names: frozenset[str]) -> Address | None:
    if address is None or "address" in names:
        return address
    parts = {name: getattr(address, name) for name in Address.__dataclass_fields__ if f"address.{name}" in names}
    return Address(**parts) if parts else None


def _childcare(parameters: Childcare | None, names: frozenset[str]) -> Childcare | None:
    parts = {name: getattr(parameters, name) for name in Childcare.__dataclass_fields__ if name in names and parameters}
    return Childcare(**parts) if parts else None


@dataclass(frozen=True, slots=True)
class View:
    """What a policy sees of a session's enquiries."""

    status: HouseholdStatus | None
    """None: nothing was asked yet that would answer this policy."""
    household: Household
    obtained_at: int | None
    missing: frozenset[Need]
    """Blocks still to ask for."""
    fields: frozenset[str]
    """Facts already held: a new enquiry keeps them too, so that joining two never loses one."""
    reasons: tuple[str, ...] = ()
    """Codes of the enquiry that brought no value."""


def concerning(records: Iterable[HouseholdRecord], lookups: Iterable[Lookup]) -> tuple[HouseholdRecord, ...]:
    """The enquiries that can answer these lookups: of the same source, made in the same way."""
    keys = {each.key for each in lookups}
    return tuple(record for record in records if (record.source, record.way) in keys)


def view(records: Iterable[HouseholdRecord], lookup: Lookup) -> View:
    """Join the enquiries that hold a value; what they lack is judged by the last one that asked for it."""
    records, needs = concerning(records, (lookup,)), lookup.needs
    held = [record for record in records if record.household is not None and record.status in CARRIES_A_VALUE]
    fields = frozenset[str]().union(*(record.fields for record in held))
    fields |= frozenset[str]().union(*(IMPLIED.get(fact, frozenset()) for fact in fields))
    asked = frozenset[Need]().union(*(record.asked for record in held))
    obtained_at = max((record.obtained_at for record in held), default=None)
    household = _joined(held)
    lacking = needs.fields - fields
    if held and not lacking and needs.blocks <= asked:
        return View(held[-1].status, household, obtained_at, frozenset(), fields)
    missing = _missing(lacking, needs, asked)
    for record in reversed(records):
        if record not in held and missing <= record.asked:
            return View(record.status, Household(), None, missing, fields, record.reasons)
    return View(None, household, obtained_at, missing, fields)


def _missing(lacking: frozenset[str], needs: Needs, asked: frozenset[Need]) -> frozenset[Need]:
    blocks = {block for fact in lacking if (block := FACTS[fact].block) is not None}
    return frozenset(blocks | (needs.blocks - asked))


def widened(lookup: Lookup, records: Iterable[HouseholdRecord]) -> Lookup:
    """The same with all that such enquiries hold by now: an answer that takes their place answers for all of them."""
    fields = lookup.needs.fields | view(records, lookup).fields
    return replace(
        lookup, needs=replace(lookup.needs, blocks=_missing(fields, lookup.needs, frozenset()), fields=fields)
    )


def _joined(held: Sequence[HouseholdRecord]) -> Household:
    parts: dict[str, object] = {}
    for record in held:
        known = {name: getattr(record.household, name) for name in Household.__dataclass_fields__}
        parts |= {name: part for name, part in known.items() if part is not None}
    return Household(**parts)  # type: ignore[arg-type]


def lasting(records: tuple[HouseholdRecord, ...], keeps_s: int | None, now: int) -> tuple[HouseholdRecord, ...]:
    """The enquiries that are not over, neither for the policy that made them nor for the one that now looks."""
    ends = (record_ends(record, keeps_s) for record in records)
    return tuple(record for record, end in zip(records, ends, strict=True) if end is None or end > now)


def record_ends(record: HouseholdRecord, keeps_s: int | None) -> int | None:
    """When an enquiry is over for a policy that keeps its answers for so long; None: with the session."""
    own = None if keeps_s is None else record.obtained_at + keeps_s
    if own is None or record.kept_until is None:
        return record.kept_until if own is None else own
    return min(own, record.kept_until)


def merged(
    now: tuple[HouseholdRecord, ...], before: tuple[HouseholdRecord, ...], after: tuple[HouseholdRecord, ...]
) -> tuple[HouseholdRecord, ...]:
    """What a round of enquiries made of `before`, applied to a session as it is `now`.

    `before` are those that the round could replace (`concerning`): the others stay as they are. What was forgotten
    meanwhile does not come back, and what came meanwhile stays.
    """
    kept = tuple(record for record in now if record in after or record not in before)
    for new in after:
        if new not in before and new not in kept:
            kept = remember(kept, new)
    return kept


def forgotten(session: Session) -> Session:
    """Without anything that came from CAF or MSA, and as if it had never been asked for."""
    asked = frozenset(str(need) for need in Need)
    return replace(session, household=(), reviewed=frozenset(), scopes=session.scopes - asked)


def remember(records: tuple[HouseholdRecord, ...], new: HouseholdRecord) -> tuple[HouseholdRecord, ...]:
    """Add an enquiry; one made in the same way that brought nothing and asked no more than this one is forgotten."""
    return (*(old for old in records if old.household is not None or not _again(old, new)), new)


def _again(old: HouseholdRecord, new: HouseholdRecord) -> bool:
    return old.way is new.way and old.asked <= new.asked
