"""What the client may not say is dropped; what an upstream may not say is dropped on the way back.

Names are compared folded, because CGI, WSGI, PHP and servlet upstreams fold them too: `X-Auth-User`, `x_auth.user`
and `HTTP_X_AUTH_USER` are one variable there.
"""

import re
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from gateway.core.errors import DependencyFailed, RequestRejected

HeaderListLike = Iterable[tuple[bytes, bytes]]

_LOWER = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ", b"abcdefghijklmnopqrstuvwxyz")
_NOT_FOLDED = bytes(byte for byte in range(256) if not (byte < 0x80 and chr(byte).isalnum()))

_TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_C1_BYTE = re.compile(rb"[\x80-\x9f]")
_C1 = re.compile("[\x80-\x9f]")
_DIRECTIVE = re.compile(rb'[ \t]*((?:[^",]|"(?:[^"\\]|\\.)*")*)(?:,|\Z)')


def fold(name: bytes | str) -> str:
    """Lower-case letters and digits only: what every upstream's spelling of a name has in common."""
    raw = name if isinstance(name, bytes) else name.encode("ascii", "ignore")
    return raw.translate(_LOWER, _NOT_FOLDED).decode("ascii")


def _folded(names: str) -> frozenset[str]:
    return frozenset(fold(name) for name in names.split())


HOP_BY_HOP = _folded("""
    Connection Keep-Alive TE Trailer Transfer-Encoding Upgrade HTTP2-Settings Expect
    Proxy-Connection Proxy-Authenticate Proxy-Authorization Proxy-Authentication-Info
""")
"""RFC 9110 §7.6.1, folded; `Expect` too, which the gateway answers itself."""

FRAMING = _folded("Host Content-Length Transfer-Encoding")
"""Set by whoever writes the message: never copied, never nominated."""

_SINGLE_SPELLING = {
    fold(name): name
    for name in (b"host", b"content-length", b"transfer-encoding", b"content-type", b"authorization", b"origin")
}
_EXACT_SPELLING = {**_SINGLE_SPELLING, "cookie": b"cookie"}

END_TO_END = _folded("""
    Cookie Set-Cookie Authorization WWW-Authenticate Origin Referer User-Agent Date Range Vary ETag Location
    Content-Type Content-Encoding Content-Language Content-Length Content-Range Content-Disposition
    Content-Security-Policy Strict-Transport-Security Cache-Control Expires Last-Modified
    Accept Accept-Encoding Accept-Language If-Match If-None-Match If-Modified-Since If-Unmodified-Since If-Range
""")
"""`Connection` cannot take these away, whoever asks."""

ALWAYS_STRIPPED = _folded("""
    X-User X-User-Id X-User-Name X-User-Email X-User-Groups X-User-Roles X-Email X-Groups X-Roles
    SM_UniversalId SM_AuthType SM_Groups SM_ServerSessionId SM_ServerSessionSpec
    iv-user iv-user-l iv-groups iv-creds GAP-Auth GAP-Signature
    eppn mail displayName persistent-id targeted-id affiliation entitlement
    Client-Cert Client-Cert-Chain X-Client-Cert X-Client-Verify X-ARR-ClientCert
    Forwarded X-Real-IP X-Client-IP Client-IP True-Client-IP X-Cluster-Client-IP CF-Connecting-IP Fastly-Client-IP
    X-Host X-Host-Override X-HTTP-Host-Override X-Scheme X-Url-Scheme Front-End-Https X-Method-Override
""")
"""Folded names removed from every request, on every route: identity, address, host, scheme, method."""

ALWAYS_STRIPPED_PREFIXES = tuple(
    _folded("""
    Remote- X-Remote- Auth- X-Auth- X-Authenticated- X-WebAuth- OIDC_ OAM_ SM_User Shib- Lm-Remote- X-LLNG-
    X-Forwarded- X-Original- X-Rewrite- X-HTTP-Method Proxy X-Gateway- X-Envoy-
    X-Goog-IAP- X-Goog-Authenticated- X-Amzn-OIDC- X-MS-Client-Principal X-MS-Token- Cf-Access-
    X-Pomerium- X-Vouch- X-SSL- SSL-Client- HTTP_ REDIRECT_HTTP_ REDIRECT_REMOTE_
    """)
)
"""Folded beginnings removed from every request, on every route. `HTTP_` is the CGI spelling of any other name."""

_NOT_IDENTITY = _folded("Authorization Authentication-Info")
"""Standard names that begin as `Auth-*` does once folded."""

_CACHES_OF_OTHERS = ("cdncachecontrol", "surrogatecontrol", "edgecontrol", "xaccelexpires")
"""Ends of names that tell a shared cache to ignore Cache-Control (RFC 9213 and its ancestors)."""


class _Field(NamedTuple):
    folded: str
    name: bytes
    value: bytes


def stripped_names(headers: Iterable[str]) -> frozenset[str]:
    """Fold the names that any policy injects, with their CGI aliases."""
    folded = {fold(header) for header in headers}
    return frozenset(folded | {f"http{name}" for name in folded})


def request_headers(
    headers: HeaderListLike, stripped: frozenset[str], own_cookies: frozenset[bytes]
) -> list[tuple[bytes, bytes]]:
    """What the client said, cleaned. The caller adds Host, the framing, and what the gateway says, in this order.

    `RequestRejected`: `header_malformed`, `header_duplicate`, `header_alias`, `connection_nominates`.
    """
    fields = [_request_field(name, value) for name, value in headers]
    _refuse_aliases(fields)
    _refuse_duplicates(fields)
    nominated = _nominated(fields)
    if nominated & FRAMING:
        raise RequestRejected("connection_nominates")
    dropped = HOP_BY_HOP | FRAMING | stripped | (nominated - END_TO_END)
    kept = [field for field in fields if field.folded not in dropped and not _is_stripped(field.folded)]
    return _with_one_cookie_line(kept, own_cookies)


def _request_field(name: bytes, value: bytes) -> _Field:
    if not _TOKEN.fullmatch(name) or _CONTROL.search(value) or _hides_c1(value):
        raise RequestRejected("header_malformed")
    return _Field(fold(name), name, value)


def _hides_c1(value: bytes) -> bool:
    """U+0085 and its like end a line for some readers; the same bytes within a UTF-8 letter do not."""
    if not _C1_BYTE.search(value):
        return False
    try:
        return _C1.search(value.decode("utf-8")) is not None
    except UnicodeDecodeError:
        return True


def _refuse_duplicates(fields: list[_Field]) -> None:
    counts = Counter(field.folded for field in fields)
    if any(counts[name] > 1 for name in _SINGLE_SPELLING):
        raise RequestRejected("header_duplicate")


def _refuse_aliases(fields: list[_Field]) -> None:
    """`Content_Length` is CONTENT_LENGTH to a CGI upstream: a second framing that nobody checked."""
    if any(field.name.lower() != _EXACT_SPELLING.get(field.folded, field.name.lower()) for field in fields):
        raise RequestRejected("header_alias")


def _nominated(fields: list[_Field]) -> frozenset[str]:
    tokens = (token for field in fields if field.folded == "connection" for token in field.value.split(b","))
    return frozenset(fold(token) for token in tokens)


def _is_stripped(folded: str) -> bool:
    if folded in ALWAYS_STRIPPED:
        return True
    return folded.startswith(ALWAYS_STRIPPED_PREFIXES) and folded not in _NOT_IDENTITY


def _with_one_cookie_line(fields: list[_Field], own_cookies: frozenset[bytes]) -> list[tuple[bytes, bytes]]:
    rest = [(field.name, field.value) for field in fields if field.folded != "cookie"]
    # RFC 9113 §8.2.3 joins in this way.
    cookies = _without_cookies(b"; ".join(f.value for f in fields if f.folded == "cookie"), own_cookies)
    return [*rest, (b"Cookie", cookies)] if cookies else rest


def _without_cookies(line: bytes, own_cookies: frozenset[bytes]) -> bytes:
    """Take ours out and leave the neighbours' bytes alone; empty when nothing is left."""
    kept = [pair for pair in line.split(b";") if pair.partition(b"=")[0].strip(b" \t") not in own_cookies]
    return b";".join(kept).lstrip(b" \t") if any(pair.strip(b" \t") for pair in kept) else b""


def response_headers(
    headers: HeaderListLike, own_cookies: frozenset[bytes], *, private: bool
) -> list[tuple[bytes, bytes]]:
    """What the upstream answered, without what concerns one hop only or belongs to the gateway.

    `private`: the request carried an identity, so that no shared cache may keep the answer.
    """
    fields = [_response_field(name, value) for name, value in headers]
    dropped = HOP_BY_HOP | (_nominated(fields) - END_TO_END)
    kept = [field for field in fields if field.folded not in dropped and not _is_ours(field, own_cookies)]
    if not private:
        return [(field.name, field.value) for field in kept]
    policies = [field.value for field in kept if field.folded == "cachecontrol"]
    others = [field for field in kept if not field.folded.endswith(("cachecontrol", *_CACHES_OF_OTHERS))]
    return [*((field.name, field.value) for field in others), (b"Cache-Control", _private(policies))]


def _response_field(name: bytes, value: bytes) -> _Field:
    if not _TOKEN.fullmatch(name) or _CONTROL.search(value):
        raise DependencyFailed("upstream", "upstream_header_malformed")
    return _Field(fold(name), name, value)


def _is_ours(field: _Field, own_cookies: frozenset[bytes]) -> bool:
    if field.folded == "setcookie":
        # A nameless cookie `=S=…` comes back as `S=…` from some browsers.
        pair = field.value.partition(b";")[0].lstrip(b" \t=")
        return pair.partition(b"=")[0].strip(b" \t") in own_cookies
    return field.folded.startswith("xgateway")


def _private(lines: list[bytes]) -> bytes:
    """Keep what restricts (RFC 9111 §5.2.2); what cannot be read is not stored at all."""
    directives: list[bytes] = []
    for line in lines:
        position = 0
        while position < len(line):
            found = _DIRECTIVE.match(line, position)
            if found is None:
                return b"no-store"
            directives.append(found[1].strip(b" \t"))
            position = found.end()
    names = {directive: directive.partition(b"=")[0].strip(b" \t").lower() for directive in directives if directive}
    kept = [directive for directive, name in names.items() if name not in {b"public", b"private", b"s-maxage"}]
    return b", ".join(kept if b"no-store" in names.values() else [b"private", *kept])
