"""A request's head and framing (RFC 9112 §3 and §6), read once and strictly, before a byte of its body is looked at."""

import re

from gateway.core.http1.fields import (
    Fields,
    Malformed,
    Noticed,
    declared_length,
    only,
    options,
    read_fields,
    split_lines,
)
from gateway.core.remembered import Remembered

_LINE = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+) ([\x21-\x7e\x80-\xff]+) HTTP/([0-9]+\.[0-9]+)")
_METHOD = re.compile(rb"[A-Z]+(?:-[A-Z]+)*")
_METHOD_BYTES = 32
_ABSOLUTE = re.compile(rb"https?://([^/?#]*)(.*)", re.IGNORECASE)
_VERSIONS = {b"1.0": False, b"1.1": True}
_NOTICED = {
    **dict.fromkeys((b"host", b"content-length", b"transfer-encoding", b"expect", b"upgrade", b"http2-settings"), True),
    **dict.fromkeys((b"connection", b"cookie", b"x-forwarded-for", b"sec-websocket-key"), False),
}
"""What frames a message or leaves HTTP, each at most once; and what each request is asked for."""

_UNUSUAL = frozenset((b"content-length", b"transfer-encoding", b"expect", b"upgrade", b"http2-settings"))
_NONE: frozenset[bytes] = frozenset()


class Block:
    """The field lines of a request and what they say by themselves. Never changed once it is made."""

    __slots__ = ("fields", "noticed", "options", "plain", "raw")

    def __init__(self, raw: bytes, fields: Fields, noticed: Noticed) -> None:
        self.raw = raw
        self.fields = fields
        self.noticed = noticed
        """The values of the names in `_NOTICED`."""
        connection = noticed.get(b"connection")
        self.options: frozenset[bytes] = options(connection) if connection else _NONE
        """The tokens of Connection, lower case."""
        self.plain = _UNUSUAL.isdisjoint(noticed)
        """No body, no expectation, no other protocol: what most requests say of themselves."""

    def __repr__(self) -> str:
        return f"Block({len(self.fields)} fields)"


class RequestHead:
    """Never changed once it is made."""

    __slots__ = ("block", "expects_continue", "http11", "keep_alive", "length", "method", "target", "upgrade")

    def __init__(
        self,
        method: str,
        target: bytes,
        block: Block,
        http11: bool,
        length: int = 0,
        expects_continue: bool = False,
        upgrade: bytes = b"",
    ) -> None:
        self.method = method
        self.target = target
        """Origin form, as sent; an absolute form is accepted when its authority is the Host's, and reduced to this."""
        self.block = block
        self.http11 = http11
        self.keep_alive = http11 and b"close" not in block.options
        self.length = length
        """Bytes of body; 0 is none; `CHUNKED`."""
        self.expects_continue = expects_continue
        self.upgrade = upgrade
        """`websocket` when the connection may become one; else empty, and the request is an ordinary one."""

    def __repr__(self) -> str:
        return f"RequestHead({self.method!r})"

    @property
    def fields(self) -> Fields:
        return self.block.fields

    @property
    def host(self) -> bytes:
        """The only Host, as sent."""
        return self.block.noticed[b"host"][0]

    @property
    def cookies(self) -> list[bytes]:
        """The lines of Cookie."""
        return self.block.noticed.get(b"cookie", [])

    @property
    def names_websocket(self) -> bool:
        """Whether it bears a handshake's key, whatever became of Upgrade on its way."""
        return b"sec-websocket-key" in self.block.noticed

    @property
    def forwarded_for(self) -> list[bytes]:
        """The lines of X-Forwarded-For."""
        return self.block.noticed.get(b"x-forwarded-for", [])


def read_request(head: bytes, last: Block | None = None) -> RequestHead:
    """Read a head without its final blank line; `Malformed` with the status to answer.

    `last` is the block of the connection's previous request: one that is the same to the byte reads the same.
    """
    line, _, raw = head.partition(b"\r\n")
    method, target, http11 = _request_line(line)
    block = last if last is not None and last.raw == raw else _read_block(raw)
    if block.plain:
        return RequestHead(method, _origin_form(target, _host(block)), block, http11)
    length = declared_length(block.noticed, http11=http11) or 0
    return RequestHead(
        method=method,
        target=_origin_form(target, _host(block)),
        block=block,
        http11=http11,
        length=length,
        expects_continue=_expects_continue(only(block.noticed, b"expect"), length, http11=http11),
        upgrade=_upgrade(_asked_upgrade(block), method, length, block.options, http11=http11),
    )


def read_named(method: bytes, target: bytes, fields: Fields, upgrade: bytes) -> RequestHead:
    """Read as strictly a request without a body that somebody else received and names by its parts.

    `fields` come from a head that was read; the first is Host.
    """
    name, target, http11 = _request_line(b"%b %b HTTP/1.1" % (method, target))
    block = Block(b"", fields, {b"host": [fields[0][1]]})
    return RequestHead(name, _origin_form(target, _host(block)), block, http11, upgrade=upgrade)


def _read_block(raw: bytes) -> Block:
    fields, noticed = read_fields(split_lines(raw) if raw else [], _NOTICED)
    return Block(raw, fields, noticed)


def _request_line(line: bytes) -> tuple[str, bytes, bool]:
    found = _LINE.fullmatch(line)
    if found is None:
        split_lines(line)
        raise Malformed("request_line")
    method, target, version = found.groups()
    if version not in _VERSIONS:
        raise Malformed("http_version", 505)
    return _METHODS[method], target, _VERSIONS[version]


def _read_method(method: bytes) -> str:
    if len(method) > _METHOD_BYTES or not _METHOD.fullmatch(method):
        raise Malformed("method_unknown", 501)
    if method == b"CONNECT":
        raise Malformed("method_not_allowed", 405)
    return method.decode("ascii")


_METHODS = Remembered(_read_method)


def _host(block: Block) -> bytes:
    host = only(block.noticed, b"host")
    if host is None:
        raise Malformed("host_missing")
    if not host:
        raise Malformed("host_malformed")
    return host


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


def _expects_continue(expect: bytes | None, length: int, *, http11: bool) -> bool:
    """Nobody waits for leave to send nothing; what an HTTP/1.0 client says of it is ignored (RFC 9110 §10.1.1)."""
    if expect is None:
        return False
    if expect.lower() != b"100-continue":
        raise Malformed("expectation", 417)
    return http11 and length != 0


def _asked_upgrade(block: Block) -> bytes:
    """Only WebSocket is ever upgraded to; h2c and TLS would carry requests past every rule."""
    asked = only(block.noticed, b"upgrade")
    protocol = asked.lower() if asked is not None else b""
    if b"http2-settings" in block.noticed or (asked is not None and protocol != b"websocket"):
        raise Malformed("upgrade_refused", 501)
    return protocol


def _upgrade(asked: bytes, method: str, length: int, options: frozenset[bytes], *, http11: bool) -> bytes:
    """HTTP/1.0 cannot upgrade, nor a connection that closes; a body would be taken for the other protocol's bytes."""
    if not asked or not http11 or b"upgrade" not in options or b"close" in options:
        return b""
    if method != "GET" or length:
        raise Malformed("upgrade_malformed")
    return asked
