"""`gateway disputes list | show REFERENCE | settle REFERENCE OUTCOME`: contests and objections, for the operator."""

import argparse
import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gateway.adapters.disputes.assembly import open_disputes
from gateway.config.gateway_file import load
from gateway.core.disputes import Dispute, State
from gateway.core.errors import ConfigError, DependencyFailed, Problem
from gateway.dispute_ports import DisputeStore
from gateway.settings import Settings

Act = Callable[[DisputeStore, argparse.Namespace], Awaitable[int]]


def register(subcommands: Any) -> None:
    command: argparse.ArgumentParser = subcommands.add_parser("disputes", help="list, read and settle disputes")
    command.add_argument("--config", type=Path, default=Path("gateway.yaml"), metavar="FILE")
    actions = command.add_subparsers(dest="action", required=True, metavar="list | show | settle")
    listing = actions.add_parser("list", help="one line each, oldest first")
    listing.add_argument("--all", action="store_true", help="answered ones too, until they are forgotten")
    listing.set_defaults(act=_list)
    showing = actions.add_parser("show", help="all that is kept of one: its person's name too")
    showing.add_argument("reference")
    showing.set_defaults(act=_show)
    settling = actions.add_parser("settle", help="answer one")
    settling.add_argument("reference")
    settling.add_argument("outcome", choices=[str(state) for state in State if state is not State.OPEN])
    settling.set_defaults(act=_settle)
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """0 when it did its job; 1 when nothing has that reference, the answer may not follow, or the store fails."""
    settings = load(arguments.config, os.environ)
    try:
        return asyncio.run(_run(settings, arguments))
    except DependencyFailed as error:
        print(f"the dispute store does not answer: {error.code}", file=sys.stderr)
        return 1


async def _run(settings: Settings, arguments: argparse.Namespace) -> int:
    if settings.disputes is None or settings.disputes.store == "memory:":
        hint = "write `disputes: {key: …, store: sqlite:var/disputes.db}`"
        raise ConfigError([Problem(str(arguments.config), 0, "no dispute store that a command can reach", hint)])
    async with open_disputes(settings) as store:
        act: Act = arguments.act
        return await act(store, arguments)


async def _list(store: DisputeStore, arguments: argparse.Namespace) -> int:
    for each in await store.listed(only_open=not arguments.all):
        print(_line(each))
    return 0


def _line(dispute: Dispute) -> str:
    kind = f"contest {dispute.datum.name.lower()}" if dispute.datum else f"objection {dispute.policy}"
    return f"{dispute.reference}  {_day(dispute.opened_at)}  {dispute.state:<17}  {kind}"


def _day(unix_s: int) -> str:
    return datetime.fromtimestamp(unix_s, UTC).strftime("%Y-%m-%d %H:%M")


async def _show(store: DisputeStore, arguments: argparse.Namespace) -> int:
    found = await store.find(arguments.reference)
    if found is None:
        return _unknown(arguments.reference)
    print(_line(found))
    for label, value in (("name", found.name), ("contact", found.contact), ("text", found.text), ("by", found.by)):
        if value:
            print(f"{label + ':':<9}{value.replace(chr(10), chr(10) + ' ' * 9)}")
    if found.outcomes:
        print("may be settled as: " + ", ".join(found.outcomes))
    return 0


async def _settle(store: DisputeStore, arguments: argparse.Namespace) -> int:
    settled = await store.settle(arguments.reference, State(arguments.outcome), "operator")
    if settled is not None:
        print(_line(settled))
        return 0
    found = await store.find(arguments.reference)
    if found is None:
        return _unknown(arguments.reference)
    allowed = ", ".join(found.outcomes) or "nothing: the answer is final"
    print(f"{found.reference} is {found.state}; what may follow: {allowed}", file=sys.stderr)
    return 1


def _unknown(reference: str) -> int:
    print(f"nothing has the reference {reference!r}", file=sys.stderr)
    return 1
