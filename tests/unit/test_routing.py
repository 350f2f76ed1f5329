"""Host, path and method → one route."""

import pytest

from gateway.core.errors import RequestRejected
from gateway.core.model import NormalPath
from gateway.core.paths import normalise
from gateway.core.routing import RouteTable, SlashRedirect, normal_authority, normal_host
from gateway.core.rules import Route
from tests.builders import a_route

HOST = "ville.example"


def _route(path: str, *methods: str, host: str = HOST) -> Route:
    return a_route(name=f"{host}{path}{','.join(methods)}", host=host, path=normalise(path), methods=frozenset(methods))


ROOT, CANTINE, MENU = _route("/"), _route("/cantine/"), _route("/cantine/menu")
TABLE = RouteTable([ROOT, CANTINE, MENU, _route("/seul", host="autre.example")])


def _find(path: str, method: str = "GET", host: str = HOST, table: RouteTable = TABLE) -> Route | SlashRedirect:
    return table.find(host, NormalPath(path), method)


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/", ROOT),
        ("/ailleurs", ROOT),
        ("/cantines", ROOT),
        ("/cantine/", CANTINE),
        ("/cantine/semaine", CANTINE),
        ("/cantine/menu", MENU),
        ("/cantine/menu/", MENU),
        ("/cantine/menu/lundi", MENU),
        ("/cantine/menus", CANTINE),
    ],
)
def test_the_longest_path_by_whole_segments_wins(path: str, route: Route) -> None:
    assert _find(path) is route
    assert _find(path, table=RouteTable([MENU, CANTINE, ROOT])) is route


def test_a_folder_without_its_slash_is_redirected_for_a_reader_only() -> None:
    assert _find("/cantine") == SlashRedirect(NormalPath("/cantine/"))
    assert _find("/cantine", "HEAD") == SlashRedirect(NormalPath("/cantine/"))
    with pytest.raises(RequestRejected) as caught:
        _find("/cantine", "POST")
    assert (caught.value.code, caught.value.status) == ("no_route", 404)


def test_a_host_nobody_named_and_a_path_nobody_named() -> None:
    with pytest.raises(RequestRejected) as caught:
        _find("/", host="elsewhere.example")
    assert caught.value.status == 421
    with pytest.raises(RequestRejected) as caught:
        _find("/autre", host="autre.example")
    assert caught.value.status == 404
    with pytest.raises(RequestRejected):
        _find("/autre/chose", host="autre.example")
    assert isinstance(_find("/seul", host="autre.example"), Route)
    assert TABLE.hosts == {HOST, "autre.example"}


def test_a_method_that_the_route_excludes_never_falls_back_to_a_shorter_route() -> None:
    table = RouteTable([ROOT, _route("/lecture", "GET")])
    assert isinstance(_find("/lecture", "HEAD", table=table), Route)
    with pytest.raises(RequestRejected) as caught:
        _find("/lecture", "POST", table=table)
    assert (caught.value.status, caught.value.allow) == (405, ("GET", "HEAD"))


def test_one_path_may_have_two_routes_by_method() -> None:
    read, write = _route("/a", "GET"), _route("/a", "POST")
    table = RouteTable([read, write])
    assert (_find("/a", table=table), _find("/a", "POST", table=table)) == (read, write)
    with pytest.raises(RequestRejected) as caught:
        _find("/a", "PUT", table=table)
    assert caught.value.allow == ("GET", "HEAD", "POST")


def test_two_routes_for_one_request_are_an_error() -> None:
    with pytest.raises(ValueError, match="two routes"):
        RouteTable([ROOT, _route("/", "POST")])


@pytest.mark.parametrize("method", ["get", "GET ", "", "G=T", "A" * 33, "GET-"])
def test_a_method_is_an_upper_case_token(method: str) -> None:
    with pytest.raises(RequestRejected) as caught:
        _find("/", method)
    assert caught.value.status == 501


@pytest.mark.parametrize("method", ["TRACE", "CONNECT"])
def test_trace_and_connect_are_never_routed(method: str) -> None:
    table = RouteTable([_route("/", method, "GET")])
    with pytest.raises(RequestRejected) as caught:
        _find("/", method, table=table)
    assert caught.value.status == 405


def test_an_encoded_slash_that_would_lead_elsewhere_once_decoded_is_refused() -> None:
    with pytest.raises(RequestRejected, match="path_ambiguous"):
        _find("/cantine%2Fmenu")
    assert _find("/cantine/a%2Fb") is CANTINE


@pytest.mark.interpreted
def test_the_cost_of_a_lookup_does_not_grow_with_the_number_of_routes() -> None:
    steps: list[str] = []

    class Counting(dict[str, object]):
        def get(self, key: str, default: object = None) -> object:
            steps.append(key)
            return super().get(key, default)

    def counted(number: int) -> int:
        table = RouteTable([_route(f"/service-{n}/") for n in range(number)])
        root = table._roots[HOST]
        root.children = Counting(root.children)  # type: ignore[assignment]
        steps.clear()
        assert isinstance(table.find(HOST, NormalPath(f"/service-{number - 1}/page"), "GET"), Route)
        return len(steps)

    assert counted(10) == counted(10_000) == 1


@pytest.mark.parametrize(
    ("raw", "host", "port"),
    [
        (b"ville.fr", "ville.fr", None),
        (b"VILLE.fr.", "ville.fr", None),
        (b"ville.fr:8000", "ville.fr", 8000),
        (b"127.0.0.1:80", "127.0.0.1", 80),
        (b"[::1]:80", "[::1]", 80),
        (b"[2001:DB8::1]", "[2001:db8::1]", None),
        (b"app_1", "app_1", None),
    ],
)
def test_a_host_is_read_strictly(raw: bytes, host: str, port: int | None) -> None:
    assert normal_host(raw) == (host, port)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b" ville.fr",
        b"a@ville.fr",
        b"ville.fr/a",
        b"ville.fr?x=",
        b"ville.fr, autre.fr",
        b"ville.fr:0",
        b"ville.fr:99999",
        b"ville.fr:",
        b"ville..fr",
        b"-a.fr",
        b"v\xc3\xa9.fr",
        b"127.1",
        b"0x7f000001",
        b"[::g]",
        b"[::1",
        b"[::1].",
        b"ville.fr..",
        b"a" * 64 + b".fr",
        b"a." * 130 + b"fr",
    ],
)
def test_a_malformed_host_is_refused(raw: bytes) -> None:
    with pytest.raises(RequestRejected, match="host_malformed"):
        normal_host(raw)


def test_an_authority_keeps_the_port_that_is_not_its_schemes_own() -> None:
    assert normal_authority(b"Ville.fr:443", "https") == "ville.fr"
    assert normal_authority(b"Ville.fr:8443", "https") == "ville.fr:8443"
