"""Answers made for the next person, through the whole gateway: whoever asks next gets their own (peers §4.3)."""

import time
from collections.abc import Callable

import pytest

from tests.attack.cases import get, is_a_problem, post
from tests.canary import Exchange, Script, always, ok, polite
from tests.fronted import Fronted
from tests.wire import Ended, Mangled, eventually

POISON = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"
OK = b"HTTP/1.1 200 OK\r\n"

REFUSED = [
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nokk",
    OK + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\nok",
    OK + b"Content-Length: +2\r\n\r\nok",
    OK + b"Content-Length: 2, 2\r\n\r\nok",
    OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    OK + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    OK + b"X-A: b\nSet-Cookie: a=b\r\nContent-Length: 2\r\n\r\nok",
    OK + b"X-A: b\r\n folded\r\nContent-Length: 2\r\n\r\nok",
    OK + b"X-A : b\r\nContent-Length: 2\r\n\r\nok",
    OK + b"X-A: \x00\r\nContent-Length: 2\r\n\r\nok",
    OK + b"no colon\r\nContent-Length: 2\r\n\r\nok",
    OK.replace(b"\r\n", b"\n") + b"Content-Length: 2\n\nok",
    b"HTTP/1.1 999 Odd\r\nContent-Length: 2\r\n\r\nok",
    b"HTTP/1.1 0 Odd\r\nContent-Length: 2\r\n\r\nok",
    b"HTTP/1.1 -200 Odd\r\nContent-Length: 2\r\n\r\nok",
    b"HTTP/2 200 OK\r\nContent-Length: 2\r\n\r\nok",
    b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" * 10_000 + ok(),
    OK + b"X-A: " + b"a" * 2_000_000 + b"\r\n\r\n",
    b"hello, this is no HTTP\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\r\n\r\n",
    b"",
]

TOLERATED: list[tuple[bytes, int, bytes]] = [
    (ok(b"mine") + POISON, 200, b"mine"),
    (OK + b"Content-Length: 4\r\n\r\nmine, and more than was said", 200, b"mine"),
    (OK + b"Transfer-Encoding: chunked\r\n\r\n4\r\nmine\r\n0\r\n\r\n" + POISON, 200, b"mine"),
    (b"HTTP/1.1 204 No Content\r\n\r\n" + POISON, 204, b""),
    (b"HTTP/1.1 204 No Content\r\nContent-Length: 6\r\n\r\npoison", 204, b""),
    (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 6\r\n\r\npoison", 304, b""),
]  # fmt: skip


def _first(answer: bytes, *, close: bool = False) -> Script:
    """The first request gets this; whoever comes later gets their own."""
    asked: list[Exchange] = []

    def script(exchange: Exchange) -> bool | None:
        asked.append(exchange)
        if len(asked) == 1:
            return always(answer, close=close)(exchange)
        polite(exchange)
        return False

    return script


def _the_next_person_gets_their_own(fronted: Fronted) -> None:
    for number in range(3):
        answer = fronted.ask(get(start=b"GET /pub/own%d HTTP/1.1\r\n" % number))
        assert (answer.status, answer.body) == (200, b"/pub/own%d" % number)
    poisoned, *later = [seen.connection for seen in fronted.canary.seen]
    assert poisoned not in later, "the poisoned connection was used again"


@pytest.mark.parametrize("answer", REFUSED, ids=lambda each: repr(each[:60]))
def test_an_answer_without_one_reading_is_502_and_its_connection_is_dropped(fronted: Fronted, answer: bytes) -> None:
    fronted.canary.script = _first(answer, close=not answer)
    refused = fronted.ask(post(b"x", b"Content-Length: 1"))
    problem = is_a_problem(refused, (502,))
    assert str(problem["code"]).startswith("upstream_")
    assert str(fronted.canary.port) not in refused.body.decode()
    assert [line["code"] for line in fronted.logged("failed")] == [problem["code"]]
    _the_next_person_gets_their_own(fronted)


@pytest.mark.parametrize(("answer", "status", "body"), TOLERATED, ids=lambda each: repr(each)[:60])
def test_what_follows_an_answer_never_reaches_anybody(
    fronted: Fronted, answer: bytes, status: int, body: bytes
) -> None:
    fronted.canary.script = _first(answer)
    mine = fronted.ask(get())
    assert (mine.status, mine.body) == (status, body)
    assert status != 204 or not mine.values("content-length")  # RFC 9110 §8.6
    _the_next_person_gets_their_own(fronted)


def test_a_body_behind_an_answer_to_head_never_reaches_anybody(fronted: Fronted) -> None:
    fronted.canary.script = _first(ok(b"poison"))
    mine = fronted.ask(get(start=b"HEAD /pub/ HTTP/1.1\r\n"), "HEAD")
    assert (mine.status, mine.body, mine.values("content-length")) == (200, b"", [b"6"])
    _the_next_person_gets_their_own(fronted)


def test_one_client_connection_is_not_poisoned_either(fronted: Fronted) -> None:
    fronted.canary.script = _first(ok(b"mine") + POISON)
    with fronted.raw() as raw:
        assert raw.send(fronted.fill(get())).answer().body == b"mine"
        assert raw.send(fronted.fill(get(start=b"GET /pub/next HTTP/1.1\r\n"))).answer().body == b"/pub/next"


def test_an_answer_before_the_body_is_whole_gives_its_connection_up(fronted: Fronted) -> None:
    def early(exchange: Exchange) -> None:
        if exchange.seen.target == b"/stream/":
            exchange.send(ok(b"early"))
            exchange.stream.rest()
        else:
            polite(exchange)

    fronted.canary.script = early
    with fronted.raw() as raw:
        raw.send(fronted.fill(post(b"x" * 10, b"Content-Length: 100000", path=b"/stream/")))
        assert raw.answer().body == b"early"
    _the_next_person_gets_their_own(fronted)


@pytest.mark.parametrize(
    "cut",
    [
        OK + b"Content-Length: 10\r\n\r\nhello",
        OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nZ\r\n",
    ],
)
def test_an_answer_that_is_cut_upstream_is_seen_as_cut_by_the_client(fronted: Fronted, cut: bytes) -> None:
    fronted.canary.script = _first(cut, close=True)
    with fronted.raw() as raw, pytest.raises((Ended, Mangled)):
        raw.send(fronted.fill(get())).answer()
    assert eventually(lambda: len(fronted.logged("failed")) == 1)
    _the_next_person_gets_their_own(fronted)


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + ok(b"mine"), b"mine"),
        (b"HTTP/1.1 200 <script>alert(1)</script>\r\nContent-Length: 4\r\n\r\nmine", b"mine"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n4;x=y\r\nmine\r\n0\r\nX-Trailer: x\r\n\r\n", b"mine"),
    ],
)
def test_a_legal_answer_is_passed_on_and_its_connection_kept(fronted: Fronted, answer: bytes, body: bytes) -> None:
    fronted.canary.script = _first(answer)
    mine = fronted.ask(get())
    assert (mine.status, mine.body, mine.values("x-trailer")) == (200, body, [])
    # A kept connection rests for two milliseconds, and is then the first to be taken.
    time.sleep(0.05)
    fronted.ask(get())
    first, second = [seen.connection for seen in fronted.canary.seen]
    assert first == second


def test_a_body_that_ends_with_its_connection_is_whole(fronted: Fronted) -> None:
    fronted.canary.script = _first(OK + b"\r\nmine", close=True)
    with fronted.raw() as raw:
        assert raw.send(fronted.fill(get())).answer().body == b"mine"
        assert raw.send(fronted.fill(get())).answer().status == 200


def test_the_reason_phrase_of_an_upstream_goes_no_further(fronted: Fronted) -> None:
    fronted.canary.script = always(b"HTTP/1.1 404 <script>\r\nContent-Length: 0\r\n\r\n")
    with fronted.raw() as raw:
        raw.send(fronted.fill(get(b"Connection: close")))
        assert raw.rest().startswith(b"HTTP/1.1 404 Not Found\r\n")


def test_a_person_reads_a_page_with_a_reference_and_nothing_of_the_upstream(fronted: Fronted) -> None:
    fronted.canary.script = _first(OK + b"X-Inner: secret\r\nContent-Length: 1, 1\r\n\r\n\xff")
    answer = fronted.ask(get(b"Accept: text/html", host=b"Host: HOST\r\n"))
    (line,) = fronted.logged("failed")
    assert answer.status == 502
    assert answer.values("content-type") == [b"text/html; charset=utf-8"]
    page = answer.body.decode()
    assert str(line["reference"]) in page
    assert not [word for word in ("secret", str(fronted.canary.port), "Traceback", "127.0.0.1") if word in page]


def test_two_people_at_once_never_get_each_others_answers(fronted: Fronted) -> None:
    slow: list[Callable[[], None]] = []

    def crossed(exchange: Exchange) -> None:
        exchange.body()
        if exchange.seen.target == b"/pub/first":
            slow.append(lambda: exchange.send(ok(b"/pub/first")))
            exchange.stream.rest()
        else:
            polite(exchange)

    fronted.canary.script = crossed
    with fronted.raw() as one, fronted.raw() as other:
        one.send(fronted.fill(get(start=b"GET /pub/first HTTP/1.1\r\n")))
        fronted.canary.wait(lambda: bool(slow))
        assert other.send(fronted.fill(get(start=b"GET /pub/second HTTP/1.1\r\n"))).answer().body == b"/pub/second"
        slow[0]()
        assert one.answer().body == b"/pub/first"
