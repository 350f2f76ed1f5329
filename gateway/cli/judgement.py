"""What the gateway would decide for a person written by hand: `gateway explain` shows it, `gateway test` expects it."""

from dataclasses import dataclass
from datetime import date
from urllib.parse import urlsplit

from gateway.cli.fixture import EVERY_SCOPE, Fixture
from gateway.core.decision import Allow, Decision
from gateway.core.encodings import encode, leaves, plain, render
from gateway.core.errors import RequestRejected, ValueRefused
from gateway.core.model import Facts, RequestFacts
from gateway.core.paths import Target, admit, read_target
from gateway.core.policy import decide
from gateway.core.routing import RouteTable, SlashRedirect, normal_host
from gateway.core.rules import Route, SignatureForm
from gateway.core.signing.bound import MAX_CLAIM_CHARACTERS
from gateway.settings import Settings


@dataclass(frozen=True, slots=True)
class Judged:
    route: Route
    facts: Facts
    decision: Decision
    refused: ValueRefused | None = None
    """Why the service would answer 502 all the same: a value that cannot be carried."""
    header: str = ""
    """The one that cannot."""


@dataclass(frozen=True, slots=True)
class OwnPage:
    """A page of the gateway's own."""

    path: str
    any_host: bool


Outcome = Judged | OwnPage | SlashRedirect | RequestRejected


def judged(settings: Settings, method: str, url: str, who: Fixture, today: date, *, reviewed: bool) -> Outcome:
    """The same lines as in service, from the target to the decision; `url` is a path on `public_url` or a whole URL."""
    try:
        return _judged(settings, method, url, who, today, reviewed=reviewed)
    except RequestRejected as error:
        return error


def _judged(settings: Settings, method: str, url: str, who: Fixture, today: date, *, reviewed: bool) -> Outcome:
    host, port, raw = _address(settings, url)
    if len(raw) > settings.limits.target_bytes:
        raise RequestRejected("target_too_long", 414)
    target, table = read_target(raw), RouteTable(settings.routes)
    own = _own_page(target, method) if target.is_own else None
    if (own is None or not own.any_host) and (host not in table.hosts or not settings.accepts_port(port)):
        raise RequestRejected("host_unknown", 421)
    if own is not None:
        return own
    route = table.find(host, target.path, method)
    if isinstance(route, SlashRedirect):
        return route
    admit(target, route)
    facts = Facts(
        request=RequestFacts(method, host, target.path),
        today=today,
        decision_id="EXPLAIN-0",
        identity=who.identity,
        scopes=EVERY_SCOPE,
        household=who.household,
        reviewed=reviewed,
        standing=who.standing,
    )
    decision = decide(route.policy, facts)
    return Judged(route, facts, decision, *_refused(route, decision))


def _address(settings: Settings, url: str) -> tuple[str, int | None, bytes]:
    """Host, port and target."""
    if url.startswith("/"):
        return settings.host, None, url.encode("utf-8", "surrogateescape")
    try:
        parts = urlsplit(url)
    except ValueError:
        raise RequestRejected("host_malformed") from None
    host, port = normal_host(parts.netloc.encode("utf-8", "surrogateescape"))
    target = url.split(parts.netloc, 1)[1] or "/"
    return host, port, target.encode("utf-8", "surrogateescape")


def _own_page(target: Target, method: str) -> OwnPage:
    from gateway.web import own_pages  # all of the pages, for one question that is seldom asked

    name = own_pages.page_name(target.path)
    own_pages.find_page(name, method)
    return OwnPage(target.path, name in own_pages.ANY_HOST)


def _refused(route: Route, decision: Decision) -> tuple[ValueRefused | None, str]:
    """The first value that its header or an assertion cannot carry."""
    for item in decision.inject if isinstance(decision, Allow) else ():
        try:
            encode(render(item.value), route.encoding)
            signed = route.sign is not SignatureForm.NONE
            if signed and any(len(text) > MAX_CLAIM_CHARACTERS for text in leaves(plain(item.value))):
                raise ValueRefused("assertion_claim_too_long")
        except ValueRefused as error:
            return error, item.header
    return None, ""
