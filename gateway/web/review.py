"""«Je relis»: what would leave is shown first, and leaves only if the person says so."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from starlette.responses import Response

from gateway.core.errors import RequestRejected
from gateway.core.facts import is_household_value
from gateway.core.household import view
from gateway.core.model import Alternative, Ask, Deny, HouseholdStatus, Question, Reason, Session
from gateway.core.policy import decide, injected
from gateway.web import texts
from gateway.web.amend import amend
from gateway.web.exchange import Destination, Exchange, destination, facts_at, form_bond, own_url, require_form
from gateway.web.http import posted_form
from gateway.web.information import alternative_of
from gateway.web.services import Services


@dataclass(frozen=True, slots=True)
class Line:
    label: str
    text: str = ""
    items: tuple[str, ...] = ()


async def show_review(services: Services, exchange: Exchange) -> Response:
    place, session = _required(services, exchange, exchange.snapshot.query.get("return_to", ""))
    facts = facts_at(services, place, session, exchange.reference)
    policy = place.route.policy
    if decide(policy, facts) != Ask(Question.REVIEW, Reason.REVIEW_NEEDED):
        return exchange.pages.redirect(place.url)
    seen = view(facts.household, policy.needs)
    return exchange.pages.page(
        "review",
        purpose=policy.purpose,
        lines=lines((item.fact, item.value) for item in injected(policy, facts)),
        obtained_on=day(seen.obtained_at or 0),
        source=texts.FUNDS.get(seen.household.fund or "", "la CAF ou la MSA"),
        token=services.cookies.form_token(form_bond(exchange)),
        return_to=place.url,
    )


def _required(services: Services, exchange: Exchange, return_to: str) -> tuple[Destination, Session]:
    place = destination(services, return_to, exchange.snapshot.host)
    if place is None or exchange.session is None:
        raise RequestRejected("page_without_session", 403)
    return place, exchange.session


async def answer_review(services: Services, exchange: Exchange) -> Response:
    """Confirm: the values may leave under this version of the policy. Decline: they may not, and no reason is asked."""
    form = await posted_form(exchange.snapshot, exchange.receive)
    require_form(services, exchange, form.get("token", ""), form_bond(exchange))
    place, session = _required(services, exchange, form.get("return_to", ""))
    policy = place.route.policy
    if form.get("answer") == "confirm":
        await amend(services, session.id, lambda now: replace(now, reviewed=now.reviewed | {policy.tag}))
        return exchange.pages.redirect(place.url)
    if form.get("answer") != "decline":
        raise RequestRejected("form_malformed")
    await amend(services, session.id, lambda now: replace(now, declined=now.declined | {policy.name}))
    way_out = alternative_of(place)
    return exchange.pages.redirect(way_out["url"] if way_out else place.url)


def alternative_page(services: Services, exchange: Exchange, place: Destination, decision: Alternative) -> Response:
    """Why nothing was sent, and the ways to go on. In number mode unknown and somebody else's read the same."""
    message = _why(exchange.session, decision.status)
    return exchange.pages.message(
        message,
        403,
        reference=exchange.reference,
        restart=_restart(place, decision.status),
        alternative=alternative_of(place),
    )


def _why(session: Session | None, status: HouseholdStatus) -> texts.Message:
    """In the words of its reason, where there are any: a line that was not waited for is no outage."""
    reasons = session.household[-1].reasons if session and session.household else ()
    if status is HouseholdStatus.UNAVAILABLE and reasons and reasons[0] in texts.UNAVAILABLE_BECAUSE:
        return texts.UNAVAILABLE_BECAUSE[reasons[0]]
    return texts.ALTERNATIVE.get(status, texts.OTHER_ALTERNATIVE)


def _restart(place: Destination, status: HouseholdStatus) -> str:
    rule = place.route.policy.household
    numbered = rule is not None and rule.mode == "number" and status is not HouseholdStatus.DECLINED
    return own_url("allocataire" if numbered else "login", place.url)


def refused_page(services: Services, exchange: Exchange, place: Destination, decision: Deny) -> Response:
    """403 with the policy's own words; the reason's code is in the audit line, not on the page."""
    del decision
    refused = place.route.policy.refused
    message = texts.REFUSED if refused is None else replace_body(refused.text.fr)
    return exchange.pages.message(message, 403, reference=exchange.reference, proceed=refused.url if refused else None)


def replace_body(body: str) -> texts.Message:
    return texts.Message(texts.REFUSED.title, body)


def lines(values: Iterable[tuple[str, object]]) -> list[Line]:
    """One line a household value, in words."""
    return [_line(fact, value) for fact, value in values if is_household_value(fact) and fact in texts.FACT_LABELS]


def _line(fact: str, value: object) -> Line:
    label = texts.FACT_LABELS[fact]
    label = label[:1].upper() + label[1:]
    if fact == "household.fund":
        return Line(label, texts.FUNDS.get(str(value), str(value)))
    if fact in {"household.reference_month", "household.computed_month"}:
        return Line(label, texts.month(str(value)))
    if isinstance(value, dict):
        return Line(label, items=tuple(_words(part) for part in value.values()))
    if isinstance(value, list):
        return Line(label, items=tuple(_words(item) for item in value))
    return Line(label, str(value))


def _words(value: object) -> str:
    if isinstance(value, dict) and "given_names" in value:
        return _person(value)
    if isinstance(value, dict):
        return ", ".join(_words(part) for part in value.values())
    if isinstance(value, list):
        return ", ".join(str(item) for item in value)
    return str(value)


def _person(parts: Mapping[str, object]) -> str:
    """`PIERRE DUPONT, 10/01/2018`; a date of which a part is unknown stays as the source writes it."""
    names = " ".join(str(parts[name]) for name in ("given_names", "birth_name") if name in parts)
    born = str(parts.get("birthdate", ""))
    year, _, rest = born.partition("-")
    written = born if "00" in rest.split("-") else "/".join([*reversed(rest.split("-")), year])
    return f"{names}, {written}" if born else names


def day(unix_s: int) -> str:
    """`24/11/2026`, in Paris."""
    return datetime.fromtimestamp(unix_s, ZoneInfo("Europe/Paris")).strftime("%d/%m/%Y")
