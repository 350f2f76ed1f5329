"""A body of a declared length ends at its last byte, wherever the packets end."""

import pytest

from gateway.core.http1.bodies import reader_of
from gateway.core.http1.chunked import ChunkedReader
from gateway.core.http1.fields import CHUNKED
from gateway.core.http1.sized import SizedReader


@pytest.mark.parametrize("packet", [1, 2, 3, 5, 8, 100])
def test_the_body_is_its_length_and_the_rest_is_the_next_request_s(packet: int) -> None:
    data, reader, body = b"bodyGET / HTTP/1.1", SizedReader(4), b""
    position = 0
    while not reader.done:
        body += b"".join(reader.feed(data[position : position + packet]))
        position += packet
    assert body == b"body"
    assert reader.rest + data[position:] == b"GET / HTTP/1.1"


def test_a_body_that_is_not_whole_goes_on() -> None:
    reader = SizedReader(5)
    assert reader.feed(b"ab") == [b"ab"]
    assert (reader.done, reader.rest) == (False, b"")
    assert reader.feed(b"cde") == [b"cde"]
    assert (reader.done, reader.rest) == (True, b"")


def test_a_body_is_read_as_it_is_declared() -> None:
    assert isinstance(reader_of(CHUNKED), ChunkedReader)
    assert isinstance(reader_of(3), SizedReader)
    assert reader_of(0) is None
