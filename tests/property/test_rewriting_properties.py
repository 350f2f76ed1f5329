"""There and back: what the prefix rules change on the way to the upstream, they change back on the way home."""

import re
from urllib.parse import urlsplit

from hypothesis import assume, given
from hypothesis import strategies as st

from gateway.core.errors import RequestRejected
from gateway.core.paths import read_target
from gateway.core.rewriting import Rewriting, wire_target
from gateway.core.rules import Route, Upstream
from tests.builders import a_route

ORIGIN = "https://ville.fr"
_PREFIXES = ["/cantine", "/v2", "/a/b", "/cantine/v2"]
RULES = st.tuples(st.sampled_from(["", *_PREFIXES]), st.sampled_from(["", *_PREFIXES]))
_SEGMENTS = ["cantine", "v2", "a", "b", "x;y=1", "%2F", "caf%C3%A9", "...", ""]
_TAILS = st.sampled_from(["", "?", "?a=/v2/&b=//evil.example", "?x=/../y"])


def _route(rules: tuple[str, str]) -> Route:
    strip, add = rules
    return a_route(upstreams=(Upstream("http", "app", 8080),), strip_prefix=strip, add_prefix=add)


@st.composite
def _below(draw: st.DrawFn) -> tuple[tuple[str, str], bytes]:
    """Prefix rules, and a public target under the prefix that they take away."""
    rules = draw(RULES)
    path = rules[0] + "/" + "/".join(draw(st.lists(st.sampled_from(_SEGMENTS), max_size=4))) + draw(_TAILS)
    try:
        return rules, read_target(path.encode("ascii")).wire
    except RequestRejected:
        assume(False)
        raise


@given(_below())
def test_there_and_back_is_where_one_was(case: tuple[tuple[str, str], bytes]) -> None:
    rules, wire = case
    rewriting, sent = Rewriting.of(_route(rules), ORIGIN), wire_target(wire, _route(rules))
    assert rewriting.location(sent) == wire
    assert rewriting.location(b"http://app:8080" + sent) == ORIGIN.encode() + wire
    assert rewriting.refresh(b"0; url='" + sent + b"'") == b"0; url='" + wire + b"'"


@given(RULES, st.lists(st.sampled_from([*_SEGMENTS, "..", "evil.example"]), max_size=5), _TAILS)
def test_back_and_there_is_where_one_was(rules: tuple[str, str], segments: list[str], tail: str) -> None:
    try:
        said = read_target(("/" + "/".join(segments) + tail).encode("ascii")).wire
    except RequestRejected:
        return
    public = Rewriting.of(_route(rules), ORIGIN).location(said)
    if public != said:
        assert wire_target(public, _route(rules)) in {
            said,
            said.replace(rules[1].encode(), rules[1].encode() + b"/", 1),
        }


@given(_below())
def test_what_is_sent_has_one_reading(case: tuple[tuple[str, str], bytes]) -> None:
    rules, wire = case
    sent = wire_target(wire, _route(rules))
    assert read_target(sent).wire == sent
    assert sent.startswith(rules[1].encode() + b"/")


_PIECES = [
    *[
        "http:",
        "https:",
        "HTTP:",
        "//",
        "/",
        "\\",
        "\t",
        "@",
        ":",
        "app",
        "app:8080",
        "ville.fr",
        "evil.example",
        ".",
        "..",
    ],
    *["%2e", "?", "#", "v2", "cantine", ";", " ", "é", "javascript:", "5; url=", "'", '"'],
]
VALUES = st.lists(st.sampled_from(_PIECES), max_size=8).map(lambda pieces: "".join(pieces).encode())


def _goes_to(reference: bytes) -> str:
    """The authority that a browser would ask (WHATWG URL), from a page of the public host."""
    text = re.sub(r"[\t\r\n]", "", reference.decode("utf-8", "replace")).strip(" ")
    found = re.match(r"(?:https?:(?=[/\\]{2}))?[/\\]{2,}([^/\\?#]*)", text, re.IGNORECASE)
    return found[1].lower().rpartition("@")[2] if found else "ville.fr"


@given(RULES, VALUES)
def test_no_rewriting_leads_to_a_foreign_place(rules: tuple[str, str], value: bytes) -> None:
    rewriting = Rewriting.of(_route(rules), ORIGIN)
    rewritten = rewriting.location(value)
    if rewritten != value:
        assert _goes_to(rewritten) == "ville.fr"
        assert _goes_to(value) in {"app:8080", "ville.fr", "ville.fr:443"}
        assert urlsplit(rewritten.decode()).netloc in {"", "ville.fr"}


def _sent_with(path: bytes, cookie_path: bytes) -> bool:
    """RFC 6265 §5.1.4."""
    return path == cookie_path or path.startswith(cookie_path if cookie_path.endswith(b"/") else cookie_path + b"/")


@given(_below(), st.lists(st.sampled_from(["cantine", "v2", "a", "b", ""]), max_size=4))
def test_the_browser_sends_a_cookie_where_the_upstream_would_have_got_it(
    case: tuple[tuple[str, str], bytes], segments: list[str]
) -> None:
    rules, wire = case
    said = ("/" + "/".join(segments)).encode()
    assume(b"//" not in said)
    kept = Rewriting.of(_route(rules), ORIGIN).set_cookie(b"a=1; Path=" + said).split(b";")[1].removeprefix(b" Path=")
    assume(kept != said or rules == ("", ""))
    public, sent = wire.partition(b"?")[0], wire_target(wire, _route(rules)).partition(b"?")[0]
    assert _sent_with(public, kept) == _sent_with(sent, said)


_ATTRIBUTES = [
    "Domain=app",
    "Domain=.ville.fr",
    "domain=evil.example",
    "Domain=",
    "Path=/x",
    "Secure",
    "HttpOnly",
    "",
    " x=y",
]


@given(RULES, VALUES, st.lists(st.sampled_from(_ATTRIBUTES), max_size=5))
def test_a_cookie_is_never_sent_more_widely_and_its_value_never_touched(
    rules: tuple[str, str], pair: bytes, attributes: list[str]
) -> None:
    assume(b";" not in pair)
    said = b";".join([pair, *(each.encode() for each in attributes)])
    kept = Rewriting.of(_route(rules), ORIGIN).set_cookie(said).split(b";")
    assert kept[0] == pair
    domains = [each.strip().lower() for each in kept[1:] if each.strip().lower().startswith(b"domain")]
    assert domains in ([], [each.lower().encode() for each in attributes if each.lower().startswith("domain")])
    assert not pair.strip() or any(each.strip().lower() == b"secure" for each in kept[1:])
