"""What the client may not say is dropped; what an upstream may not say is dropped on the way back.

Names are compared folded, because CGI, WSGI, PHP and servlet upstreams fold them too: `X-Auth-User`, `x_auth.user`
and `HTTP_X_AUTH_USER` are one variable there.
"""

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

from gateway.core.errors import DependencyFailed, RequestRejected
from gateway.core.remembered import Remembered
from gateway.core.rewriting import PLACES, Rewriting

Field = tuple[bytes, bytes]

_LOWER = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ", b"abcdefghijklmnopqrstuvwxyz")
_NOT_FOLDED = bytes(byte for byte in range(256) if not (byte < 0x80 and chr(byte).isalnum()))

_TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_CONTROLS = bytes([*range(0x09), *range(0x0A, 0x20), 0x7F])
_C1_BYTE = re.compile(rb"[\x80-\x9f]")
_C1 = re.compile("[\x80-\x9f]")
_DIRECTIVE = re.compile(rb'[ \t]*+((?:[^",]|"(?:[^"\\]|\\.)*+")*+)(?:,|\Z)')


def fold(name: bytes | str) -> str:
    """Lower-case letters and digits only: what every upstream's spelling of a name has in common."""
    raw = name if isinstance(name, bytes) else name.encode("ascii", "ignore")
    return raw.translate(_LOWER, _NOT_FOLDED).decode("ascii")


def _folded(names: str) -> frozenset[str]:
    return frozenset(fold(name) for name in names.split())


HOP_BY_HOP = _folded("""
    Connection Close Keep-Alive TE Trailer Transfer-Encoding Upgrade HTTP2-Settings Expect
    Proxy-Connection Proxy-Authenticate Proxy-Authorization Proxy-Authentication-Info
""")
"""RFC 9110 §7.6.1, folded; `Close` is reserved for the option's sake; `Expect` the gateway answers itself."""

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

WRITTEN_BY_US = _folded("Forwarded Via Traceparent Tracestate Signature Signature-Input Content-Digest")
"""Besides `X-Forwarded-*` and `X-Gateway-*`: what the gateway, or a proxy as such, says itself."""

ALWAYS_STRIPPED = _folded("""
    X-User X-User-Id X-User-Name X-User-Email X-User-Groups X-User-Roles X-Email X-Groups X-Roles
    SM_UniversalId SM_AuthType SM_Groups SM_ServerSessionId SM_ServerSessionSpec
    iv-user iv-user-l iv-groups iv-creds GAP-Auth GAP-Signature
    eppn mail displayName persistent-id targeted-id affiliation entitlement
    Client-Cert Client-Cert-Chain X-Client-Cert X-Client-Verify X-ARR-ClientCert
    Forwarded X-Real-IP X-Client-IP Client-IP True-Client-IP X-Cluster-Client-IP CF-Connecting-IP Fastly-Client-IP
    Signature Signature-Input Content-Digest
    $WSRU $WSRA $WSRH $WSAT $WSCC $WSCS $WSIS $WSPR $WSSC $WSSI $WSSN $WSSP
    Script-Name Path-Info X-Script-Name X-Userinfo
    X-Host X-Host-Override X-HTTP-Host-Override X-Scheme X-Url-Scheme Front-End-Https X-Method-Override
""")
"""Folded names removed from every request, on every route: identity, address, host, scheme, method."""

ALWAYS_STRIPPED_PREFIXES = tuple(
    _folded("""
    Remote- X-Remote- Auth- X-Auth- X-Authenticated- X-WebAuth- OIDC_ OAM_ SM_User Shib- Lm-Remote- X-LLNG-
    X-Forwarded- X-Original- X-Rewrite- X-HTTP-Method Proxy X-Gateway- X-Envoy-
    X-Goog-IAP- X-Goog-Authenticated- X-Amzn-OIDC- X-MS-Client-Principal X-MS-Token- Cf-Access-
    WL-Proxy- CT-Remote- Osso- Mellon Tailscale- X-Consumer- X-Credential-
    X-Pomerium- X-Vouch- X-SSL- SSL-Client- HTTP_ REDIRECT_HTTP_ REDIRECT_REMOTE_
    """)
)
"""Folded beginnings removed from every request, on every route. `HTTP_` is the CGI spelling of any other name."""

_NOT_IDENTITY = _folded("Authorization Authentication-Info")
"""Standard names that begin as `Auth-*` does once folded."""

_NOMINATES_NOTHING = frozenset({b"keep-alive", b"close"})
"""The values of `Connection` that nearly everybody sends; both are dropped anyway."""

_CACHES_OF_OTHERS = ("cdncachecontrol", "surrogatecontrol", "edgecontrol", "xaccelexpires")
"""Ends of names that tell a shared cache to ignore Cache-Control (RFC 9213 and its ancestors)."""


_ALIAS: Final = "alias"
_ONCE: Final = "once"
_COOKIE: Final = "cookie"

OWN_COOKIE_FAMILIES: Final = tuple(
    prefix + family
    for prefix in (b"", b"__Host-", b"__Secure-")
    for family in (b"gateway-login-", b"gateway-form-", b"gateway-outage-")
)
"""One for each login under way, form that waits, provider that failed: their names end in what they belong to."""
_CONNECTION: Final = "connection"
_CACHE: Final = "cache"
_OTHER_CACHE: Final = "other cache"
_PLACE: Final = "place"
_CACHES = frozenset({_CACHE, _OTHER_CACHE})


class _Kind(NamedTuple):
    """All that follows from a field's name."""

    folded: str
    passes: bool
    role: str
    """What else must be looked at; empty for nearly every name."""


def stripped_names(headers: Iterable[str]) -> frozenset[str]:
    """Fold the names that any policy injects, with their CGI aliases."""
    folded = {fold(header) for header in headers}
    return frozenset(folded | {f"http{name}" for name in folded})


def request_headers(headers: Iterable[Field], stripped: frozenset[str], own_cookies: frozenset[bytes]) -> list[Field]:
    """What the client said, cleaned. The caller adds Host, the framing, and what the gateway says, in this order.

    `RequestRejected`: `header_malformed`, `header_duplicate`, `header_alias`, `connection_nominates`.
    """
    fields = list(headers)
    kinds, special, nominated = _examined(fields)
    dropped = stripped | (nominated - END_TO_END) if nominated else stripped
    kept = [field for field, (folded, passes, _) in zip(fields, kinds) if passes and folded not in dropped]
    cookies = others_cookies([value for role, _, value in special if role == _COOKIE], own_cookies)
    return [*kept, (b"Cookie", cookies)] if cookies else kept


def check_headers(headers: Iterable[Field]) -> None:
    """Refuse what `request_headers` refuses, for whoever forwards nothing of it."""
    _examined(list(headers))


def _examined(fields: list[Field]) -> tuple[list[_Kind], list[tuple[str, str, bytes]], frozenset[str]]:
    """Kinds in order; role, folded name and value of those that have a role; the folded names that Connection takes."""
    kinds = [_REQUEST[name] for name, _ in fields]
    values = [value for _, value in fields]
    joined = b"".join(values)
    if _holds_control(joined) or (not joined.isascii() and any(map(_hides_c1, values))):
        raise RequestRejected("header_malformed")
    special = [(role, folded, value) for (folded, _, role), value in zip(kinds, values) if role]
    _refuse_essentials(special)
    nominated = _nominated(value for role, _, value in special if role == _CONNECTION)
    if nominated & FRAMING:
        raise RequestRejected("connection_nominates")
    return kinds, special, nominated


def _request_kind(name: bytes) -> _Kind:
    if not _TOKEN.fullmatch(name):
        raise RequestRejected("header_malformed")
    folded = fold(name)
    dropped = folded in HOP_BY_HOP or folded in FRAMING or folded == "cookie" or _is_stripped(folded)
    return _Kind(folded, not dropped, _request_role(folded, name.lower()))


def _request_role(folded: str, lower: bytes) -> str:
    if lower != _EXACT_SPELLING.get(folded, lower):
        # `Content_Length` is CONTENT_LENGTH to a CGI upstream: a second framing that nobody checked.
        return _ALIAS
    if folded in _SINGLE_SPELLING:
        return _ONCE
    return {"cookie": _COOKIE, "connection": _CONNECTION}.get(folded, "")


_REQUEST = Remembered(_request_kind)


def _holds_control(joined: bytes) -> bool:
    return len(joined.translate(None, _CONTROLS)) != len(joined)


def _hides_c1(value: bytes) -> bool:
    """U+0085 and its like end a line for some readers; the same bytes within a UTF-8 letter do not."""
    if not _C1_BYTE.search(value):
        return False
    try:
        return _C1.search(value.decode("utf-8")) is not None
    except UnicodeDecodeError:
        return True


def _refuse_essentials(special: list[tuple[str, str, bytes]]) -> None:
    """Refuse a misspelt essential, then a second one."""
    once = [folded for role, folded, _ in special if role == _ONCE]
    if any(role == _ALIAS for role, _, _ in special):
        raise RequestRejected("header_alias")
    if len(once) != len(set(once)):
        raise RequestRejected("header_duplicate")


def _nominated(lines: Iterable[bytes]) -> frozenset[str]:
    tokens = (token for line in lines if line.lower() not in _NOMINATES_NOTHING for token in line.split(b","))
    return frozenset(fold(token) for token in tokens)


def _is_stripped(folded: str) -> bool:
    if folded in ALWAYS_STRIPPED:
        return True
    return folded.startswith(ALWAYS_STRIPPED_PREFIXES) and folded not in _NOT_IDENTITY


def others_cookies(lines: Iterable[bytes], own_cookies: frozenset[bytes]) -> bytes:
    """One line without ours, the neighbours' bytes left alone; empty when nothing is left."""
    # RFC 9113 §8.2.3 joins in this way.
    kept = [
        pair
        for pair in b"; ".join(lines).split(b";")
        if not _is_ours(pair.lstrip(b" \t=").partition(b"=")[0].rstrip(b" \t"), own_cookies)
    ]
    joined = b";".join(kept).lstrip(b" \t")
    return joined if joined.strip(b" \t;") else b""


def response_headers(
    headers: Iterable[Field], own_cookies: frozenset[bytes], *, private: bool, rewriting: Rewriting | None = None
) -> list[Field]:
    """What the upstream answered, without what concerns one hop only or belongs to the gateway.

    `private`: the request carried an identity, so that no shared cache may keep the answer. `rewriting`: the places
    that the upstream names are named as the public knows them.
    """
    fields = list(headers)
    kinds = [_RESPONSE[name] for name, _ in fields]
    if _holds_control(b"".join([value for _, value in fields])):
        raise DependencyFailed("upstream", "upstream_header_malformed")
    roles = {role for _, _, role in kinds}
    dropped = _nominated_in(fields) - END_TO_END if _CONNECTION in roles else frozenset()
    kept = [field for field, (folded, passes, _) in zip(fields, kinds) if passes and folded not in dropped]
    if _COOKIE in roles:
        kept = [field for field in kept if not _sets_ours(field, own_cookies)]
    if private:
        kept = _kept_private(kept, roles)
    if rewriting is not None and (_COOKIE in roles or _PLACE in roles):
        kept = [(name, rewriting.rewritten(_RESPONSE[name].folded, value)) for name, value in kept]
    return kept


def _response_kind(name: bytes) -> _Kind:
    if not _TOKEN.fullmatch(name):
        raise DependencyFailed("upstream", "upstream_header_malformed")
    folded = fold(name)
    passes = folded not in HOP_BY_HOP and not folded.startswith("xgateway")
    if folded.endswith(("cachecontrol", *_CACHES_OF_OTHERS)):
        return _Kind(folded, passes, _CACHE if folded == "cachecontrol" else _OTHER_CACHE)
    return _Kind(folded, passes, _RESPONSE_ROLES.get(folded, ""))


_RESPONSE_ROLES = {"setcookie": _COOKIE, "connection": _CONNECTION} | dict.fromkeys(PLACES, _PLACE)
_RESPONSE = Remembered(_response_kind)


def _nominated_in(fields: list[Field]) -> frozenset[str]:
    return _nominated(value for name, value in fields if _RESPONSE[name].role == _CONNECTION)


def _sets_ours(field: Field, own_cookies: frozenset[bytes]) -> bool:
    if _RESPONSE[field[0]].role != _COOKIE:
        return False
    # A nameless cookie `=S=…` comes back as `S=…` from some browsers.
    pair = field[1].partition(b";")[0].lstrip(b" \t=")
    return _is_ours(pair.partition(b"=")[0].strip(b" \t"), own_cookies)


def _is_ours(name: bytes, own_cookies: frozenset[bytes]) -> bool:
    return name in own_cookies or name.startswith(OWN_COOKIE_FAMILIES)


def _kept_private(fields: list[Field], roles: set[str]) -> list[Field]:
    if roles.isdisjoint(_CACHES):
        return [*fields, (b"Cache-Control", b"private")]
    others = [field for field in fields if _RESPONSE[field[0]].role not in _CACHES]
    return [*others, (b"Cache-Control", _private([v for name, v in fields if _RESPONSE[name].role == _CACHE]))]


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
