"""policies/NAME.yaml → Policy, with what it needs computed."""

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

from gateway.config.conditions import read_conditions
from gateway.config.policy_models import (
    ConstModel,
    HouseholdPolicyModel,
    PolicyModel,
    ScheduleModel,
    TextModel,
    WayOutModel,
)
from gateway.config.shapes import shaped, suggestion
from gateway.config.yaml_source import Path_, Source, read_yaml
from gateway.core.facts import FACTS
from gateway.core.headers import END_TO_END, FRAMING, HOP_BY_HOP, fold
from gateway.core.model import Acr, HouseholdStatus
from gateway.core.needs import compute_needs
from gateway.core.retention import seconds_kept
from gateway.core.rules import (
    Bracket,
    Conditions,
    Encoding,
    HouseholdRule,
    Injection,
    Login,
    Missing,
    Mode,
    Policy,
    Schedule,
    Text,
    WayOut,
)
from gateway.core.tariff import faults

_HEADER = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:-[A-Za-z0-9]+)*")


def read_policy(path: Path, shown: str, *, mode: Mode | None) -> tuple[Source, Policy | None]:
    """Read one policy; `mode` is the gateway's. The policy is None when anything is wrong."""
    source = read_yaml(path, shown)
    model = shaped(source, PolicyModel)
    if model is None:
        return source, None
    household = _household(model.household, mode, source)
    policy = Policy(
        name=path.stem,
        version=hashlib.sha256(path.read_bytes()).hexdigest()[:12],
        purpose=model.purpose,
        legal_basis=model.legal_basis,
        retention=model.retention,
        keeps_s=seconds_kept(model.retention),
        login=_login(model),
        household=household,
        alternative=_way_out(model.alternative),
        refused=_way_out(model.refused),
        schedules=_schedules(model, source),
        inject=_inject(model.inject, source),
        allow=read_conditions(model.allow, source),
        encoding=Encoding(model.encoding),
    )
    _check(policy, source)
    return source, None if source.problems else _with_needs(policy)


def _with_needs(policy: Policy) -> Policy:
    from dataclasses import replace

    needs = compute_needs(login=policy.login, household=policy.household, inject=policy.inject, allow=policy.allow)
    return replace(policy, needs=needs)


def _login(model: PolicyModel) -> Login | None:
    if model.login is None:
        return None
    return Login(Acr[model.login.acr.upper()], model.login.optional, tuple(model.login.providers))


def _way_out(model: WayOutModel | None) -> WayOut | None:
    if model is None:
        return None
    text = model.text if isinstance(model.text, TextModel) else TextModel(fr=model.text)
    return WayOut(model.url, Text(text.fr, text.en))


def _household(model: HouseholdPolicyModel | None, mode: Mode | None, source: Source) -> HouseholdRule | None:
    if model is None:
        return None
    chosen = Mode(model.mode) if model.mode else mode
    if chosen is None:
        source.say(("household",), "needs `household:` in gateway.yaml", "say there where CAF and MSA are asked")
        return None
    words = model.when_missing if isinstance(model.when_missing, dict) else {"default": model.when_missing}
    if "default" not in words:
        source.say(("household", "when_missing"), "has no `default`", "add `default: alternative`")
    return HouseholdRule(
        mode=chosen,
        match=model.match == "required",
        review=model.review,
        when_missing={HouseholdStatus(status): Missing(word) for status, word in words.items() if status != "default"},
        default=Missing(words.get("default", "deny")),
    )


def _schedules(model: PolicyModel, source: Source) -> tuple[Schedule, ...]:
    several = isinstance(model.brackets, list)
    tables = model.brackets if isinstance(model.brackets, list) else [model.brackets] if model.brackets else []
    schedules = []
    for index, table in enumerate(tables):
        place: Path_ = ("brackets", index) if several else ("brackets",)
        schedules.append(_schedule(table, place, source))
    dates = [schedule.valid_from for schedule in schedules]
    for index, day in enumerate(dates):
        if day in dates[:index]:
            source.say(("brackets", index), f"two schedules begin on {day}", "one of them would never be used")
    return tuple(sorted(schedules, key=lambda schedule: schedule.valid_from))


def _schedule(table: ScheduleModel, place: Path_, source: Source) -> Schedule:
    brackets = tuple(Bracket(row.name, row.up_to) for row in table.table)
    for row, what in faults(brackets):
        source.say((*place, "table", row), what, "bounds are inclusive and go up; the last bracket has none")
    return Schedule(table.valid_from, brackets, table.council_decision, zero_is_a_value=table.zero == "value")


def _inject(headers: Mapping[str, str | ConstModel], source: Source) -> tuple[Injection, ...]:
    seen: dict[str, str] = {}
    injections = []
    for header, fact in headers.items():
        place = ("inject", header)
        _check_header(header, seen, place, source)
        if isinstance(fact, ConstModel):
            injections.append(Injection(header, "const", fact.const))
            continue
        if fact not in FACTS:
            source.say(place, f"`{fact}` is not a fact", suggestion(fact, list(FACTS)))
        elif not FACTS[fact].injectable:
            source.say(place, f"`{fact}` cannot be injected", "the application knows its own request")
        injections.append(Injection(header, fact))
    return tuple(injections)


def _check_header(header: str, seen: dict[str, str], place: Path_, source: Source) -> None:
    folded = fold(header)
    if not _HEADER.fullmatch(header):
        source.say(place, f"`{header}` is not a header name", "letters and digits, with hyphens: X-Usager-Nom")
    elif folded in HOP_BY_HOP | FRAMING | END_TO_END or folded.startswith("xgateway"):
        source.say(place, f"`{header}` has a meaning of its own", "choose a name of yours: X-Usager-Nom")
    elif folded in seen:
        hint = f"`{seen[folded]}` is the same name for a CGI or PHP application"
        source.say(place, f"`{header}` is injected twice", hint)
    seen.setdefault(folded, header)


def _check(policy: Policy, source: Source) -> None:
    named = [injection.fact for injection in policy.inject] + [
        each.fact for each in (policy.allow or Conditions()).each()
    ]
    household = [fact for fact in named if fact.startswith(("household.", "brackets."))]
    if policy.login is not None:
        _check_login(policy, source)
    elif any(fact.startswith("identity.") for fact in named):
        source.say(("inject",), "names `identity.` facts without a login", "add `login: {acr: eidas1}`")
    if household and policy.household is None:
        source.say(("inject",), "names CAF facts without `household:`", "add `household: {match: required}`")
    if any(fact.startswith("brackets.") for fact in named) and not policy.schedules:
        source.say(("inject",), "names a bracket without `brackets:`", "add the schedule that the council voted")
    if policy.household is not None:
        _check_household(policy, source)


def _check_login(policy: Policy, source: Source) -> None:
    for key in ("legal_basis", "retention"):
        if getattr(policy, key) is None:
            source.say((), f"`{key}` is missing", f"a policy with a login says its {key}")
    if policy.alternative is None or policy.alternative.url is None:
        hint = "FranceConnect may never be the only way in: alternative: {url: /…, text: {fr: …}}"
        source.say((), "`alternative` is missing", hint)


def _check_household(policy: Policy, source: Source) -> None:
    rule = policy.household
    assert rule is not None  # noqa: S101 - the caller looked
    if not rule.match and (rule.mode is not Mode.NUMBER or policy.login is not None):
        hint = "write `match: required`, or `mode: number` without `login`"
        source.say(("household", "match"), "`none` is for number mode without a login only", hint)
    if rule.match and policy.login is None:
        source.say(("household",), "compares names, and nobody is signed in", "add `login: {acr: eidas1}`")
