"""An answer that lasts ends with its session; one that comes and goes is left alone."""

import asyncio

from gateway.core.errors import DependencyFailed
from gateway.core.model import Session, SessionId
from gateway.web.live import LiveAnswers

HERE = "a" * 64


class Answer:
    def __init__(self) -> None:
        self.expelled = False

    def expel(self) -> None:
        self.expelled = True


class Sessions:
    def __init__(self, *ids: str) -> None:
        self.ids = ids
        self.down = False
        self.reads = 0

    async def load(self, session_id: SessionId) -> Session | None:
        self.reads += 1
        if self.down:
            raise DependencyFailed("session-store", "session_store_unavailable", 503)
        return Session(session_id, 2_000_000_000) if session_id in self.ids else None


def checked(live: LiveAnswers, sessions: Sessions, times: int) -> None:
    for _ in range(times):
        asyncio.run(live.check(sessions.load))


def test_an_answer_that_lasts_ends_with_its_session_and_another_s_does_not() -> None:
    live, mine, other = LiveAnswers(), Answer(), Answer()
    live.add(HERE, mine)
    live.add("b" * 64, other)
    checked(live, Sessions("b" * 64), 2)
    assert (mine.expelled, other.expelled) == (True, False)


def test_an_answer_younger_than_one_check_is_left_to_end_by_itself() -> None:
    live, sessions, mine = LiveAnswers(), Sessions(), Answer()
    live.add(HERE, mine)
    checked(live, sessions, 1)
    assert (mine.expelled, sessions.reads) == (False, 0)


def test_a_young_answer_beside_an_old_one_of_its_session_is_left_too() -> None:
    live, old, young = LiveAnswers(), Answer(), Answer()
    live.add(HERE, old)
    checked(live, Sessions(HERE), 2)
    live.add(HERE, young)
    checked(live, Sessions(), 1)
    assert (old.expelled, young.expelled) == (True, False)


def test_an_answer_that_has_ended_is_not_looked_at_again() -> None:
    live, sessions, mine = LiveAnswers(), Sessions(), Answer()
    live.add(HERE, mine)
    live.discard(HERE, mine)
    live.discard(HERE, mine)
    checked(live, sessions, 3)
    assert (mine.expelled, sessions.reads) == (False, 0)


def test_a_store_that_cannot_be_asked_keeps_nothing_open() -> None:
    live, sessions, mine = LiveAnswers(), Sessions(HERE), Answer()
    sessions.down = True
    live.add(HERE, mine)
    checked(live, sessions, 2)
    assert mine.expelled


def test_an_answer_to_nobody_in_particular_is_not_watched() -> None:
    live, sessions, public = LiveAnswers(), Sessions(), Answer()
    live.add("", public)
    checked(live, sessions, 3)
    assert (public.expelled, sessions.reads) == (False, 0)
