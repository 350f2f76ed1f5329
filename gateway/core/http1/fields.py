"""Field lines (RFC 9112 §5): CRLF only, no folding, no control byte, a token and a colon with nothing between."""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from gateway.core.remembered import Remembered

Fields = tuple[tuple[bytes, bytes], ...]

Noticed = dict[bytes, list[bytes]]
"""Values by lower-case name."""

CHUNKED: Final = -1
"""Body length of a message whose end is the last chunk."""

UNTIL_CLOSE: Final = -2
"""Body length of an answer that ends with its connection."""

HEAD_END = b"\r\n\r\n"

LENGTH = re.compile(rb"[0-9]{1,15}")
"""The only spelling of a Content-Length: no sign, no list, no space, under a petabyte."""

_TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_CONTROLS = bytes([*range(0x09), *range(0x0B, 0x0D), *range(0x0E, 0x20), 0x7F])
_BARE_LF = re.compile(rb"(?<!\r)\n")


class Malformed(Exception):
    """Bytes that are not HTTP/1.1. `code` is stable; `status` is what a client is answered."""

    def __init__(self, code: str, status: int = 400) -> None:
        super().__init__(code)
        self.code = code
        self.status = status


def has_bare_lf(head: bytes) -> bool:
    """Whether a head, even an unfinished one, has a line end that no strict reader will ever see as one."""
    return _BARE_LF.search(head) is not None


def _read_name(name: bytes) -> bytes:
    return name.lower() if _TOKEN.fullmatch(name) else b""


LOWER = Remembered(_read_name)
"""Lower case; empty when the name is not a token."""


def read_fields(lines: list[bytes], noticed: Mapping[bytes, bool]) -> tuple[Fields, Noticed]:
    """The names as sent and the values without the white space around them; order and duplicates are kept.

    `noticed` maps lower-case names to whether they may come once only: their values are found on the way. `Malformed`
    when such a one comes twice, equal or not.
    """
    fields: list[tuple[bytes, bytes]] = []
    found: Noticed = {}
    for line in lines:
        name, colon, value = line.partition(b":")
        lower = LOWER[name]
        if not lower or not colon:
            raise Malformed("field_folded" if name[:1] in {b" ", b"\t"} else "field_malformed")
        value = value.strip(b" \t")
        fields.append((name, value))
        if lower in noticed:
            if lower not in found:
                found[lower] = [value]
            elif noticed[lower]:
                raise Malformed("host_duplicate" if lower == b"host" else "framing_duplicate")
            else:
                found[lower].append(value)
    return tuple(fields), found


def only(found: Noticed, name: bytes) -> bytes | None:
    values = found.get(name)
    return values[0] if values else None


def declared_length(found: Noticed, *, http11: bool) -> int | None:
    """What Content-Length and Transfer-Encoding, each there at most once, say together; None when neither is there."""
    length, coding = only(found, b"content-length"), only(found, b"transfer-encoding")
    if coding is not None:
        if length is not None:
            raise Malformed("length_and_coding")
        if not http11:
            raise Malformed("coding_in_http10")
        if coding.lower() != b"chunked":
            raise Malformed("coding_unknown", 501)
        return CHUNKED
    if length is None:
        return None
    if not LENGTH.fullmatch(length):
        raise Malformed("length_malformed")
    return int(length)


def options(lines: Iterable[bytes]) -> frozenset[bytes]:
    """The tokens of every line of a list-valued field, lower case."""
    return frozenset(token.strip(b" \t").lower() for token in b",".join(lines).split(b","))


def split_lines(head: bytes) -> list[bytes]:
    """The lines of a head without its end; `Malformed` for any control byte and any line end but CRLF."""
    if len(head.translate(None, _CONTROLS)) != len(head):
        raise Malformed("head_control")
    lines = head.split(b"\r\n")
    ends = len(lines) - 1
    if head.count(b"\n") != ends or head.count(b"\r") != ends:
        raise Malformed("head_line_end")
    return lines


def write_fields(fields: Iterable[tuple[bytes, bytes]]) -> bytes:
    return b"".join([b"%b: %b\r\n" % field for field in fields])
