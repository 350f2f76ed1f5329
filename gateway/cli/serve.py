"""`gateway serve`: the gateway itself, in the foreground."""

import argparse
import os
import sys
from contextlib import AbstractContextManager, nullcontext, suppress
from functools import partial
from pathlib import Path
from typing import Any

from gateway.cli.check import shown_workers
from gateway.cli.listening import Sockets, listening
from gateway.cli.server import serve_alone
from gateway.cli.workers import supervise, work
from gateway.config.gateway_file import WORKERS_AT_MOST, Workers, load
from gateway.config.yaml_source import Path_, read_yaml
from gateway.settings import Settings


def register(subcommands: Any) -> None:
    command: argparse.ArgumentParser = subcommands.add_parser("serve", help="run the gateway")
    command.add_argument("--config", type=Path, default=Path("gateway.yaml"), metavar="FILE")
    command.add_argument("--workers", type=_workers, metavar="N", help="processes, or auto: one a core")
    command.add_argument("--worker", metavar="FD,FD", help=argparse.SUPPRESS)
    command.set_defaults(run=run)


def _workers(text: str) -> Workers:
    if text == "auto":
        return "auto"
    if not text.isdecimal() or not 1 <= int(text) <= WORKERS_AT_MOST:
        raise argparse.ArgumentTypeError(f"write a number from 1 to {WORKERS_AT_MOST}, or `auto`")
    return int(text)


def run(arguments: argparse.Namespace) -> int:
    """Serve until SIGTERM or SIGINT; ConfigError (1) when it cannot begin, 1 too when no worker stays alive."""
    if arguments.worker is not None:
        return work(arguments.worker)

    def read() -> Settings:
        return load(arguments.config, os.environ, workers=arguments.workers)

    settings = read()
    for note in settings.notes:
        print(f"note: {note}", file=sys.stderr)
    _make_room(settings, arguments.config)
    here = partial(_line_of, arguments.config, ("listen",))
    with listening(settings.listen, settings.workers, here) as shares, _admin(settings, arguments.config) as admin:
        print(f"listening on {settings.listen}, {shown_workers(settings)}", file=sys.stderr)
        if settings.admin is not None:
            print(f"metrics on {settings.admin}", file=sys.stderr)
        if settings.workers > 1:
            return supervise(settings, shares, read, admin)
        serve_alone(settings, shares[0], read, admin)
    return 0


def _make_room(settings: Settings, config: Path) -> None:
    """For a socket below the configuration's folder, such as `unix:var/gateway.sock`: as a store's file has it."""
    folder = Path(settings.listen.socket).parent
    if settings.listen.socket and folder.is_relative_to(config.parent.absolute()):
        with suppress(OSError):  # what cannot be made is said when the socket is bound
            folder.mkdir(parents=True, exist_ok=True, mode=0o750)


def _admin(settings: Settings, config: Path) -> AbstractContextManager[list[Sockets]]:
    if settings.admin is None:
        return nullcontext([])
    return listening(settings.admin, where=partial(_line_of, config, ("admin", "listen")))


def _line_of(config: Path, place: Path_) -> tuple[str, int]:
    return str(config), read_yaml(config, str(config)).line(place)
