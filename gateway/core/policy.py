"""Policy × Facts → Decision. Total and pure: no clock, no network; `gateway explain` runs the same lines."""

from gateway.core import conditions
from gateway.core.conditions import ConditionTrace, ReadFact
from gateway.core.disputes import is_withheld, stands_against
from gateway.core.facts import household_value, identity_value, is_household_value
from gateway.core.household import View, view
from gateway.core.model import (
    CARRIES_A_VALUE,
    Allow,
    Alternative,
    Ask,
    Authenticate,
    Decision,
    Deny,
    Facts,
    HouseholdStatus,
    Injected,
    Need,
    Question,
    Reason,
)
from gateway.core.needs import covers, is_shown_for_review
from gateway.core.rules import Injection, Login, Missing, Mode, Policy, Schedule
from gateway.core.tariff import bracket_of, schedule_on

_REFUSED_BY = {False: Reason.CONDITION_FALSE, None: Reason.CONDITION_UNKNOWN}


def decide(policy: Policy, facts: Facts) -> Decision:
    """What happens to this request, and for which reason of the closed list."""
    if (authenticate := _login(policy, facts)) is not None:
        return authenticate
    seen = view(facts.household, policy.needs)
    if (question := _enquiry(policy, facts, seen)) is not None:
        return question
    status = household_status(policy, facts, seen)
    if (way_out := _without_value(policy, facts, status)) is not None:
        return way_out
    read = reader(policy, facts)
    if policy.allow is not None and (truth := conditions.evaluate(policy.allow, read)) is not True:
        return _refused(policy, status, _REFUSED_BY[truth])
    if _must_review(policy, facts, status):
        return Ask(Question.REVIEW, Reason.REVIEW_NEEDED)
    reason = Reason.ALLOWED if policy.login or policy.household else Reason.PUBLIC
    return Allow(inject=injected(policy, facts), status=status, reason=reason)


def trace(policy: Policy, facts: Facts) -> tuple[ConditionTrace, ...]:
    """Each condition of `allow` with true, false or unknown."""
    return conditions.trace(policy.allow, reader(policy, facts)) if policy.allow else ()


def _login(policy: Policy, facts: Facts) -> Authenticate | None:
    login, who = policy.login, facts.identity
    if login is None:
        return None
    if who is None:
        return None if login.optional else _authenticate(policy, login, facts, Reason.ANONYMOUS)
    if login.providers and who.provider not in login.providers:
        return _authenticate(policy, login, facts, Reason.PROVIDER_NOT_ACCEPTED)
    if who.acr < login.acr:
        return _authenticate(policy, login, facts, Reason.ACR_TOO_LOW)
    if covers(facts.scopes, policy.needs.claims):
        return _authenticate(policy, login, facts, Reason.SCOPES_MISSING)
    return None


def _authenticate(policy: Policy, login: Login, facts: Facts, reason: Reason) -> Authenticate:
    return Authenticate(login.acr, scopes_to_ask(policy, facts), login.providers, reason)


def scopes_to_ask(policy: Policy, facts: Facts) -> frozenset[str]:
    """The identity scopes of the policy, and of CAF's only those that the session still lacks."""
    rule = policy.household
    if rule is None or rule.mode is not Mode.FRANCECONNECT or _is_withheld(policy, facts):
        return policy.needs.claims
    missing = view(facts.household, policy.needs).missing
    if missing and rule.match:
        missing |= {Need.ADULTS}
    return policy.needs.claims | frozenset(str(block) for block in missing)


def _enquiry(policy: Policy, facts: Facts, seen: View) -> Decision | None:
    """What must happen before the household is known, if anything still can."""
    rule = policy.household
    if rule is None or not policy.needs.blocks or seen.status is not None or _is_withheld(policy, facts):
        return None
    if policy.login is not None and facts.identity is None:
        return None
    if rule.mode is Mode.FRANCECONNECT and policy.login is not None:
        return _authenticate(policy, policy.login, facts, Reason.SCOPES_MISSING)
    return Ask(Question.NUMBER, Reason.NUMBER_NEEDED) if rule.mode is Mode.NUMBER else None


def household_status(policy: Policy, facts: Facts, seen: View) -> HouseholdStatus | None:
    """The status that the application reads; None when the policy asks nothing of CAF."""
    if policy.household is None or not policy.needs.blocks:
        return None
    said = _said(policy, facts)
    if _is_withheld(policy, facts):
        return said
    if policy.login is not None and facts.identity is None:
        return HouseholdStatus.NOT_AUTHENTICATED
    if seen.status is None:
        return HouseholdStatus.UNAVAILABLE
    if seen.status in CARRIES_A_VALUE and _lacks_its_value(policy, facts, seen):
        return HouseholdStatus.NOT_AVAILABLE
    return said if said is not None and seen.status is HouseholdStatus.VERIFIED else seen.status


def _said(policy: Policy, facts: Facts) -> HouseholdStatus | None:
    return stands_against(policy.name, policy.needs, facts.standing, declined=facts.declined)


def _is_withheld(policy: Policy, facts: Facts) -> bool:
    return is_withheld(policy.name, policy.needs, facts.standing, declined=facts.declined)


def _lacks_its_value(policy: Policy, facts: Facts, seen: View) -> bool:
    """A quotient that is wanted and null; or every household value that is wanted, unknown."""
    wanted = [injection.fact for injection in policy.inject if is_household_value(injection.fact)]
    if "household.family_quotient" in wanted and seen.household.family_quotient is None:
        return True
    if any(fact.startswith("brackets.") for fact in wanted) and _bracket(policy, facts, seen) is None:
        return True
    own = [fact for fact in wanted if fact != "household.obtained_at"]
    return bool(own) and all(_household_fact(policy, facts, seen, fact) is None for fact in own)


def _without_value(policy: Policy, facts: Facts, status: HouseholdStatus | None) -> Decision | None:
    if status is None or status in CARRIES_A_VALUE or policy.household is None:
        return None
    if policy.login is not None and facts.identity is None:
        return None  # an optional login serves the anonymous too, with the status alone
    word = policy.household.on(status)
    if word is Missing.FORWARD:
        return None
    return (
        Alternative(status, Reason.HOUSEHOLD_MISSING)
        if word is Missing.ALTERNATIVE
        else Deny(Reason.HOUSEHOLD_MISSING, status)
    )


def _refused(policy: Policy, status: HouseholdStatus | None, reason: Reason) -> Decision:
    rule = policy.household
    if reason is Reason.CONDITION_UNKNOWN and rule and rule.on(HouseholdStatus.NOT_AVAILABLE) is Missing.ALTERNATIVE:
        return Alternative(HouseholdStatus.NOT_AVAILABLE, reason)
    return Deny(reason, status)


def _must_review(policy: Policy, facts: Facts, status: HouseholdStatus | None) -> bool:
    rule = policy.household
    if rule is None or not rule.review or facts.reviewed or status not in CARRIES_A_VALUE:
        return False
    return is_shown_for_review(policy.inject)


def reader(policy: Policy, facts: Facts) -> ReadFact:
    """How this policy reads a fact by name; None when it is not known, or may not be told."""
    seen = view(facts.household, policy.needs)
    status = household_status(policy, facts, seen)

    def read(fact: str) -> object | None:
        family = fact.partition(".")[0]
        if family == "identity":
            return (
                None
                if facts.identity is None or policy.login is None
                else identity_value(fact, facts.identity, facts.today)
            )
        if family == "request":
            return str(getattr(facts.request, fact.removeprefix("request.")))
        if family == "gateway":
            return _gateway_fact(policy, facts, fact)
        if fact == "household.status":
            return None if status is None else str(status)
        return _household_fact(policy, facts, seen, fact) if status in CARRIES_A_VALUE else None

    return read


def _household_fact(policy: Policy, facts: Facts, seen: View, fact: str) -> object | None:
    if fact.startswith("brackets."):
        return _bracket_fact(policy, facts, seen, fact)
    status = seen.status or HouseholdStatus.UNAVAILABLE
    return household_value(fact, seen.household, status, seen.obtained_at, facts.today)


def _bracket_fact(policy: Policy, facts: Facts, seen: View, fact: str) -> str | None:
    found = _bracket(policy, facts, seen)
    if found is None:
        return None
    schedule, name = found
    return name if fact == "brackets.name" else schedule.valid_from.isoformat()


def _bracket(policy: Policy, facts: Facts, seen: View) -> tuple[Schedule, str] | None:
    schedule = schedule_on(policy.schedules, facts.today)
    bracket = bracket_of(schedule, seen.household.family_quotient) if schedule else None
    return (schedule, bracket.name) if schedule and bracket else None


def _gateway_fact(policy: Policy, facts: Facts, fact: str) -> str:
    return {
        "gateway.decision_id": facts.decision_id,
        "gateway.policy": policy.name,
        "gateway.policy_version": policy.version,
    }[fact]


def injected(policy: Policy, facts: Facts) -> tuple[Injected, ...]:
    """The headers to add, in the policy's order; a fact that is not known is an absent header."""
    read = reader(policy, facts)
    values = ((injection, _value(injection, read)) for injection in policy.inject)
    return tuple(
        Injected(injection.header, injection.fact, value)
        for injection, value in values
        if value not in (None, "", [], ()) and not (isinstance(value, list) and None in value)
    )


def _value(injection: Injection, read: ReadFact) -> object | None:
    return injection.const if injection.const is not None else read(injection.fact)
