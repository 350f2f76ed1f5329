"""An answer's head and framing (RFC 9112 §4 and §6.3), read as strictly as a request's."""

import re

from gateway.core.http1.fields import (
    UNTIL_CLOSE,
    Fields,
    Malformed,
    declared_length,
    options,
    read_fields,
    split_lines,
)

_LINE = re.compile(rb"HTTP/1\.([01]) ([1-5][0-9]{2})(?: [\t\x20-\x7e\x80-\xff]*)?")
_NO_BODY = frozenset({204, 304})
_NOTICED = {b"content-length": True, b"transfer-encoding": True, b"connection": False}


class ResponseHead:
    """Never changed once it is made."""

    __slots__ = ("fields", "keep_alive", "length", "method", "raw", "status")

    def __init__(self, status: int, fields: Fields, length: int, keep_alive: bool, method: str, raw: bytes) -> None:
        self.status = status
        self.fields = fields
        self.length = length
        """Bytes of body; `CHUNKED` or `UNTIL_CLOSE`."""
        self.keep_alive = keep_alive
        self.method = method
        """Of the request that it answers."""
        self.raw = raw

    def __repr__(self) -> str:
        return f"ResponseHead({self.status})"


def read_response(head: bytes, method: str, last: ResponseHead | None = None) -> ResponseHead:
    """Read a head without its final blank line; `Malformed` when it is not one that has a single reading.

    The reason phrase is dropped. An answer to HEAD, 204, 304 and 1xx have no body whatever they say. `last` is the head
    of the connection's previous answer: one that is the same to the byte, to the same method, reads the same.
    """
    if last is not None and last.raw == head and last.method == method:
        return last
    line, *lines = split_lines(head)
    found = _LINE.fullmatch(line)
    if found is None:
        raise Malformed("status_line")
    status, http11 = int(found[2]), found[1] == b"1"
    fields, noticed = read_fields(lines, _NOTICED)
    length = declared_length(noticed, http11=http11)
    keep = http11 and b"close" not in options(noticed.get(b"connection", ()))
    if method == "HEAD" or status in _NO_BODY or status < 200:
        return ResponseHead(status, fields, 0, keep, method, head)
    if length is None:
        return ResponseHead(status, fields, UNTIL_CLOSE, False, method, head)
    return ResponseHead(status, fields, length, keep, method, head)
