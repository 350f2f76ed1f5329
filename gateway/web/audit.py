"""One line for each decision: codes only."""

from gateway.core.decision import Decision
from gateway.core.model import Session
from gateway.core.rules import Route
from gateway.trace_ports import AuditLine, Codes
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
    line = AuditLine(reference, given.codes, method, status, round((services.clock() - began) * 1000))
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
    codes = Codes(
        route=route.name,
        policy=route.policy.name,
        policy_version=route.policy.version,
        outcome=type(decision).__name__.lower(),
        reason=str(decision.reason),
        household_status=str(household) if household else None,
        provider=session.identity.provider if session and session.identity else None,
    )
    duration_ms = round((services.clock() - began) * 1000)
    line = AuditLine(exchange.reference, codes, exchange.snapshot.method, status, duration_ms)
    services.audit(line)
    services.metrics.decided(line, None)
