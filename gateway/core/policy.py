"""Policy × Facts → Decision. Total and pure: no clock, no network; `gateway explain` runs the same lines."""

from typing import NamedTuple

from gateway.core import conditions
from gateway.core.conditions import ConditionTrace, ReadFact, holds
from gateway.core.decision import Allow, Alternative, Ask, Authenticate, Decision, Deny, Injected, Question, Reason
from gateway.core.disputes import is_withheld, stands_against
from gateway.core.facts import ESTIMATE, household_value, identity_value, source_of
from gateway.core.household import View, view
from gateway.core.model import ADULTS_OF, CARRIES_A_VALUE, Facts, HouseholdStatus, Source
from gateway.core.needs import covers
from gateway.core.rules import Injection, Login, Lookup, Missing, Mode, Operator, Policy, Schedule, Test
from gateway.core.tariff import bracket_of, hourly_rate, schedule_on

_REFUSED_BY = {False: Reason.CONDITION_FALSE, None: Reason.CONDITION_UNKNOWN}


class Seen(NamedTuple):
    """One source as a policy sees it in a session."""

    lookup: Lookup
    view: View
    status: HouseholdStatus
    """What the application reads."""


def decide(policy: Policy, facts: Facts) -> Decision:
    """What happens to this request, and for which reason of the closed list."""
    if (authenticate := _login(policy, facts)) is not None:
        return authenticate
    seen = look(policy, facts)
    for each in seen:
        if (question := _enquiry(policy, facts, each)) is not None:
            return question
    for each in seen:
        if (way_out := _without_value(policy, facts, each)) is not None:
            return way_out
    read = reader(policy, facts, seen)
    if policy.allow is not None and (truth := conditions.evaluate(policy.allow, read)) is not True:
        return _refused(policy, seen, _REFUSED_BY[truth])
    if _must_review(facts, seen):
        return Ask(Question.REVIEW, Reason.REVIEW_NEEDED)
    reason = Reason.ALLOWED if policy.needs_session else Reason.PUBLIC
    return Allow(inject=injected(policy, facts, seen), status=_told(seen), reason=reason)


def look(policy: Policy, facts: Facts) -> tuple[Seen, ...]:
    """Each source that the policy asks, in the order of `Source`; none when it asks nothing of CAF or MSA."""
    return tuple(_seen(policy, facts, lookup) for lookup in policy.lookups)


def _seen(policy: Policy, facts: Facts, lookup: Lookup) -> Seen:
    found = view(facts.household, lookup)
    return Seen(lookup, found, _status(policy, facts, lookup, found))


def _told(seen: tuple[Seen, ...]) -> HouseholdStatus | None:
    """The one status of an audit line: of several sources, the first that has no value to give."""
    without = (each.status for each in seen if each.status not in CARRIES_A_VALUE)
    return next(without, seen[0].status if seen else None)


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
    """The identity scopes of the policy, and of CAF's and MSA's only those that the session still lacks."""
    scopes = policy.needs.claims
    for lookup in policy.lookups:
        if lookup.rule.mode is not Mode.FRANCECONNECT or _is_withheld(policy, facts, lookup):
            continue
        missing = view(facts.household, lookup).missing
        if missing and lookup.rule.match:
            missing |= {ADULTS_OF[lookup.source]}
        scopes |= frozenset(str(block) for block in missing)
    return scopes


def _enquiry(policy: Policy, facts: Facts, seen: Seen) -> Decision | None:
    """What must happen before the source has answered, if anything still can."""
    mode = seen.lookup.rule.mode
    if seen.view.status is not None or _is_withheld(policy, facts, seen.lookup):
        return None
    if policy.login is not None and facts.identity is None:
        return None
    if mode is Mode.FRANCECONNECT and policy.login is not None:
        # An optional login is never asked for again: what was not asked is told as such.
        return None if policy.login.optional else _authenticate(policy, policy.login, facts, Reason.SCOPES_MISSING)
    return Ask(Question.NUMBER, Reason.NUMBER_NEEDED) if mode is Mode.NUMBER else None


def _said(policy: Policy, facts: Facts, lookup: Lookup) -> HouseholdStatus | None:
    return stands_against(policy.name, lookup.needs, facts.standing, declined=facts.declined)


def _is_withheld(policy: Policy, facts: Facts, lookup: Lookup) -> bool:
    return is_withheld(policy.name, lookup.needs, facts.standing, declined=facts.declined)


def _status(policy: Policy, facts: Facts, lookup: Lookup, seen: View) -> HouseholdStatus:
    said = _said(policy, facts, lookup)
    if said is not None and said not in CARRIES_A_VALUE:
        return said
    found = _found(policy, facts, lookup, seen)
    return said if said is not None and found is HouseholdStatus.VERIFIED else found


def _found(policy: Policy, facts: Facts, lookup: Lookup, seen: View) -> HouseholdStatus:
    """What the source's answer is worth to this policy."""
    if policy.login is not None and facts.identity is None:
        return HouseholdStatus.UNAVAILABLE if facts.login_down else HouseholdStatus.NOT_AUTHENTICATED
    if seen.status is None:
        by_login = policy.login is not None and policy.login.optional and lookup.rule.mode is Mode.FRANCECONNECT
        return HouseholdStatus.NOT_ASKED if by_login else HouseholdStatus.UNAVAILABLE
    if seen.status not in CARRIES_A_VALUE:
        return seen.status
    if _lacks_its_value(policy, facts, lookup, seen):
        return HouseholdStatus.NOT_AVAILABLE
    listed = lookup.rule.child_age is None or _lists_a_child(lookup.rule.child_age, lookup.source, seen, facts)
    return seen.status if listed else HouseholdStatus.PENDING_REVIEW


def _lists_a_child(wanted: Test, source: Source, seen: View, facts: Facts) -> bool:
    """A file lags behind births and custody: a child who is not there is a person's work, never a refusal."""
    ages = household_value(f"{source}.children.age", seen.household, HouseholdStatus.VERIFIED, None, facts.today)
    return holds(Test(Operator.SOME, wanted), ages) is True


def _lacks_its_value(policy: Policy, facts: Facts, lookup: Lookup, seen: View) -> bool:
    """A quotient that is wanted and null, what is computed and cannot be; or every value that is wanted, unknown."""
    wanted = lookup.wanted
    if "household.family_quotient" in wanted and seen.household.family_quotient is None:
        return True
    if any(fact.startswith("brackets.") for fact in wanted) and _bracket(policy, facts, seen) is None:
        return True
    if any(fact in ESTIMATE and _estimate_fact(policy, facts, seen, fact) is None for fact in wanted):
        return True
    own = [fact for fact in wanted if not fact.endswith(".obtained_at")]
    return bool(own) and all(_household_fact(policy, facts, seen, fact) is None for fact in own)


def _without_value(policy: Policy, facts: Facts, seen: Seen) -> Decision | None:
    if seen.status in CARRIES_A_VALUE:
        return None
    if policy.login is not None and facts.identity is None:
        return None  # an optional login serves the anonymous too, with the status alone
    if policy.login is not None and policy.login.optional and seen.status is HouseholdStatus.NOT_ASKED:
        return None  # and who signed in for another service
    word = seen.lookup.rule.on(seen.status)
    if word is Missing.FORWARD:
        return None
    held = seen.status is HouseholdStatus.PENDING_REVIEW and seen.view.status in CARRIES_A_VALUE
    reason = Reason.CHILD_NOT_LISTED if held else Reason.HOUSEHOLD_MISSING
    if word is Missing.ALTERNATIVE:
        return Alternative(seen.status, reason, seen.lookup.source)
    return Deny(reason, seen.status)


def _refused(policy: Policy, seen: tuple[Seen, ...], reason: Reason) -> Decision:
    if reason is Reason.CONDITION_UNKNOWN:
        for source, rule in policy.rules.items():
            if rule.on(HouseholdStatus.NOT_AVAILABLE) is Missing.ALTERNATIVE:
                return Alternative(HouseholdStatus.NOT_AVAILABLE, reason, source)
    return Deny(reason, _told(seen))


def _must_review(facts: Facts, seen: tuple[Seen, ...]) -> bool:
    """Whether a value would leave that the person has not seen yet."""
    return not facts.reviewed and any(
        each.lookup.rule.review and each.lookup.wanted and each.status in CARRIES_A_VALUE for each in seen
    )


def reader(policy: Policy, facts: Facts, seen: tuple[Seen, ...] | None = None) -> ReadFact:
    """How this policy reads a fact by name; None when it is not known, or may not be told.

    `seen` is what `look` says, for who has it already.
    """
    sources = {each.lookup.source: each for each in (look(policy, facts) if seen is None else seen)}

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
        source = source_of(fact)
        found = sources.get(source) if source is not None else None
        if found is None:
            return None
        if fact == f"{source}.status":
            return str(found.status)
        return _household_fact(policy, facts, found.view, fact) if found.status in CARRIES_A_VALUE else None

    return read


def _household_fact(policy: Policy, facts: Facts, seen: View, fact: str) -> object | None:
    if fact.startswith("brackets."):
        return _bracket_fact(policy, facts, seen, fact)
    if fact in ESTIMATE:
        return _estimate_fact(policy, facts, seen, fact)
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


def _estimate_fact(policy: Policy, facts: Facts, seen: View, fact: str) -> str | None:
    scale = schedule_on(policy.scales, facts.today)
    rate = hourly_rate(scale, seen.household.childcare) if scale else None
    if scale is None or rate is None:
        return None
    return scale.valid_from.isoformat() if fact == "childcare.scale_valid_from" else str(rate)


def _gateway_fact(policy: Policy, facts: Facts, fact: str) -> str:
    return {
        "gateway.decision_id": facts.decision_id,
        "gateway.policy": policy.name,
        "gateway.policy_version": policy.version,
    }[fact]


def injected(policy: Policy, facts: Facts, seen: tuple[Seen, ...] | None = None) -> tuple[Injected, ...]:
    """The headers to add, in the policy's order; a fact that is not known is an absent header."""
    read = reader(policy, facts, seen)
    values = ((injection, _value(injection, read)) for injection in policy.inject)
    return tuple(
        Injected(injection.header, injection.fact, value)
        for injection, value in values
        if value not in (None, "", [], ()) and not (isinstance(value, list) and None in value)
    )


def _value(injection: Injection, read: ReadFact) -> object | None:
    return injection.const if injection.const is not None else read(injection.fact)
