"""One reading of a request target, or a refusal with its own code."""

import pytest

from gateway.core.errors import RequestRejected
from gateway.core.paths import admit, normalise, read_target
from gateway.core.rules import PathException
from tests.builders import a_route

SEMICOLON, SLASH = PathException.SEMICOLON, PathException.ENCODED_SLASH


@pytest.mark.parametrize(
    ("raw", "path", "wire"),
    [
        (b"/", "/", b"/"),
        (b"/cantine/menu", "/cantine/menu", b"/cantine/menu"),
        (b"/%61dmin/", "/admin/", b"/admin/"),
        (b"/a%2db%7e", "/a-b~", b"/a-b~"),
        (b"/%c3%a9cole", "/%C3%A9cole", b"/%C3%A9cole"),
        (b"/100%25", "/100%25", b"/100%25"),
        (b"/a%20b", "/a%20b", b"/a%20b"),
        (b"/a%3fb%23", "/a%3Fb%23", b"/a%3Fb%23"),
        (b"/a;jsessionid=1/b", "/a/b", b"/a;jsessionid=1/b"),
        (b"/a%2fb", "/a%2Fb", b"/a%2Fb"),
        (b"/...", "/...", b"/..."),
    ],
)
def test_a_target_is_read_once(raw: bytes, path: str, wire: bytes) -> None:
    target = read_target(raw)
    assert (target.path, target.wire) == (path, wire)


@pytest.mark.parametrize(
    ("raw", "query"),
    [(b"/a", None), (b"/a?", b""), (b"/a?x=1&y[]=%E9|{}^`\\", b"x=1&y[]=%E9|{}^`\\"), (b"/a?b?c=%", b"b?c=%")],
)
def test_a_query_is_kept_byte_for_byte(raw: bytes, query: bytes | None) -> None:
    target = read_target(raw)
    assert target.query == query
    assert target.wire == raw


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "path_no_slash"),
        (b"admin", "path_no_slash"),
        (b"*", "path_no_slash"),
        (b"@evil.example/", "path_no_slash"),
        (b"http://evil.example/", "path_no_slash"),
        (b"/a#b", "path_fragment"),
        (b"/a?b#c", "path_fragment"),
        (b"/a\\b", "path_backslash"),
        (b"/a%5cb", "path_backslash"),
        (b"/a%5Cb", "path_backslash"),
        (b"/./a", "path_dot_segment"),
        (b"/a/..", "path_dot_segment"),
        (b"/pub/%2e%2e/admin/", "path_dot_segment"),
        (b"/pub/%2E./admin/", "path_dot_segment"),
        (b"/pub/.%2e/admin/", "path_dot_segment"),
        (b"/pub/..;/admin/", "path_dot_segment"),
        (b"/pub/..;a=b/admin", "path_dot_segment"),
        (b"/pub/.;/admin", "path_dot_segment"),
        (b"/pub/..%2fadmin", "path_dot_segment"),
        (b"/pub/..%20/admin", "path_dot_segment"),
        (b"//admin/", "path_double_slash"),
        (b"/a//b", "path_double_slash"),
        (b"/;/admin", "path_double_slash"),
        (b"/a%00", "path_control"),
        (b"/a%0d%0ab", "path_control"),
        (b"/a%7f", "path_control"),
        (b"/a%09", "path_control"),
        (b"/a%c2%85", "path_control"),
        (b"/a\tb", "path_control"),
        (b"/%252e%252e/", "path_double_encoding"),
        (b"/a%25%32%65", "path_double_encoding"),
        (b"/%25u002e", "path_double_encoding"),
        (b"/a;b=%2f/c", "path_encoded_slash"),
        (b"/%zz", "path_bad_escape"),
        (b"/%u002e", "path_bad_escape"),
        (b"/%", "path_bad_escape"),
        (b"/%2", "path_bad_escape"),
        (b"/a b", "path_bad_character"),
        (b"/a|b", "path_bad_character"),
        (b"/\xc3\xa9", "path_bad_character"),
        (b"/%e9", "path_not_utf8"),
        (b"/%c0%ae%c0%ae/", "path_not_utf8"),
        ("/．．/".encode(), "path_bad_character"),
        (b"/%EF%BC%8E%EF%BC%8E/", "path_lookalike"),
        (b"/a%EF%BC%8Fb", "path_lookalike"),
        (b"/a%E2%88%95b", "path_lookalike"),
        (b"/a%EF%BC%9Bb", "path_lookalike"),
        (b"/a?b c", "query_bad_character"),
        (b"/a?\xe9", "query_bad_character"),
        (b'/a?"', "query_bad_character"),
        (b"/a?b\r\nc", "query_control"),
    ],
)
def test_what_has_two_readings_is_refused(raw: bytes, code: str) -> None:
    with pytest.raises(RequestRejected) as caught:
        read_target(raw)
    assert (caught.value.code, caught.value.status) == (code, 400)


@pytest.mark.parametrize(
    ("raw", "allowed", "code"),
    [
        (b"/a;b", frozenset({SEMICOLON}), "path_semicolon"),
        (b"/a%3bb", frozenset({SEMICOLON}), "path_semicolon"),
        (b"/a%2fb", frozenset({SLASH}), "path_encoded_slash"),
        (b"/a;b/c%2Fd", frozenset({SEMICOLON, SLASH}), "path_semicolon"),
    ],
)
def test_an_irregular_spelling_needs_a_route_that_allows_it(
    raw: bytes, allowed: frozenset[PathException], code: str
) -> None:
    target = read_target(raw)
    assert target.irregular == allowed
    admit(target, a_route(allow_in_path=allowed))
    with pytest.raises(RequestRejected, match=code):
        admit(target, a_route())


def test_a_regular_target_is_admitted_everywhere() -> None:
    admit(read_target(b"/a"), a_route())


def test_a_path_in_the_configuration_may_be_written_as_text() -> None:
    assert normalise("/école/") == "/%C3%A9cole/"
    assert normalise("/a-b/") == "/a-b/"


@pytest.mark.parametrize("path", ["école", "/a?b", "/a;b", "/a%2Fb", "/a//b", "/../a", "/a b", "/\udce9"])
def test_a_path_in_the_configuration_is_as_strict(path: str) -> None:
    with pytest.raises(RequestRejected):
        normalise(path)


@pytest.mark.parametrize(
    ("raw", "own"),
    [
        (b"/_gateway", True),
        (b"/_gateway/", True),
        (b"/_gateway/login?a=1", True),
        (b"/_gatewayx", False),
        (b"/a/_gateway/login", False),
        (b"/", False),
    ],
)
def test_the_gateway_s_own_pages_are_below_one_segment(raw: bytes, own: bool) -> None:
    assert read_target(raw).is_own is own
