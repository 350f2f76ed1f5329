"""What a policy keeps for less than a session leaves the session when its time is over."""

from dataclasses import replace

from gateway.core.household import lasting
from gateway.core.model import Session
from gateway.web.amend import amend
from gateway.web.services import Services


def has_ended(session: Session, now: int) -> bool:
    return any(record.kept_until is not None and record.kept_until <= now for record in session.household)


async def let_go(services: Services, session: Session) -> Session | None:
    """The session without the enquiries that are over; what comes in their place is shown for review again."""
    if not has_ended(session, services.now):
        return session
    return await amend(services, session.id, lambda current: _without(current, services.now))


def _without(session: Session, now: int) -> Session:
    return replace(session, household=lasting(session.household, None, now), reviewed=frozenset())
