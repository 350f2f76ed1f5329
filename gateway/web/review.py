"""«Je relis»: what would leave is shown first, and leaves only if the person says so."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from starlette.responses import Response

from gateway.core.errors import RequestRejected
from gateway.core.facts import FACTS, is_household_value
from gateway.core.model import Ask, Injected, Question, Reason, Session
from gateway.core.policy import Seen, decide, injected, look
from gateway.core.rules import Policy
from gateway.web import texts
from gateway.web.amend import amend
from gateway.web.exchange import Destination, Exchange, destination, facts_at, form_bond, own_url, require_form
from gateway.web.http import posted_form
from gateway.web.information import alternative_of, provider_label
from gateway.web.kept_forms import onward
from gateway.web.notice import notice_url
from gateway.web.services import Services

CONTEST = "mes-donnees/contester"
"""The page where one datum is contested."""


@dataclass(frozen=True, slots=True)
class Line:
    label: str
    text: str = ""
    items: tuple[str, ...] = ()
    unit: str = ""
    """A sentence that the text goes into, as `amount`; or that stands in its place."""
    kind: str = ""
    """How a page writes the text: a `number`, a `month` (`2026-05`), a `day` (`24/11/2026`, also after a name), a
    `sentence` of ours; empty: as it is."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where values of one source come from."""

    source: str
    on: str


async def show_review(services: Services, exchange: Exchange) -> Response:
    place, session = _required(services, exchange, exchange.snapshot.query.get("return_to", ""))
    facts = await facts_at(services, place, session, exchange.reference)
    policy = place.route.policy
    if decide(policy, facts) != Ask(Question.REVIEW, Reason.REVIEW_NEEDED):
        return exchange.pages.redirect(place.url)
    seen = look(policy, facts)
    sent = injected(policy, facts, seen)
    return exchange.pages.page(
        "review",
        purpose=policy.purpose,
        identity=identity_lines(sent),
        provider=provider_label(services, session.identity.provider) if session.identity else "",
        lines=_shown(policy, sent),
        origins=[_origin(each) for each in seen if each.view.obtained_at is not None],
        contests=_contests(sent, place.url),
        counts_children=any(item.fact == "childcare.dependent_children" for item in sent),
        notice=notice_url(policy),
        alternative=alternative_of(place),
        token=services.cookies.form_token(form_bond(exchange)),
        return_to=place.url,
    )


def _shown(policy: Policy, sent: Iterable[Injected]) -> list[Line]:
    """The values; to somebody whom nobody has identified, only which ones: a number typed may be a neighbour's."""
    shown = lines((item.fact, item.value) for item in sent)
    if policy.household is None or policy.household.match:
        return shown
    return [Line(line.label, unit=texts.SENT_UNSEEN) for line in shown]


def _origin(seen: Seen) -> Origin:
    fund = texts.FUNDS.get(seen.view.household.fund or "", texts.EITHER_FUND)
    return Origin(fund, day(seen.view.obtained_at or 0))


def _contests(sent: Iterable[Injected], return_to: str) -> list[dict[str, str]]:
    """A link for each datum that would leave: saying that it is wrong keeps it here."""
    named: dict[str, str] = {}
    for item in sent:
        block = FACTS[item.fact].block if is_household_value(item.fact) else None
        if block is not None:
            named[block.name.lower()] = texts.DATA[block]
    address = own_url(CONTEST, return_to)
    return [{"url": f"{address}&datum={datum}", "label": label} for datum, label in named.items()]


def identity_lines(sent: Iterable[Injected]) -> list[Line]:
    """What the identity provider has verified: shown, and not to be typed or changed again."""
    return [_line(item.fact, item.value) for item in sent if item.fact.startswith("identity.") and item.fact in _CIVIL]


_CIVIL = frozenset(f"identity.{name}" for name in ("birth_name", "usage_name", "given_names", "birthdate", "email"))


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
        return exchange.pages.redirect(onward(services, exchange, place))
    if form.get("answer") != "decline":
        raise RequestRejected("form_malformed")
    await amend(services, session.id, lambda now: replace(now, declined=now.declined | {policy.name}))
    way_out = alternative_of(place)
    return exchange.pages.redirect(str(way_out["url"]) if way_out else place.url)


def lines(values: Iterable[tuple[str, object]]) -> list[Line]:
    """One line a household value, in words."""
    return [_line(fact, value) for fact, value in values if is_household_value(fact) and fact in texts.FACT_LABELS]


def _line(fact: str, value: object) -> Line:
    label = texts.FACT_LABELS[fact]
    label = label[:1].upper() + label[1:]
    if fact == "household.fund":
        return Line(label, texts.FUNDS.get(str(value), str(value)), kind="sentence")
    if fact in texts.UNITS:
        return Line(label, str(value), unit=texts.UNITS[fact], kind="number")
    if fact.endswith(".obtained_at"):
        return Line(label, day(int(datetime.fromisoformat(str(value)).timestamp())), kind="day")
    kind = _KINDS.get(fact.partition(".")[2], "")
    if isinstance(value, dict):
        return Line(label, items=tuple(address_lines(value)))
    if isinstance(value, list):
        return Line(label, items=tuple(_words(item) for item in value), kind=kind)
    return Line(label, written_date(str(value)) if kind == "day" else str(value), kind=kind)


_KINDS: Mapping[str, str] = {
    "reference_month": "month",
    "computed_month": "month",
    "family_quotient": "number",
    "birthdate": "day",
    "children": "day",
    "adults": "day",
}
"""`Line.kind` by the fact's own name."""


def address_lines(parts: Mapping[str, Any]) -> Iterator[str]:
    """As on an envelope: `1 RUE MONTORGUEIL`, `75002 PARIS`, `FRANCE`; the code of the Insee last."""
    yield from parts.get("lines", ())
    if place := " ".join(parts[name] for name in ("postal_code", "city") if name in parts):
        yield place
    if "country" in parts:
        yield parts["country"]
    if "insee_code" in parts:
        yield f"Insee {parts['insee_code']}"


def _words(value: object) -> str:
    if isinstance(value, dict) and "given_names" in value:
        return _person(value)
    if isinstance(value, dict):
        return ", ".join(_words(part) for part in value.values())
    if isinstance(value, list):
        return ", ".join(str(item) for item in value)
    return str(value)


def _person(parts: Mapping[str, object]) -> str:
    """`PIERRE DUPONT, 10/01/2018`."""
    names = " ".join(str(parts[name]) for name in ("given_names", "birth_name") if name in parts)
    born = str(parts.get("birthdate", ""))
    return f"{names}, {written_date(born)}" if born else names


def written_date(iso: str) -> str:
    """`2018-01-10` → `10/01/2018`; a date of which a part is unknown stays as the source writes it."""
    year, _, rest = iso.partition("-")
    return iso if "00" in rest.split("-") else "/".join([*reversed(rest.split("-")), year])


def day(unix_s: int) -> str:
    """`24/11/2026`, in Paris."""
    return datetime.fromtimestamp(unix_s, ZoneInfo("Europe/Paris")).strftime("%d/%m/%Y")
