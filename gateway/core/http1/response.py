"""An answer's head and framing (RFC 9112 §4 and §6.3), read as strictly as a request's."""

import re
from typing import NamedTuple

from gateway.core.http1.fields import CHUNKED, LENGTH, UNTIL_CLOSE, Fields, Malformed, read_fields, split_lines

_LINE = re.compile(rb"HTTP/1\.([01]) ([1-5][0-9]{2})(?: [\t\x20-\x7e\x80-\xff]*)?")
_NO_BODY = frozenset({204, 304})


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
    length, close = None, not http11
    coding: bytes | None = None
    for name, value in fields:
        lower = name.lower()
        if lower == b"content-length":
            if length is not None or not LENGTH.fullmatch(value):
                raise Malformed("length_malformed")
            length = int(value)
        elif lower == b"transfer-encoding":
            if coding is not None or value.lower() != b"chunked" or not http11:
                raise Malformed("coding_unknown")
            coding = value
        elif lower == b"connection":
            close = close or b"close" in value.lower()
    if length is not None and coding is not None:
        raise Malformed("length_and_coding")
    if method == "HEAD" or status in _NO_BODY or status < 200:
        return ResponseHead(status, fields, 0, not close)
    if coding is not None:
        return ResponseHead(status, fields, CHUNKED, not close)
    if length is not None:
        return ResponseHead(status, fields, length, not close)
    return ResponseHead(status, fields, UNTIL_CLOSE, keep_alive=False)
