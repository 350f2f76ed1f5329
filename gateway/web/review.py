"""«Je relis»: what would leave is shown first, and leaves only if the person says so."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from starlette.responses import Response

from gateway.core.decision import Ask, Injected, Question, Reason
from gateway.core.errors import RequestRejected
from gateway.core.facts import FACTS, WITHOUT_A_VALUE, is_household_value
from gateway.core.model import HouseholdStatus, Session
from gateway.core.policy import Seen, decide, injected, look
from gateway.core.rules import Policy, Route, SignatureForm
from gateway.web import texts
from gateway.web.amend import amend
from gateway.web.exchange import Destination, Exchange, destination, facts_at, form_bond, own_url, require_form
from gateway.web.http import posted_form
from gateway.web.information import alternative_of, provider_label
from gateway.web.kept_forms import onward
from gateway.web.notice import notice_url
from gateway.web.services import Services

_PARIS = ZoneInfo("Europe/Paris")

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
    provider = provider_label(services, session.identity.provider) if session.identity else ""
    return exchange.pages.page(
        "review",
        purpose=policy.purpose,
        identity=identity_lines(sent, provider),
        provider=provider,
        lines=[*_results(sent), *_shown(policy, sent)],
        attached=_attached(sent, place.route),
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


def identity_lines(sent: Iterable[Injected], provider: str) -> list[Line]:
    """What the identity provider has verified: shown, and not to be typed or changed again."""
    return [_identity_line(item, provider) for item in sent if item.fact.startswith("identity.")]


def _identity_line(item: Injected, provider: str) -> Line:
    label, value = _label(texts.RECEIVED_LABELS[item.fact]), str(item.value)
    match item.fact.removeprefix("identity."):
        case "sub":
            return Line(texts.IDENTIFIER, texts.FACT_LABELS[item.fact], kind="sentence")
        case "provider":
            return Line(label, provider)
        case "gender":
            return Line(label, texts.GENDERS.get(value, value), kind="sentence")
        case "authenticated_at":
            then = datetime.fromisoformat(value).astimezone(_PARIS)
            return Line(label, f"{then:%d/%m/%Y, %H:%M}", kind="day")
        case "age" | "birthplace" | "birthcountry" | "acr":
            return Line(label, value)
        case _:
            return _line(item.fact, item.value)


def _results(sent: Iterable[Injected]) -> list[Line]:
    """Whether a file was found: the application reads it with the value, and it says something of a person."""
    return [
        Line(
            _label(texts.RECEIVED_LABELS[item.fact]),
            texts.STATUS_WORDS[HouseholdStatus(str(item.value))],
            kind="sentence",
        )
        for item in sent
        if item.fact in WITHOUT_A_VALUE
    ]


def _attached(sent: Sequence[Injected], route: Route) -> list[Line]:
    """What leaves with each request and is no datum of the person's file: constants, our own words, the signature."""
    found = [Line(texts.FIXED, str(item.value)) for item in sent if item.fact == "const"]
    for item in sent:
        if item.fact in texts.ATTACHED_LABELS:
            new = item.fact == "gateway.decision_id"
            label = _label(texts.ATTACHED_LABELS[item.fact])
            found.append(Line(label, unit=texts.ONE_EACH) if new else Line(label, str(item.value)))
    told = {item.fact for item in sent}
    signed = tuple(texts.RECEIVED_LABELS[fact] for fact in _SIGNED if fact not in told)
    if signed and route.sign is SignatureForm.JWT and route.policy.login is not None:
        found.append(Line(texts.SIGNATURE, items=signed, kind="sentence"))
    return found


_SIGNED = ("identity.sub", "identity.acr", "identity.authenticated_at")
"""What an assertion says of who signed in, whether or not a header says it too."""


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


def _label(words: str) -> str:
    return words[:1].upper() + words[1:]


def _line(fact: str, value: object) -> Line:
    label = _label(texts.FACT_LABELS[fact])
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
    return datetime.fromtimestamp(unix_s, _PARIS).strftime("%d/%m/%Y")
