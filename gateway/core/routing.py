"""Host, path and method → one route, by whole segments, at a cost that does not grow with the number of routes."""

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from gateway.core.errors import RequestRejected
from gateway.core.model import NormalPath
from gateway.core.paths import reread
from gateway.core.remembered import Remembered
from gateway.core.rules import Route

USUAL_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
"""What a route without `methods` takes."""

NEVER_ROUTED = frozenset({"TRACE", "CONNECT"})
"""405 on every route, even one that lists them."""

_METHOD = re.compile(r"(?=.{1,32}\Z)[A-Z]+(?:-[A-Z]+)*")
_AUTHORITY = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9_.-]+)(?::([1-9][0-9]{0,4}))?")
# Underscores: container networks name their hosts with them.
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class SlashRedirect:
    """The route begins below this path: the browser should ask for the folder itself."""

    to: NormalPath


@dataclass(slots=True)
class _Node:
    """One segment of the paths of a host; routes by method."""

    whole: dict[str, Route] = field(default_factory=dict)
    """`path: /x`: the node itself and what is below."""
    below: dict[str, Route] = field(default_factory=dict)
    """`path: /x/`: only what is below."""
    children: dict[str, "_Node"] = field(default_factory=dict)


class RouteTable:
    """The routes of one configuration. Two that take the same request are a `ValueError`."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self._roots: dict[str, _Node] = {}
        for route in routes:
            _add(self._roots.setdefault(route.host, _Node()), route)
        self.hosts: frozenset[str] = frozenset(self._roots)

    def find(self, host: str, path: NormalPath, method: str) -> Route | SlashRedirect:
        """The route of the longest prefix.

        `RequestRejected` with 501 (no such method), 421 (host), 404 (path), 405 (method; never a shorter route), or
        400 when decoding the path's escapes would lead to another route.
        """
        if method not in USUAL_METHODS and not _METHOD.fullmatch(method):
            raise RequestRejected("method_unknown", 501)
        root = self._roots.get(host)
        if root is None:
            raise RequestRejected("host_unknown", 421)
        found = _match(root, path, method)
        # Without an escape there is nothing to decode.
        decoded = reread(path) if "%" in path else path
        if decoded != path and _match(root, decoded, method) is not found:
            raise RequestRejected("path_ambiguous")
        return found


def _add(root: _Node, route: Route) -> None:
    node = root
    for segment in filter(None, route.path.split("/")):
        node = node.children.setdefault(segment, _Node())
    routes = node.below if route.path.endswith("/") else node.whole
    for method in (route.methods or USUAL_METHODS) - NEVER_ROUTED:
        if method in routes:
            raise ValueError(f"two routes take {method} {route.host}{route.path}")
        routes[method] = route


def _match(root: _Node, path: NormalPath, method: str) -> Route | SlashRedirect:
    *folders, name = path[1:].split("/")
    node, routes = root, root.below
    for folder in folders:
        child = node.children.get(folder)
        if child is None:
            return _by_method(routes, method)
        node, routes = child, child.below or child.whole or routes
    leaf = node.children.get(name)
    if leaf is None or not (leaf.whole or leaf.below):
        return _by_method(routes, method)
    if leaf.whole:
        return _by_method(leaf.whole, method)
    if method in {"GET", "HEAD"}:
        return SlashRedirect(NormalPath(f"{path}/"))
    raise RequestRejected("no_route", 404)


def _by_method(routes: dict[str, Route], method: str) -> Route:
    if not routes:
        raise RequestRejected("no_route", 404)
    route = routes.get(method) or (routes.get("GET") if method == "HEAD" else None)
    if route is None:
        allowed = set(routes) | ({"HEAD"} if "GET" in routes else set())
        raise RequestRejected("method_not_allowed", 405, allow=sorted(allowed))
    return route


def normal_host(raw: bytes) -> tuple[str, int | None]:
    """Read a Host value (RFC 9110 §7.2): lower case, without one final dot; `RequestRejected("host_malformed")`."""
    return _HOSTS[raw]


def _read_host(raw: bytes) -> tuple[str, int | None]:
    found = _AUTHORITY.fullmatch(raw.decode("latin-1").lower())
    if found is None:
        raise RequestRejected("host_malformed")
    host, port = found[1].removesuffix("."), int(found[2]) if found[2] else None
    if port is not None and port > 65_535:
        raise RequestRejected("host_malformed")
    return (_address(host) if _is_address(host) else _name(host)), port


_HOSTS = Remembered(_read_host)


def normal_authority(raw: bytes, scheme: str) -> str:
    """A Host value as routes write it: with its port when that is not the scheme's own."""
    host, port = normal_host(raw)
    return host if port in {None, _DEFAULT_PORTS[scheme]} else f"{host}:{port}"


def _is_address(host: str) -> bool:
    # A name that ends in a number is an IPv4 address or nothing (WHATWG URL): 127.1 and 0x7f000001 are nothing.
    return host.startswith("[") or _NUMBER.fullmatch(host.rpartition(".")[2]) is not None


def _address(host: str) -> str:
    try:
        if host.startswith("["):
            return f"[{ipaddress.IPv6Address(host[1:-1])}]"
        return str(ipaddress.IPv4Address(host))
    except ValueError:
        raise RequestRejected("host_malformed") from None


def _name(host: str) -> str:
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in host.split(".")):
        raise RequestRejected("host_malformed")
    return host
