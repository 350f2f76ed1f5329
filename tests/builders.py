"""Values for tests, each with one plain meaning; override what the test is about."""

from dataclasses import replace
from datetime import date
from typing import Any

from gateway.core.model import (
    Acr,
    Address,
    Facts,
    Household,
    HouseholdRecord,
    HouseholdStatus,
    Identity,
    Need,
    PartialDate,
    Person,
    RequestFacts,
)
from gateway.core.needs import with_needs
from gateway.core.paths import normalise
from gateway.core.rules import (
    Bracket,
    Condition,
    HouseholdRule,
    Injection,
    Login,
    Missing,
    Mode,
    Operator,
    Policy,
    Route,
    Schedule,
    Test,
    Text,
    Upstream,
    WayOut,
)
from gateway.core.ways import Way

TODAY = date(2026, 11, 24)

ANGELA = Identity(
    provider="franceconnect",
    sub="a" * 64 + "v1",
    acr=Acr.EIDAS1,
    authenticated_at=1_790_000_000,
    birth_name="DUBOIS",
    given_names=("Angela", "Claire", "Louise"),
    birthdate=PartialDate(1962, 8, 24),
    gender="female",
    birthplace="75107",
    birthcountry="99100",
)

ADULT = Person("DUBOIS", None, ("ANGELA", "CLAIRE", "LOUISE"), PartialDate(1962, 8, 24))

CHILDREN = (
    Person("DUBOIS", None, ("PIERRE",), PartialDate(2018, 1, 10)),
    Person("DUBOIS", None, ("ROBERT", "LOUIS"), PartialDate(2022, 6, 20)),
)

HOUSEHOLD = Household(
    fund="cnaf",
    family_quotient=648,
    reference_month="2026-11",
    computed_month="2026-10",
    adults=(ADULT,),
    children=CHILDREN,
    address=Address(("1 RUE MONTORGUEIL",), "75002", "PARIS", None, "FRANCE"),
)

SCHEDULE = Schedule(date(2026, 9, 1), (Bracket("T1", 400), Bracket("T2", 800), Bracket("T3", None)), "2026-06-14 n° 37")

EIDAS1 = Login(Acr.EIDAS1)

PIVOT = frozenset({"openid", "identite_pivot"})


def a_rule(**changes: Any) -> HouseholdRule:
    plain = HouseholdRule(Mode.FRANCECONNECT, match=True, review=False, when_missing={}, default=Missing.ALTERNATIVE)
    return replace(plain, **changes)


def injections(*facts: str) -> tuple[Injection, ...]:
    return tuple(Injection("X-" + fact.replace(".", "-").replace("_", "-").title(), fact) for fact in facts)


def a_policy(**changes: Any) -> Policy:
    """A signed-in page that injects the birth name, unless told otherwise; its needs are computed."""
    plain: dict[str, Any] = {
        "name": "page",
        "version": "0123456789ab",
        "purpose": "Essai",
        "legal_basis": "mission d'intérêt public",
        "retention": "session",
        "login": EIDAS1,
        "inject": injections("identity.birth_name"),
        "alternative": WayOut("/justificatif", Text("Déposer une attestation de la CAF")),
    }
    return with_needs(Policy(**(plain | changes)))


def a_caf_policy(*facts: str, rule: HouseholdRule | None = None, **changes: Any) -> Policy:
    """A policy that injects household facts."""
    return a_policy(inject=injections(*facts), household=rule or a_rule(), **changes)


def a_record(
    policy: Policy,
    household: Household | None = HOUSEHOLD,
    status: HouseholdStatus = HouseholdStatus.VERIFIED,
    at: int = 1,
) -> HouseholdRecord:
    way = policy.household.way if policy.household else Way.FRANCECONNECT
    return HouseholdRecord(status, policy.needs.blocks, policy.needs.fields, at, household, way=way)


def facts(**changes: Any) -> Facts:
    plain: dict[str, Any] = {
        "request": RequestFacts("GET", "services.ville.example", "/cantine/"),
        "today": TODAY,
        "decision_id": "K7QM-2F4D",
        "identity": ANGELA,
        "scopes": PIVOT,
    }
    return Facts(**(plain | changes))


def anonymous(**changes: Any) -> Facts:
    return facts(identity=None, scopes=frozenset(), **changes)


def a_condition(fact: str, operator: str, operand: object) -> Condition:
    return Condition(fact, Test(Operator(operator), operand))


def a_route(**changes: Any) -> Route:
    plain: dict[str, Any] = {
        "name": "services.ville.example/cantine/",
        "host": "services.ville.example",
        "path": normalise("/cantine/"),
        "upstreams": (Upstream("http", "127.0.0.1", 8081),),
        "policy": a_policy(),
        "audience": "https://services.ville.example/cantine/",
    }
    return Route(**(plain | changes))


def every_need(*needs: Need) -> frozenset[str]:
    return frozenset(str(need) for need in needs)
