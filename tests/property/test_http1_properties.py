"""What must hold for any bytes at all as HTTP/1.1."""

import itertools
import re

from hypothesis import given
from hypothesis import strategies as st

from gateway.core.http1.chunked import LAST_CHUNK, ChunkedReader, write_chunk
from gateway.core.http1.fields import CHUNKED, Malformed, write_fields
from gateway.core.http1.request import RequestHead, read_request
from gateway.core.http1.response import ResponseHead, read_response

_LINES = [
    *[
        b"GET / HTTP/1.1",
        b"POST http://a/ HTTP/1.0",
        b"HTTP/1.1 200 OK",
        b"HTTP/1.0 304",
        b"Host: a",
        b"hOST:a",
        b"Host:",
    ],
    *[
        b"Content-Length: 5",
        b"Content-Length: 05",
        b"Transfer-Encoding: chunked",
        b"TE: trailers",
        b" folded",
        b"\tx: y",
    ],
    *[
        b"Connection: close",
        b"Connection: upgrade",
        b"Upgrade: websocket",
        b"Upgrade: h2c",
        b"Expect: 100-continue",
        b"A:",
    ],
    *[b"A\x00: b", b"A: \xe9", b"A : b", b"A: b\rC: d", b"A: b\nC: d", b"", b":", b"\r", b"\n"],
]
HEADS = st.lists(st.sampled_from(_LINES), max_size=7).map(b"\r\n".join) | st.binary(max_size=60)


def _request(head: bytes) -> RequestHead | Malformed:
    try:
        return read_request(head)
    except Malformed as refused:
        return refused


def _response(head: bytes, method: str) -> ResponseHead | Malformed:
    try:
        return read_response(head, method)
    except Malformed as refused:
        return refused


@given(HEADS, st.sampled_from(["GET", "HEAD"]))
def test_any_head_is_read_or_refused_with_a_code_and_a_status(head: bytes, method: str) -> None:
    for outcome in (_request(head), _response(head, method)):
        if isinstance(outcome, Malformed):
            assert re.fullmatch(r"[a-z0-9_]+", outcome.code)
            assert outcome.status in {400, 405, 417, 501, 505}


@given(HEADS)
def test_a_request_that_is_read_holds_no_line_end_and_one_framing(head: bytes) -> None:
    read = _request(head)
    if isinstance(read, RequestHead):
        names = [name.lower() for name, _ in read.fields]
        assert names.count(b"host") == 1
        assert names.count(b"content-length") + names.count(b"transfer-encoding") <= 1
        assert (read.length == CHUNKED) == (b"transfer-encoding" in names)
        assert read.target.startswith(b"/")
        assert not re.search(rb"[\r\n\x00]", read.target + b"".join(name + value for name, value in read.fields))


_NAMES = st.text("ABCabc019!#$%&'*+-.^_`|~", min_size=1, max_size=9).map(lambda name: b"X" + name.encode("ascii"))
_VALUES = st.binary(max_size=20).map(lambda value: re.sub(rb"[\x00-\x08\x0a-\x1f\x7f]", b"", value).strip(b" \t"))
FIELDS = st.lists(st.tuples(_NAMES, _VALUES), max_size=6).map(tuple)


@given(FIELDS)
def test_what_is_written_is_read_back(fields: tuple[tuple[bytes, bytes], ...]) -> None:
    request = read_request(b"GET / HTTP/1.1\r\n" + write_fields([(b"Host", b"a"), *fields])[:-2])
    assert request.fields == ((b"Host", b"a"), *fields)
    response = read_response(b"HTTP/1.1 200 OK\r\n" + write_fields([*fields, (b"Content-Length", b"3")])[:-2], "GET")
    assert response.fields == (*fields, (b"Content-Length", b"3"))


_PIECES = [
    *[
        b"0",
        b"1",
        b"5",
        b"a",
        b"\r\n",
        b"\r",
        b"\n",
        b"hello",
        b";",
        b"x=y",
        b" ",
        b"A: b\r\n",
        b"1\r\na\r\n",
        b"0\r\n\r\n",
    ],
    *[b"\r\n\r\n", b"g", b"\x00", b"ffffffffffffffff"],
]
STREAMS = st.lists(st.sampled_from(_PIECES), max_size=12).map(b"".join) | st.binary(max_size=30)


def _unchunked(pieces: list[bytes]) -> tuple[bytes, bool, bytes] | str:
    """The body so far, whether it is whole, and what is left; or why it is refused."""
    reader, body = ChunkedReader(), b""
    for piece in pieces:
        try:
            body += b"".join(reader.feed(piece))
        except Malformed as refused:
            return refused.code
    return body, reader.done, reader.rest


def _cut(data: bytes, cuts: list[int]) -> list[bytes]:
    places = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(places)]


@given(STREAMS, st.lists(st.integers(0, 40), max_size=8))
def test_a_stream_cut_anywhere_is_the_same_stream(stream: bytes, cuts: list[int]) -> None:
    whole, cut = _unchunked([stream]), _unchunked(_cut(stream, cuts))
    assert cut == whole


@given(st.lists(st.binary(max_size=40), max_size=6), st.binary(max_size=10), st.lists(st.integers(0, 200), max_size=6))
def test_any_body_is_written_and_read_back(pieces: list[bytes], after: bytes, cuts: list[int]) -> None:
    coded = b"".join(write_chunk(piece) for piece in pieces) + LAST_CHUNK + after
    assert _unchunked(_cut(coded, cuts)) == (b"".join(pieces), True, after)
