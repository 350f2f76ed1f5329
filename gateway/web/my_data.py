"""«Mes données»: what was obtained, from whom, when, which service received it, and what the person has said of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product

from starlette.responses import Response

from gateway.core.disputes import Dispute, told_by
from gateway.core.facts import FACTS, IMPLIED, household_value
from gateway.core.household import forgotten
from gateway.core.model import CARRIES_A_VALUE, HouseholdRecord, HouseholdStatus, Need, Session, Source
from gateway.core.rules import Policy
from gateway.core.ways import TYPED, Way
from gateway.web import dispute_texts, texts
from gateway.web.amend import amend
from gateway.web.exchange import Exchange, form_bond, own_url, require_form
from gateway.web.http import posted_form
from gateway.web.information import provider_label
from gateway.web.notice import notices
from gateway.web.own_identity import identity_lines
from gateway.web.review import Line, day, lines
from gateway.web.services import Services

_NAMES = frozenset(f"{source}.{people}" for source in Source for people in ("adults", "children"))
"""Facts that tell other people's names: shown only where a policy injects them."""


@dataclass(frozen=True, slots=True)
class Obtained:
    """One datum that is held, as its person sees it."""

    datum: str
    """`quotient`, `address`, `children`, `adults`."""
    own: bool
    """Whether it was shown to be of the person's own file."""
    label: str
    source: str
    on: str
    lines: tuple[Line, ...] = field(repr=False)
    """Empty when its value is not shown."""
    hidden: str
    """Why it is not, in words; empty when it is."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """What one service received."""

    service: str
    labels: tuple[str, ...]
    on: str


@dataclass(frozen=True, slots=True)
class Said:
    """One contest or objection, as its person sees it."""

    label: str
    state: str
    on: str
    reference: str
    """Empty when it ends with the session."""
    field: str
    """Name and value of what withdraws it."""
    value: str
    ours: bool
    """`label` is a sentence of ours, not a policy's."""


@dataclass(frozen=True, slots=True)
class Service:
    """A policy that asks something of CAF or MSA, and whether the person has objected to it."""

    policy: str
    purpose: str


@dataclass(frozen=True, slots=True)
class OtherNumber:
    """A service for which a number was typed, and the form to type another one."""

    purpose: str
    url: str


async def show_my_data(services: Services, exchange: Exchange) -> Response:
    session = exchange.session
    if session is None:
        return exchange.pages.redirect(own_url("login"))
    objected = session.declined | {each.policy for each in await kept_for(services, session)}
    return exchange.pages.page(
        "my_data",
        identity=identity_lines(services, session),
        identified_on=day(session.identity.authenticated_at) if session.identity else "",
        provider=provider_label(services, session.identity.provider) if session.identity else "",
        obtained=list(obtained(services, session)),
        deliveries=delivered(session),
        numbers=other_numbers(services, exchange, session),
        notices=notices(services, session),
        said=await said_by(services, session),
        contested=await contested_data(services, session),
        services=[each for each in services_of(services) if each.policy not in objected],
        token=services.cookies.form_token(form_bond(exchange)),
    )


async def forget(services: Services, exchange: Exchange) -> Response:
    """Erase what came from CAF or MSA; the person stays signed in, and what they contest stays contested."""
    form = await posted_form(exchange.snapshot, exchange.receive)
    require_form(services, exchange, form.get("token", ""), form_bond(exchange))
    if exchange.session is not None:
        await amend(services, exchange.session.id, forgotten)
    return exchange.pages.redirect(own_url("mes-donnees"))


def obtained(services: Services, session: Session) -> Iterator[Obtained]:
    """Each datum with its value: it is the person's own, and they may read it whatever a service receives of it.

    A value of a file that nobody was shown to belong to the person is not theirs to read.
    """
    injected = {item.fact for policy in services.settings.policies.values() for item in policy.inject}
    for datum, own in product(Need, (True, False)):
        record = _last(session, datum, own=own)
        if record is None:
            continue
        yield Obtained(
            datum=code_of(datum),
            own=own,
            label=texts.DATA[datum],
            source=texts.FUNDS.get(record.household.fund or "", "CAF ou MSA") if record.household else "",
            on=day(record.obtained_at),
            lines=tuple(_values(services, record, datum, injected)) if own else (),
            hidden="" if own else dispute_texts.NOT_SHOWN,
        )


def _last(session: Session, datum: Need, *, own: bool) -> HouseholdRecord | None:
    """The newest enquiry that tells it. `own`: of the person's own file, and not of a number that was typed."""
    held = (
        record
        for record in session.household
        if record.household and record.status in CARRIES_A_VALUE and (record.way is not Way.NUMBER_ALONE) is own
    )
    return next((record for record in reversed(list(held)) if datum in told_by(record)), None)


def _values(services: Services, record: HouseholdRecord, datum: Need, injected: set[str]) -> list[Line]:
    household = record.household
    if household is None:
        return []
    fields = record.fields.union(*(IMPLIED.get(fact, frozenset()) for fact in record.fields))
    shown = [fact for fact in FACTS if fact in fields and FACTS[fact].block is datum and fact != "household.fund"]
    shown = [fact for fact in shown if fact not in _NAMES or fact in injected]
    whole = f"{datum.source}.address"
    if whole in shown:
        shown = [whole]
    read = [(fact, household_value(fact, household, record.status, None, services.today)) for fact in shown]
    return lines((fact, value) for fact, value in read if value is not None)


def delivered(session: Session) -> list[Delivered]:
    return [
        Delivered(
            each.service,
            # Two sources have one word for their result.
            tuple(dict.fromkeys(texts.RECEIVED_LABELS.get(fact, fact) for fact in each.facts)),
            day(each.at),
        )
        for each in session.deliveries
    ]


async def kept_for(services: Services, session: Session) -> Sequence[Dispute]:
    """What is kept beyond the session; `DependencyFailed` when it cannot be asked."""
    if services.disputes is None or session.identity is None:
        return ()
    return await services.disputes.of(session.identity)


async def said_by(services: Services, session: Session) -> list[Said]:
    """Contests and objections of this person: those that are kept, then those of this session."""
    purposes = {each.policy: each.purpose for each in services_of(services)}
    kept = [_said(each, purposes) for each in await kept_for(services, session)]
    here = [
        Said(texts.DATA[datum], dispute_texts.CONTESTED_HERE, "", "", "datum", code_of(datum), ours=True)
        for datum in sorted(session.contested)
    ]
    declined = [
        Said(purposes[policy], dispute_texts.DECLINED_HERE, "", "", "policy", policy, ours=False)
        for policy in sorted(session.declined)
        if policy in purposes
    ]
    return kept + here + declined


def _said(dispute: Dispute, purposes: dict[str, str]) -> Said:
    label = texts.DATA[dispute.datum] if dispute.datum else purposes.get(dispute.policy, dispute.policy)
    state = dispute_texts.STATES[dispute.is_contest, dispute.state]
    return Said(
        label, state, day(dispute.opened_at), dispute.reference, "reference", dispute.reference, ours=dispute.is_contest
    )


async def contested_data(services: Services, session: Session) -> frozenset[str]:
    """Codes of the data that are withheld now."""
    standing = await services.sessions.standing(session)
    return frozenset(code_of(datum) for datum, status in standing.data.items() if status is HouseholdStatus.CONTESTED)


def services_of(services: Services) -> list[Service]:
    """The services that ask something of CAF or MSA, in the order of the routes."""
    policies: dict[str, Policy] = {route.policy.name: route.policy for route in services.settings.routes}
    return [Service(each.name, each.purpose) for each in policies.values() if each.lookups]


def other_numbers(services: Services, exchange: Exchange, session: Session) -> list[OtherNumber]:
    """Where a number was typed, on the host that each of them was typed on: the application may be served without a
    value, and then nothing else leads back to the form."""
    typed = {(record.source, record.way) for record in session.household if record.way in TYPED}
    found: dict[str, OtherNumber] = {}
    for route in services.settings.routes:
        if any(lookup.key in typed for lookup in route.policy.lookups):
            origin = "" if route.host == exchange.snapshot.host else services.settings.origin_of(route)
            form = OtherNumber(route.policy.purpose, origin + own_url("allocataire", route.path))
            found.setdefault(route.policy.name, form)
    return list(found.values())


def code_of(datum: Need) -> str:
    """How forms, logs and the command line name a datum."""
    return datum.name.lower()


def datum_of(code: str) -> Need | None:
    return next((datum for datum in Need if code_of(datum) == code), None)
