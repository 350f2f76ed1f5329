"""`gateway serve`: the gateway itself, in the foreground."""

import argparse
import os
import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from gateway.cli.check import shown_workers
from gateway.cli.listening import Sockets, listening
from gateway.cli.server import serve_alone
from gateway.cli.workers import supervise, work
from gateway.config.gateway_file import Workers, load
from gateway.settings import Settings


def register(subcommands: Any) -> None:
    command: argparse.ArgumentParser = subcommands.add_parser("serve", help="run the gateway")
    command.add_argument("--config", type=Path, default=Path("gateway.yaml"), metavar="FILE")
    command.add_argument("--workers", type=_workers, metavar="N", help="processes, or auto: one a core")
    command.add_argument("--worker", metavar="FD,FD", help=argparse.SUPPRESS)
    command.set_defaults(run=run)


def _workers(text: str) -> Workers:
    try:
        return "auto" if text == "auto" else int(text)
    except ValueError:
        raise argparse.ArgumentTypeError("write a number, or `auto`") from None


def run(arguments: argparse.Namespace) -> int:
    """Serve until SIGTERM or SIGINT; ConfigError (1) when it cannot begin, 1 too when no worker stays alive."""
    if arguments.worker is not None:
        return work(arguments.worker)

    def read() -> Settings:
        return load(arguments.config, os.environ, workers=arguments.workers)

    settings = read()
    for note in settings.notes:
        print(f"note: {note}", file=sys.stderr)
    with listening(settings.listen, settings.workers) as shares, _admin(settings) as admin:
        print(f"listening on {settings.listen}, {shown_workers(settings)}", file=sys.stderr)
        if settings.admin is not None:
            print(f"metrics on {settings.admin}", file=sys.stderr)
        if settings.workers > 1:
            return supervise(settings, shares, read, admin)
        serve_alone(settings, shares[0], read, admin)
    return 0


def _admin(settings: Settings) -> AbstractContextManager[list[Sockets]]:
    return listening(settings.admin) if settings.admin is not None else nullcontext([])
