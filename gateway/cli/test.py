"""`gateway test`: policy tests written in YAML. No network, no secret; the decision that `explain` shows."""

import argparse
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from gateway.cli.fixture import Fixture, fixture_of, read_fixture
from gateway.cli.judgement import Judged, Outcome, OwnPage, judged
from gateway.cli.printed import plainly
from gateway.config.expectations import CaseModel, ExpectationsModel, ExpectModel, read_expectations
from gateway.config.gateway_file import load
from gateway.config.yaml_source import Path_, Source
from gateway.core.decision import Allow, Alternative, Authenticate, Deny
from gateway.core.encodings import render
from gateway.core.errors import ConfigError, Problem, RequestRejected
from gateway.core.model import HouseholdStatus
from gateway.core.routing import SlashRedirect
from gateway.settings import Settings

NOTHING_TO_TEST = 2


@dataclass(frozen=True, slots=True)
class Case:
    """One test, ready to be asked."""

    where: str
    """FILE:LINE."""
    written: CaseModel
    today: date
    who: Fixture


def register(subcommands: Any) -> None:
    command: argparse.ArgumentParser = subcommands.add_parser("test", help="try the policies against tests in YAML")
    command.add_argument(
        "files", nargs="*", type=Path, metavar="FILE", help="by default policies/tests/*.yaml beside gateway.yaml"
    )
    command.add_argument("--config", type=Path, default=Path("gateway.yaml"))
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """0 when every test passes; 1 when one fails or a file is wrong (ConfigError); 2 when there is none."""
    settings = load(arguments.config, os.environ, secrets_required=False)
    files = arguments.files or sorted((arguments.config.parent / "policies" / "tests").glob("*.yaml"))
    cases = read_cases(files, datetime.now(ZoneInfo("Europe/Paris")).date())
    if not cases:
        print("no test was found\n  hint: write policies/tests/NAME.yaml, or name files")
        return NOTHING_TO_TEST
    failed = sum(not _passes(settings, case) for case in cases)
    print(f"{len(cases)} tests, {failed} failed")
    return 1 if failed else 0


def read_cases(files: list[Path], today: date) -> list[Case]:
    """All of them, or ConfigError with every mistake in every file."""
    cases: list[Case] = []
    problems: list[Problem] = []
    for path in files:
        source, model = read_expectations(path)
        if model is not None:
            cases += _cases(path, source, model, today, problems)
        problems += source.problems
    if problems:
        raise ConfigError(problems)
    return cases


def _cases(
    path: Path, source: Source, model: ExpectationsModel, today: date, problems: list[Problem]
) -> Iterator[Case]:
    for index, each in enumerate(model.tests):
        place: Path_ = ("tests", index)
        day = each.on or model.on or today
        try:
            who = _who(path, source, place, each, day)
        except ConfigError as error:
            problems += error.problems
            continue
        if who is not None:
            yield Case(f"{path}:{source.line(place)}", each, day, who)


def _who(path: Path, source: Source, place: Path_, each: CaseModel, day: date) -> Fixture | None:
    if each.as_ is None:
        return Fixture(None, ())
    if isinstance(each.as_, str):
        return read_fixture(path.parent / each.as_, day)
    return fixture_of(source, (*place, "as"), each.as_, day)


def _passes(settings: Settings, case: Case) -> bool:
    method, _, url = case.written.request.partition(" ")
    outcome = judged(settings, method, url, case.who, case.today, reviewed=case.written.reviewed)
    faults = list(differences(case.written.expect, outcome))
    print(plainly(f"{'FAIL' if faults else 'ok':<5}{case.where} {case.written.name}"))
    for fault in faults:
        print(plainly(f"       {fault}"))
    return not faults


def differences(expect: ExpectModel, outcome: Outcome) -> Iterator[str]:
    """What is not as it was expected, one sentence each."""
    found: dict[str, str | None] = {"decision": _decision(outcome), "reason": _reason(outcome)}
    found |= {"status": _status(outcome), "way_out": _way_out(outcome)}
    for name, value in found.items():
        wanted = getattr(expect, name)
        if wanted is not None and wanted != value:
            yield f"{name}: {value or 'none'}, expected {wanted}"
    yield from _headers(expect, outcome)


def _headers(expect: ExpectModel, outcome: Outcome) -> Iterator[str]:
    sent = _sent(outcome)
    for header, wanted in expect.headers.items():
        value = sent.pop(header.lower(), None)
        if value != (None if wanted is None else str(wanted)):
            yield f"{header}: {_shown(value)}, expected {_shown(wanted)}"
    if expect.no_other_headers:
        yield from (f"{header}: sent, and not expected" for header in sent)


def _shown(value: object) -> str:
    return "absent" if value is None else str(value)


def _sent(outcome: Outcome) -> dict[str, str]:
    """Name in small letters → value before encoding."""
    if not isinstance(outcome, Judged) or outcome.refused or not isinstance(outcome.decision, Allow):
        return {}
    return {item.header.lower(): render(item.value) for item in outcome.decision.inject}


def _decision(outcome: Outcome) -> str:
    match outcome:
        case RequestRejected():
            return "refused"
        case SlashRedirect():
            return "redirect"
        case OwnPage():
            return "own_page"
        case Judged():
            return "refused" if outcome.refused else type(outcome.decision).__name__.lower()


def _reason(outcome: Outcome) -> str:
    if isinstance(outcome, RequestRejected):
        return outcome.code
    if isinstance(outcome, Judged) and outcome.refused:
        return outcome.refused.code
    return str(outcome.decision.reason) if isinstance(outcome, Judged) else ""


def _status(outcome: Outcome) -> HouseholdStatus | None:
    """Of a person who must first sign in or confirm, none is told."""
    if isinstance(outcome, Judged) and isinstance(outcome.decision, Allow | Alternative | Deny):
        return outcome.decision.status
    return None


def _way_out(outcome: Outcome) -> str | None:
    if isinstance(outcome, SlashRedirect):
        return outcome.to
    if not isinstance(outcome, Judged) or isinstance(outcome.decision, Authenticate):
        return None
    policy = outcome.route.policy
    way = policy.alternative if isinstance(outcome.decision, Alternative) else policy.refused
    return way.url if way else None
