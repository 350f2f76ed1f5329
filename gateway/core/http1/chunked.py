"""The chunked coding (RFC 9112 §7.1), read strictly: extensions bounded and ignored, trailers bounded and dropped."""

import re

from gateway.core.http1.fields import HEAD_END, Malformed, has_bare_lf, read_fields, split_lines

LAST_CHUNK = b"0\r\n\r\n"

EXTENSION_BYTES = 256
TRAILER_BYTES = 8_192
MANY_CHUNKS = 1_000
TINY_BYTES = 16
"""After `MANY_CHUNKS`, a mean size below this is an attack on whoever counts chunks (CVE-2023-39326)."""

_SIZE_LINE = re.compile(rb"([0-9A-Fa-f]{1,15})(?:[ \t]*;[\t\x20-\x7e\x80-\xff]{0,%d})?" % EXTENSION_BYTES)
_SIZE_LINE_BYTES = 15 + 8 + EXTENSION_BYTES

_SIZE, _BODY, _BODY_END, _TRAILER = range(4)
"""What is read next. A bound method instead would tie the reader to itself, and keep its bytes until a collection."""


class ChunkedReader:
    """Feed it bytes, take the body out; once `done`, `rest` is what follows the last chunk.

    `small`: chunks may be as small and as many as they like, as in an answer of Server-Sent Events.
    """

    def __init__(self, *, small: bool = False) -> None:
        self._small = small
        self.done = False
        self._data = b""
        self._at = 0
        self._step = _SIZE
        self._left = 0
        self._chunks = 0
        self._bytes = 0

    @property
    def rest(self) -> bytes:
        return self._data

    def feed(self, data: bytes) -> list[bytes]:
        """The pieces of body that these bytes bring; `Malformed` when they are not the chunked coding."""
        self._data += data
        pieces: list[bytes] = []
        while not self.done and self._take(pieces):
            pass
        self._data, self._at = self._data[self._at :], 0
        return pieces

    def _take(self, pieces: list[bytes]) -> bool:
        """One step of the coding; False when it needs more bytes."""
        if self._step == _SIZE:
            return self._size()
        if self._step == _BODY:
            return self._body(pieces)
        return self._body_end() if self._step == _BODY_END else self._trailer()

    def _size(self) -> bool:
        end = self._data.find(b"\r\n", self._at)
        if end < 0:
            pending = self._data[self._at :]
            if len(pending) > _SIZE_LINE_BYTES or has_bare_lf(pending):
                raise Malformed("chunk_size")
            return False
        found = _SIZE_LINE.fullmatch(self._data, self._at, end)
        if found is None:
            raise Malformed("chunk_size")
        self._left, self._at = int(found[1], 16), end + 2
        self._count()
        self._step = _BODY if self._left else _TRAILER
        return True

    def _count(self) -> None:
        self._chunks += 1
        self._bytes += self._left
        if not self._small and self._chunks > MANY_CHUNKS and self._bytes < self._chunks * TINY_BYTES:
            raise Malformed("chunks_tiny")

    def _body(self, pieces: list[bytes]) -> bool:
        piece = self._data[self._at : self._at + self._left]
        if not piece:
            return False
        pieces.append(piece)
        self._at += len(piece)
        self._left -= len(piece)
        if not self._left:
            self._step = _BODY_END
        return True

    def _body_end(self) -> bool:
        end = self._data[self._at : self._at + 2]
        if not b"\r\n".startswith(end):
            raise Malformed("chunk_end")
        if len(end) < 2:
            return False
        self._at += 2
        self._step = _SIZE
        return True

    def _trailer(self) -> bool:
        """Read to the blank line, checked and dropped: a trailer is never merged into the headers."""
        if self._data.startswith(b"\r\n", self._at):
            self._at += 2
            self.done = True
            return True
        end = self._data.find(HEAD_END, self._at)
        section = self._data[self._at : end] if end >= 0 else self._data[self._at :]
        if len(section) > TRAILER_BYTES or has_bare_lf(section):
            raise Malformed("trailer")
        if end < 0:
            return False
        read_fields(split_lines(section), {})
        self._at = end + len(HEAD_END)
        self.done = True
        return True


def write_chunk(piece: bytes) -> bytes:
    """One chunk; an empty piece is none (it would end the body)."""
    return b"%x\r\n%b\r\n" % (len(piece), piece) if piece else b""
