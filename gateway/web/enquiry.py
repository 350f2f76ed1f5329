"""The only place that waits on CAF: ask the source for what a policy lacks, compare, keep the little that is wanted."""

from dataclasses import replace

from gateway.core.household import Enquiry, remember, settle, view
from gateway.core.model import Absent, CafNumber, HouseholdRecord, HouseholdStatus, Identity, Need, Session
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
) -> tuple[HouseholdRecord, ...]:
    """The session's enquiries with the one that `policy` lacked, settled."""
    rule = policy.household
    seen = view(records, policy.needs)
    if rule is None or not seen.missing:
        return records
    blocks = seen.missing | ({Need.ADULTS} if rule.match else frozenset())
    asked = Enquiry(rule, blocks, policy.needs.fields | seen.fields)
    request = HouseholdRequest(
        mode=rule.mode, needs=blocks, access_token=access_token, identity=identity, number=number
    )
    began = services.clock()
    answer = await services.source.fetch(request) if services.source and _may_ask(blocks, granted) else _NOT_GRANTED
    services.metrics.observe("gateway_household_seconds", services.clock() - began, source=_SOURCE)
    record = settle(answer, asked, identity=identity, now=services.now)
    code = answer.code if isinstance(answer, Absent) else ""
    services.metrics.count("gateway_household_answers_total", source=_SOURCE, status=str(record.status), code=code)
    services.log("household", outcome=str(record.status), reasons=" ".join(record.reasons), policy=policy.name)
    return remember(records, record)


_NOT_GRANTED = Absent(HouseholdStatus.UNAVAILABLE, "scope_not_granted")


def _may_ask(blocks: frozenset[Need], granted: frozenset[str] | None) -> bool:
    """Without any CAF scope in the token, API Particulier answers 403 and counts the call."""
    return granted is None or bool({str(block) for block in blocks} & granted)


async def enquire_by_identity(services: Services, policy: Policy, session: Session) -> Session | None:
    """Identity mode: the source is asked when a request first needs it, and an outage again after a while."""
    if not must_enquire(policy, session, services.now):
        return session
    records = await enquire(services, policy, _fresh(session, services.now), session.identity)
    return await amend(services, session.id, lambda current: replace(current, household=records))


def must_enquire(policy: Policy, session: Session, now: int) -> bool:
    """Whether identity mode still owes this policy an answer of the source."""
    rule = policy.household
    if rule is None or rule.mode is not Mode.IDENTITY or session.identity is None or policy.name in session.declined:
        return False
    if policy.login is None or session.identity.acr < policy.login.acr:
        return False
    return view(_fresh(session, now), policy.needs).status is None


def _fresh(session: Session, now: int) -> tuple[HouseholdRecord, ...]:
    return tuple(record for record in session.household if not _stale(record, now))


def _stale(record: HouseholdRecord, now: int) -> bool:
    return record.status is HouseholdStatus.UNAVAILABLE and now - record.obtained_at >= RETRY_AFTER_S
