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
    def __init__(self, name: str, left: list[str], then: Callable[[], None] = lambda: None) -> None:
        self.name, self.left, self.then = name, left, then

    def depart(self) -> None:
        self.left.append(self.name)
        self.then()


def test_those_of_one_turn_leave_in_their_order_after_one_call() -> None:
    loop, left = Loop(), list[str]()
    turn = Turn(loop.call_soon)
    for name in "abc":
        turn.add(Leaver(name, left))
    assert (left, len(loop.soon)) == ([], 1)
    loop.turn()
    assert left == ["a", "b", "c"]
    assert loop.soon == []


def test_who_comes_meanwhile_leaves_with_the_next_turn() -> None:
    loop, left = Loop(), list[str]()
    turn = Turn(loop.call_soon)
    turn.add(Leaver("a", left, lambda: turn.add(Leaver("b", left))))
    loop.turn()
    assert left == ["a"]
    loop.turn()
    assert left == ["a", "b"]


def test_one_that_fails_keeps_nobody_from_leaving() -> None:
    loop, left = Loop(), list[str]()
    turn = Turn(loop.call_soon)

    def fail() -> None:
        raise RuntimeError

    for each in (Leaver("a", left), Leaver("b", left, fail), Leaver("c", left), Leaver("d", left)):
        turn.add(each)
    with pytest.raises(RuntimeError):
        loop.turn()
    assert left == ["a", "b"]
    loop.turn()
    assert left == ["a", "b", "c", "d"]
