"""Changes to a session that may be changed elsewhere at the same time."""

from collections.abc import Callable

from gateway.core.model import Session, SessionId
from gateway.web.services import Services


async def amend(services: Services, session_id: SessionId, change: Callable[[Session], Session]) -> Session | None:
    """Apply a change to the session as it is now, not as it was when this request began.

    None when it is gone: a logout that happened meanwhile wins, and a refusal given meanwhile is never overwritten.
    """
    return await services.sessions.amend(session_id, change)
