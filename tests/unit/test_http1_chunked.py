"""The chunked coding: what it may be, and what each refusal is for."""

import pytest

from gateway.core.http1.chunked import (
    EXTENSION_BYTES,
    LAST_CHUNK,
    MANY_CHUNKS,
    TINY_BYTES,
    TRAILER_BYTES,
    ChunkedReader,
    write_chunk,
)
from gateway.core.http1.fields import Malformed, has_bare_lf, write_fields


def _read(*sent: bytes) -> tuple[bytes, bytes]:
    """The body and what follows it."""
    reader = ChunkedReader()
    body = b"".join(piece for data in sent for piece in reader.feed(data))
    assert reader.done
    return body, reader.rest


@pytest.mark.parametrize(
    ("coded", "body"),
    [
        (b"0\r\n\r\n", b""),
        (b"000\r\n\r\n", b""),
        (b"5\r\nhello\r\n0\r\n\r\n", b"hello"),
        (b"00000000000000a\r\n0123456789\r\n0\r\n\r\n", b"0123456789"),
        (b"A\r\n0123456789\r\n1\r\nx\r\n0\r\n\r\n", b"0123456789x"),
        (b'5;a=b;c="d"\r\nhello\r\n0;e\r\n\r\n', b"hello"),
        (b"5 \t; a\r\nhello\r\n0\r\n\r\n", b"hello"),
        (b"5;" + b"a" * EXTENSION_BYTES + b"\r\nhello\r\n0\r\n\r\n", b"hello"),
        (b"4\r\n\r\n\r\n\r\n0\r\n\r\n", b"\r\n\r\n"),
    ],
)
def test_the_body_is_read_in_one_piece_or_byte_by_byte(coded: bytes, body: bytes) -> None:
    assert _read(coded) == (body, b"")
    assert _read(*(bytes([byte]) for byte in coded)) == (body, b"")


def test_what_follows_the_last_chunk_is_left_alone() -> None:
    assert _read(b"1\r\na\r\n0\r\n\r\nGET / HT", b"TP/1.1") == (b"a", b"GET / HTTP/1.1")
    assert _read(b"0\r\nA: b\r\n\r\nGET /") == (b"", b"GET /")


def test_a_piece_is_given_as_soon_as_it_is_there() -> None:
    reader = ChunkedReader()
    assert [reader.feed(each) for each in (b"5\r", b"\nhe", b"l", b"lo", b"\r\n")] == [[], [b"he"], [b"l"], [b"lo"], []]
    assert not reader.done


@pytest.mark.parametrize(
    "coded",
    [
        *[b"\r\n", b";a\r\n", b"g\r\n", b"0x5\r\n", b"+5\r\n", b"-5\r\n", b" 5\r\n", b"5 \r\n", b"5_0\r\n", b"5,5\r\n"],
        *[b"1234567890123456\r\n", b"5;" + b"a" * (EXTENSION_BYTES + 1) + b"\r\n", b"5;a\x00\r\n", b"5;a\x7f\r\n"],
        *[b"5\n", b"5;a\nhello\r\n", b"5\rX\r\n", b"5;a\rb\r\n", b"5\nhello\r\n0\r\n\r\n"],
        b"5;" + b"a" * 1_000,
    ],
)
def test_a_size_line_with_a_second_reading_is_refused(coded: bytes) -> None:
    with pytest.raises(Malformed, match="chunk_size"):
        ChunkedReader().feed(coded)


@pytest.mark.parametrize("end", [b"X", b"\n", b"\rX", b"\r\r", b"0\r\n\r\n", b" \r\n"])
def test_a_chunk_ends_where_it_says(end: bytes) -> None:
    with pytest.raises(Malformed, match="chunk_end"):
        ChunkedReader().feed(b"1\r\na" + end)


@pytest.mark.parametrize("trailer", [b"A: b\r\n", b"X-Usager-Nom: admin\r\nX-Gateway-Assertion: forged\r\n", b"A:\r\n"])
def test_a_trailer_is_read_and_dropped(trailer: bytes) -> None:
    assert _read(b"1\r\na\r\n0\r\n" + trailer + b"\r\nrest") == (b"a", b"rest")
    assert _read(*(bytes([byte]) for byte in b"0\r\n" + trailer + b"\r\n")) == (b"", b"")


@pytest.mark.parametrize(
    ("trailer", "code"),
    [
        (b"A: b\nC: d\r\n\r\n", "trailer"),
        (b"A: b\n\n", "trailer"),
        (b"A: " + b"b" * TRAILER_BYTES, "trailer"),
        (b"A: " + b"b" * TRAILER_BYTES + b"\r\n\r\n", "trailer"),
        (b"A: b\x00\r\n\r\n", "head_control"),
        (b"A: b\rc\r\n\r\n", "head_line_end"),
        (b"A b\r\n\r\n", "field_malformed"),
        (b"A : b\r\n\r\n", "field_malformed"),
        (b"A: b\r\n c\r\n\r\n", "field_folded"),
    ],
)
def test_a_trailer_is_held_to_the_rules_of_a_head(trailer: bytes, code: str) -> None:
    with pytest.raises(Malformed, match=code):
        ChunkedReader().feed(b"0\r\n" + trailer)


def test_a_trailer_of_the_greatest_size_passes() -> None:
    assert _read(b"0\r\nA: " + b"b" * (TRAILER_BYTES - 3) + b"\r\n\r\n") == (b"", b"")


def test_a_million_chunks_of_one_byte_are_an_attack_on_who_counts_them() -> None:
    with pytest.raises(Malformed, match="chunks_tiny"):
        ChunkedReader().feed(b"1\r\na\r\n" * (MANY_CHUNKS + 1))


def test_many_chunks_of_a_fair_size_pass_and_so_do_some_small_ones() -> None:
    fair = b"%x\r\n%b\r\n" % (TINY_BYTES, b"a" * TINY_BYTES)
    assert ChunkedReader().feed(fair * MANY_CHUNKS * 2)
    assert ChunkedReader().feed(b"1\r\na\r\n" * MANY_CHUNKS)


def test_an_answer_may_come_in_as_many_small_chunks_as_it_likes() -> None:
    reader = ChunkedReader(small=True)
    pieces = [piece for _ in range(5) for piece in reader.feed(b"3\r\n:\n\n\r\n" * MANY_CHUNKS)]
    assert len(pieces) == 5 * MANY_CHUNKS


def test_a_chunk_is_written_as_it_is_read_and_an_empty_one_is_none() -> None:
    assert (
        _read(write_chunk(b"hello"), write_chunk(b""), write_chunk(b"x" * 4_096), LAST_CHUNK)[0]
        == b"hello" + b"x" * 4_096
    )
    assert write_chunk(b"") == b""


def test_a_bare_line_feed_is_seen_before_the_head_is_whole() -> None:
    assert [has_bare_lf(head) for head in (b"", b"A\r\nB\r", b"A\r\n", b"\n", b"A\nB", b"A\r\nB\n")] == [
        *[False, False, False],
        *[True, True, True],
    ]


def test_field_lines_are_written_once() -> None:
    assert write_fields([(b"Host", b"a"), (b"A", b"")]) == b"Host: a\r\nA: \r\n"
