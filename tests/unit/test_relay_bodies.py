"""A held body leaves the relay as the upstream takes it, in order, and ends once."""

from types import SimpleNamespace
from typing import Any

import pytest

from gateway.core.errors import DependencyFailed
from gateway.core.http1.request import read_request
from gateway.core.rules import Route
from gateway.web import bodies, relay
from gateway.web.bodies import HeldBody
from gateway.web.relay import Relay
from tests.builders import a_route

pytestmark = pytest.mark.interpreted


class Upstream:
    """Takes one piece, then wants a pause: the slowest that a body can leave."""

    def __init__(self, *, patient: bool = False) -> None:
        self.answer: Any = None
        self.sent: list[bytes] = []
        self.finished = 0
        self._patient = patient

    def start(self, request: object, answer: Relay) -> "Upstream":
        self.answer = answer
        if not self._patient:
            answer.pause_body()
        return self

    def send(self, piece: bytes) -> None:
        self.sent.append(piece)
        if not self._patient:
            self.answer.pause_body()

    def becomes_patient(self) -> None:
        self._patient = True

    def finish(self) -> None:
        self.finished += 1

    def abort(self) -> None:
        """The tests leave nothing to be cut."""


class Connection:
    peer = "127.0.0.1"
    dressed = None

    def __init__(self) -> None:
        self.paused = False

    def want_body(self) -> None:
        """Nobody waits for a word here."""

    def pause_body(self) -> None:
        self.paused = True

    def resume_body(self) -> None:
        self.paused = False


def a_relay(monkeypatch: pytest.MonkeyPatch, upstream: Upstream, route: Route, length: int) -> tuple[Relay, Connection]:
    monkeypatch.setattr(relay, "upstream_request", lambda *_: SimpleNamespace())
    live = SimpleNamespace(add=lambda *_: None, discard=lambda *_: None)
    services: Any = SimpleNamespace(upstream=upstream, live=live, clock=lambda: 0.0)
    head = read_request(f"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {length}".encode())
    connection, permit = Connection(), SimpleNamespace(route=route)
    made = Relay(services, connection, permit, head, SimpleNamespace(), "R", "")  # type: ignore[arg-type]
    made.begin()
    return made, connection


def test_a_spooled_body_leaves_piece_by_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    upstream, body = Upstream(), bytes(range(256)) * 8_000
    made, _ = a_relay(monkeypatch, upstream, a_route(digest_max_bytes=4_000_000), len(body))
    for at in range(0, len(body), 100_000):
        made.body(body[at : at + 100_000])
    made.body_ended()
    assert upstream.sent == []
    while not upstream.finished:
        before = len(upstream.sent)
        made.resume_body()
        assert len(upstream.sent) <= before + 1
    assert b"".join(upstream.sent) == body
    made.resume_body()
    assert upstream.finished == 1


def test_what_comes_while_the_held_part_leaves_comes_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    upstream = Upstream()
    made, connection = a_relay(monkeypatch, upstream, a_route(digest_max_bytes=10), 20)
    assert connection.paused
    made.body(b"0123456789")
    made.body(b"abcdefghij")
    made.body_ended()
    for _ in range(6):
        made.resume_body()
    assert b"".join(upstream.sent) == b"0123456789abcdefghij"
    assert upstream.finished == 1


def test_any_number_of_pieces_may_wait_behind_the_held_part(monkeypatch: pytest.MonkeyPatch) -> None:
    """A megabyte, then a hundred thousand pieces of one byte, while the upstream is being dialled."""
    upstream = Upstream()
    made, _ = a_relay(monkeypatch, upstream, a_route(digest_max_bytes=10), 300_010)
    made.body(b"0123456789")
    for _ in range(300_000):
        made.body(b"a")
    made.body_ended()
    upstream.becomes_patient()
    made.resume_body()
    assert b"".join(upstream.sent) == b"0123456789" + b"a" * 300_000
    assert upstream.finished == 1


def test_an_upstream_that_takes_everything_is_given_everything_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    upstream = Upstream(patient=True)
    made, connection = a_relay(monkeypatch, upstream, a_route(), 6)
    made.body(b"abc")
    made.body(b"def")
    made.body_ended()
    assert (b"".join(upstream.sent), upstream.finished, connection.paused) == (b"abcdef", 1, False)


def test_a_body_that_finds_no_room_on_disk_is_a_failure_with_a_code(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_room(**_: object) -> None:
        raise FileNotFoundError("no usable temporary directory")

    monkeypatch.setattr(bodies, "SpooledTemporaryFile", no_room)
    held = HeldBody(a_route(digest_max_bytes=4_000_000), 3_000_000)
    held.add(b"x" * 1_000_000)
    with pytest.raises(DependencyFailed, match="body_not_held"):
        held.add(b"x" * 1_000_000)


def test_what_a_route_holds_by_default_never_touches_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "SpooledTemporaryFile", None)
    held = HeldBody(a_route(), 1_000_000)
    for _ in range(10):
        held.add(b"x" * 100_000)
    assert held.so_far().length == 1_000_000


def test_all_bodies_together_take_no_more_memory_than_that(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "MEMORY_BYTES", HeldBody.in_memory + 1_000_000)
    first, second, third = (HeldBody(a_route(), 600_000) for _ in range(3))
    before = HeldBody.in_memory
    for held in (first, second):
        held.add(b"x" * 600_000)
    assert HeldBody.in_memory == before + 600_000
    assert [b"".join(held.pieces()) for held in (first, second)] == [b"x" * 600_000] * 2
    third.add(b"y" * 600_000)
    assert HeldBody.in_memory == before + 600_000
    del third, held
    assert HeldBody.in_memory == before
