"""One canonical target for the decision, the signature and the wire, on raw sockets (peers §4.2)."""

import pytest

from tests.attack.cases import Case, each, get, is_refused, is_served
from tests.fronted import Fronted


def _to(target: bytes) -> bytes:
    return get(start=b"GET " + target + b" HTTP/1.1\r\n")


PUBLIC = _to(b"/pub/a/b")
ATTACKS = [
    *[b"/pub/%2e%2e/app/", b"/pub/%2E./app/", b"/pub/.%2e/app/", b"/pub/../app/", b"/pub/./x", b"/pub/x/.", b"/pub/.."],
    *[b"/pub/..%2fapp/", b"/pub/..%2Fapp/", b"/pub/..%5capp/", b"/pub/..%5Capp/", b"/pub/..\\app/", b"/pub\\..\\app/"],
    *[b"//app/", b"///app/", b"/pub//x", b"//evil.test/pub/", b"/pub/x//", b"/%2fapp/", b"/pub/%2f/app/"],
    *[b"/pub/..;/app/", b"/pub/..;x=y/app/", b"/;/app/", b"/app;x=1/", b"/pub;/x", b"/pub/x;y"],
    *[b"/pub/%00", b"/pub/%00/../app/", b"/pub/a%0d%0ab", b"/pub/%7f", b"/pub/%09", b"/pub/%1b[2J"],
    *[b"/pub/%u002e", b"/pub/%zz", b"/pub/%2", b"/pub/%", b"/pub/%252e%252e/app/", b"/pub/%25252e"],
    *[b"/pub/%c0%ae%c0%ae/app/", b"/pub/%ff", b"/pub/%EF%BC%8E%EF%BC%8E%EF%BC%8Fapp", b"/pub/%E2%88%95app"],
    *[b"/pub/%20../app/", b"/pub/..%20/app/", b"/pub/a b", b"/pub/\xe9", b"/pub/<x>", b"/pub/x#y", b"/pub/x?y#z"],
    *[b"/pub/?a=%00\x00", b"/pub/?\x1b", b"/pub/?\xff"],
    *[b"/strip/../app/", b"/strip%2f..%2fapp/", b"/strip//evil.test/x", b"/strip../app/%2e%2e"],
]  # fmt: skip

CASES = [Case(repr(target)[2:-1], _to(target), PUBLIC) for target in ATTACKS]


@each(CASES)
def test_a_path_with_two_readings_is_refused_and_nothing_goes_upstream(fronted: Fronted, case: Case) -> None:
    is_refused(fronted, case.attack + case.tail, case.status)


@pytest.mark.parametrize(
    ("sent", "forwarded"),
    [
        (b"/pub/%61%2D%7e", b"/pub/a-~"),
        (b"/%70ub/x", b"/pub/x"),
        (b"/pub/%c3%a9", b"/pub/%C3%A9"),
        (b"/pub/a%20", b"/pub/a%20"),
        (b"/pub/a%3fb", b"/pub/a%3Fb"),
        (b"/pub/a%3b", None),
        (b"/pub/!$&'()*+,=:@", b"/pub/!$&'()*+,=:@"),
        (b"/pub/?a=1&a=2;b=%26&%zz&[]{}|^`\\", b"/pub/?a=1&a=2;b=%26&%zz&[]{}|^`\\"),
        (b"/pub/?", b"/pub/?"),
        (b"/pub/?/../app/", b"/pub/?/../app/"),
        (b"/pub/.evil.test", b"/pub/.evil.test"),
        (b"/pub/@evil.test/", b"/pub/@evil.test/"),
        (b"/pub/...", b"/pub/..."),
        (b"/loose/a;jsessionid=1/b", b"/loose/a;jsessionid=1/b"),
        (b"/loose/a%2fb", b"/loose/a%2Fb"),
        (b"/strip/x/y?z", b"/x/y?z"),
        (b"/strip/", b"/"),
    ],
)
def test_a_path_with_one_reading_arrives_in_its_canonical_bytes(
    fronted: Fronted, sent: bytes, forwarded: bytes | None
) -> None:
    if forwarded is None:
        is_refused(fronted, _to(sent))
        return
    is_served(fronted, _to(sent))
    assert fronted.canary.seen[0].target == forwarded


@pytest.mark.parametrize(
    "target", [b"/app/", b"/%61pp/", b"/a%70%70/x", b"/app/?x=/pub/", b"/app/%3f/pub/", b"/app/x.css"]
)
def test_a_protected_path_is_protected_in_every_spelling(fronted: Fronted, target: bytes) -> None:
    answer = fronted.ask(get(b"Sec-Fetch-Mode: cors", start=b"GET " + target + b" HTTP/1.1\r\n"))
    assert answer.status == 401
    fronted.nothing_was_forwarded()


@pytest.mark.parametrize(
    "target", [b"/loose/..;/app/", b"/loose/..%2fapp/", b"/loose/x%2f..%2f..%2fapp/", b"/loose/%2e%2e;x/app/"]
)
def test_a_route_that_takes_odd_paths_is_left_by_none_of_them(fronted: Fronted, target: bytes) -> None:
    is_refused(fronted, _to(target))


@pytest.mark.parametrize(
    "target", [b"/_gateway/%2e%2e/app/", b"/_gateway/nothing", b"/%5fgateway/nothing", b"/_gateway"]
)
def test_the_gateways_own_paths_never_reach_an_upstream(fronted: Fronted, target: bytes) -> None:
    assert fronted.ask(_to(target)).status in {400, 404}
    fronted.nothing_was_forwarded()
