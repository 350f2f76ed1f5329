"""One line for each decision: codes only."""

from gateway.core.model import Decision, Session
from gateway.core.rules import Route
from gateway.ports import AuditLine
from gateway.web.exchange import Exchange
from gateway.web.forward import Permit
from gateway.web.services import Services

CLIENT_LEFT = 499
"""In an audit line only: the client went away before the answer was complete."""


def audit_allowed(
    services: Services,
    given: Permit,
    method: str,
    status: int,
    reference: str,
    began: float,
    waited_s: float | None = None,
) -> None:
    """`waited_s`: until the head of the upstream's answer, whose `status` this then is."""
    route = given.route
    household = given.allow.status
    line = AuditLine(
        reference,
        route.name,
        route.policy.name,
        route.policy.version,
        "allow",
        str(given.allow.reason),
        None if household is None else str(household),
        given.provider,
        method,
        status,
        round((services.clock() - began) * 1000),
    )
    services.audit(line)
    services.metrics.decided(line, waited_s)


def audit_turned_away(
    services: Services,
    exchange: Exchange,
    route: Route,
    decision: Decision,
    session: Session | None,
    status: int,
    began: float,
) -> None:
    household = getattr(decision, "status", None)
    line = AuditLine(
        decision_id=exchange.reference,
        route=route.name,
        policy=route.policy.name,
        policy_version=route.policy.version,
        outcome=type(decision).__name__.lower(),
        reason=str(decision.reason),
        household_status=str(household) if household else None,
        provider=session.identity.provider if session and session.identity else None,
        method=exchange.snapshot.method,
        status=status,
        duration_ms=round((services.clock() - began) * 1000),
    )
    services.audit(line)
    services.metrics.decided(line, None)
