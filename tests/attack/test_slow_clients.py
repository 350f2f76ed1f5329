"""Clients that are slow, silent, endless or too large: each costs the gateway a bounded time and a bounded memory."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.attack.cases import HOST, START, get, is_a_problem, is_refused, is_served, post
from tests.canary import Exchange, ok
from tests.fronted import Fronted, gateway_at
from tests.wire import Raw

HEAD_S = 0.4
IDLE_S = 0.8
SLACK_S = 2.0
"""How late a sweep may be on a machine that does other things too."""


@pytest.fixture(scope="module", params=[True, False], ids=["quick lane", "ASGI"])
def kept_gateway(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fronted]:
    limits = f"head_s: {HEAD_S}, idle_s: {IDLE_S}"
    with gateway_at(tmp_path_factory.mktemp("gateway"), limits=limits, quick_lane=request.param) as started:
        yield started


def _is_timed_out(fronted: Fronted, raw: Raw, after_s: float, began: float) -> None:
    is_a_problem(raw.answer(), (408,))
    assert raw.is_closed()
    assert after_s <= time.monotonic() - began <= after_s + SLACK_S
    assert len(fronted.logged("rejected")) == 1
    fronted.nothing_was_forwarded()


@pytest.mark.parametrize("part", [b"G", b"GET /pub/", START, START + b"Host: HO", START + b"Host: HOST\r\n"])
def test_half_a_head_is_given_up_after_its_time(fronted: Fronted, part: bytes) -> None:
    began = time.monotonic()
    with fronted.raw() as raw:
        raw.send(fronted.fill(part))
        _is_timed_out(fronted, raw, HEAD_S, began)


def test_a_head_that_drips_gets_no_more_time_for_it(fronted: Fronted) -> None:
    began = time.monotonic()
    with fronted.raw() as raw:
        raw.send(START)
        raw.sock.settimeout(0.05)
        for number in range(60):
            raw.send(b"X-%d: a\r\n" % number)
            try:
                if raw.sock.recv(1, socket.MSG_PEEK):
                    break
            except TimeoutError:
                continue
        raw.sock.settimeout(5)
        _is_timed_out(fronted, raw, HEAD_S, began)


def test_a_head_that_comes_in_pieces_within_its_time_is_served(fronted: Fronted) -> None:
    with fronted.raw() as raw:
        for piece in fronted.fill(get(b"X-A: b")).partition(b"Accept"):
            raw.send(piece)
            time.sleep(0.05)
        assert raw.answer().status == 200


def test_a_silent_connection_is_closed_without_a_word(fronted: Fronted) -> None:
    with fronted.raw() as raw:
        assert raw.is_closed()
    assert not fronted.logged("rejected")


def test_an_idle_connection_is_closed_without_a_word(fronted: Fronted) -> None:
    with fronted.raw() as raw:
        assert raw.send(fronted.fill(get())).answer().status == 200
        began = time.monotonic()
        assert raw.is_closed()
        assert time.monotonic() - began >= IDLE_S * 0.9
    assert not fronted.logged("rejected")


def test_a_kept_connection_is_served_again_while_it_is_not_idle_for_too_long(fronted: Fronted) -> None:
    with fronted.raw() as raw:
        for _ in range(4):
            assert raw.send(fronted.fill(get())).answer().status == 200
            time.sleep(IDLE_S * 0.4)


def test_the_second_head_of_a_connection_is_timed_like_the_first(fronted: Fronted) -> None:
    with fronted.raw() as raw:
        assert raw.send(fronted.fill(get())).answer().status == 200
        fronted.forget()
        began = time.monotonic()
        raw.send(START)
        _is_timed_out(fronted, raw, HEAD_S, began)


@pytest.mark.parametrize("part", [b"", b"hel"])
@pytest.mark.parametrize("framing", [b"Content-Length: 5", b"Transfer-Encoding: chunked"])
def test_a_body_that_stalls_is_given_up_after_its_time(fronted: Fronted, framing: bytes, part: bytes) -> None:
    if part and framing.startswith(b"Transfer"):
        part = b"5\r\nhel"
    began = time.monotonic()
    with fronted.raw() as raw:
        raw.send(fronted.fill(post(part, framing)))
        _is_timed_out(fronted, raw, IDLE_S, began)


def test_a_chunked_body_without_its_last_line_is_given_up(fronted: Fronted) -> None:
    began = time.monotonic()
    with fronted.raw() as raw:
        raw.send(fronted.fill(post(b"5\r\nhello\r\n0\r\n", b"Transfer-Encoding: chunked")))
        _is_timed_out(fronted, raw, IDLE_S, began)


def test_a_stream_that_stalls_never_looks_whole_upstream(fronted: Fronted) -> None:
    with fronted.raw() as raw:
        raw.send(fronted.fill(post(b"hel", b"Content-Length: 5", path=b"/stream/")))
        is_a_problem(raw.answer(), (408,))
        assert raw.is_closed()
    fronted.canary.wait(lambda: fronted.canary.seen[0].over)
    assert [seen.whole for seen in fronted.canary.seen] == [False]


def test_a_body_that_comes_slowly_but_comes_is_served(fronted: Fronted) -> None:
    with fronted.raw() as raw:
        raw.send(fronted.fill(post(b"", b"Content-Length: 5")))
        for byte in b"hello":
            time.sleep(IDLE_S * 0.4)
            raw.send(bytes([byte]))
        assert raw.answer().status == 200


def test_an_upstream_that_thinks_longer_than_clients_may_idle_is_waited_for(fronted: Fronted) -> None:
    def slow(exchange: Exchange) -> None:
        time.sleep(IDLE_S * 1.5)
        exchange.send(ok(b"at last"))

    fronted.canary.script = slow
    assert fronted.ask(get()).body == b"at last"


def test_a_client_that_stops_reading_is_cut_and_its_upstream_let_go(fronted: Fronted) -> None:
    def endless(exchange: Exchange) -> None:
        exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        while True:
            exchange.send(b"x" * 65_536)

    fronted.canary.script = endless
    with fronted.raw() as raw:
        raw.send(fronted.fill(get()))
        fronted.canary.wait(lambda: len(fronted.canary.seen) == 1 and fronted.canary.seen[0].over)
    fronted.forget()
    is_served(fronted, get())


class Answers:
    """A hundred answers of 100 kB, then one of 64 MB."""

    def __init__(self) -> None:
        self.of_the_last = 0

    def __call__(self, exchange: Exchange) -> None:
        if exchange.seen.target != b"/pub/last":
            exchange.send(ok(b"x" * 100_000))
            return
        exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 67108864\r\n\r\n")
        for _ in range(1024):
            exchange.send(b"x" * 65_536)
            self.of_the_last += 65_536

    @staticmethod
    def asked(fronted: Fronted) -> bytes:
        each = fronted.fill(b"GET /pub/one HTTP/1.1\r\nHost: HOST\r\n\r\n")
        return each * 100 + fronted.fill(b"GET /pub/last HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n")


def test_who_reads_none_of_its_answers_is_answered_no_more(fronted: Fronted) -> None:
    """The one that fills the connection is told to pause; those behind it would never be."""
    answers = fronted.canary.script = Answers()
    with fronted.raw() as raw:
        raw.send(Answers.asked(fronted))
        time.sleep(IDLE_S + 0.5)
        assert answers.of_the_last < 16_777_216
    fronted.forget()
    is_served(fronted, get())


def test_who_reads_late_gets_every_answer(fronted: Fronted) -> None:
    """The twin."""
    fronted.canary.script = Answers()
    with fronted.raw() as raw:
        raw.send(Answers.asked(fronted))
        time.sleep(IDLE_S / 4)
        received = 0
        while piece := raw.sock.recv(1 << 20):
            received += len(piece)
    assert received > 100 * 100_000 + 67_108_864


def test_many_slow_clients_do_not_delay_an_honest_one(fronted: Fronted) -> None:
    with ExitStack() as stack:
        for _ in range(200):
            stack.enter_context(fronted.raw()).send(START)
        began = time.monotonic()
        is_served(fronted, get())
        assert time.monotonic() - began < 1


# -- how large


def _head_of(size: int) -> bytes:
    """A legal head of so many bytes, its blank line not counted."""
    start = START + HOST + b"X-Pad: "
    return start + b"x" * (size - len(start)) + b"\r\n\r\n"


def test_a_target_over_8_kb_is_414_and_one_of_8_kb_is_served(fronted: Fronted) -> None:
    def line(size: int) -> bytes:
        return get(start=b"GET /plain/%b HTTP/1.1\r\n" % (b"x" * (size - 7)))

    is_refused(fronted, line(8_193), 414)
    fronted.forget()
    is_served(fronted, line(8_192))


def test_a_request_line_without_an_end_is_414_long_before_its_time(fronted: Fronted) -> None:
    is_refused(fronted, b"GET /" + b"x" * 40_000, 414)


def test_a_101st_header_field_is_431_and_the_100th_is_served(fronted: Fronted) -> None:
    fields = [b"X-%d: a" % number for number in range(98)]
    is_refused(fronted, get(*fields, b"X-One-More: a"), 431)
    fronted.forget()
    is_served(fronted, get(*fields))


def test_a_head_over_32_kb_is_431_and_one_of_32_kb_is_served(fronted: Fronted) -> None:
    extra = len(fronted.authority) - len(b"HOST")
    is_refused(fronted, _head_of(32_769 - extra), 431)
    fronted.forget()
    is_served(fronted, _head_of(32_768 - extra))


@pytest.mark.parametrize("data", [START + b"X: " + b"a" * 2_000_000, START + b"X-A: b\r\n" * 200_000])
def test_an_endless_head_is_refused_before_it_fills_memory(fronted: Fronted, data: bytes) -> None:
    is_refused(fronted, data, 431)


def test_a_refusal_reaches_a_client_that_is_still_sending(fronted: Fronted) -> None:
    """Closing at once would reset the connection, and the client would never read why."""
    with fronted.raw() as raw:
        raw.send(fronted.fill(post(b"x" * 3_000_000, b"Content-Length: 3000000", path=b"/small/")))
        is_a_problem(raw.answer(), (413,))


def test_ten_thousand_ranges_are_no_more_than_a_long_header(fronted: Fronted) -> None:
    ranges = b"Range: bytes=" + b",".join([b"0-"] * 5_000)
    is_served(fronted, get(ranges))
    assert fronted.canary.seen[0].values("range") == [ranges.partition(b": ")[2]]
    fronted.forget()
    is_refused(fronted, get(ranges * 3), 431)
