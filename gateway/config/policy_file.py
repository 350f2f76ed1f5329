"""policies/NAME.yaml → Policy, with what it needs computed."""

import hashlib
import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from gateway.config.carried import check_carried
from gateway.config.conditions import read_child_age, read_conditions
from gateway.config.policy_models import (
    AlternativeModel,
    ChildcarePolicyModel,
    ConstModel,
    HouseholdPolicyModel,
    PolicyModel,
    SpecialModel,
    TextModel,
    WayOutModel,
)
from gateway.config.salvage import salvaged_policy
from gateway.config.shapes import shaped, suggestion
from gateway.config.tariffs import read_scales, read_schedules
from gateway.config.yaml_source import Path_, Source, read_yaml
from gateway.core.facts import ESTIMATE, FACTS, source_of
from gateway.core.headers import END_TO_END, FRAMING, HOP_BY_HOP, WRITTEN_BY_US, fold
from gateway.core.model import Acr, HouseholdStatus
from gateway.core.model import Source as Asked
from gateway.core.needs import with_needs
from gateway.core.retention import seconds_kept
from gateway.core.rules import (
    Conditions,
    Encoding,
    HouseholdRule,
    Injection,
    Login,
    Missing,
    Mode,
    Policy,
    Text,
    WayOut,
)

FRANCECONNECT = frozenset({"franceconnect", "franceconnect_plus"})
"""Names in `identity:` that may never be the only way in."""

_HEADER = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:-[A-Za-z0-9]+)*")


def read_policy(path: Path, shown: str, *, modes: Mapping[Asked, Mode]) -> tuple[Source, Policy | None]:
    """Read one policy; `modes` are the gateway's, of the sources it asks. None when anything is wrong."""
    source = read_yaml(path, shown)
    model = shaped(source, PolicyModel) or salvaged_policy(source)
    if model is None:
        return source, None
    policy = Policy(
        name=path.stem,
        version=hashlib.sha256(source.raw).hexdigest()[:12],
        purpose=_french(model.purpose) or "",
        legal_basis=_french(model.legal_basis),
        retention=_french(model.retention),
        keeps_s=seconds_kept(_french(model.retention)),
        english=_english(model),
        login=_login(model),
        household=_rule(Asked.HOUSEHOLD, model.household, modes, source),
        childcare=_rule(Asked.CHILDCARE, model.childcare, modes, source),
        alternative=_alternative(model.alternative),
        refused=_way_out(model.refused),
        schedules=read_schedules(model.brackets, source),
        scales=read_scales(model.scale, source),
        inject=_inject(model.inject, source),
        allow=read_conditions(model.allow, source),
        encoding=Encoding(model.encoding),
    )
    _check(policy, source)
    check_carried(policy, source)
    return source, None if source.problems else with_needs(policy)


def _french(words: str | TextModel | None) -> str | None:
    return words.fr if isinstance(words, TextModel) else words


def _english(model: PolicyModel) -> dict[str, str]:
    said = {name: getattr(model, name) for name in ("purpose", "legal_basis", "retention")}
    return {name: words.en for name, words in said.items() if isinstance(words, TextModel) and words.en}


def _login(model: PolicyModel) -> Login | None:
    if model.login is None:
        return None
    return Login(Acr[model.login.acr.upper()], model.login.optional, tuple(model.login.providers))


def _way_out(model: WayOutModel | SpecialModel | None) -> WayOut | None:
    if model is None:
        return None
    return WayOut(model.url, _text(model.text))


def _text(model: TextModel | str) -> Text:
    return Text(model) if isinstance(model, str) else Text(model.fr, model.en)


def _alternative(model: AlternativeModel | None) -> WayOut | None:
    if model is None:
        return None
    said = {name: getattr(model, name) for name in ("documents", "how", "delay", "meanwhile")}
    texts = {name: None if text is None else _text(text) for name, text in said.items()}
    return WayOut(model.url, _text(model.text), **texts, retroactive=model.retroactive, special=_way_out(model.special))


_WHERE = {
    Asked.HOUSEHOLD: "say there where CAF and MSA are asked",
    Asked.CHILDCARE: "add `childcare: {}` there: it is asked where and as the household is",
}


def _rule(
    asked: Asked, model: HouseholdPolicyModel | ChildcarePolicyModel | None, modes: Mapping[Asked, Mode], source: Source
) -> HouseholdRule | None:
    if model is None:
        return None
    if asked not in modes:
        source.say((asked,), f"needs `{asked}:` in gateway.yaml", _WHERE[asked])
    words = model.when_missing if isinstance(model.when_missing, dict) else {"default": model.when_missing}
    if "default" not in words:
        source.say((asked, "when_missing"), "has no `default`", "add `default: alternative`")
    return HouseholdRule(
        mode=Mode(model.mode) if model.mode else modes.get(asked, Mode.FRANCECONNECT),
        match=model.match == "required",
        review=model.review,
        when_missing={HouseholdStatus(status): Missing(word) for status, word in words.items() if status != "default"},
        default=Missing(words.get("default", "deny")),
        child_age=read_child_age(asked, model.child_age, source),
    )


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
    elif folded in HOP_BY_HOP | FRAMING | END_TO_END | WRITTEN_BY_US or folded.startswith(("xgateway", "xforwarded")):
        source.say(place, f"`{header}` has a meaning of its own", "choose a name of yours: X-Usager-Nom")
    elif folded in seen:
        hint = f"`{seen[folded]}` is the same name for a CGI or PHP application"
        source.say(place, f"`{header}` is injected twice", hint)
    seen.setdefault(folded, header)


def _check(policy: Policy, source: Source) -> None:
    """What the parts mean together. Of a part whose shape is wrong it was said, and nothing follows from it."""
    named = [injection.fact for injection in policy.inject] + [
        each.fact for each in (policy.allow or Conditions()).each()
    ]
    lacks = partial(_lacks, source)
    if policy.login is not None:
        _check_login(policy, source)
    elif any(fact.startswith("identity.") for fact in named):
        lacks("login", "names `identity.` facts without a login", "add `login: {acr: eidas1}`")
    for asked in Asked:
        if asked not in policy.rules and any(source_of(fact) is asked for fact in named):
            lacks(asked, f"names CAF facts without `{asked}:`", f"add `{asked}: {{match: required}}`")
    if any(fact.startswith("brackets.") for fact in named) and not policy.schedules:
        lacks("brackets", "names a bracket without `brackets:`", "add the schedule that the council voted")
    if not ESTIMATE.isdisjoint(named) and not policy.scales:
        lacks("scale", "names an estimate without `scale:`", "add the scale that CNAF publishes")
    for asked, rule in policy.rules.items():
        _check_rule(asked, rule, policy, source)


def _lacks(source: Source, key: str, message: str, hint: str) -> None:
    """A part that others need is not there; said where they are, unless it is there and wrong."""
    if key not in source.doubtful:
        source.say(("inject",), message, hint)


def _check_login(policy: Policy, source: Source) -> None:
    for key in ("legal_basis", "retention"):
        if getattr(policy, key) is None:
            source.say((key,), f"`{key}` is missing", f"a policy with a login says its {key}")
    franceconnect = not policy.login or not policy.login.providers or FRANCECONNECT & set(policy.login.providers)
    if franceconnect and policy.alternative is None:
        hint = "FranceConnect may never be the only way in: alternative: {url: /…, text: {fr: …}}"
        source.say(("alternative",), "`alternative` is missing", hint)
    elif franceconnect and policy.alternative is not None and policy.alternative.url is None:
        source.say(("alternative",), "`alternative` has no `url`", "FranceConnect may never be the only way in")


_OF_A_FILE = ("adults", "children", "address", "address.lines")


def _check_rule(asked: Asked, rule: HouseholdRule, policy: Policy, source: Source) -> None:
    if not rule.match and (rule.mode is not Mode.NUMBER or policy.login is not None):
        hint = "write `match: required`, or `mode: number` without `login`"
        source.say((asked, "match"), "`none` is for number mode without a login only", hint)
    if rule.match and policy.login is None and "login" not in source.doubtful:
        source.say((asked,), "compares names, and nobody is signed in", "add `login: {acr: eidas1}`")
    if not rule.match:
        for injection in policy.inject:
            if injection.fact in {f"{asked}.{name}" for name in _OF_A_FILE}:
                hint = "anyone can type a number: inject the quotient or a bracket, or add a `login`"
                source.say(("inject", injection.header), f"`{injection.fact}` with `match: none`", hint)
