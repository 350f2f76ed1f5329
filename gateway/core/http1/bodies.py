"""How a body of a declared length is read."""

from gateway.core.http1.chunked import ChunkedReader
from gateway.core.http1.fields import CHUNKED
from gateway.core.http1.sized import SizedReader


def reader_of(length: int) -> SizedReader | ChunkedReader | None:
    """`length`: bytes, or `CHUNKED`; None when there is nothing to read."""
    if length == CHUNKED:
        return ChunkedReader()
    return SizedReader(length) if length else None
