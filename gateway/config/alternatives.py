"""The alternative paths that routes must leave open (docs/decisions/0005), and those that could never be one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from gateway.config.yaml_source import Path_, Source
from gateway.core.errors import RequestRejected
from gateway.core.model import HouseholdStatus, NormalPath
from gateway.core.paths import OWN_PREFIX, normalise
from gateway.core.routing import RouteTable, SlashRedirect, normal_authority
from gateway.core.rules import Injection, Policy, Route, WayOut

_URL: Path_ = ("alternative", "url")
_SPECIAL: Path_ = ("alternative", "special", "url")
_MAY_BE = "a path below a route, which is then public; a path of a route without `login`; or an https:// address"


def open_alternatives(routes: Sequence[Route], sources: Mapping[str, Source], notes: list[str]) -> tuple[Route, ...]:
    """FranceConnect may never be the only door: an alternative below a protected path gets a public route.

    `sources` are the policies' files, in which it is said what cannot be an alternative.
    """
    try:
        opening = _Opening(RouteTable(routes), sources, notes)
    except ValueError:
        return tuple(routes)  # two routes take the same requests, as was said
    for route in routes:
        way_out = route.policy.alternative
        if route.policy.login is None or way_out is None:
            continue
        if not route.policy.login.optional:
            opening.alternative(route, way_out)
        if way_out.special is not None:
            opening.special(route, way_out.special)
    return (*routes, *opening.added.values())


@dataclass(slots=True)
class _Opening:
    table: RouteTable
    sources: Mapping[str, Source]
    notes: list[str]
    added: dict[tuple[str, str], Route] = field(default_factory=dict)

    def alternative(self, route: Route, way_out: WayOut) -> None:
        found = self._closed(route, way_out, _URL)
        if found is None:
            return
        serving, path = found
        if _is_protected(serving):
            self.added.setdefault((serving.host, path), _public(serving, path))
            self._note(serving, path, "it is the alternative", route)

    def special(self, route: Route, way_out: WayOut) -> None:
        """Nobody signs in there and CAF is not asked: the application is told so, under the policy's own names."""
        found = self._closed(route, way_out, _SPECIAL)
        if found is None:
            return
        serving, path = found
        told = tuple(
            Injection(each.header, "const", str(HouseholdStatus.NOT_ASKED))
            for each in route.policy.inject
            if each.fact.endswith(".status")
        )
        opened = _public(serving, path)
        self.added[serving.host, path] = replace(opened, policy=replace(opened.policy, inject=told))
        self._note(serving, path, "it is for special situations", route)

    def _closed(self, route: Route, way_out: WayOut, place: Path_) -> tuple[Route, NormalPath] | None:
        """The route that serves a path of ours, and the path; None where a route was written for that very path.

        Where there is nothing to open, why is said.
        """
        where = self._local(route, way_out, place)
        if where is None:
            return None
        host, path = where
        try:
            serving = self.table.find(host, path, "GET")
            if isinstance(serving, SlashRedirect):
                serving = self.table.find(host, path := serving.to, "GET")
        except RequestRejected as error:
            self._unserved(route, place, f"{host}{path}", error)
            return None
        assert isinstance(serving, Route)  # noqa: S101 - one redirect leads to a route
        if serving.path.rstrip("/") != path.rstrip("/"):
            return serving, path
        if _is_protected(serving):
            name = serving.policy.name
            self._say(route, place, f"is {serving.host}{serving.path} itself, which policy `{name}` protects", _MAY_BE)
        return None

    def _local(self, route: Route, way_out: WayOut, place: Path_) -> tuple[str, NormalPath] | None:
        """Host and path of an address of ours; None of another site, or of none."""
        url, host = way_out.url or "", route.host
        if not url.startswith("/"):
            parts = urlsplit(url)
            host, url = _host(parts.netloc), f"{parts.path or '/'}"
        if host not in self.table.hosts:
            return None
        try:
            path = normalise(url.partition("#")[0].partition("?")[0])
        except RequestRejected as error:
            self._say(route, place, f"cannot be asked for safely ({error.code})", "write it plainly: /justificatif")
            return None
        if path == OWN_PREFIX or path.startswith(f"{OWN_PREFIX}/"):
            self._say(route, place, "is one of the gateway's own pages", _MAY_BE)
            return None
        return host, path

    def _unserved(self, route: Route, place: Path_, address: str, error: RequestRejected) -> None:
        if error.code != "no_route":
            self._say(route, place, f"cannot be opened ({error.code})", "a person opens it with GET")
            return
        whose = f"an alternative of policy `{route.policy.name}`"
        self.notes.append(f"no route serves {address}, {whose}: something else must answer there")

    def _say(self, route: Route, place: Path_, message: str, hint: str) -> None:
        self.sources[route.policy.name].say(place, f"`url` {message}", hint)

    def _note(self, serving: Route, path: str, why: str, route: Route) -> None:
        other = serving.policy.name
        below = f", and policy `{other}` protects what is around it" if other != route.policy.name else ""
        self.notes.append(f"{serving.host}{path} is public: {why} of policy `{route.policy.name}`{below}")


def _is_protected(route: Route) -> bool:
    return route.policy.login is not None and not route.policy.login.optional


def _host(netloc: str) -> str:
    try:
        return normal_authority(netloc.encode("utf-8"), "https")
    except RequestRejected:
        return ""


def _public(serving: Route, path: NormalPath) -> Route:
    policy = Policy(
        name=f"{serving.policy.name}.alternative", version=serving.policy.version, purpose=serving.policy.purpose
    )
    return replace(serving, name=f"{serving.name} (alternative)", path=path, policy=policy, methods=frozenset())
