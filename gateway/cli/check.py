"""`gateway check`: every problem at once, or what each route asks for and sends."""

import argparse
import os
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from gateway.cli.printed import plainly
from gateway.config.gateway_file import load
from gateway.core.rules import Login, Policy, Route, Upstream
from gateway.settings import Settings


def register(subcommands: Any) -> None:
    command: argparse.ArgumentParser = subcommands.add_parser("check", help="say every mistake in the configuration")
    command.add_argument("--config", type=Path, default=Path("gateway.yaml"), metavar="FILE")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """0 when the gateway would start; ConfigError (1) otherwise."""
    settings = load(arguments.config, os.environ)
    today = datetime.now(ZoneInfo("Europe/Paris")).date()
    notes = "".join(f"\n\nnote: {note}" for note in dated_notes(settings, today))
    print(plainly(summary(settings) + notes))
    return 0


def dated_notes(settings: Settings, today: date) -> list[str]:
    return [
        f"policy `{policy.name}` has no `{what}` before {first}: until then its status is not_available"
        for policy in settings.policies.values()
        for what, first in begins_later(policy, today)
    ]


def begins_later(policy: Policy, today: date) -> Iterator[tuple[str, date]]:
    """What is in force only from a day to come, and that day."""
    for what, dated in (("brackets", policy.schedules), ("scale", policy.scales)):
        first = min((each.valid_from for each in dated), default=today)
        if first > today:
            yield what, first


def summary(settings: Settings) -> str:
    lines = [f"{settings.public_url} ({'production' if settings.production else 'not production'})"]
    lines.append(f"listens on {settings.listen}, {shown_workers(settings)}")
    for route in settings.routes:
        lines += ["", *_route(route)]
    lines += [f"\nnote: {note}" for note in settings.notes]
    return "\n".join(lines)


def _route(route: Route) -> list[str]:
    policy, needs = route.policy, route.policy.needs
    asked = sorted(needs.claims | {str(block) for block in needs.blocks})
    sent = [injection.header for injection in policy.inject]
    return [
        f"{route.host}{route.path} -> {shown_upstreams(route)}",
        f"  policy   {policy.tag}: {policy.purpose}",
        f"  login    {_login(policy.login)}",
        f"  asks     {' '.join(asked) or 'nothing'}",
        f"  sends    {' '.join(sent) or 'no header'}",
    ]


def shown_workers(settings: Settings) -> str:
    return f"{settings.workers} workers" if settings.workers > 1 else "1 worker"


def shown_upstreams(route: Route) -> str:
    """`http://a:8081` alone; `http://a:8081 (weight 2), http://b:8081 (weight 1)` where shares differ."""
    weighted = len({upstream.weight for upstream in route.upstreams}) > 1
    return ", ".join(
        shown_upstream(each) + (f" (weight {each.weight})" if weighted else "") for each in route.upstreams
    )


def shown_upstream(upstream: Upstream) -> str:
    return f"unix:{upstream.socket}" if upstream.socket else f"{upstream.scheme}://{upstream.authority}"


def _login(login: Login | None) -> str:
    if login is None:
        return "none"
    return f"{login.acr}, optional" if login.optional else str(login.acr)
