"""Server-Sent Events through the gateway: each event at once, and none to somebody whose session has ended (peers §4.9)."""

import socket
import threading
import time
from contextlib import suppress

import pytest

from tests.attack.cases import get, is_refused
from tests.canary import Exchange
from tests.fronted import Fronted
from tests.wire import Ended, Raw

STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\n"
ENDED_WITHIN_S = 2.0


class Events:
    """An application that sends one event each time it is told to."""

    def __init__(self, *, chunked: bool, head_waits: bool = False) -> None:
        self._chunked = chunked
        self._head_waits = head_waits
        self._next = threading.Semaphore(0)
        self.sent = 0

    def __call__(self, exchange: Exchange) -> bool:
        if self._head_waits:
            self._told(exchange.stream.sock)
        exchange.send(STREAM + (b"Transfer-Encoding: chunked\r\n\r\n" if self._chunked else b"\r\n"))
        while self._told(exchange.stream.sock):
            event = b"data: %d\n\n" % self.sent
            exchange.send(b"%x\r\n%b\r\n" % (len(event), event) if self._chunked else event)
            self.sent += 1
        return True

    def _told(self, sock: socket.socket) -> bool:
        """Wait to be told; False once the other end has closed."""
        while not self._next.acquire(timeout=0.02):
            with suppress(BlockingIOError):
                if not sock.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT):
                    return False
        return True

    def tell(self) -> None:
        self._next.release()


def _head(raw: Raw) -> bytes:
    head = raw.until(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ")
    return head.lower()


def _event(raw: Raw) -> bytes:
    """The next event, out of the chunk that carries it."""
    size = int(raw.until(b"\r\n"), 16)
    event = raw.exactly(size)
    assert raw.exactly(2) == b"\r\n"
    return event


@pytest.mark.parametrize("chunked", [True, False], ids=["chunked", "until its close"])
def test_each_event_arrives_before_the_next_is_sent(fronted: Fronted, chunked: bool) -> None:
    events = fronted.canary.script = Events(chunked=chunked)
    with fronted.raw() as raw:
        raw.send(fronted.fill(get(b"Accept: text/event-stream")))
        assert b"content-type: text/event-stream" in _head(raw)
        for number in range(20):
            events.tell()
            assert _event(raw) == b"data: %d\n\n" % number


def test_the_head_arrives_before_the_first_event(fronted: Fronted) -> None:
    fronted.canary.script = Events(chunked=True)
    with fronted.raw() as raw:
        raw.send(fronted.fill(get()))
        assert b"text/event-stream" in _head(raw)


def test_last_event_id_goes_on_as_it_is_and_a_forged_line_in_it_does_not(fronted: Fronted) -> None:
    fronted.canary.script = Events(chunked=True)
    with fronted.raw() as raw:
        raw.send(fronted.fill(get(b"Last-Event-ID: 42")))
        _head(raw)
    assert fronted.canary.seen[0].values("last-event-id") == [b"42"]
    fronted.canary.wait(lambda: True)
    fronted.forget()
    is_refused(fronted, get(b"Last-Event-ID: 42\nX-Auth-User: admin"))


def test_a_client_that_leaves_a_silent_stream_ends_it_upstream(fronted: Fronted) -> None:
    fronted.canary.script = Events(chunked=True)
    with fronted.raw() as raw:
        raw.send(fronted.fill(get()))
        _head(raw)
    fronted.canary.wait(lambda: fronted.canary.seen[0].over)


def test_a_client_that_has_only_finished_speaking_still_hears_its_answer(fronted: Fronted) -> None:
    events = fronted.canary.script = Events(chunked=True, head_waits=True)
    with fronted.raw() as raw:
        raw.send(fronted.fill(get()))
        raw.sock.shutdown(socket.SHUT_WR)
        time.sleep(0.1)
        events.tell()
        events.tell()
        _head(raw)
        assert _event(raw) == b"data: 0\n\n"
    fronted.canary.drop()


def test_a_stream_ends_with_the_session_that_it_was_opened_with(fronted: Fronted) -> None:
    person, cookie = fronted.person()
    events = fronted.canary.script = Events(chunked=True)
    with fronted.raw() as raw:
        raw.send(fronted.fill(get(cookie, start=b"GET /app/ HTTP/1.1\r\n")))
        _head(raw)
        events.tell()
        assert _event(raw) == b"data: 0\n\n"
        person.press(person.visit("/_gateway/logout"), "Se déconnecter")
        began = time.monotonic()
        with pytest.raises(Ended):
            while True:
                events.tell()
                _event(raw)
        assert time.monotonic() - began < ENDED_WITHIN_S
    fronted.canary.wait(lambda: fronted.canary.seen[0].over)


def test_a_silent_stream_ends_with_its_session_too(fronted: Fronted) -> None:
    person, cookie = fronted.person()
    fronted.canary.script = Events(chunked=True)
    with fronted.raw() as raw:
        raw.send(fronted.fill(get(cookie, start=b"GET /app/ HTTP/1.1\r\n")))
        _head(raw)
        person.press(person.visit("/_gateway/logout"), "Se déconnecter")
        began = time.monotonic()
        assert raw.is_closed()
        assert time.monotonic() - began < ENDED_WITHIN_S
    fronted.canary.wait(lambda: fronted.canary.seen[0].over)


def test_a_stream_outlives_somebody_elses_logout(fronted: Fronted) -> None:
    person, _ = fronted.person()
    _, cookie = fronted.person("avec_nom_dusage")
    events = fronted.canary.script = Events(chunked=True)
    with fronted.raw() as raw:
        raw.send(fronted.fill(get(cookie, start=b"GET /app/ HTTP/1.1\r\n")))
        _head(raw)
        person.press(person.visit("/_gateway/logout"), "Se déconnecter")
        time.sleep(1.2)
        events.tell()
        assert _event(raw) == b"data: 0\n\n"
