"""`gateway sessions count | revoke`: what is in the store, and its end. Says how many, never whose."""

import argparse
import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from gateway.adapters.sessions.records import RecordStore
from gateway.assembly import ended_logins, open_records, sealed_sessions
from gateway.config.gateway_file import load
from gateway.core.errors import ConfigError, DependencyFailed, Problem
from gateway.settings import Settings

STORE_FAILED = 3


def register(subcommands: Any) -> None:
    command: argparse.ArgumentParser = subcommands.add_parser("sessions", help="count sessions, or revoke them")
    what = command.add_subparsers(dest="what", required=True, metavar="WHAT")
    count: argparse.ArgumentParser = what.add_parser("count", help="say how many are open")
    revoke: argparse.ArgumentParser = what.add_parser("revoke", help="end some, or all")
    for each in (count, revoke):
        each.add_argument("--config", type=Path, default=Path("gateway.yaml"), metavar="FILE")
    chosen = revoke.add_mutually_exclusive_group(required=True)
    chosen.add_argument("--user", metavar="SUB", help="all of a person, by the `sub` that the provider gave")
    chosen.add_argument("--sid", help="one, by the provider's own id of its session")
    chosen.add_argument("--all", action="store_true", help="everybody's")
    revoke.add_argument("--provider", metavar="NAME", help="a name under `identity`; with --user or --sid")
    revoke.set_defaults(parser=revoke)
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """0 when it was done, 3 when the store could not be asked: some may then be gone, and it may be run again."""
    revoking = arguments.what == "revoke"
    if revoking:
        _check_usage(arguments)
    settings = load(arguments.config, os.environ)
    _refuse_memory(settings)
    if revoking and arguments.provider:
        _check_provider(settings, arguments)
    try:
        print(asyncio.run(_with_store(settings, _act(settings, arguments))))
    except DependencyFailed as error:
        why = f": {error.reference}" if error.reference else ""
        print(f"the session store could not be asked ({error.code}{why}); run it again", file=sys.stderr)
        return STORE_FAILED
    return 0


def _check_usage(arguments: argparse.Namespace) -> None:
    """Usage: 2."""
    if arguments.all == bool(arguments.provider):
        arguments.parser.error("--user and --sid go with --provider; --all goes alone")
    if not arguments.all and not (arguments.user or arguments.sid):
        arguments.parser.error("--user and --sid name something")


def _check_provider(settings: Settings, arguments: argparse.Namespace) -> None:
    known = sorted(provider.name for provider in settings.providers)
    if arguments.provider not in known:
        arguments.parser.error(f"--provider is none of {', '.join(known)}")


def _refuse_memory(settings: Settings) -> None:
    if settings.sessions.store == "memory:":
        message = "`memory:` sessions are known to the process that serves them alone"
        raise ConfigError([Problem("gateway.yaml", 0, message, "restart it: that ends them all")])


def _act(settings: Settings, arguments: argparse.Namespace) -> Callable[[RecordStore], Awaitable[str]]:
    async def count(records: RecordStore) -> str:
        return f"{await sealed_sessions(settings, records, time.time).count()} open"

    async def revoke(records: RecordStore) -> str:
        written = {"provider": arguments.provider, "sub": arguments.user, "sid": arguments.sid}
        named = {key: value for key, value in written.items() if value}
        # First: a login that ends at this moment finds the note, or its session is found here.
        await ended_logins(settings, records, time.time).note(**named)
        return f"{await sealed_sessions(settings, records, time.time).revoke(**named)} revoked"

    return count if arguments.what == "count" else revoke


async def _with_store(settings: Settings, act: Callable[[RecordStore], Awaitable[str]]) -> str:
    records = open_records(settings, time.time)
    try:
        return await act(records)
    finally:
        await records.close()
