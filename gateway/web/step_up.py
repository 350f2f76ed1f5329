"""Why one who is already signed in is asked again, in words for the information page."""

from dataclasses import dataclass

from gateway.core.decision import Authenticate, Reason
from gateway.core.facts import COMPUTED_FROM, FACTS, PIVOT
from gateway.core.household import view
from gateway.core.policy import decide
from gateway.core.rules import Policy
from gateway.web import login_texts, texts
from gateway.web.exchange import Destination, Exchange, facts_at
from gateway.web.services import Services


@dataclass(frozen=True, slots=True)
class Why:
    sentence: str
    items: tuple[str, ...] = ()


async def why_again(services: Services, exchange: Exchange, place: Destination | None) -> Why | None:
    """None for one who is not signed in, or who begins anew of their own accord."""
    session = exchange.session
    if place is None or session is None or session.identity is None:
        return None
    policy = place.route.policy
    facts = await facts_at(services, place, session, exchange.reference)
    decision = decide(policy, facts)
    if not isinstance(decision, Authenticate) or decision.reason not in login_texts.WHY:
        return None
    if decision.reason is not Reason.SCOPES_MISSING:
        return Why(login_texts.WHY[decision.reason])
    held = frozenset[str]().union(*(view(facts.household, lookup).fields for lookup in policy.lookups))
    # A block of which something is held may lack a fact: the month of a quotient that was kept without it.
    partly = {str(FACTS[fact].block) for fact in held}
    scopes = (_each(decision.scopes) - _each(session.scopes)) | (decision.scopes & partly)
    items = missing_facts(policy, scopes, held)
    return Why(login_texts.WHY[decision.reason], items) if items else Why(login_texts.ASKED_AGAIN)


def _each(scopes: frozenset[str]) -> frozenset[str]:
    return scopes | PIVOT if "identite_pivot" in scopes else scopes


def missing_facts(policy: Policy, scopes: frozenset[str], held: frozenset[str]) -> tuple[str, ...]:
    """What these scopes open, the policy uses and the session does not hold, in the words of the information page."""
    used = {injection.fact for injection in policy.inject} | policy.needs.fields
    if policy.allow is not None:
        used |= {condition.fact for condition in policy.allow.each()}
    opened = (fact for fact, spec in FACTS.items() if fact in used and (spec.scope or str(spec.block)) in scopes)
    lacking = (fact for fact in opened if not COMPUTED_FROM.get(fact, frozenset({fact})) <= held)
    return tuple(texts.FACT_LABELS[fact] for fact in lacking if fact in texts.FACT_LABELS)
