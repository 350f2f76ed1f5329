"""The algorithmic notice: what a policy computes, from what, by whose decision. Made from the tariff or the scale."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from starlette.responses import Response

from gateway.core.errors import RequestRejected
from gateway.core.facts import COMPUTED_FROM
from gateway.core.model import Session
from gateway.core.rules import Policy, Scale, Schedule
from gateway.core.tariff import schedule_on
from gateway.web import texts
from gateway.web.exchange import Exchange, own_url
from gateway.web.services import Services

PREFIX = "calcul/"


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the rule: what is known (a sentence and what goes into it), and what follows."""

    when: str
    then: str
    low: str = ""
    high: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """One schedule or one scale, in words."""

    since: str
    decided: str
    """The council's decision, or where the figures are published."""
    rows: tuple[Row, ...]
    zero: str = ""


@dataclass(frozen=True, slots=True)
class ScaleRule(Rule):
    """The resources that count are between these, in euros a month."""

    floor: str = ""
    ceiling: str = ""


def notice_url(policy: Policy | None) -> str:
    """Where the notice of a policy is; empty when it computes nothing."""
    return own_url(PREFIX + policy.name) if policy is not None and (policy.schedules or policy.scales) else ""


def notices(services: Services, session: Session) -> list[dict[str, str]]:
    """For «Mes données»: the rule of each service that received something computed here."""
    told = {delivery.service for delivery in session.deliveries if not COMPUTED_FROM.keys().isdisjoint(delivery.facts)}
    policies = services.settings.policies.values()
    return [
        {"service": policy.purpose, "url": notice_url(policy)}
        for policy in policies
        if policy.purpose in told and notice_url(policy)
    ]


async def show_notice(services: Services, exchange: Exchange) -> Response:
    """`/_gateway/calcul/POLICY`, open to everybody: a rule is no secret."""
    name = exchange.snapshot.target.path.rpartition("/")[2]
    policy = services.settings.policies.get(name)
    if policy is None or not notice_url(policy):
        raise RequestRejected("own_page_unknown", 404)
    today = services.today
    return exchange.pages.page(
        "calcul",
        purpose=policy.purpose,
        brackets=bracket_rule(schedule_on(policy.schedules, today)),
        scale=scale_rule(schedule_on(policy.scales, today)),
        coming=[written_day(day) for day in _coming(policy, today)],
    )


def _coming(policy: Policy, today: date) -> list[date]:
    dates = {each.valid_from for each in policy.schedules} | {each.valid_from for each in policy.scales}
    return sorted(day for day in dates if day > today)


def bracket_rule(schedule: Schedule | None) -> Rule | None:
    if schedule is None:
        return None
    bounds = [None, *(bracket.up_to for bracket in schedule.brackets)]
    rows = [_bracket(bracket.name, below, bracket.up_to) for below, bracket in zip(bounds, schedule.brackets)]
    zero = "" if schedule.zero_is_a_value else texts.ZERO_IS_ABSENT
    return Rule(written_day(schedule.valid_from), schedule.council_decision, tuple(rows), zero)


def scale_rule(scale: Scale | None) -> ScaleRule | None:
    if scale is None:
        return None
    starts = [start for start, _ in scale.rates]
    ends: list[int | None] = [*(start - 1 for start in starts[1:]), None]
    places = max(len(figure(rate).partition(",")[2]) for _, rate in scale.rates)
    rows = tuple(_children(start, end, f"{rate:.{places}f} %") for (start, rate), end in zip(scale.rates, ends))
    since = written_day(scale.valid_from)
    return ScaleRule(since, scale.published, rows, floor=figure(scale.floor), ceiling=figure(scale.ceiling))


def _bracket(name: str, below: int | None, up_to: int | None) -> Row:
    if up_to is None:
        return Row(texts.ANY_QUOTIENT, name) if below is None else Row(texts.ABOVE, name, low=str(below))
    if below is None:
        return Row(texts.UP_TO, name, high=str(up_to))
    return Row(texts.BETWEEN, name, low=str(below + 1), high=str(up_to))


def _children(start: int, end: int | None, rate: str) -> Row:
    if end is None:
        return Row(texts.CHILDREN_FROM, rate, low=str(start)) if start > 1 else Row(texts.ANY_CHILDREN, rate)
    if start == end:
        return Row(texts.ONE_CHILD if start == 1 else texts.CHILDREN, rate, low=str(start))
    return Row(texts.CHILDREN_BETWEEN, rate, low=str(start), high=str(end))


def figure(number: Decimal) -> str:
    """`0,0619`, `7000`: as the file writes it, with a comma."""
    return f"{number:f}".removesuffix(".0").replace(".", ",")


def written_day(day: date) -> str:
    return f"{day.day:02d}/{day.month:02d}/{day.year}"
