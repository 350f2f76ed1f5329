"""An answer's head and framing (RFC 9112 §4 and §6.3), read as strictly as a request's."""

import re
from typing import NamedTuple

from gateway.core.http1.fields import (
    LOWER,
    UNTIL_CLOSE,
    Fields,
    Malformed,
    declared_length,
    options,
    read_fields,
    singles,
    split_lines,
)

_LINE = re.compile(rb"HTTP/1\.([01]) ([1-5][0-9]{2})(?: [\t\x20-\x7e\x80-\xff]*)?")
_NO_BODY = frozenset({204, 304})
_SINGLE = frozenset({b"content-length", b"transfer-encoding"})


class ResponseHead(NamedTuple):
    status: int
    fields: Fields
    length: int
    """Bytes of body; `CHUNKED` or `UNTIL_CLOSE`."""
    keep_alive: bool


def read_response(head: bytes, method: str) -> ResponseHead:
    """Read a head without its final blank line; `Malformed` when it is not one that has a single reading.

    The reason phrase is dropped. An answer to HEAD, 204, 304 and 1xx have no body whatever they say.
    """
    line, *lines = split_lines(head)
    found = _LINE.fullmatch(line)
    if found is None:
        raise Malformed("status_line")
    status, http11 = int(found[2]), found[1] == b"1"
    fields = read_fields(lines)
    named = singles(fields, _SINGLE)
    length = declared_length(named.get(b"content-length"), named.get(b"transfer-encoding"), http11=http11)
    close = not http11 or b"close" in options(value for name, value in fields if LOWER[name] == b"connection")
    if method == "HEAD" or status in _NO_BODY or status < 200:
        return ResponseHead(status, fields, 0, not close)
    if length is None:
        return ResponseHead(status, fields, UNTIL_CLOSE, keep_alive=False)
    return ResponseHead(status, fields, length, not close)
