"""Known ways to show one path to a policy and another to an application."""

import pytest

from gateway.core.errors import RequestRejected
from gateway.core.model import NormalPath
from gateway.core.paths import admit, normalise, read_target
from gateway.core.routing import RouteTable, SlashRedirect
from gateway.core.rules import PathException, Route
from tests.builders import a_route

HOST = "ville.example"
EVERY_EXCEPTION = frozenset(PathException)


def _route(path: str, exceptions: frozenset[PathException] = frozenset()) -> Route:
    return a_route(name=path, host=HOST, path=normalise(path), allow_in_path=exceptions)


PUBLIC, ADMIN = _route("/"), _route("/admin/")
STRICT = RouteTable([PUBLIC, ADMIN])
LAX_PUBLIC, LAX_ADMIN = _route("/", EVERY_EXCEPTION), _route("/admin/", EVERY_EXCEPTION)
LAX = RouteTable([LAX_PUBLIC, LAX_ADMIN])


def _reaches(raw: bytes, table: RouteTable, method: str = "GET") -> Route | SlashRedirect:
    target = read_target(raw)
    found = table.find(HOST, target.path, method)
    if isinstance(found, Route):
        admit(target, found)
    return found


CONFUSIONS = [
    b"/pub/../admin/",
    b"/pub/%2e%2e/admin/",
    b"/pub/%2E./admin/",
    b"/pub/.%2e/admin/",
    b"/pub/..%2fadmin",
    b"/pub/..%2Fadmin",
    b"/pub/..%5cadmin",
    b"/pub/..%5Cadmin",
    b"/pub/..\\admin",
    b"/pub%2f..%2fadmin/",
    b"/pub/%252e%252e/admin/",
    b"/pub/%25%32%65%25%32%65/admin/",
    b"/pub/..;/admin/",
    b"/pub/..;foo=bar/admin",
    b"/pub/..%3b/admin/",
    b"/pub/%2e%2e;/admin/",
    b"/;/admin",
    b"/;x=1/admin/",
    b"//admin/",
    b"///",
    b"/./admin",
    b"/admin/.",
    b"/pub/%00/../admin",
    b"/admin%00.png",
    b"/admin%0d%0a",
    b"/admin%7f",
    b"/%c0%ae%c0%ae/admin/",
    b"/pub/%EF%BC%8E%EF%BC%8E/admin/",
    b"/pub%EF%BC%8Fadmin",
    b"/pub%E2%88%95admin",
    b"/pub%EF%BC%BCadmin",
    b"/pub/%E2%80%A5/admin/",
    b"/pub/%u002e%u002e/admin/",
    b"/%zz",
    b"/%2",
    b"/%",
    b"/admin#/pub",
    b"admin",
    b"@evil.example/",
    b":80/",
    b"http://evil.example/admin",
]


@pytest.mark.parametrize("raw", CONFUSIONS)
def test_a_path_with_two_readings_reaches_no_route(raw: bytes) -> None:
    for table in (STRICT, LAX):
        with pytest.raises(RequestRejected) as caught:
            _reaches(raw, table)
        assert caught.value.status == 400


@pytest.mark.parametrize(
    ("raw", "wire"),
    [
        (b"/admin/", b"/admin/"),
        (b"/%61dmin/", b"/admin/"),
        (b"/%61%64%6d%69%6e/x", b"/admin/x"),
        (b"/admin/%20", b"/admin/%20"),
        (b"/admin/%3f/pub/", b"/admin/%3F/pub/"),
        (b"/admin/?x=/pub/a", b"/admin/?x=/pub/a"),
        (b"/admin/?x=../../pub", b"/admin/?x=../../pub"),
        (b"/admin/100%25", b"/admin/100%25"),
    ],
)
def test_another_spelling_of_a_protected_path_stays_protected(raw: bytes, wire: bytes) -> None:
    assert _reaches(raw, STRICT) is ADMIN
    assert read_target(raw).wire == wire


@pytest.mark.parametrize("raw", [b"/admin;x=1/", b"/admin;jsessionid=1/page", b"/admin/page;a=b"])
def test_path_parameters_do_not_hide_the_protected_segment(raw: bytes) -> None:
    assert _reaches(raw, LAX) is LAX_ADMIN
    with pytest.raises(RequestRejected, match="path_semicolon"):
        _reaches(raw, STRICT)


@pytest.mark.parametrize("raw", [b"/admin%2f", b"/admin%2Fpage", b"/x%2f%2e%2e%2fadmin", b"/admin%3bx/page"])
def test_an_upstream_that_decodes_first_is_not_led_behind_the_policy(raw: bytes) -> None:
    with pytest.raises(RequestRejected):
        _reaches(raw, LAX)


def test_an_encoded_slash_that_changes_nothing_to_the_route_passes_where_it_is_allowed() -> None:
    assert _reaches(b"/admin/a%2Fb", LAX) is LAX_ADMIN
    assert _reaches(b"/docs/a%2Fb", LAX) is LAX_PUBLIC
    with pytest.raises(RequestRejected, match="path_encoded_slash"):
        _reaches(b"/admin/a%2Fb", STRICT)


@pytest.mark.parametrize("method", ["get", "GET\t", "G\x00T", "ΓET", "A" * 200])
def test_a_method_in_disguise_is_unknown(method: str) -> None:
    with pytest.raises(RequestRejected) as caught:
        STRICT.find(HOST, NormalPath("/admin/"), method)
    assert caught.value.status == 501


def test_head_is_held_to_the_route_of_get() -> None:
    assert _reaches(b"/admin/page", STRICT, "HEAD") is _reaches(b"/admin/page", STRICT, "GET")
