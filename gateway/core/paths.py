"""One reading of a request target: what routing sees and what goes upstream, or a refusal.

Grammar: RFC 3986 §3.3 and §3.4. Only the normalisations that every reader agrees on are made (§6.2.2.1 and
§6.2.2.2); whatever two readers could take differently is refused.
"""

import re
import unicodedata
from urllib.parse import unquote_to_bytes

from gateway.core.errors import RequestRejected
from gateway.core.model import NormalPath
from gateway.core.rules import PathException, Route

_REFUSED_AS_SENT = (
    ("path_control", re.compile(rb"[\x00-\x1f\x7f]")),
    ("path_backslash", re.compile(rb"\\|%5c", re.IGNORECASE)),
    ("path_bad_character", re.compile(rb"[^A-Za-z0-9\-._~!$&'()*+,;=:@%/]")),
    ("path_bad_escape", re.compile(rb"%(?![0-9A-Fa-f]{2})")),
)
_DOUBLE_ENCODING = re.compile(r"%25(?:[0-9A-Fa-f]{2}|[uU][0-9A-Fa-f]{4})")
_QUERY_CONTROL = re.compile(rb"[\x00-\x1f\x7f]")
# Browsers send [ ] { } | ^ ` \ and a lone % as they are in a query (WHATWG URL), but never these.
_QUERY_REFUSED = re.compile(rb"[^!$-;=?-~]")

_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_PARAMETERS = re.compile(r";[^/]*")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_DOT_SEGMENTS = frozenset({".", ".."})

_PLAIN = re.compile(rb"(/|(?:/(?!\.\.?(?:[/?]|\Z))[A-Za-z0-9\-._~!$&'()*+,=:@]++)++/?)(?:\?([!$-;=?-~]*+))?")
"""What nearly every target is: no escape, no parameters, no empty or dot segment. It has one reading: itself."""

_REGULAR: frozenset[PathException] = frozenset()

# Windows' best-fit conversion turns these into separators, though NFKC leaves them alone.
_BEST_FIT = str.maketrans({"∕": "/", "⁄": "/", "⧸": "/", "∖": "\\", "⧵": "\\"})


OWN_PREFIX = "/_gateway"
"""What is there, and below, the gateway answers itself."""

_OWN_FOLDER = f"{OWN_PREFIX}/"


class Target:
    """A request target read once. Never changed once it is made."""

    __slots__ = ("irregular", "path", "query", "wire_path")

    def __init__(
        self, path: NormalPath, wire_path: bytes, query: bytes | None, irregular: frozenset[PathException]
    ) -> None:
        self.path = path
        """What routing and policy see: without `;parameters`."""
        self.wire_path = wire_path
        """What goes upstream: the same, with the parameters."""
        self.query = query
        """Byte for byte as sent. None: no `?` at all; empty: a bare one."""
        self.irregular = irregular
        """What a route must have allowed (`admit`)."""

    @property
    def is_own(self) -> bool:
        """A page of the gateway's, which no upstream ever sees."""
        return self.path.startswith(_OWN_FOLDER) or self.path == OWN_PREFIX

    @property
    def wire(self) -> bytes:
        return self.wire_path if self.query is None else self.wire_path + b"?" + self.query


def read_target(raw: bytes) -> Target:
    """Read an origin-form target; `RequestRejected` (400) says what has no single reading."""
    plain = _PLAIN.fullmatch(raw)
    if plain is not None:
        path, query = plain.groups()
        return Target(NormalPath(path.decode("ascii")), path, query, _REGULAR)
    return read_closely(raw)


def read_closely(raw: bytes) -> Target:
    """The whole reading, which `read_target` shortens for plain targets and nothing else."""
    if b"#" in raw:
        raise RequestRejected("path_fragment")
    path, mark, query = raw.partition(b"?")
    wire = _canonical(path)
    _check_decoded(wire)
    _check_query(query)
    return Target(
        path=_without_parameters(wire),
        wire_path=wire.encode("ascii"),
        query=query if mark else None,
        irregular=frozenset(_irregularities(wire)),
    )


def normalise(path: str) -> NormalPath:
    """Read a path written in configuration: text outside ASCII is percent-encoded, no irregularity is accepted."""
    raw = path.encode("utf-8", "surrogatepass")
    if b"?" in raw:
        raise RequestRejected("path_bad_character")
    encoded = "".join(chr(byte) if byte < 0x80 else f"%{byte:02X}" for byte in raw)
    target = read_target(encoded.encode("ascii"))
    _refuse(target.irregular)
    return target.path


def admit(target: Target, route: Route) -> None:
    """Refuse the irregular spellings that the route does not allow."""
    if target.irregular:
        _refuse(target.irregular - route.allow_in_path)


def reread(path: NormalPath) -> NormalPath:
    """The path as an upstream would see it that decodes before it splits: it must lead to the same route."""
    decoded = path.replace("%2F", "/").replace("%3B", ";")
    return NormalPath(re.sub("//+", "/", _PARAMETERS.sub("", decoded)))


def _refuse(irregular: frozenset[PathException]) -> None:
    for each in sorted(irregular, reverse=True):
        raise RequestRejected(f"path_{each}")


def _canonical(raw: bytes) -> str:
    """Unreserved escapes decoded, the others upper-case (RFC 3986 §6.2.2)."""
    if not raw.startswith(b"/"):
        raise RequestRejected("path_no_slash")
    for code, refused in _REFUSED_AS_SENT:
        if refused.search(raw):
            raise RequestRejected(code)
    wire = _ESCAPE.sub(_canonical_escape, raw.decode("ascii"))
    if _DOUBLE_ENCODING.search(wire):
        raise RequestRejected("path_double_encoding")
    # An encoded slash within parameters leaves two answers to where the parameters end.
    if "%2F" in wire and any("%2F" in segment.partition(";")[2] for segment in wire.split("/")):
        raise RequestRejected("path_encoded_slash")
    return wire


def _canonical_escape(escape: re.Match[str]) -> str:
    character = chr(int(escape[1], 16))
    return character if character in _UNRESERVED else escape[0].upper()


def _check_decoded(wire: str) -> None:
    """Look at the path as an upstream will see it once decoded."""
    try:
        text = unquote_to_bytes(wire).decode("utf-8")
    except UnicodeDecodeError:
        raise RequestRejected("path_not_utf8") from None
    if _CONTROLS.search(text):
        raise RequestRejected("path_control")
    if _has_dot_segment(text):
        raise RequestRejected("path_dot_segment")
    if not text.isascii() and _looks_alike(text):
        raise RequestRejected("path_lookalike")


def _has_dot_segment(text: str) -> bool:
    # Windows drops spaces at the ends of a name, servlet containers what follows a semicolon.
    return any(segment.partition(";")[0].strip() in _DOT_SEGMENTS for segment in text.split("/"))


def _looks_alike(text: str) -> bool:
    folded = unicodedata.normalize("NFKC", text.translate(_BEST_FIT))
    return any(folded.count(mark) > text.count(mark) for mark in "/\\;%") or _has_dot_segment(folded)


def _without_parameters(wire: str) -> NormalPath:
    path = _PARAMETERS.sub("", wire)
    if "//" in path:
        raise RequestRejected("path_double_slash")
    return NormalPath(path)


def _irregularities(wire: str) -> list[PathException]:
    found = []
    if ";" in wire or "%3B" in wire:
        found.append(PathException.SEMICOLON)
    if "%2F" in wire:
        found.append(PathException.ENCODED_SLASH)
    return found


def _check_query(query: bytes) -> None:
    if _QUERY_CONTROL.search(query):
        raise RequestRejected("query_control")
    if _QUERY_REFUSED.search(query):
        raise RequestRejected("query_bad_character")
