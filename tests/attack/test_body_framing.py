"""Where a body ends: one length, or chunks without a flaw, and nothing of it travels until that is certain (RFC 9112 §6, §7)."""

import pytest

from tests.attack.cases import SMUGGLED, Case, each, get, is_refused, is_served, post
from tests.fronted import Fronted

FIVE = post(b"hello", b"Content-Length: 5")
CHUNKED = b"Transfer-Encoding: chunked"
HELLO = b"5\r\nhello\r\n0\r\n\r\n"
CHUNKS = post(HELLO, CHUNKED)
FORGED_TRAILERS = b"X-Auth-User: admin\r\nX-Gateway-Assertion: forged\r\nContent-Length: 3\r\n"


def _length(value: bytes) -> bytes:
    return post(b"hello", b"Content-Length: " + value)


def _chunks(body: bytes) -> bytes:
    return post(body, CHUNKED)


LENGTHS = [
    *(
        Case(f"Content-Length: {value.decode()!r}", _length(value), FIVE)
        for value in [
            *[b"+5", b"-1", b"-0", b"0x5", b"5_0", b"5,5", b"5, 5", b"5,6", b"5 5", b"5;", b"5.0", b"5e0", b"five", b"", b"\t"],
            *["٥".encode(), "５".encode(), b"1" + b"0" * 30, b"9" * 16, b'"5"'],
        ]
    ),
    Case("two equal lengths", post(b"hello", b"Content-Length: 5", b"Content-Length: 5"), _length(b" 5\t")),
    Case("two different lengths", post(b"hello", b"Content-Length: 5", b"content-length: 6"), _length(b"005")),
    Case("a folded length", post(b"hello", b"Content-Length:", b" 5"), FIVE),
    Case("a length with a space before its colon", post(b"hello", b"Content-Length : 5"), FIVE),
    Case("a second length behind an alias", post(b"hello", b"Content-Length: 5", b"Content_Length: 0"), FIVE),
]  # fmt: skip

CODINGS = [
    Case("length, then chunks", post(HELLO, b"Content-Length: 4", CHUNKED), CHUNKS),
    Case("chunks, then length", post(HELLO, CHUNKED, b"Content-Length: 15"), FIVE),
    Case("a length of nothing and chunks", post(b"0\r\n\r\n", b"Content-Length: 0", CHUNKED), post(b"0\r\n\r\n", CHUNKED)),
    Case("chunks in HTTP/1.0", get(CHUNKED, start=b"POST /pub/ HTTP/1.0\r\n") + HELLO, CHUNKS),
    Case("two codings in two lines", post(HELLO, CHUNKED, CHUNKED), CHUNKS, (400, 501)),
    Case("identity behind chunked", post(HELLO, CHUNKED, b"Transfer-Encoding: identity"), CHUNKS, (400, 501)),
    Case("a coding with a space before its colon", post(HELLO, b"Transfer-Encoding : chunked"), CHUNKS),
    Case("a folded coding", post(HELLO, b"Transfer-Encoding:", b" chunked"), CHUNKS),
    Case("a coding behind a vertical tab", post(HELLO, b"Transfer-Encoding: \x0bchunked"), CHUNKS),
    *(
        Case(f"Transfer-Encoding: {value.decode()!r}", post(HELLO, b"Transfer-Encoding: " + value), post(HELLO, b"transfer-encoding: Chunked"), 501)
        for value in [
            *[b"gzip, chunked", b"chunked, gzip", b"chunked, chunked", b"chunked,", b"xchunked", b"chunkedx", b"identity"],
            *[b"chunked;q=1", b"chunked x", b'"chunked"', b"cow", b""],
        ]
    ),
]  # fmt: skip

EXTENDED = b"5;" + b"x" * 255 + b"\r\nhello\r\n0\r\n\r\n"

CHUNK_CASES = [
    Case("a size that is no number", _chunks(b"z\r\nhello\r\n0\r\n\r\n"), CHUNKS),
    Case("a size with a sign", _chunks(b"+5\r\nhello\r\n0\r\n\r\n"), CHUNKS),
    Case("a negative size", _chunks(b"-5\r\nhello\r\n0\r\n\r\n"), CHUNKS),
    Case("a size that says hexadecimal", _chunks(b"0x5\r\nhello\r\n0\r\n\r\n"), _chunks(b"00A\r\nhellohello\r\n0\r\n\r\n")),
    Case("a size with an underscore", _chunks(b"0_5\r\nhello\r\n0\r\n\r\n"), CHUNKS),
    Case("a space before a size", _chunks(b" 5\r\nhello\r\n0\r\n\r\n"), CHUNKS),
    Case("a space behind a size", _chunks(b"5 \r\nhello\r\n0\r\n\r\n"), CHUNKS),
    Case("no size", _chunks(b"\r\nhello\r\n0\r\n\r\n"), CHUNKS),
    Case("a size over 64 bits", _chunks(b"FFFFFFFFFFFFFFFFF\r\nhello\r\n"), CHUNKS),
    Case("a size that wraps", _chunks(b"10000000000000005\r\nhello\r\n0\r\n\r\n"), CHUNKS),
    Case("an endless size", _chunks(b"0" * 5000), CHUNKS, tail=b""),
    Case("a size ended by LF", _chunks(b"5\nhello\r\n0\r\n\r\n"), CHUNKS),
    Case("a size ended by CR", _chunks(b"5\rXhello\r\n0\r\n\r\n"), CHUNKS),
    Case("an extension ended by LF", _chunks(b"5;\nx\r\nhello\r\n0\r\n\r\n"), _chunks(b"5;x=y\r\nhello\r\n0\r\n\r\n")),
    Case("an extension with a control byte", _chunks(b"5;x=\x01\r\nhello\r\n0\r\n\r\n"), CHUNKS),
    Case("an extension with a CR", _chunks(b"5;x\r0\r\nhello\r\n0\r\n\r\n"), CHUNKS),
    Case("an extension too long", _chunks(b"5;" + b"x" * 257 + b"\r\nhello\r\n0\r\n\r\n"), _chunks(EXTENDED)),
    Case("an extension of a megabyte", _chunks(b"5;" + b"x" * 1_000_000), CHUNKS, tail=b""),
    Case("data that is longer than its size", _chunks(b"5\r\nhello!\r\n0\r\n\r\n"), CHUNKS),
    Case("data that is shorter than its size", _chunks(b"6\r\nhello\r\n0\r\n\r\n"), CHUNKS),
    Case("data ended by LF", _chunks(b"5\r\nhello\n0\r\n\r\n"), CHUNKS),
    Case("data ended by CR and another byte", _chunks(b"5\r\nhello\rX0\r\n\r\n"), CHUNKS),
    Case("data ended by two other bytes", _chunks(b"5\r\nhelloXX0\r\n\r\n"), CHUNKS),
    Case("a last chunk ended by LF", _chunks(b"5\r\nhello\r\n0\n\n"), CHUNKS),
    Case("tiny chunks without an end", _chunks(b"1\r\na\r\n" * 2_000 + b"0\r\n\r\n"), _chunks(b"1\r\na\r\n" * 900 + b"0\r\n\r\n")),
    Case("a folded trailer", _chunks(b"0\r\nX-A: b\r\n c\r\n\r\n"), _chunks(b"0\r\nX-A: b\r\n\r\n")),
    Case("a trailer with a bare LF", _chunks(b"0\r\nX-A: b\nX-B: c\r\n\r\n"), CHUNKS),
    Case("a trailer with a control byte", _chunks(b"0\r\nX-A: \x00\r\n\r\n"), CHUNKS),
    Case("a trailer without a colon", _chunks(b"0\r\nGET /app/ HTTP/1.1\r\n\r\n"), CHUNKS),
    Case("a trailer with a space before its colon", _chunks(b"0\r\nX-A : b\r\n\r\n"), CHUNKS),
    Case("endless trailers", _chunks(b"0\r\n" + b"X-A: b\r\n" * 5_000), CHUNKS, tail=b""),
]  # fmt: skip

CASES = LENGTHS + CODINGS + CHUNK_CASES


@each(CASES)
def test_a_body_without_one_certain_end_is_refused_and_nothing_goes_upstream(fronted: Fronted, case: Case) -> None:
    is_refused(fronted, case.attack + case.tail, case.status)


@each(CASES)
def test_its_legal_twin_is_served_whole(fronted: Fronted, case: Case) -> None:
    is_served(fronted, case.twin)
    seen = fronted.canary.seen[0]
    assert seen.whole
    assert seen.body in {b"hello", b"hellohello", b"a" * 900, b""}


@pytest.mark.parametrize("path", [b"/pub/", b"/stream/"])
def test_trailers_are_read_and_dropped_and_never_become_headers(fronted: Fronted, path: bytes) -> None:
    is_served(
        fronted, post(b"5\r\nhello\r\n0\r\n" + FORGED_TRAILERS + b"\r\n", CHUNKED, b"Trailer: X-Auth-User", path=path)
    )
    seen = fronted.canary.seen[0]
    assert (seen.body, seen.values("x-auth-user"), seen.values("trailer")) == (b"hello", [], [])
    assert b"admin" not in fronted.canary.received
    assert b"forged" not in fronted.canary.received


@pytest.mark.parametrize("path", [b"/pub/", b"/stream/"])
@pytest.mark.parametrize("request_bytes", [FIVE, CHUNKS])
def test_a_body_is_read_the_same_when_it_comes_byte_by_byte(
    fronted: Fronted, request_bytes: bytes, path: bytes
) -> None:
    with fronted.raw() as raw:
        for byte in fronted.fill(request_bytes.replace(b"/pub/", path)):
            raw.send(bytes([byte]))
        assert raw.answer().status == 200
    assert [seen.body for seen in fronted.canary.seen] == [b"hello"]


@pytest.mark.parametrize("flaw", [b"\nX", b"Z\r\nworld\r\n0\r\n\r\n", b"5\r\nworldXX0\r\n\r\n"])
def test_a_stream_that_turns_out_malformed_never_looks_whole_upstream(fronted: Fronted, flaw: bytes) -> None:
    with fronted.raw() as raw:
        raw.send(fronted.fill(post(b"5\r\nhello\r\n", CHUNKED, path=b"/stream/")))
        fronted.canary.wait(lambda: b"hello" in fronted.canary.received)
        raw.send(fronted.fill(flaw + SMUGGLED))
        assert raw.rest()[:12] in {b"", b"HTTP/1.1 400"}
    fronted.canary.wait(lambda: fronted.canary.seen[0].over)
    assert [(seen.target, seen.whole) for seen in fronted.canary.seen] == [(b"/stream/", False)]
    assert len(fronted.logged("rejected")) == 1


def test_a_body_that_the_client_cuts_short_never_looks_whole_upstream(fronted: Fronted) -> None:
    with fronted.raw() as raw:
        raw.send(fronted.fill(post(b"hel", b"Content-Length: 5", path=b"/stream/")))
        fronted.canary.wait(lambda: b"hel" in fronted.canary.received)
    fronted.canary.wait(lambda: fronted.canary.seen[0].over)
    assert [seen.whole for seen in fronted.canary.seen] == [False]


def test_a_request_inside_a_body_stays_a_body(fronted: Fronted) -> None:
    inside = fronted.fill(SMUGGLED)
    for start in (b"GET", b"POST", b"DELETE"):
        fronted.forget()
        request = post(inside, b"Content-Length: %d" % len(inside)).replace(b"POST", start, 1)
        with fronted.raw() as raw:
            raw.send(fronted.fill(request + get(start=b"GET /pub/next HTTP/1.1\r\n")))
            assert [raw.answer().body for _ in range(2)] == [b"/pub/", b"/pub/next"]
        assert [(seen.target, seen.body) for seen in fronted.canary.seen] == [(b"/pub/", inside), (b"/pub/next", b"")]


@pytest.mark.parametrize("page", [b"/_gateway/health/live", b"/_gateway/keys", b"/_gateway/nothing", b"/app/"])
def test_a_body_that_nobody_reads_never_becomes_the_next_request(fronted: Fronted, page: bytes) -> None:
    inside = fronted.fill(SMUGGLED)
    request = get(b"Content-Length: %d" % len(inside), start=b"GET %b HTTP/1.1\r\n" % page) + inside
    behind = get(b"Connection: close", start=b"GET /_gateway/health/live HTTP/1.1\r\n")
    with fronted.raw() as raw:
        raw.send(fronted.fill(request + behind))
        assert raw.answer().status in {200, 401, 404}
        assert raw.rest().count(b"HTTP/1.1 ") <= 1
    fronted.nothing_was_forwarded()


@pytest.mark.parametrize("page", [b"/_gateway/health/live", b"/_gateway/nothing", b"/app/"])
def test_an_answer_before_the_end_of_the_body_closes_the_connection(fronted: Fronted, page: bytes) -> None:
    with fronted.raw() as raw:
        raw.send(fronted.fill(get(b"Content-Length: 500", start=b"GET %b HTTP/1.1\r\n" % page)))
        answer = raw.answer()
        assert answer.values("connection") == [b"close"]
        raw.send(fronted.fill(SMUGGLED * 8))
        assert raw.is_closed()
    fronted.nothing_was_forwarded()


# -- Expect: 100-continue


EXPECTING = (b"Content-Length: 5", b"Expect: 100-continue")


@pytest.mark.parametrize("path", [b"/pub/", b"/stream/"])
@pytest.mark.parametrize(("framing", "body"), [(b"Content-Length: 5", b"hello"), (CHUNKED, HELLO)])
def test_the_gateway_itself_asks_for_a_body_that_waits_for_its_word(
    fronted: Fronted, path: bytes, framing: bytes, body: bytes
) -> None:
    with fronted.raw() as raw:
        raw.send(fronted.fill(post(b"", framing, b"Expect: 100-Continue", path=path)))
        assert raw.interim() == 100
        answer = raw.send(body).answer()
        assert (answer.status, answer.interim) == (200, [])
    seen = fronted.canary.seen[0]
    assert (seen.body, seen.values("expect")) == (b"hello", [])


def test_a_body_that_comes_without_waiting_is_served_with_one_final_answer(fronted: Fronted) -> None:
    with fronted.raw() as raw:
        answer = raw.send(fronted.fill(post(b"hello", *EXPECTING))).answer()
        assert answer.status == 200
        assert answer.interim in ([], [100])
        assert raw.send(fronted.fill(get())).answer().status == 200


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (post(b"", b"Content-Length: 2000", b"Expect: 100-continue", path=b"/small/"), 413),
        (post(b"", *EXPECTING, path=b"/app/"), 401),
        (post(b"", *EXPECTING, path=b"/_gateway/nothing"), 404),
        (post(b"", b"Content-Length: 5, 5", b"Expect: 100-continue"), 400),
    ],
)
def test_a_refused_request_is_never_asked_for_its_body(fronted: Fronted, request_bytes: bytes, status: int) -> None:
    with fronted.raw() as raw:
        answer = raw.send(fronted.fill(request_bytes)).answer()
        assert (answer.status, answer.interim) == (status, [])
        assert raw.is_closed(), "what follows could be the body or a request"
    fronted.nothing_was_forwarded()


# -- how much


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (post(b"x" * 1001, b"Content-Length: 1001", path=b"/small/"), 413),
        (post(b"3e8\r\n" + b"x" * 1000 + b"\r\n1\r\nx\r\n0\r\n\r\n", CHUNKED, path=b"/small/"), 413),
        (post(b"", b"Content-Length: 999999999999999", path=b"/small/"), 413),
    ],
)
def test_a_body_over_the_routes_limit_is_refused_before_it_travels(
    fronted: Fronted, request_bytes: bytes, status: int
) -> None:
    is_refused(fronted, request_bytes, status)


@pytest.mark.parametrize(
    "request_bytes",
    [
        post(b"x" * 1000, b"Content-Length: 1000", path=b"/small/"),
        post(b"3e8\r\n" + b"x" * 1000 + b"\r\n0\r\n\r\n", CHUNKED, path=b"/small/"),
    ],
)
def test_a_body_of_exactly_the_limit_is_served(fronted: Fronted, request_bytes: bytes) -> None:
    is_served(fronted, request_bytes)
    assert fronted.canary.seen[0].body == b"x" * 1000


def test_a_stream_that_grows_over_the_limit_never_looks_whole_upstream(fronted: Fronted) -> None:
    with fronted.raw() as raw:
        raw.send(fronted.fill(post(b"5\r\nhello\r\n", CHUNKED, path=b"/narrow/")))
        fronted.canary.wait(lambda: b"hello" in fronted.canary.received)
        raw.send(b"3e8\r\n" + b"x" * 1000 + b"\r\n0\r\n\r\n")
        assert raw.answer().status == 413
        assert raw.is_closed()
    fronted.canary.wait(lambda: fronted.canary.seen[0].over)
    assert [seen.whole for seen in fronted.canary.seen] == [False]


def test_a_form_of_ours_takes_only_a_small_urlencoded_body(fronted: Fronted) -> None:
    multipart = post(
        b"--b\r\n\r\n--b--\r\n",
        b"Content-Type: multipart/form-data; boundary=b",
        b"Content-Length: 14",
        path=b"/_gateway/login",
    )
    assert fronted.ask(multipart).status == 415
    large = post(
        b"a=" + b"x" * 9000,
        b"Content-Type: application/x-www-form-urlencoded",
        b"Content-Length: 9002",
        path=b"/_gateway/login",
    )
    assert fronted.ask(large).status == 413
    fronted.nothing_was_forwarded()
