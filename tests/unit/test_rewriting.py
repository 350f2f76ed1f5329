"""Between the public's names and the upstream's: targets there, places and cookies back."""

import pytest

from gateway.core.errors import RequestRejected
from gateway.core.rewriting import Rewriting, wire_target
from gateway.core.rules import Route, Upstream
from tests.builders import a_route

ORIGIN = "https://ville.fr"
UPSTREAMS = (Upstream("http", "app", 8080), Upstream("https", "app2", 443), Upstream("http", "::1", 80))


def _route(strip: str = "", add: str = "") -> Route:
    return a_route(upstreams=UPSTREAMS, strip_prefix=strip, add_prefix=add)


def _rewriting(strip: str = "", add: str = "", origin: str = ORIGIN) -> Rewriting:
    return Rewriting.of(_route(strip, add), origin)


@pytest.mark.parametrize(
    ("strip", "add", "wire", "sent"),
    [
        ("", "", b"/cantine/menu?a=1", b"/cantine/menu?a=1"),
        ("/cantine", "", b"/cantine/menu?a=/cantine/", b"/menu?a=/cantine/"),
        ("/cantine", "", b"/cantine/", b"/"),
        ("/cantine", "", b"/cantine", b"/"),
        ("/cantine", "", b"/cantine?", b"/?"),
        ("/cantine", "", b"/cantines/menu", b"/cantines/menu"),
        ("/cantine", "", b"/autre/", b"/autre/"),
        ("/cantine", "", b"/cantine/cantine/", b"/cantine/"),
        ("/cantine", "", b"/cantine/page;jsessionid=1", b"/page;jsessionid=1"),
        ("/cantine", "", b"/cantine/a%2Fb", b"/a%2Fb"),
        ("/a/b", "", b"/a/b/c", b"/c"),
        ("", "/v2", b"/menu", b"/v2/menu"),
        ("/cantine", "/v2", b"/cantine", b"/v2/"),
        ("/cantine", "/v2", b"/cantine/menu", b"/v2/menu"),
    ],
)
def test_a_target_is_sent_without_its_public_prefix_and_with_the_upstreams(
    strip: str, add: str, wire: bytes, sent: bytes
) -> None:
    assert wire_target(wire, _route(strip, add)) == sent


@pytest.mark.parametrize("wire", [b"/cantine;x=1/menu", b"/cantine;x=1", b"/cantine%2Fmenu", b"/cantine%3Bx/menu"])
def test_a_prefix_under_another_spelling_is_refused(wire: bytes) -> None:
    with pytest.raises(RequestRejected, match="path_ambiguous"):
        wire_target(wire, _route("/cantine"))
    assert wire_target(wire, _route("", "/v2")) == b"/v2" + wire


@pytest.mark.parametrize(
    ("strip", "add", "wire"),
    [
        ("/cantine", "", b"/cantine//evil.example/x"),
        ("/app", "", b"/app/../admin"),
        ("", "/v2/..", b"/admin"),
        ("", "/v2//evil.example", b"/admin"),
        ("", "v2", b"/admin"),
    ],
)
def test_what_the_rules_make_is_read_again(strip: str, add: str, wire: bytes) -> None:
    with pytest.raises(RequestRejected, match="path_"):
        wire_target(wire, _route(strip, add))


def test_a_rule_that_does_not_write_its_prefix_canonically_serves_nobody() -> None:
    with pytest.raises(RequestRejected, match="path_ambiguous"):
        wire_target(b"/menu", _route("", "/%76%32"))


@pytest.mark.parametrize(
    ("said", "public"),
    [
        (b"http://app:8080/x?y#z", b"https://ville.fr/x?y#z"),
        (b"HTTP://APP:8080/X", b"https://ville.fr/X"),
        (b"https://app:8080/x", b"https://ville.fr/x"),
        (b"//app:8080/x", b"https://ville.fr/x"),
        (b"http://app:8080", b"https://ville.fr/"),
        (b"http://app:8080?x", b"https://ville.fr/?x"),
        (b"https://app2/x", b"https://ville.fr/x"),
        (b"https://app2:443/x", b"https://ville.fr/x"),
        (b"http://[::1]/x", b"https://ville.fr/x"),
        (b"http://[::1]:80/x", b"https://ville.fr/x"),
        (b"http://ville.fr/x", b"https://ville.fr/x"),
        (b"https://ville.fr:443/x", b"https://ville.fr/x"),
        (b"http://app:8080/a/../b", b"https://ville.fr/a/../b"),
        ("http://app:8080/école".encode(), "https://ville.fr/école".encode()),
    ],
)
def test_a_place_at_the_upstream_is_a_place_of_the_public(said: bytes, public: bytes) -> None:
    assert _rewriting().location(said) == public


@pytest.mark.parametrize(
    "said",
    [
        *[b"", b"/", b"/x?y", b"x", b"../x", b"?x", b"#x", b"https://ville.fr/x", b"https://sso.example/app:8080"],
        *[b"mailto:a@app", b"http://app/x", b"http://app:8081/x", b"http://ville.fr:8080/x", b"http://www.ville.fr/"],
    ],
)
def test_any_other_place_is_left_byte_for_byte(said: bytes) -> None:
    assert _rewriting().location(said) == said


@pytest.mark.parametrize(
    ("strip", "add", "said", "public"),
    [
        ("/cantine", "", b"/app/x", b"/cantine/app/x"),
        ("/cantine", "", b"/", b"/cantine/"),
        ("/cantine", "", b"/?a=1", b"/cantine/?a=1"),
        ("/cantine", "", b"/cantine/x", b"/cantine/cantine/x"),
        ("/cantine", "", b"/x?u=/../", b"/cantine/x?u=/../"),
        ("/cantine", "", b"/../x", b"/../x"),
        ("/cantine", "", b"/a/%2E%2e/x", b"/a/%2E%2e/x"),
        ("/cantine", "", b"x", b"x"),
        ("/cantine", "", b"http://app:8080/x", b"https://ville.fr/cantine/x"),
        ("/cantine", "", b"http://app:8080/cantine/x", b"https://ville.fr/cantine/cantine/x"),
        ("/cantine", "", b"http://app:8080/../x", b"http://app:8080/../x"),
        ("/cantine", "", b"http://ville.fr/x", b"https://ville.fr/cantine/x"),
        ("/cantine", "", b"https://ville.fr/cantine/x", b"https://ville.fr/cantine/x"),
        ("/cantine", "", b"https://ville.fr/cantine?x", b"https://ville.fr/cantine?x"),
        ("/cantine", "", b"https://ville.fr/cantines", b"https://ville.fr/cantine/cantines"),
        ("", "/v2", b"/v2/x", b"/x"),
        ("", "/v2", b"/v2", b"/"),
        ("", "/v2", b"/v2?a", b"/?a"),
        ("", "/v2", b"/v22/x", b"/v22/x"),
        ("", "/v2", b"/login", b"/login"),
        ("", "/v2", b"http://app:8080/v2/x", b"https://ville.fr/x"),
        ("", "/v2", b"http://app:8080/login", b"http://app:8080/login"),
        ("", "/v2", b"http://ville.fr/login", b"https://ville.fr/login"),
        ("/cantine", "/v2", b"/v2/x", b"/cantine/x"),
        ("/cantine", "/v2", b"/v2", b"/cantine"),
    ],
)
def test_the_prefix_rules_are_undone(strip: str, add: str, said: bytes, public: bytes) -> None:
    assert _rewriting(strip, add).location(said) == public


def test_nobody_is_sent_from_https_to_http() -> None:
    plain = _rewriting(origin="http://localhost:8000")
    assert plain.location(b"https://localhost:8000/x") == b"https://localhost:8000/x"
    assert plain.location(b"http://localhost:8000/x") == b"http://localhost:8000/x"
    assert plain.location(b"http://app:8080/x") == b"http://localhost:8000/x"


@pytest.mark.parametrize(
    ("said", "public"),
    [
        (b"5; url=http://app:8080/x", b"5; url=https://ville.fr/cantine/x"),
        (b"0;URL='/x'", b"0;URL='/cantine/x'"),
        (b'0 , Url = "/x" ;y', b'0 , Url = "/cantine/x" ;y'),
        (b'0; url="/x', b'0; url="/cantine/x'),
        (b"0; /x", b"0; /cantine/x"),
        (b"1.5;url=/x", b"1.5;url=/cantine/x"),
        (b"5", b"5"),
        (b"5; url=https://sso.example/", b"5; url=https://sso.example/"),
        (b"5; url=x", b"5; url=x"),
        (b"url=/x", b"url=/x"),
        (b"", b""),
    ],
)
def test_the_url_of_a_refresh_is_a_place_like_another(said: bytes, public: bytes) -> None:
    assert _rewriting("/cantine").refresh(said) == public


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        (b"a=1", b"a=1; Secure"),
        (b"a=1; secure", b"a=1; secure"),
        (b"a=1; Secure ; HttpOnly", b"a=1; Secure ; HttpOnly"),
        (
            b"a=1;SameSite=Lax;  Expires=Thu, 26 Nov 2026 08:31:00 GMT",
            b"a=1;SameSite=Lax;  Expires=Thu, 26 Nov 2026 08:31:00 GMT; Secure",
        ),
        (b'a="x=y"; Domain=app; Path=/', b'a="x=y"; Path=/; Secure'),
        (b"a=1; domain=.APP2", b"a=1; Secure"),
        (b"a=1; Domain=ville.fr", b"a=1; Secure"),
        (b"a=1; Domain=fr; Domain=app; HttpOnly", b"a=1; HttpOnly; Secure"),
        (b"a=1; Domain=app; Domain=fr", b"a=1; Secure"),
        (b"a=1; Domain=example.org", b"a=1; Domain=example.org; Secure"),
        (b"a=1; Domain=evil-app", b"a=1; Domain=evil-app; Secure"),
        (b"a=1; Domain=", b"a=1; Domain=; Secure"),
        (b"a=1; Domain", b"a=1; Domain; Secure"),
        (b"domain=app; Path=/x", b"domain=app; Path=/x; Secure"),
        (b"a", b"a; Secure"),
        (b"a=1;", b"a=1;; Secure"),
        (b"", b""),
        (b" ; Domain=app", b" ; Domain=app"),
    ],
)
def test_a_cookie_of_the_upstream_is_one_of_the_public_host(said: bytes, kept: bytes) -> None:
    assert _rewriting().set_cookie(said) == kept


@pytest.mark.parametrize(
    ("strip", "add", "said", "kept"),
    [
        ("", "", b"/", b"/"),
        ("", "", b" /x ", b" /x "),
        ("/cantine", "", b"/", b"/cantine"),
        ("/cantine", "", b"/x", b"/cantine/x"),
        ("/cantine", "", b" /x/ ", b" /cantine/x/ "),
        ("/cantine", "", b"x", b"x"),
        ("/cantine", "", b"", b""),
        ("/cantine", "", b"/../x", b"/../x"),
        ("", "/v2", b"/", b"/"),
        ("", "/v2", b"/v2", b"/"),
        ("", "/v2", b"/v2/", b"/"),
        ("", "/v2", b"/v2/x", b"/x"),
        ("", "/v2", b"/v", b"/v"),
        ("/cantine", "/v2", b"/", b"/cantine"),
        ("/cantine", "/v2", b"/v2/", b"/cantine"),
        ("/cantine", "/v2", b"/v2/x", b"/cantine/x"),
        ("/cantine", "/v2", b"/autre", b"/autre"),
        ("/cantine", "/a/b", b"/a", b"/cantine"),
    ],
)
def test_a_cookies_path_is_the_one_that_the_browser_asks_for(strip: str, add: str, said: bytes, kept: bytes) -> None:
    rewriting = _rewriting(strip, add, "http://localhost")
    assert rewriting.set_cookie(b"a=/;Path=" + said + b"; HttpOnly") == b"a=/;Path=" + kept + b"; HttpOnly"


@pytest.mark.parametrize("name", [b"__Host-a", b" __host-A"])
def test_a_host_cookie_keeps_the_only_path_that_it_may_have(name: bytes) -> None:
    said = name + b"=1; Secure; Path=/"
    assert _rewriting("/cantine").set_cookie(said) == said


def test_each_field_is_rewritten_by_its_name() -> None:
    rewriting = _rewriting("/cantine")
    said = b"0; url=/x"
    assert [
        rewriting.rewritten(name, said) for name in ("setcookie", "refresh", "location", "contentlocation", "link")
    ] == [*[b"0; url=/x; Secure", b"0; url=/cantine/x", said, said, said]]
    assert rewriting.rewritten("contentlocation", b"/x") == b"/cantine/x"
