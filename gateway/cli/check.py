"""`gateway check`: every problem at once, or what each route asks for and sends."""

import argparse
import os
from pathlib import Path
from typing import Any

from gateway.config.gateway_file import load
from gateway.core.rules import Login, Route
from gateway.settings import Settings


def register(subcommands: Any) -> None:
    command: argparse.ArgumentParser = subcommands.add_parser("check", help="say every mistake in the configuration")
    command.add_argument("--config", type=Path, default=Path("gateway.yaml"), metavar="FILE")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """0 when the gateway would start; ConfigError (1) otherwise."""
    settings = load(arguments.config, os.environ)
    print(summary(settings))
    return 0


def summary(settings: Settings) -> str:
    lines = [f"{settings.public_url} ({'production' if settings.production else 'not production'})"]
    for route in settings.routes:
        lines += ["", *_route(route)]
    lines += [f"\nnote: {note}" for note in settings.notes]
    return "\n".join(lines)


def _route(route: Route) -> list[str]:
    policy, needs = route.policy, route.policy.needs
    asked = sorted(needs.claims | {str(block) for block in needs.blocks})
    sent = [injection.header for injection in policy.inject]
    return [
        f"{route.host}{route.path} -> {route.upstreams[0].scheme}://{route.upstreams[0].authority}",
        f"  policy   {policy.tag}: {policy.purpose}",
        f"  login    {_login(policy.login)}",
        f"  asks     {' '.join(asked) or 'nothing'}",
        f"  sends    {' '.join(sent) or 'no header'}",
    ]


def _login(login: Login | None) -> str:
    if login is None:
        return "none"
    return f"{login.acr}, optional" if login.optional else str(login.acr)
