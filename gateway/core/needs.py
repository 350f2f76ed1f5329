"""What a policy injects and tests determines what is asked for and what is kept."""

from collections.abc import Iterable

from gateway.core.facts import FACTS, PIVOT, is_household_value
from gateway.core.model import Need
from gateway.core.rules import Conditions, HouseholdRule, Injection, Login, Mode, Needs


def compute_needs(
    *, login: Login | None, household: HouseholdRule | None, inject: Iterable[Injection], allow: Conditions | None
) -> Needs:
    """The OIDC scopes, the household blocks and the household facts to keep. Nothing injected, nothing asked."""
    named = {injection.fact for injection in inject if injection.fact in FACTS}
    named |= {condition.fact for condition in allow.each()} if allow else set()
    asks = {fact for fact in named if fact.startswith(("household.", "brackets."))}
    blocks = _blocks(asks, household) if household else frozenset[Need]()
    return Needs(
        claims=_claims(named, blocks, household) if login else frozenset(),
        blocks=blocks,
        fields=_fields(asks) if household else frozenset(),
    )


def _fields(asks: set[str]) -> frozenset[str]:
    kept = {"household.family_quotient" if fact.startswith("brackets.") else fact for fact in asks}
    return frozenset(fact for fact in kept if FACTS[fact].block is not None)


def _blocks(asks: set[str], household: HouseholdRule) -> frozenset[Need]:
    blocks = {block for fact in asks if (block := FACTS[fact].block) is not None}
    if asks and household.match:
        blocks.add(Need.ADULTS)
    return frozenset(blocks)


def _claims(named: set[str], blocks: frozenset[Need], household: HouseholdRule | None) -> frozenset[str]:
    claims = {"openid"} | {scope for fact in named if (scope := FACTS[fact].scope) is not None}
    if blocks and household is not None:
        claims |= {"family_name", "given_name", "birthdate"} if household.mode is Mode.NUMBER else {"identite_pivot"}
    if "identite_pivot" in claims:
        claims -= PIVOT
    return frozenset(claims)


def is_shown_for_review(injections: Iterable[Injection]) -> bool:
    """Whether a household value would leave: then the person sees it first."""
    return any(is_household_value(injection.fact) for injection in injections)


def covers(scopes: frozenset[str], wanted: frozenset[str]) -> frozenset[str]:
    """The wanted scopes not yet among those asked; `identite_pivot` stands for its six claims."""
    have = scopes | PIVOT if "identite_pivot" in scopes else scopes
    return wanted - have
