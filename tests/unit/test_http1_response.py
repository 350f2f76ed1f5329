"""What an upstream may answer: each row is a rule, with its twin that passes."""

import pytest

from gateway.core.http1.fields import CHUNKED, UNTIL_CLOSE, Malformed
from gateway.core.http1.response import ResponseHead, read_response


def _read(line: bytes, *fields: bytes, method: str = "GET") -> ResponseHead:
    return read_response(b"\r\n".join([line, *fields]), method)


def _refusal(*lines: bytes, method: str = "GET") -> str:
    with pytest.raises(Malformed) as caught:
        read_response(b"\r\n".join(lines), method)
    return caught.value.code


def test_a_head_is_read_with_names_and_values_as_sent() -> None:
    head = _read(b"HTTP/1.1 200 OK", b"content-LENGTH: 5", b"Set-Cookie: a=1", b"Set-Cookie: b=2")
    fields = ((b"content-LENGTH", b"5"), (b"Set-Cookie", b"a=1"), (b"Set-Cookie", b"b=2"))
    assert (head.status, head.fields, head.length, head.keep_alive) == (200, fields, 5, True)


def test_a_head_that_is_repeated_to_the_byte_is_not_read_again() -> None:
    raw = b"HTTP/1.1 200 OK\r\nContent-Length: 5"
    first = read_response(raw, "GET")
    assert read_response(bytes(bytearray(raw)), "GET", first) is first
    assert read_response(raw, "HEAD", first).length == 0
    assert read_response(raw + b"0", "GET", first).length == 50


@pytest.mark.parametrize(
    ("line", "status"),
    [
        (b"HTTP/1.1 200", 200),
        (b"HTTP/1.1 200 ", 200),
        (b"HTTP/1.0 404 Not <b>Found</b>", 404),
        ("HTTP/1.1 500 Échec".encode(), 500),
        (b"HTTP/1.1 599 ?", 599),
    ],
)
def test_the_reason_is_dropped_whatever_it_says(line: bytes, status: int) -> None:
    assert _read(line).status == status


@pytest.mark.parametrize(
    "line",
    [
        *[b"", b"HTTP/1.1", b"HTTP/1.1 20", b"HTTP/1.1 2000", b"HTTP/1.1 -20 OK", b"HTTP/1.1 000", b"HTTP/1.1 099"],
        *[
            b"HTTP/1.1 600",
            b"HTTP/1.1 999 OK",
            b"HTTP/1.1  200 OK",
            b"HTTP/1.1 200OK",
            b"HTTP/2 200",
            b"HTTP/1.2 200 OK",
        ],
        *[b"HTTP/0.9 200 OK", b"http/1.1 200 OK", b" HTTP/1.1 200 OK", b"ICY 200 OK", "HTTP/1.1 ٢٠٠ OK".encode()],
    ],
)
def test_a_status_line_with_a_second_reading_is_refused(line: bytes) -> None:
    assert _refusal(line, b"A: b") == "status_line"


@pytest.mark.parametrize(
    ("line", "fields", "length", "kept"),
    [
        (b"HTTP/1.1 200 OK", [b"Content-Length: 0"], 0, True),
        (b"HTTP/1.1 200 OK", [b"Content-Length: 5"], 5, True),
        (b"HTTP/1.1 200 OK", [b"Content-Length: 5", b"Connection: close"], 5, False),
        (b"HTTP/1.1 200 OK", [b"Content-Length: 5", b"Connection: x", b"Connection: keep-alive, Close"], 5, False),
        (b"HTTP/1.1 200 OK", [b"Transfer-Encoding: chunked"], CHUNKED, True),
        (b"HTTP/1.1 200 OK", [b"transfer-encoding: CHUNKED", b"Connection: close"], CHUNKED, False),
        (b"HTTP/1.1 200 OK", [], UNTIL_CLOSE, False),
        (b"HTTP/1.0 200 OK", [], UNTIL_CLOSE, False),
        (b"HTTP/1.0 200 OK", [b"Content-Length: 5"], 5, False),
        (b"HTTP/1.0 200 OK", [b"Content-Length: 5", b"Connection: keep-alive"], 5, False),
    ],
)
def test_an_answer_ends_where_it_says_or_with_its_connection(
    line: bytes, fields: list[bytes], length: int, kept: bool
) -> None:
    head = _read(line, *fields)
    assert (head.length, head.keep_alive) == (length, kept)


@pytest.mark.parametrize(
    ("method", "status"),
    [("HEAD", 200), ("HEAD", 404), ("GET", 204), ("GET", 304), ("GET", 100), ("GET", 101), ("GET", 103)],
)
@pytest.mark.parametrize("fields", [[], [b"Content-Length: 5"], [b"Transfer-Encoding: chunked"]])
def test_some_answers_have_no_body_whatever_they_say(method: str, status: int, fields: list[bytes]) -> None:
    head = _read(b"HTTP/1.1 %d x" % status, *fields, method=method)
    assert (head.status, head.length, head.keep_alive) == (status, 0, True)


@pytest.mark.parametrize("line", [b"HTTP/1.1 204 x", b"HTTP/1.0 204 x"])
def test_an_answer_without_a_body_may_end_its_connection(line: bytes) -> None:
    assert not _read(line, b"Connection: close").keep_alive


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    ("line", "fields", "code"),
    [
        (b"HTTP/1.1 200 OK", [b"Content-Length: 5", b"Content-Length: 5"], "framing_duplicate"),
        (b"HTTP/1.1 200 OK", [b"Content-Length: 5", b"content-length: 6"], "framing_duplicate"),
        (b"HTTP/1.1 200 OK", [b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked"], "framing_duplicate"),
        (b"HTTP/1.1 200 OK", [b"Content-Length: 5", b"Transfer-Encoding: chunked"], "length_and_coding"),
        (b"HTTP/1.1 200 OK", [b"Content-Length: 5, 5"], "length_malformed"),
        (b"HTTP/1.1 200 OK", [b"Content-Length: +5"], "length_malformed"),
        (b"HTTP/1.1 200 OK", [b"Content-Length:"], "length_malformed"),
        (b"HTTP/1.1 200 OK", [b"Transfer-Encoding: gzip, chunked"], "coding_unknown"),
        (b"HTTP/1.1 200 OK", [b"Transfer-Encoding: identity"], "coding_unknown"),
        (b"HTTP/1.0 200 OK", [b"Transfer-Encoding: chunked"], "coding_in_http10"),
        (b"HTTP/1.1 200 OK", [b"A: b", b" c"], "field_folded"),
        (b"HTTP/1.1 200 OK", [b"A : b"], "field_malformed"),
        (b"HTTP/1.1 200 OK", [b"A: b\x00"], "head_control"),
        (b"HTTP/1.1 200 OK", [b"A: b\nSet-Cookie: c=1"], "head_line_end"),
        (b"HTTP/1.1 200 OK", [b"A: b\rSet-Cookie: c=1"], "head_line_end"),
        (b"HTTP/1.1 200 O\x1bK", [], "head_control"),
    ],
)
def test_an_answer_with_a_second_reading_is_refused(line: bytes, fields: list[bytes], code: str, method: str) -> None:
    assert _refusal(line, *fields, method=method) == code


def test_what_is_printed_of_a_head_names_nobody() -> None:
    assert repr(_read(b"HTTP/1.1 200 OK", b"X-Nom: DUBOIS")) == "ResponseHead(200)"
