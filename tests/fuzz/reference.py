"""A second reading of a client's bytes: RFC 9112 to the letter. What it does not read must never be forwarded."""

import re
from dataclasses import dataclass

_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+) ([\x21-\x7e]+) HTTP/1\.([01])")
_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_BAD_VALUE = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_SIZE = re.compile(rb"([0-9a-fA-F]+)(?:[ \t]*;[^\x00-\x08\x0a-\x1f\x7f]*)?")
_ABSOLUTE = re.compile(rb"https?://([^/?#]+)([^#]*)", re.IGNORECASE)
_UNRESERVED = re.compile(rb"[A-Za-z0-9._~-]")


@dataclass(frozen=True)
class Read:
    """One request as it may be forwarded."""

    method: bytes
    target: bytes
    """Origin form, canonical: unreserved escapes decoded, the others upper case."""
    host: bytes
    fields: tuple[tuple[bytes, bytes], ...]
    body: bytes
    last: bool
    """The client itself asked for the close behind it."""


@dataclass(frozen=True)
class Reading:
    requests: list[Read]
    complete: bool
    """Whether the bytes end where the last request does."""


class _Malformed(Exception):
    pass


class _Incomplete(Exception):
    pass


def read_all(data: bytes) -> Reading:
    """Every request up to the end, the first flaw, or the first unfinished one."""
    requests: list[Read] = []
    while data:
        try:
            read, data = _read(data)
        except (_Malformed, _Incomplete):
            return Reading(requests, complete=False)
        requests.append(read)
        if read.last:
            return Reading(requests, complete=not data)
    return Reading(requests, complete=True)


def canonical(target: bytes) -> bytes:
    """RFC 3986 §6.2.2 for the path; the query as it is."""
    path, mark, query = target.partition(b"?")

    def escape(found: re.Match[bytes]) -> bytes:
        character = bytes([int(found[1], 16)])
        return character if _UNRESERVED.fullmatch(character) else found[0].upper()

    return re.sub(rb"%([0-9A-Fa-f]{2})", escape, path) + mark + query


def _read(data: bytes) -> tuple[Read, bytes]:
    head, end, rest = data.partition(b"\r\n\r\n")
    if not end:
        raise _Incomplete
    line, *lines = head.split(b"\r\n")
    found = _LINE.fullmatch(line)
    if found is None:
        raise _Malformed
    fields = tuple(_field(each) for each in lines)
    host = _only(fields, b"host")
    if host is None:
        raise _Malformed
    body, rest = _body(fields, rest, http11=found[3] == b"1")
    connection = b",".join(_all(fields, b"connection")).lower()
    last = found[3] == b"0" or b"close" in [token.strip(b" \t") for token in connection.split(b",")]
    return Read(found[1], canonical(_origin(found[2], host)), host, fields, body, last), rest


def _field(line: bytes) -> tuple[bytes, bytes]:
    name, colon, value = line.partition(b":")
    if not colon or not _NAME.fullmatch(name) or _BAD_VALUE.search(value):
        raise _Malformed
    return name.lower(), value.strip(b" \t")


def _all(fields: tuple[tuple[bytes, bytes], ...], name: bytes) -> list[bytes]:
    return [value for key, value in fields if key == name]


def _only(fields: tuple[tuple[bytes, bytes], ...], name: bytes) -> bytes | None:
    found = _all(fields, name)
    if len(found) > 1:
        raise _Malformed
    return found[0] if found else None


def _origin(target: bytes, host: bytes) -> bytes:
    if target.startswith(b"/"):
        return target
    absolute = _ABSOLUTE.fullmatch(target)
    if absolute is None or absolute[1].lower() != host.lower():
        raise _Malformed
    return absolute[2] if absolute[2].startswith(b"/") else b"/" + absolute[2]


def _body(fields: tuple[tuple[bytes, bytes], ...], rest: bytes, *, http11: bool) -> tuple[bytes, bytes]:
    length, coding = _only(fields, b"content-length"), _only(fields, b"transfer-encoding")
    if coding is not None:
        if length is not None or not http11 or coding.lower() != b"chunked":
            raise _Malformed
        return _chunked(rest)
    if length is None:
        return b"", rest
    if not re.fullmatch(rb"[0-9]+", length):
        raise _Malformed
    size = int(length)
    if len(rest) < size:
        raise _Incomplete
    return rest[:size], rest[size:]


def _chunked(rest: bytes) -> tuple[bytes, bytes]:
    pieces: list[bytes] = []
    while True:
        line, end, rest = rest.partition(b"\r\n")
        if not end:
            raise _Incomplete
        found = _SIZE.fullmatch(line)
        if found is None:
            raise _Malformed
        size = int(found[1], 16)
        if size == 0:
            return b"".join(pieces), _trailers(rest)
        if len(rest) < size + 2:
            raise _Incomplete
        if rest[size : size + 2] != b"\r\n":
            raise _Malformed
        pieces.append(rest[:size])
        rest = rest[size + 2 :]


def _trailers(rest: bytes) -> bytes:
    while True:
        line, end, rest = rest.partition(b"\r\n")
        if not end:
            raise _Incomplete
        if not line:
            return rest
        _field(line)
