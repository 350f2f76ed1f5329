"""Field lines (RFC 9112 §5): CRLF only, no folding, no control byte, a token and a colon with nothing between."""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

Fields = tuple[tuple[bytes, bytes], ...]

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


@lru_cache(maxsize=4096)
def is_token(name: bytes) -> bool:
    return _TOKEN.fullmatch(name) is not None


def read_fields(lines: list[bytes]) -> Fields:
    """The names as sent and the values without the white space around them; order and duplicates are kept."""
    return tuple([_field(line) for line in lines])


def _field(line: bytes) -> tuple[bytes, bytes]:
    name, colon, value = line.partition(b":")
    if not colon or not is_token(name):
        raise Malformed("field_folded" if line[:1] in {b" ", b"\t"} else "field_malformed")
    return name, value.strip(b" \t")


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
