"""The only place that waits on CAF: ask each source for what a policy lacks, compare, keep what is wanted."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from gateway.core.disputes import is_withheld
from gateway.core.household import Enquiry, concerning, lasting, merged, remember, settle, view
from gateway.core.model import (
    ADULTS_OF,
    Absent,
    CafNumber,
    Household,
    HouseholdRecord,
    HouseholdStatus,
    Identity,
    Need,
    Session,
    Source,
)
from gateway.core.rules import Lookup, Mode, Policy
from gateway.ports import HouseholdRequest
from gateway.web.amend import amend
from gateway.web.services import Services

RETRY_AFTER_S = 60
"""An outage is asked again after this long, and not at each click."""


async def enquire(
    services: Services,
    policy: Policy,
    lookups: Iterable[Lookup],
    records: tuple[HouseholdRecord, ...],
    identity: Identity | None,
    reference: str,
    *,
    access_token: str | None = None,
    granted: frozenset[str] | None = None,
    number: CafNumber | None = None,
    browser: str | None = None,
    until: float | None = None,
    waived: bool = False,
) -> tuple[HouseholdRecord, ...]:
    """The session's enquiries with those that these `lookups` of `policy` lacked, one after the other, settled."""
    for lookup in lookups:
        seen = view(records, lookup)
        if not seen.missing:
            continue
        rule, source = lookup.rule, lookup.source
        blocks = seen.missing | ({ADULTS_OF[source]} if rule.match else frozenset())
        place = None if browser is None else place_name(browser, source)
        request = HouseholdRequest(rule.mode, blocks, access_token, identity, number, source, place, until)
        answer = _WAIVED if waived else await _ask(services, request, granted)
        asked = Enquiry(rule, blocks, lookup.needs.fields | seen.fields, source)
        record = settle(answer, asked, identity=identity, now=services.now)
        if policy.keeps_s is not None:
            record = replace(record, kept_until=record.obtained_at + policy.keeps_s)
        _say(services, policy, answer, record, reference)
        records = remember(records, record)
    return records


def _say(
    services: Services, policy: Policy, answer: Household | Absent, record: HouseholdRecord, reference: str
) -> None:
    source, status = str(record.source), str(record.status)
    code = answer.code if isinstance(answer, Absent) else ""
    services.metrics.count("gateway_household_answers_total", source=source, status=status, code=code)
    services.log(
        "household",
        outcome=status,
        reasons=" ".join(record.reasons),
        policy=policy.name,
        source=source,
        reference=reference,
    )


def _is_vouched(services: Services, identity: Identity | None) -> bool:
    """Whether the names were checked against the civil register. Without anybody signed in, none are compared."""
    if identity is None:
        return True
    provider = services.providers.get(identity.provider)
    return provider is not None and provider.vouches


def place_name(browser: str, source: Source) -> str:
    """One place a source for each browser, by the digest that its login transactions are bound to."""
    return f"{browser} {source}"


_NOT_VOUCHED = Absent(HouseholdStatus.NOT_AVAILABLE, "identity_not_vouched")
_NOT_GRANTED = Absent(HouseholdStatus.UNAVAILABLE, "scope_not_granted")
_FOREIGN = Absent(HouseholdStatus.NOT_AVAILABLE, "identity_without_birthcountry")
_WAIVED = Absent(HouseholdStatus.UNAVAILABLE, "household_waived")

FLIGHT_S = 60.0
"""Longer than any enquiry lasts."""
FLIGHT_PATIENCE_S = 30.0


async def _ask(services: Services, request: HouseholdRequest, granted: frozenset[str] | None) -> Household | Absent:
    """The answer; a place that was kept for this enquiry is used by it or given back."""
    try:
        return await _asked(services, request, granted)
    finally:
        line = services.lines.get(request.source)
        if line is not None and request.place is not None:
            await line.leave(request.place)


async def _asked(services: Services, request: HouseholdRequest, granted: frozenset[str] | None) -> Household | Absent:
    """Ask, unless the answer is known: without a CAF scope in the token it is a refusal, and counts as a call."""
    if not _is_vouched(services, request.identity):
        return _NOT_VOUCHED
    source = services.sources.get(request.source)
    if source is None or not _may_ask(request.needs, granted):
        return _NOT_GRANTED
    by_token = request.mode is Mode.FRANCECONNECT
    if by_token and request.identity is not None and request.identity.birthcountry is None:
        # An eIDAS identity: FranceConnect gives no place of birth, and no French file can be looked up by it.
        return _FOREIGN
    began = services.clock()
    answer = await source.fetch(request)
    services.metrics.observe("gateway_household_seconds", services.clock() - began, source=str(request.source))
    return answer


def _may_ask(blocks: frozenset[Need], granted: frozenset[str] | None) -> bool:
    return granted is None or bool({str(block) for block in blocks} & granted)


async def enquire_by_identity(services: Services, policy: Policy, session: Session, reference: str) -> Session | None:
    """Identity mode: the source is asked when a request first needs it, and an outage again after a while.

    What a person contests is not asked for: none of it could leave.
    """
    due = await _due(services, policy, session)
    if not due:
        return session
    line = services.lines.get(due[0].source)
    if line is None:
        return await _enquired(services, policy, due, session, reference)
    # Several requests of one page: the first asks, the others find its answer.
    async with line.alone(f"session {session.id}", hold_s=FLIGHT_S, patience_s=FLIGHT_PATIENCE_S) as mine:
        current = await services.sessions.load(session.id)
        due = await _due(services, policy, current) if mine and current is not None else ()
        if current is None or not due:
            return current
        return await _enquired(services, policy, due, current, reference)


async def _due(services: Services, policy: Policy, session: Session) -> tuple[Lookup, ...]:
    asked = owed(policy, session, services.now)
    if not asked:
        return ()
    standing = await services.sessions.standing(session)
    return tuple(each for each in asked if not is_withheld(policy.name, each.needs, standing))


async def _enquired(
    services: Services, policy: Policy, due: Sequence[Lookup], session: Session, reference: str
) -> Session | None:
    before = concerning(session.household, due)
    held = concerning(_fresh(policy, session, services.now), due)
    records = await enquire(services, policy, due, held, session.identity, reference)
    return await amend(services, session.id, lambda current: _with(current, before, records))


def _with(session: Session, before: tuple[HouseholdRecord, ...], records: tuple[HouseholdRecord, ...]) -> Session:
    """What was confirmed stays so, unless what it was about was asked again."""
    household = merged(session.household, before, records)
    kept = all(record in household for record in session.household if record.household is not None)
    return replace(session, household=household, reviewed=session.reviewed if kept else frozenset())


def owed(policy: Policy, session: Session, now: int) -> tuple[Lookup, ...]:
    """The sources that identity mode still owes this policy an answer of."""
    if session.identity is None or policy.name in session.declined:
        return ()
    if policy.login is None or session.identity.acr < policy.login.acr:
        return ()
    by_identity = [each for each in policy.lookups if each.rule.mode is Mode.IDENTITY]
    if not by_identity:
        return ()
    records = _fresh(policy, session, now)
    return tuple(each for each in by_identity if view(records, each).status is None)


def _fresh(policy: Policy, session: Session, now: int) -> tuple[HouseholdRecord, ...]:
    return tuple(record for record in lasting(session.household, policy.keeps_s, now) if not _stale(record, now))


def _stale(record: HouseholdRecord, now: int) -> bool:
    return record.status is HouseholdStatus.UNAVAILABLE and now - record.obtained_at >= RETRY_AFTER_S
