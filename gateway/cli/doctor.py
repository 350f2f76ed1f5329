"""`gateway doctor`: everything that must hold outside this program for a person to be served."""

import argparse
import asyncio
import json
import os
from pathlib import Path
from typing import Any

from gateway.cli.doctors import household, machine, mail, providers, store, upstreams
from gateway.cli.doctors.finding import Finding, Level
from gateway.cli.doctors.reach import Reach, clock_findings
from gateway.config.gateway_file import load
from gateway.settings import Settings


def register(subcommands: Any) -> None:
    command: argparse.ArgumentParser = subcommands.add_parser("doctor", help="try everything that serving needs")
    command.add_argument("--config", type=Path, default=Path("gateway.yaml"), metavar="FILE")
    command.add_argument("--json", action="store_true", help="a list of {level, code, about, said, hint}")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """0 when nothing is wrong, warnings or not; 1 otherwise. ConfigError (1) when the files do not hold."""
    settings = load(arguments.config, os.environ)
    findings = asyncio.run(examine(settings, arguments.config, Reach()))
    if arguments.json:
        print(json.dumps([each.as_json() for each in findings], indent=2))
    else:
        print("\n".join(map(str, findings)))
        print(f"\n{_count(findings, Level.ERROR)} errors, {_count(findings, Level.WARN)} warnings")
    return 1 if _count(findings, Level.ERROR) else 0


def _count(findings: list[Finding], level: Level) -> int:
    return sum(each.level is level for each in findings)


async def examine(settings: Settings, config: Path, reach: Reach) -> list[Finding]:
    """Independent subjects at once, in the order in which they are read."""
    asked = [providers.examine(each, reach) for each in settings.providers]
    asked += [household.examine(settings, reach), upstreams.examine(settings.routes, reach), store.examine(settings)]
    asked += [mail.examine(settings)]
    asked += [machine.listeners(settings, reach), machine.public_url(settings, reach)]
    outside = [finding for found in await asyncio.gather(*asked) for finding in found]
    here = [*machine.signing_key(settings), *machine.secret_files(config), *machine.open_files()]
    return [*outside, *clock_findings(reach.skews_s), *here]
