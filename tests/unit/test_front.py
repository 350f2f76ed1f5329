"""What takes too long is told so, whatever becomes of the others."""

from collections.abc import Callable
from typing import Any

from gateway.settings import Limits
from gateway.web.server.front import Front


class Loop:
    """Hands over what it was given to do; the time stands still."""

    def __init__(self) -> None:
        self.soon: list[tuple[Callable[..., None], tuple[object, ...]]] = []
        self.later: list[Callable[[], None]] = []

    def time(self) -> float:
        return 100.0

    def call_soon(self, work: Callable[..., None], *arguments: object) -> None:
        self.soon.append((work, arguments))

    def call_later(self, _: float, work: Callable[[], None]) -> None:
        self.later.append(work)


class Overdue:
    deadline = 99.0

    def __init__(self, *, fails: bool = False) -> None:
        self.told = 0
        self._fails = fails

    def expired(self) -> None:
        self.told += 1
        if self._fails:
            raise OSError("no room left")


def test_one_that_fails_keeps_no_other_from_its_end_and_the_next_look_is_taken() -> None:
    loop, connections = Loop(), set[Any]()
    front = Front(Limits(), lambda *_: None, lambda *_: ([], b""), connections, loop)  # type: ignore[arg-type]
    failing, other, patient = Overdue(fails=True), Overdue(), Overdue()
    patient.deadline = 101.0
    for each in (failing, other, patient):
        front.opened(each)  # type: ignore[arg-type]
    (look,) = loop.later
    look()
    failures = 0
    for work, arguments in loop.soon:
        try:
            work(*arguments)
        except OSError:
            failures += 1
    assert (failing.told, other.told, patient.told, failures) == (1, 1, 0, 1)
    assert loop.later == [look, look]


def test_one_that_went_on_meanwhile_is_let_be() -> None:
    loop, connections = Loop(), set[Any]()
    front = Front(Limits(), lambda *_: None, lambda *_: ([], b""), connections, loop)  # type: ignore[arg-type]
    overdue = Overdue()
    front.opened(overdue)  # type: ignore[arg-type]
    loop.later[0]()
    overdue.deadline = 130.0
    for work, arguments in loop.soon:
        work(*arguments)
    assert overdue.told == 0
