"""Answers under way, by session: a WebSocket or an event stream ends when its session does, wherever that was ended."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from gateway.core.errors import DependencyFailed
from gateway.core.model import Session, SessionId

CHECK_S = 0.5
"""A session is read again this often while an answer of its lasts."""


class Expellable(Protocol):
    def expel(self) -> None: ...


class LiveAnswers:
    """Those that are longer than one check are checked; the others come and go between two."""

    def __init__(self) -> None:
        self._answers: dict[str, set[Expellable]] = {}
        self._seen: set[str] = set()

    def add(self, session_id: str, answer: Expellable) -> None:
        answers = self._answers.get(session_id)
        if answers is None:
            self._answers[session_id] = {answer}
        else:
            answers.add(answer)

    def discard(self, session_id: str, answer: Expellable) -> None:
        answers = self._answers.get(session_id)
        if answers is not None:
            answers.discard(answer)
            if not answers:
                del self._answers[session_id]

    @contextmanager
    def during(self, session_id: str | None, answer: Expellable | None) -> Iterator[None]:
        """Somebody's answer, while it lasts; an anonymous one, or one that cannot be ended from here, is not kept."""
        if session_id is None or answer is None:
            yield
            return
        self.add(session_id, answer)
        try:
            yield
        finally:
            self.discard(session_id, answer)

    def expel(self, session_id: str) -> None:
        for answer in list(self._answers.get(session_id, ())):
            answer.expel()

    async def check(self, load: Callable[[SessionId], Awaitable[Session | None]]) -> None:
        """Read again each session that was already here at the last check. A store that fails opens nothing longer."""
        lasting = [session_id for session_id in self._answers if session_id in self._seen]
        self._seen = set(self._answers)
        for session_id in lasting:
            try:
                session = await load(SessionId(session_id))
            except DependencyFailed:
                session = None
            if session is None:
                self.expel(session_id)
