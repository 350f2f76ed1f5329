"""The only place that waits on CAF: ask the source for what a policy lacks, compare, keep the little that is wanted."""

from dataclasses import replace

from gateway.core.household import Enquiry, lasting, remember, settle, view
from gateway.core.model import (
    Absent,
    CafNumber,
    Household,
    HouseholdRecord,
    HouseholdStatus,
    Identity,
    Need,
    Session,
)
from gateway.core.rules import Mode, Policy
from gateway.ports import HouseholdRequest
from gateway.web.amend import amend
from gateway.web.services import Services

_SOURCE = "household"
"""Its name in the configuration, for the metrics."""

RETRY_AFTER_S = 60
"""An outage is asked again after this long, and not at each click."""


async def enquire(
    services: Services,
    policy: Policy,
    records: tuple[HouseholdRecord, ...],
    identity: Identity | None,
    *,
    access_token: str | None = None,
    granted: frozenset[str] | None = None,
    number: CafNumber | None = None,
    browser: str | None = None,
    until: float | None = None,
    waived: bool = False,
) -> tuple[HouseholdRecord, ...]:
    """The session's enquiries with the one that `policy` lacked, settled."""
    rule = policy.household
    seen = view(records, policy.needs)
    if rule is None or not seen.missing:
        return records
    blocks = seen.missing | ({Need.ADULTS} if rule.match else frozenset())
    asked = Enquiry(rule, blocks, policy.needs.fields | seen.fields)
    request = HouseholdRequest(
        mode=rule.mode,
        needs=blocks,
        access_token=access_token,
        identity=identity,
        number=number,
        browser=browser,
        until=until,
    )
    began = services.clock()
    answer = _WAIVED if waived else await _answer(services, request, granted)
    services.metrics.observe("gateway_household_seconds", services.clock() - began, source=_SOURCE)
    record = settle(answer, asked, identity=identity, now=services.now)
    if policy.keeps_s is not None:
        record = replace(record, kept_until=record.obtained_at + policy.keeps_s)
    code = answer.code if isinstance(answer, Absent) else ""
    services.metrics.count("gateway_household_answers_total", source=_SOURCE, status=str(record.status), code=code)
    services.log("household", outcome=str(record.status), reasons=" ".join(record.reasons), policy=policy.name)
    return remember(records, record)


_NOT_GRANTED = Absent(HouseholdStatus.UNAVAILABLE, "scope_not_granted")
_WAIVED = Absent(HouseholdStatus.UNAVAILABLE, "household_waived")

FLIGHT_S = 60.0
"""Longer than any enquiry lasts."""
FLIGHT_PATIENCE_S = 30.0


async def _answer(services: Services, request: HouseholdRequest, granted: frozenset[str] | None) -> Household | Absent:
    if services.source is not None and _may_ask(request.needs, granted):
        return await services.source.fetch(request)
    if services.line is not None and request.browser is not None:
        await services.line.leave(request.browser)
    return _NOT_GRANTED


def _may_ask(blocks: frozenset[Need], granted: frozenset[str] | None) -> bool:
    """Without any CAF scope in the token, API Particulier answers 403 and counts the call."""
    return granted is None or bool({str(block) for block in blocks} & granted)


async def enquire_by_identity(services: Services, policy: Policy, session: Session) -> Session | None:
    """Identity mode: the source is asked when a request first needs it, and an outage again after a while."""
    if not must_enquire(policy, session, services.now):
        return session
    if services.line is None:
        return await _enquired(services, policy, session)
    name = f"session {session.id}"
    async with services.line.alone(name, hold_s=FLIGHT_S, patience_s=FLIGHT_PATIENCE_S) as mine:
        # Several requests of one page: the first asks, the others find its answer.
        current = await services.sessions.load(session.id)
        if not mine or current is None or not must_enquire(policy, current, services.now):
            return current
        return await _enquired(services, policy, current)


async def _enquired(services: Services, policy: Policy, session: Session) -> Session | None:
    records = await enquire(services, policy, _fresh(policy, session, services.now), session.identity)
    return await amend(services, session.id, lambda current: _with(current, records))


def _with(session: Session, records: tuple[HouseholdRecord, ...]) -> Session:
    """What was confirmed stays so, unless what it was about was asked again."""
    kept = all(record in records for record in session.household if record.household is not None)
    return replace(session, household=records, reviewed=session.reviewed if kept else frozenset())


def must_enquire(policy: Policy, session: Session, now: int) -> bool:
    """Whether identity mode still owes this policy an answer of the source."""
    rule = policy.household
    if rule is None or rule.mode is not Mode.IDENTITY or session.identity is None or policy.name in session.declined:
        return False
    if policy.login is None or session.identity.acr < policy.login.acr:
        return False
    return view(_fresh(policy, session, now), policy.needs).status is None


def _fresh(policy: Policy, session: Session, now: int) -> tuple[HouseholdRecord, ...]:
    return tuple(record for record in lasting(session.household, policy.keeps_s, now) if not _stale(record, now))


def _stale(record: HouseholdRecord, now: int) -> bool:
    return record.status is HouseholdStatus.UNAVAILABLE and now - record.obtained_at >= RETRY_AFTER_S
