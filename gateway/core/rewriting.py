"""A route's prefix rules, both ways: what the upstream is asked, and the places that it names in its answers.

`wire_target` goes there, `Rewriting` comes back; one after the other they change nothing. A place is given the public
origin or left alone, so that nothing written here can send anybody to a foreign one.
"""

import re
from dataclasses import dataclass

from gateway.core.errors import RequestRejected
from gateway.core.model import NormalPath
from gateway.core.paths import read_target, reread
from gateway.core.routing import normal_host
from gateway.core.rules import Route

_WHITE = b" \t"
_DEFAULT_PORTS = {"http": 80, "https": 443}

# Browsers drop tabs before they read, and take a backslash for a slash: with either, a URL is not what it seems.
# Possessive, or an upstream's 30 KB and a tab take seconds.
_ABSOLUTE = re.compile(rb"(?:(https?):)?//([^/?#\t]*+)([^\t]*+)", re.IGNORECASE)
_PATH_ONLY = re.compile(rb"/(?![/\\])[^\t]*")
_DOT_SEGMENT = re.compile(rb"[/\\](?:\.|%2e){1,2}(?:[/\\]|\Z)", re.IGNORECASE)
_REFRESH = re.compile(rb"([ \t]*[0-9.]+[ \t]*[;,]?[ \t]*(?:url[ \t]*=[ \t]*)?)(['\"]?)(.*)", re.IGNORECASE)


def wire_target(wire: bytes, route: Route) -> bytes:
    """The exact request target sent upstream; `wire` is one that `read_target` made.

    `RequestRejected`: `path_ambiguous` when the prefix is there under another spelling (`/app;x/`, `/app%2Fx`), or when
    what the rules make is not the one reading of itself.
    """
    if not route.strip_prefix and not route.add_prefix:
        return wire
    path, mark, query = wire.partition(b"?")
    sent = route.add_prefix.encode("ascii") + _stripped(path, route.strip_prefix.encode("ascii")) + mark + query
    if read_target(sent).wire != sent:
        raise RequestRejected("path_ambiguous")
    return sent


def _stripped(path: bytes, prefix: bytes) -> bytes:
    rest = _below(path, prefix)
    if rest is not None:
        return rest or b"/"
    if _below(reread(NormalPath(path.decode("ascii"))).encode("ascii"), prefix) is not None:
        raise RequestRejected("path_ambiguous")
    return path


def _below(path: bytes, prefix: bytes) -> bytes | None:
    """What follows the prefix, by whole segments: empty for the prefix itself, None outside it."""
    if path == prefix or path.startswith(prefix + b"/"):
        return path[len(prefix) :]
    return None


PLACES = frozenset({"location", "contentlocation", "refresh"})
"""Folded names of the fields that name a place; Set-Cookie names one too."""


@dataclass(frozen=True, slots=True)
class Rewriting:
    """How a route's upstreams name places, and how the public does. Made once for a route (`Rewriting.of`)."""

    origin: bytes
    """The public one: `https://enfance.ville.fr`."""
    public: frozenset[bytes]
    """Spellings of the public authority: what the upstream was told in Host or X-Forwarded-Host."""
    upstreams: frozenset[bytes]
    """Spellings of the upstreams' own authorities."""
    hosts: frozenset[bytes]
    """Without a port: the cookie domains that mean «this server»."""
    strip: bytes
    add: bytes

    @classmethod
    def of(cls, route: Route, origin: str) -> "Rewriting":
        """`origin`: scheme and authority as the browser sees them, without a path."""
        scheme, _, authority = origin.partition("://")
        host, port = normal_host(authority.encode("ascii"))
        hosts = {host, *(each.host for each in route.upstreams)}
        return cls(
            origin=origin.encode("ascii"),
            public=_spellings(authority, port or _DEFAULT_PORTS[scheme]),
            upstreams=frozenset().union(*(_spellings(each.authority, each.port) for each in route.upstreams)),
            hosts=frozenset(each.lower().encode("ascii") for each in hosts),
            strip=route.strip_prefix.encode("ascii"),
            add=route.add_prefix.encode("ascii"),
        )

    def rewritten(self, folded: str, value: bytes) -> bytes:
        """The value of a field (its folded name) as the public should read it."""
        if folded == "setcookie":
            return self.set_cookie(value)
        if folded == "refresh":
            return self.refresh(value)
        return self.location(value) if folded in PLACES else value

    def location(self, value: bytes) -> bytes:
        """A URL reference that points to the upstream, as the public reaches it; any other, byte for byte."""
        absolute = _ABSOLUTE.fullmatch(value)
        if absolute is not None:
            return self._absolute(*absolute.groups(default=b"")) or value
        return (_PATH_ONLY.fullmatch(value) and self._path_only(value)) or value

    def _absolute(self, scheme: bytes, authority: bytes, rest: bytes) -> bytes | None:
        target = rest if rest.startswith(b"/") else b"/" + rest
        if authority.lower() in self.upstreams:
            public = self._public(target)
            return public and self.origin + public
        if authority.lower() not in self.public or (scheme.lower() == b"https" and not self._is_secure):
            return None
        # An application that was given its public address writes it with the prefix; one that reads Host does not.
        if self.strip and _below(_path(target), self.strip) is not None:
            return self.origin + target
        return self.origin + (self._public(target) or target)

    def _path_only(self, target: bytes) -> bytes | None:
        public = self._public(target)
        return None if public is None or public.startswith((b"//", b"/\\")) else public

    def _public(self, target: bytes) -> bytes | None:
        """The target that `wire_target` would turn into this one; None when there is none, or none for sure."""
        if not self.strip and not self.add:
            return target
        path = _path(target)
        inner = _below(path, self.add)
        if inner is None or _DOT_SEGMENT.search(path):
            return None
        return (self.strip + inner or b"/") + target[len(path) :]

    def refresh(self, value: bytes) -> bytes:
        """`5; url=…`: the URL as `location` has it, all the rest byte for byte."""
        found = _REFRESH.fullmatch(value)
        if found is None:
            return value
        head, quote, rest = found.groups()
        url, end, after = rest.partition(quote) if quote else (rest, b"", b"")
        return head + quote + self.location(url) + end + after

    def set_cookie(self, value: bytes) -> bytes:
        """Host-only instead of the upstream's Domain, a Path that the browser can match, Secure where the public is.

        A Domain of another server stays: the browser refuses what it may not have. Taking away one of two would hand
        the cookie to the other, so that they go together.
        """
        pair, *attributes = value.split(b";")
        if not pair.strip(_WHITE):
            return value
        read = [(each, *_attribute(each)) for each in attributes]
        if any(name == b"domain" and said.removeprefix(b".").lower() in self.hosts for _, name, said in read):
            read = [each for each in read if each[1] != b"domain"]
        kept = [
            each.replace(said, self._cookie_path(pair, said)) if name == b"path" else each for each, name, said in read
        ]
        if self._is_secure and all(name != b"secure" for _, name, _ in read):
            kept.append(b" Secure")
        return b";".join([pair, *kept])

    def _cookie_path(self, pair: bytes, path: bytes) -> bytes:
        """The path of the same requests, as the browser names them: `/` of an upstream is the whole route."""
        # A `__Host-` cookie has the path `/` or does not exist.
        if not path.startswith(b"/") or pair.lstrip(_WHITE).lower().startswith(b"__host-"):
            return path
        if (self.add + b"/").startswith(path.rstrip(b"/") + b"/"):
            return self.strip or b"/"
        return self._public(path) or path

    @property
    def _is_secure(self) -> bool:
        return self.origin.startswith(b"https:")


def _spellings(authority: str, port: int) -> frozenset[bytes]:
    """With its port, and as it is."""
    whole = authority if authority.endswith(f":{port}") else f"{authority}:{port}"
    return frozenset(each.lower().encode("ascii") for each in (authority, whole))


def _path(target: bytes) -> bytes:
    return target.partition(b"#")[0].partition(b"?")[0]


def _attribute(attribute: bytes) -> tuple[bytes, bytes]:
    name, _, said = attribute.partition(b"=")
    return name.strip(_WHITE).lower(), said.strip(_WHITE)
