"""`gateway explain METHOD URL --as FILE`: the decision and why. No network, no secret, no clock but `--date`."""

import argparse
import os
from datetime import date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from gateway.cli.check import shown_upstreams
from gateway.cli.fixture import EVERY_SCOPE, Fixture, read_fixture
from gateway.config.gateway_file import load
from gateway.core.conditions import Truth
from gateway.core.encodings import render
from gateway.core.errors import RequestRejected
from gateway.core.model import Allow, Alternative, Ask, Authenticate, Decision, Deny, Facts, RequestFacts, Standing
from gateway.core.paths import admit, read_target
from gateway.core.policy import decide, look, trace
from gateway.core.routing import RouteTable, SlashRedirect, normal_host
from gateway.core.rules import Route, Test

_WORDS: dict[Truth, str] = {True: "true", False: "false", None: "unknown"}


def register(subcommands: Any) -> None:
    command: argparse.ArgumentParser = subcommands.add_parser(
        "explain", help="say what would happen to a request, and why"
    )
    command.add_argument("method")
    command.add_argument("url", help="a path on public_url, or a whole URL")
    command.add_argument(
        "--as", dest="fixture", type=Path, metavar="FILE", help="who asks: {identity: {…}, household: {…}}"
    )
    command.add_argument("--config", type=Path, default=Path("gateway.yaml"))
    command.add_argument("--date", type=date.fromisoformat, help="day of the request, by default today in Paris")
    command.add_argument("--before-review", action="store_true", help="as if the person had not confirmed yet")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """0 with a decision, whatever it is; 2 when the request itself is refused."""
    settings = load(arguments.config, os.environ, secrets_required=False)
    today = arguments.date or datetime.now(ZoneInfo("Europe/Paris")).date()
    who = read_fixture(arguments.fixture, today) if arguments.fixture else Fixture(None, ())
    try:
        route, request = _route(RouteTable(settings.routes), settings.host, arguments)
    except RequestRejected as error:
        print(f"refused: {error.code} (HTTP {error.status})")
        return 2
    if isinstance(route, SlashRedirect):
        print(f"redirect: {route.to} (the route ends with a slash)")
        return 0
    facts = Facts(
        request=request,
        today=today,
        decision_id="EXPLAIN-0",
        identity=who.identity,
        scopes=EVERY_SCOPE,
        household=who.household,
        reviewed=not arguments.before_review,
        standing=who.standing,
    )
    _print(route, facts)
    return 0


def _route(table: RouteTable, host: str, arguments: argparse.Namespace) -> tuple[Route | SlashRedirect, RequestFacts]:
    raw = arguments.url
    if not raw.startswith("/"):
        parts = urlsplit(raw)
        host = normal_host(parts.netloc.encode())[0]
        raw = raw.split(parts.netloc, 1)[1] or "/"
    target = read_target(raw.encode())
    found = table.find(host, target.path, arguments.method)
    if isinstance(found, Route):
        admit(target, found)
    return found, RequestFacts(arguments.method, host, target.path)


def _print(route: Route, facts: Facts) -> None:
    policy = route.policy
    print(f"route:     {route.name} -> {shown_upstreams(route)}")
    print(f"policy:    {policy.tag} ({policy.purpose})")
    if policy.needs.claims or policy.needs.blocks:
        asked = sorted(policy.needs.claims | {str(block) for block in policy.needs.blocks})
        print(f"asks for:  {' '.join(asked)}")
    for seen in look(policy, facts):
        print(f"{seen.lookup.source + ':':<11}{seen.status}")
    for words in said_against(facts.standing):
        print(f"said:      {words}")
    for line in trace(policy, facts):
        print(f"condition: {line.group}: {line.condition.fact} {_written(line.condition.test)}: {_WORDS[line.truth]}")
    _print_decision(decide(policy, facts), route)


def said_against(standing: Standing) -> list[str]:
    """Contests and objections, answered or not, as the fixture writes them."""
    if not standing.known:
        return ["the dispute store does not answer: nothing of CAF or MSA may leave"]
    data = [f"{datum.name.lower()}: {status}" for datum, status in standing.data.items()]
    return data + [f"{policy}: {status}" for policy, status in standing.services.items()]


def _written(test: Test) -> str:
    operand = _written(test.operand) if isinstance(test.operand, Test) else test.operand
    return f"{{{test.operator}: {list(operand) if isinstance(operand, tuple) else operand}}}"


def _print_decision(decision: Decision, route: Route) -> None:
    print(f"decision:  {type(decision).__name__.lower()} ({decision.reason})")
    match decision:
        case Allow():
            for item in decision.inject:
                print(f"header:    {item.header}: {render(item.value)}")
            if not decision.inject:
                print("header:    none")
        case Authenticate():
            print(f"login:     acr {decision.acr}, scopes {' '.join(sorted(decision.scopes))}")
        case Ask():
            print(f"asks:      {decision.what}")
        case Alternative():
            way_out = route.policy.alternative
            print(f"way out:   {way_out.url if way_out else 'none'}")
        case Deny():
            refused = route.policy.refused
            print(f"way out:   {refused.url if refused and refused.url else 'none'}")
