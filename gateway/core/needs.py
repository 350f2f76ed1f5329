"""What a policy injects and tests determines what is asked for and what is kept."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from gateway.core.facts import COMPUTED_FROM, FACTS, PIVOT, is_household_value, source_of
from gateway.core.model import ADULTS_OF, Need, Source
from gateway.core.rules import Conditions, HouseholdRule, Injection, Login, Lookup, Mode, Needs, Policy


def with_needs(policy: Policy) -> Policy:
    """The same policy with what follows from it: `needs` and `lookups`."""
    needs = compute_needs(login=policy.login, rules=policy.rules, inject=policy.inject, allow=policy.allow)
    lookups = (_lookup(source, rule, needs, policy.inject) for source, rule in policy.rules.items())
    return replace(policy, needs=needs, lookups=tuple(each for each in lookups if each.needs.blocks))


def _lookup(source: Source, rule: HouseholdRule, needs: Needs, inject: Iterable[Injection]) -> Lookup:
    values = (each.fact for each in inject if source_of(each.fact) is source and is_household_value(each.fact))
    return Lookup(source, rule, needs.of(source), tuple(values))


def compute_needs(
    *,
    login: Login | None,
    rules: Mapping[Source, HouseholdRule],
    inject: Iterable[Injection],
    allow: Conditions | None,
) -> Needs:
    """The OIDC scopes, the blocks of each source and the facts to keep. Nothing injected, nothing asked."""
    named = {injection.fact for injection in inject if injection.fact in FACTS}
    named |= {condition.fact for condition in allow.each()} if allow else set()
    named |= {f"{source}.children.age" for source, rule in rules.items() if rule.child_age is not None}
    asks = {fact for fact in named if source_of(fact) in rules}
    blocks = _blocks(asks, rules)
    return Needs(
        claims=_claims(named, blocks, rules) if login else frozenset(),
        blocks=blocks,
        fields=_fields(asks),
    )


def _fields(asks: set[str]) -> frozenset[str]:
    kept = frozenset[str]().union(*(COMPUTED_FROM.get(fact, frozenset({fact})) for fact in asks))
    return frozenset(fact for fact in kept if FACTS[fact].block is not None)


def _blocks(asks: set[str], rules: Mapping[Source, HouseholdRule]) -> frozenset[Need]:
    blocks = {block for fact in asks if (block := FACTS[fact].block) is not None}
    asked = {source for fact in asks if (source := source_of(fact)) is not None}
    return frozenset(blocks | {ADULTS_OF[source] for source in asked if rules[source].match})


def _claims(named: set[str], blocks: frozenset[Need], rules: Mapping[Source, HouseholdRule]) -> frozenset[str]:
    claims = {"openid"} | {scope for fact in named if (scope := FACTS[fact].scope) is not None}
    modes = {rules[block.source].mode for block in blocks}
    if modes == {Mode.NUMBER}:
        claims |= {"family_name", "given_name", "birthdate"}
    elif modes:
        claims.add("identite_pivot")
    if "identite_pivot" in claims:
        claims -= PIVOT
    return frozenset(claims)


def covers(scopes: frozenset[str], wanted: frozenset[str]) -> frozenset[str]:
    """The wanted scopes not yet among those asked; `identite_pivot` stands for its six claims."""
    have = scopes | PIVOT if "identite_pivot" in scopes else scopes
    return wanted - have
