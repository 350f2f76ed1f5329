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

HOP_BY_HOP = frozenset(
    ["connection", "keepalive", "te", "trailer", "transferencoding", "upgrade", "expect", "http2settings"]
    + ["proxyconnection", "proxyauthenticate", "proxyauthorization", "proxyauthenticationinfo"]
)
"""RFC 9110 §7.6.1, folded; `Expect` too, which the gateway answers itself."""

FRAMING = frozenset({"host", "contentlength", "transferencoding"})
"""Set by whoever writes the message: never copied, never nominated."""

SINGLETONS = FRAMING | {"contenttype", "authorization", "origin"}

END_TO_END = frozenset(
    [
        "cookie",
        "setcookie",
        "authorization",
        "wwwauthenticate",
        "origin",
        "referer",
        "useragent",
        "date",
        "range",
        "vary",
        "etag",
        "location",
    ]
    + ["contenttype", "contentencoding", "contentlanguage", "contentlength", "contentrange", "contentdisposition"]
    + ["contentsecuritypolicy", "stricttransportsecurity", "cachecontrol", "expires", "lastmodified"]
    + [
        "accept",
        "acceptencoding",
        "acceptlanguage",
        "ifmatch",
        "ifnonematch",
        "ifmodifiedsince",
        "ifunmodifiedsince",
        "ifrange",
    ]
)
"""`Connection` cannot take these away, whoever asks."""

ALWAYS_STRIPPED = frozenset(
    # identity, as products and servers name it
    ["xuser", "xuserid", "xusername", "xuseremail", "xusergroups", "xuserroles", "xemail", "xgroups", "xroles"]
    + ["smuser", "smuserdn", "smuniversalid", "smauthtype", "smgroups", "smserversessionid", "smserversessionspec"]
    + ["ivuser", "ivuserl", "ivgroups", "ivcreds", "gapauth", "gapsignature"]
    + ["eppn", "mail", "displayname", "persistentid", "targetedid", "affiliation", "entitlement"]
    + ["clientcert", "clientcertchain", "xclientcert", "xclientverify", "xarrclientcert"]
    # address, host, scheme or method, as proxies tell them
    + [
        "forwarded",
        "xrealip",
        "xclientip",
        "clientip",
        "trueclientip",
        "xclusterclientip",
        "cfconnectingip",
        "fastlyclientip",
    ]
    + ["xhost", "xhostoverride", "xhttphostoverride", "xscheme", "xurlscheme", "frontendhttps", "xmethodoverride"]
)
"""Folded names removed from every request, on every route."""

ALWAYS_STRIPPED_PREFIXES = tuple(
    # `auth` spares Authorization (see `_is_stripped`); `http` is the CGI spelling of any other name.
    ["remote", "xremote", "auth", "xauth", "xwebauth", "oidc", "oam", "shib", "lmremote", "xllng", "smuser"]
    + ["xforwarded", "xoriginal", "xrewrite", "xhttpmethod", "proxy", "http", "redirecthttp", "redirectremote"]
    + ["xgateway", "xgoogiap", "xgoogauthenticated", "xamznoidc", "xmsclientprincipal", "xmstoken", "cfaccess"]
    + ["xpomerium", "xvouch", "xenvoy", "xssl", "sslclient"]
)
"""Folded beginnings removed from every request, on every route."""

_CACHES_OF_OTHERS = ("cdncachecontrol", "surrogatecontrol", "edgecontrol", "xaccelexpires")
"""Ends of names that tell a shared cache to ignore Cache-Control (RFC 9213 and its ancestors)."""


class _Field(NamedTuple):
    folded: str
    name: bytes
    value: bytes


def fold(name: bytes | str) -> str:
    """Lower-case letters and digits only: what every upstream's spelling of a name has in common."""
    raw = name if isinstance(name, bytes) else name.encode("ascii", "ignore")
    return raw.translate(_LOWER, _NOT_FOLDED).decode("ascii")


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
    if any(counts[name] > 1 for name in SINGLETONS):
        raise RequestRejected("header_duplicate")
    for field in fields:
        # `Content_Length` is CONTENT_LENGTH to a CGI upstream: a second framing that nobody checked.
        if field.folded in SINGLETONS | {"cookie"} and len(field.name.replace(b"-", b"")) != len(field.folded):
            raise RequestRejected("header_alias")


def _nominated(fields: list[_Field]) -> frozenset[str]:
    tokens = (token for field in fields if field.folded == "connection" for token in field.value.split(b","))
    return frozenset(fold(token) for token in tokens)


def _is_stripped(folded: str) -> bool:
    return folded in ALWAYS_STRIPPED or (
        folded.startswith(ALWAYS_STRIPPED_PREFIXES) and folded not in {"authorization", "authenticationinfo"}
    )


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
    return [*((field.name, field.value) for field in others), (b"Cache-Control", _private(b",".join(policies)))]


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


def _private(cache_control: bytes) -> bytes:
    """Keep what restricts (RFC 9111 §5.2.2); what cannot be read is not stored at all."""
    directives: list[bytes] = []
    position = 0
    while position < len(cache_control):
        found = _DIRECTIVE.match(cache_control, position)
        if found is None:
            return b"no-store"
        directives.append(found[1].strip(b" \t"))
        position = found.end()
    names = {directive: directive.partition(b"=")[0].strip(b" \t").lower() for directive in directives if directive}
    kept = [directive for directive, name in names.items() if name not in {b"public", b"private", b"s-maxage"}]
    return b", ".join(kept if b"no-store" in names.values() else [b"private", *kept])
