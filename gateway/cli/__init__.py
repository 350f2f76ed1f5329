"""The command line: one module a command, each with `register(subcommands)`."""

import argparse
import os
import platform
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import version

from gateway.cli.printed import plainly
from gateway.core.errors import ConfigError

COMMANDS = (
    "serve",
    "check",
    "explain",
    "match",
    "test",
    "doctor",
    "sessions",
    "keys",
    "disputes",
    "schema",
    "texts",
    "register",
    "demo",
)


READER_GONE = 141
"""What a shell says of a program that SIGPIPE ended."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; 0 when it did its job, 1 when the configuration is at fault, 2 for bad usage."""
    about = "FranceConnect and API Particulier in front of existing applications. Begin with `gateway demo`."
    parser = argparse.ArgumentParser(prog="gateway", description=about)
    release = f"gateway {version('passerelle')} (Python {platform.python_version()})"
    parser.add_argument("--version", action="version", version=release)
    subcommands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    first = (sys.argv[1:] if argv is None else argv)[:1]
    # The command that is named alone: a check need not wait until a server has been read.
    for name in [each for each in COMMANDS if each in first] or COMMANDS:
        import_module(f"gateway.cli.{name}").register(subcommands)
    arguments = parser.parse_args(argv)
    try:
        status: int = arguments.run(arguments)
        sys.stdout.flush()
    except ConfigError as error:
        print(plainly(str(error)), file=sys.stderr)
        return 1
    except BrokenPipeError:
        if arguments.command == "serve":
            raise
        # Who read has seen enough, as `head` does; what is left to say at the end must not fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return READER_GONE
    return status
