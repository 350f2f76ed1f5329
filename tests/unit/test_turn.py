"""Requests that come together leave together."""

from collections.abc import Callable

import pytest

from gateway.web.server.turn import Turn


class Loop:
    """What was to be called soon, and no more."""

    def __init__(self) -> None:
        self.soon: list[Callable[[], None]] = []

    def call_soon(self, callback: Callable[[], None]) -> None:
        self.soon.append(callback)

    def turn(self) -> None:
        due, self.soon = self.soon, []
        for callback in due:
            callback()


class Leaver:
    """It writes down what is done to it."""

    def __init__(
        self, name: str, done: list[str], *, fails_to: str = "", then: Callable[[], None] = lambda: None
    ) -> None:
        self.name, self.done, self.fails_to, self.then = name, done, fails_to, then

    def _do(self, step: str) -> None:
        self.done.append(f"{step} {self.name}")
        if step == self.fails_to:
            raise RuntimeError

    def prepare(self) -> None:
        self._do("prepare")

    def depart(self) -> None:
        self._do("depart")
        self.then()

    def strand(self) -> None:
        self._do("strand")


def test_those_of_one_turn_are_all_prepared_and_then_leave_in_their_order() -> None:
    loop, done = Loop(), list[str]()
    turn = Turn(loop.call_soon)
    for name in "abc":
        turn.add(Leaver(name, done))
    assert (done, len(loop.soon)) == ([], 1)
    loop.turn()
    assert done == ["prepare a", "prepare b", "prepare c", "depart a", "depart b", "depart c"]
    assert loop.soon == []


def test_who_comes_meanwhile_leaves_with_the_next_turn() -> None:
    loop, done = Loop(), list[str]()
    turn = Turn(loop.call_soon)
    turn.add(Leaver("a", done, then=lambda: turn.add(Leaver("b", done))))
    loop.turn()
    assert done == ["prepare a", "depart a"]
    assert len(loop.soon) == 1
    loop.turn()
    assert done == ["prepare a", "depart a", "prepare b", "depart b"]
    assert loop.soon == []


@pytest.mark.parametrize(
    ("step", "then"),
    [
        ("prepare", ["prepare a", "prepare b", "strand b", "prepare c", "depart a", "depart c"]),
        ("depart", ["prepare a", "prepare b", "prepare c", "depart a", "depart b", "strand b", "depart c"]),
    ],
)
def test_one_that_fails_is_stranded_and_keeps_nobody_from_leaving(step: str, then: list[str]) -> None:
    loop, done = Loop(), list[str]()
    turn = Turn(loop.call_soon)
    for each in (Leaver("a", done), Leaver("b", done, fails_to=step), Leaver("c", done)):
        turn.add(each)
    with pytest.raises(RuntimeError):
        loop.turn()
    loop.turn()
    assert done == then
    assert loop.soon == []
