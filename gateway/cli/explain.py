"""`gateway explain METHOD URL --as FILE`: the decision and why. No network, no secret, no clock but `--date`."""

import argparse
import os
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from gateway.cli.check import begins_later, shown_upstreams
from gateway.cli.fixture import Fixture, read_fixture
from gateway.cli.judgement import Judged, OwnPage, judged
from gateway.cli.printed import plainly
from gateway.config.gateway_file import load
from gateway.core.conditions import Truth
from gateway.core.decision import Allow, Alternative, Ask, Authenticate, Decision, Deny
from gateway.core.encodings import render
from gateway.core.errors import RequestRejected
from gateway.core.model import Standing
from gateway.core.policy import look, trace
from gateway.core.routing import SlashRedirect
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
    """0 with a decision, whatever it is; 2 when the request, or a value that would be sent, is refused."""
    settings = load(arguments.config, os.environ, secrets_required=False)
    today = arguments.date or datetime.now(ZoneInfo("Europe/Paris")).date()
    who = read_fixture(arguments.fixture, today) if arguments.fixture else Fixture(None, ())
    outcome = judged(settings, arguments.method, arguments.url, who, today, reviewed=not arguments.before_review)
    match outcome:
        case RequestRejected():
            _say(f"refused: {outcome.code} (HTTP {outcome.status})")
            return 2
        case SlashRedirect():
            _say(f"redirect: {outcome.to} (the route ends with a slash)")
        case OwnPage():
            where = "whatever the Host" if outcome.any_host else "on every host of a route"
            _say(f"own page: {outcome.path} (the gateway answers itself, {where})")
        case Judged():
            _print(outcome)
            return 2 if outcome.refused else 0
    return 0


def _say(line: str) -> None:
    print(plainly(line))


def _print(outcome: Judged) -> None:
    route, facts = outcome.route, outcome.facts
    policy = route.policy
    _say(f"route:     {route.name} -> {shown_upstreams(route)}")
    _say(f"policy:    {policy.tag} ({policy.purpose})")
    if policy.needs.claims or policy.needs.blocks:
        asked = sorted(policy.needs.claims | {str(block) for block in policy.needs.blocks})
        _say(f"asks for:  {' '.join(asked)}")
    for seen in look(policy, facts):
        _say(f"{seen.lookup.source + ':':<11}{seen.status}")
    for name, first in begins_later(policy, facts.today):
        _say(f"{name + ':':<11}none before {first}")
    for words in said_against(facts.standing):
        _say(f"said:      {words}")
    for line in trace(policy, facts):
        _say(f"condition: {line.group}: {line.condition.fact} {_written(line.condition.test)}: {_WORDS[line.truth]}")
    if outcome.refused is not None:
        _say(f"refused:   {outcome.refused.code} (HTTP {outcome.refused.status}), the value of {outcome.header}")
    else:
        _print_decision(outcome.decision, route)


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
    _say(f"decision:  {type(decision).__name__.lower()} ({decision.reason})")
    match decision:
        case Allow():
            for item in decision.inject:
                _say(f"header:    {item.header}: {render(item.value)}")
            if not decision.inject:
                _say("header:    none")
        case Authenticate():
            _say(f"login:     acr {decision.acr}, scopes {' '.join(sorted(decision.scopes))}")
        case Ask():
            _say(f"asks:      {decision.what}")
        case Alternative():
            way_out = route.policy.alternative
            _say(f"way out:   {way_out.url if way_out else 'none'}")
        case Deny():
            refused = route.policy.refused
            _say(f"way out:   {refused.url if refused and refused.url else 'none'}")
