"""A request's head and framing (RFC 9112 §3 and §6), read once and strictly, before a byte of its body is looked at."""

import re
from typing import NamedTuple

from gateway.core.http1.fields import CHUNKED, LENGTH, Fields, Malformed, read_fields, split_lines

_LINE = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+) ([\x21-\x7e\x80-\xff]+) HTTP/([0-9]+\.[0-9]+)")
_METHOD = re.compile(rb"[A-Z]+(?:-[A-Z]+)*")
_METHOD_BYTES = 32
_ABSOLUTE = re.compile(rb"https?://([^/?#]*)(.*)", re.IGNORECASE)
_VERSIONS = {b"1.0": False, b"1.1": True}


class Block(NamedTuple):
    """The field lines of a request and what they say by themselves."""

    raw: bytes
    fields: Fields
    singles: dict[bytes, bytes]
    """Of the names in `_SINGLE`, by lower-case name."""
    connection: frozenset[bytes]
    """The tokens of Connection, lower case."""


class RequestHead(NamedTuple):
    method: str
    target: bytes
    """Origin form, as sent; an absolute form is accepted when its authority is the Host's, and reduced to this."""
    block: Block
    length: int
    """Bytes of body; 0 is none; `CHUNKED`."""
    http11: bool
    keep_alive: bool
    expects_continue: bool
    upgrade: bytes
    """The protocol asked for with `Connection: upgrade`, lower case; empty when none is."""

    @property
    def fields(self) -> Fields:
        return self.block.fields

    @property
    def host(self) -> bytes:
        """The only Host, as sent."""
        return self.block.singles[b"host"]


def read_request(head: bytes, last: Block | None = None) -> RequestHead:
    """Read a head without its final blank line; `Malformed` with the status to answer.

    `last` is the block of the connection's previous request: one that is the same to the byte reads the same.
    """
    line, _, raw = head.partition(b"\r\n")
    method, target, http11 = _request_line(line)
    block = last if last is not None and last.raw == raw else _read_block(raw)
    singles = block.singles
    return RequestHead(
        method=method,
        target=_origin_form(target, singles[b"host"]),
        block=block,
        length=_length(singles, http11=http11),
        http11=http11,
        keep_alive=http11 and b"close" not in block.connection,
        expects_continue=_expects_continue(singles),
        upgrade=_upgrade(singles, block.connection),
    )


def _read_block(raw: bytes) -> Block:
    fields = read_fields(split_lines(raw)) if raw else ()
    return Block(raw, fields, _singles(fields), _tokens(fields, b"connection"))


def _request_line(line: bytes) -> tuple[str, bytes, bool]:
    found = _LINE.fullmatch(line)
    if found is None:
        split_lines(line)
        raise Malformed("request_line")
    method, target, version = found.groups()
    if version not in _VERSIONS:
        raise Malformed("http_version", 505)
    if len(method) > _METHOD_BYTES or not _METHOD.fullmatch(method):
        raise Malformed("method_unknown", 501)
    if method == b"CONNECT":
        raise Malformed("method_not_allowed", 405)
    return method.decode("ascii"), target, _VERSIONS[version]


_SINGLE = frozenset({b"host", b"content-length", b"transfer-encoding", b"expect", b"upgrade", b"http2-settings"})


def _singles(fields: Fields) -> dict[bytes, bytes]:
    """The fields that frame a message or leave HTTP: each at most once, equal or not."""
    found: dict[bytes, bytes] = {}
    for name, value in fields:
        lower = name.lower()
        if lower in _SINGLE:
            if lower in found:
                raise Malformed("host_duplicate" if lower == b"host" else "framing_duplicate")
            found[lower] = value
    if b"host" not in found:
        raise Malformed("host_missing")
    return found


def _origin_form(target: bytes, host: bytes) -> bytes:
    if target.startswith(b"/"):
        return target
    absolute = _ABSOLUTE.fullmatch(target)
    if absolute is None:
        raise Malformed("target_form")
    if absolute[1].lower() != host.lower():
        raise Malformed("target_authority")
    rest = absolute[2]
    return rest if rest.startswith(b"/") else b"/" + rest


def _length(named: dict[bytes, bytes], *, http11: bool) -> int:
    length, coding = named.get(b"content-length"), named.get(b"transfer-encoding")
    if coding is not None:
        if length is not None:
            raise Malformed("length_and_coding")
        if not http11:
            raise Malformed("coding_in_http10")
        if coding.lower() != b"chunked":
            raise Malformed("coding_unknown", 501)
        return CHUNKED
    if length is None:
        return 0
    if not LENGTH.fullmatch(length):
        raise Malformed("length_malformed")
    return int(length)


def _expects_continue(named: dict[bytes, bytes]) -> bool:
    expect = named.get(b"expect")
    if expect is None:
        return False
    if expect.lower() != b"100-continue":
        raise Malformed("expectation", 417)
    return True


def _upgrade(named: dict[bytes, bytes], connection: frozenset[bytes]) -> bytes:
    """Only WebSocket is ever upgraded to; h2c and TLS would carry requests past every rule."""
    if b"http2-settings" in named:
        raise Malformed("upgrade_refused", 501)
    protocol = named.get(b"upgrade")
    if protocol is None:
        return b""
    if protocol.lower() != b"websocket":
        raise Malformed("upgrade_refused", 501)
    return b"websocket" if b"upgrade" in connection else b""


def _tokens(fields: Fields, wanted: bytes) -> frozenset[bytes]:
    lines = [value for name, value in fields if name.lower() == wanted]
    if not lines:
        return frozenset()
    return frozenset(token.strip(b" \t").lower() for token in b",".join(lines).split(b","))
