"""Answers under way, by session: a WebSocket or an event stream ends when its session does, wherever that was ended."""

from collections.abc import Awaitable, Callable
from typing import Protocol

from gateway.core.errors import DependencyFailed
from gateway.core.model import Session, SessionId

CHECK_S = 0.4
"""A session is read again this often while an answer of its lasts."""


class Expellable(Protocol):
    def expel(self) -> None: ...


class LiveAnswers:
    """Those that have lasted since the last check are checked; the others come and go between two."""

    def __init__(self) -> None:
        self._answers: dict[str, dict[Expellable, int]] = {}
        self._round = 0

    def add(self, session_id: str, answer: Expellable) -> None:
        """Without a session (`""`) nothing can end it, and it is not kept."""
        if not session_id:
            return
        answers = self._answers.get(session_id)
        if answers is None:
            self._answers[session_id] = {answer: self._round}
        else:
            answers[answer] = self._round

    def discard(self, session_id: str, answer: Expellable) -> None:
        answers = self._answers.get(session_id)
        if answers is not None:
            answers.pop(answer, None)
            if not answers:
                del self._answers[session_id]

    async def check(self, load: Callable[[SessionId], Awaitable[Session | None]]) -> None:
        """Read again each session with an answer that lasts. A store that fails keeps nothing open."""
        before, self._round = self._round, self._round + 1
        for session_id in [each for each, answers in self._answers.items() if min(answers.values()) < before]:
            try:
                session = await load(SessionId(session_id))
            except DependencyFailed:
                session = None
            if session is None:
                for answer, since in list(self._answers.get(session_id, {}).items()):
                    if since < before:
                        answer.expel()
