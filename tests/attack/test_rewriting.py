"""Known ways to make a proxy's rewriting send a browser, or a cookie, to somebody else."""

import pytest

from gateway.core.errors import DependencyFailed, RequestRejected
from gateway.core.headers import response_headers
from gateway.core.paths import read_target
from gateway.core.rewriting import Rewriting, wire_target
from gateway.core.rules import PathException, Route, Upstream
from tests.builders import a_route

OWN = frozenset({b"__Host-session"})


def _route(strip: str, add: str) -> Route:
    upstreams = (Upstream("http", "app", 80),)
    return a_route(upstreams=upstreams, strip_prefix=strip, add_prefix=add, allow_in_path=frozenset(PathException))


RULES = [_route(strip, add) for strip in ("", "/cantine") for add in ("", "/v2")]


def _location(route: Route, value: bytes) -> bytes:
    answer = response_headers(
        [(b"Location", value)], OWN, private=False, rewriting=Rewriting.of(route, "https://ville.fr")
    )
    return answer[0][1]


@pytest.mark.parametrize("route", RULES)
@pytest.mark.parametrize(
    "value",
    [
        *[b"//evil.example/", b"///evil.example/", b"/\\evil.example/", b"\\\\evil.example/", b"/\t/evil.example/"],
        *[b"http:evil.example", b"http:/evil.example", b"https:///evil.example/", b"http:\\\\evil.example"],
        *[
            b"http://app.evil.example/",
            b"http://app@evil.example/",
            b"http://app:80@evil.example/",
            b"http://evil.example#app",
        ],
        *[
            b"http://evil.example\\@app/",
            b"http://app\\@evil.example/",
            b"http://app:8080/",
            b"http://appx/",
            b"http://xapp/",
        ],
        *[b"http://app%2eevil.example/", b"http://app;evil.example/", b"http://ap\tp/", b"http://app /", b"ftp://app/"],
        *[b"http://user:secret@app/", b"http://ville.fr.evil.example/", b"http://ville.fr@evil.example/"],
        *[b"javascript:alert(1)", b"data:text/html,x", b"app/x", b"app:80/x"],
    ],
)
def test_a_place_that_only_resembles_the_upstream_is_left_to_be_what_it_is(route: Route, value: bytes) -> None:
    assert _location(route, value) == value


@pytest.mark.parametrize("route", RULES)
def test_the_upstream_itself_is_rewritten(route: Route) -> None:
    assert _location(route, b"http://app%b/x" % route.add_prefix.encode()).startswith(b"https://ville.fr/")


@pytest.mark.parametrize("value", [b"/v2//evil.example/", b"/v2/\\evil.example/", b"/v2/\t/evil.example"])
def test_taking_a_prefix_away_uncovers_no_other_host(value: bytes) -> None:
    assert _location(_route("", "/v2"), value) == value
    assert _location(_route("", "/v2"), b"/v2/evil.example/") == b"/evil.example/"


@pytest.mark.parametrize("value", [b"/x\r\nSet-Cookie: a=1", b"/x\nA: b", b"/x\rA: b", b"/\x00x"])
def test_a_place_cannot_end_its_header(value: bytes) -> None:
    with pytest.raises(DependencyFailed, match="upstream_header_malformed"):
        _location(_route("/cantine", ""), value)


@pytest.mark.parametrize(
    "raw",
    [
        *[
            b"/cantine//evil.example/x",
            b"/cantine%2f..%2fadmin",
            b"/cantine/..%2fadmin",
            b"/cantine/%2e%2e/admin",
        ],
        *[
            b"/cantine/..;/admin",
            b"/cantine;/../admin",
            b"/cantine;x/admin",
            b"/cantine%2fadmin",
            b"/cantine/;/admin",
            b"/cantine/%5c../admin",
        ],
        *[b"/cantine%3b/admin"],
    ],
)
@pytest.mark.parametrize("add", ["", "/v2"])
def test_no_target_escapes_by_the_prefix_that_is_taken_away(raw: bytes, add: str) -> None:
    with pytest.raises(RequestRejected, match="path_") as caught:
        wire_target(read_target(raw).wire, _route("/cantine", add))
    assert caught.value.status == 400


def test_a_folder_that_only_begins_as_the_prefix_keeps_its_name() -> None:
    assert wire_target(read_target(b"/cantine../admin").wire, _route("/cantine", "")) == b"/cantine../admin"


def test_the_same_target_without_the_trick_passes() -> None:
    assert wire_target(read_target(b"/cantine/admin").wire, _route("/cantine", "/v2")) == b"/v2/admin"


@pytest.mark.parametrize(
    "cookie", [b"__Host-session=evil; Domain=app", b" __Host-session=evil;Path=/", b"=__Host-session=evil; Secure"]
)
def test_rewriting_gives_no_second_chance_to_a_cookie_of_ours(cookie: bytes) -> None:
    rewriting = Rewriting.of(_route("/cantine", ""), "https://ville.fr")
    fields = [(b"Set-Cookie", cookie), (b"Set-Cookie", b"a=1; Domain=app")]
    assert response_headers(fields, OWN, private=False, rewriting=rewriting) == [(b"Set-Cookie", b"a=1; Secure")]


@pytest.mark.parametrize(
    ("cookie", "kept"),
    [
        (b"a=1; Domain=fr; Domain=app", b"a=1; Secure"),
        (b"a=1; Domain=app; Domain=fr", b"a=1; Secure"),
        (b"a=1; Domain=app.evil.example", b"a=1; Domain=app.evil.example; Secure"),
        (b"a=1; Domain=app,fr", b"a=1; Domain=app,fr; Secure"),
    ],
)
def test_taking_a_domain_away_never_hands_the_cookie_to_a_wider_one(cookie: bytes, kept: bytes) -> None:
    assert Rewriting.of(_route("", ""), "https://ville.fr").set_cookie(cookie) == kept
