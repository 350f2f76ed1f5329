"""What the gateway would decide for a person written by hand: `gateway explain` shows it, `gateway test` expects it."""

from dataclasses import dataclass
from datetime import date
from urllib.parse import urlsplit

from gateway.cli.fixture import EVERY_SCOPE, Fixture
from gateway.core.errors import RequestRejected
from gateway.core.model import Decision, Facts, RequestFacts
from gateway.core.paths import admit, read_target
from gateway.core.policy import decide
from gateway.core.routing import RouteTable, SlashRedirect, normal_host
from gateway.core.rules import Route
from gateway.settings import Settings


@dataclass(frozen=True, slots=True)
class Judged:
    route: Route
    facts: Facts
    decision: Decision


Outcome = Judged | SlashRedirect | RequestRejected


def judged(settings: Settings, method: str, url: str, who: Fixture, today: date, *, reviewed: bool) -> Outcome:
    """The same lines as in service, from the target to the decision; `url` is a path on `public_url` or a whole URL."""
    try:
        route, request = _route(RouteTable(settings.routes), settings.host, method, url)
    except RequestRejected as error:
        return error
    if isinstance(route, SlashRedirect):
        return route
    facts = Facts(
        request=request,
        today=today,
        decision_id="EXPLAIN-0",
        identity=who.identity,
        scopes=EVERY_SCOPE,
        household=who.household,
        reviewed=reviewed,
        standing=who.standing,
    )
    return Judged(route, facts, decide(route.policy, facts))


def _route(table: RouteTable, host: str, method: str, raw: str) -> tuple[Route | SlashRedirect, RequestFacts]:
    if not raw.startswith("/"):
        parts = urlsplit(raw)
        host = normal_host(parts.netloc.encode())[0]
        raw = raw.split(parts.netloc, 1)[1] or "/"
    target = read_target(raw.encode())
    found = table.find(host, target.path, method)
    if isinstance(found, Route):
        admit(target, found)
    return found, RequestFacts(method, host, target.path)
