"""What a client says of who it is, where it is and what it asks for: none of it reaches the application (peers §4.1)."""

import base64
import json

import pytest

from tests.attack.cases import get, is_served, post
from tests.canary import always
from tests.fronted import Fronted
from tests.wire import eventually

NAMES = [
    *[b"X-Usager-Nom", b"X-Usager-Prenoms", b"X-Usager-Id", b"X-Caf-Statut", b"X-Caf-Tranche", b"X-Caf-Quotient"],
    *[b"X-Gateway-Assertion", b"X-Gateway-Signature", b"X-Auth-User", b"Auth-User", b"Remote-User", b"X-Remote-User"],
    *[b"OIDC-CLAIM-sub", b"X-Forwarded-User", b"X-Forwarded-Uri", b"X-Original-URI", b"X-Original-URL", b"X-Rewrite-URL"],
    *[b"X-Forwarded-Prefix", b"X-Envoy-Original-Path", b"X-HTTP-Method-Override", b"X-HTTP-Method", b"X-SSL-Client-DN"],
    *[b"Client-Cert", b"X-Forwarded-Client-Cert", b"Proxy", b"X-Real-IP", b"Forwarded", b"X-Forwarded-For"],
]  # fmt: skip


def _spellings(name: bytes) -> list[bytes]:
    swapped = [name.replace(b"-", other) for other in (b"_", b".")]
    return [name, name.lower(), name.upper(), *swapped, b"HTTP_" + swapped[0].upper()]


@pytest.mark.parametrize("where", ["a public route", "a public route while signed in", "a protected route"])
def test_a_forged_identity_reaches_no_route_under_any_spelling(fronted: Fronted, where: str) -> None:
    path = b"/app/" if where == "a protected route" else b"/pub/"
    cookie = [] if where == "a public route" else [fronted.signed_in]
    for name in NAMES:
        forged = [spelling + b": FORGED" for spelling in _spellings(name)]
        is_served(fronted, get(*forged, b"X-Legal: kept", *cookie, start=b"GET %b HTTP/1.1\r\n" % path))
        seen = fronted.canary.seen[-1]
        assert seen.values("x-legal") == [b"kept"]
        assert b"FORGED" not in fronted.canary.received, name


def test_the_application_sees_the_signed_in_person_and_nobody_elses_words(fronted: Fronted) -> None:
    forged = [b"X-Usager-Nom: FORGED", b"x_usager_nom: FORGED", b"X-Gateway-Assertion: FORGED"]
    is_served(fronted, get(*forged, fronted.signed_in, start=b"GET /app/x?y HTTP/1.1\r\n"))
    seen = fronted.canary.seen[0]
    assert seen.values("x-usager-nom") == [b"DUBOIS"]
    (assertion,) = seen.values("x-gateway-assertion")
    claims = json.loads(base64.urlsafe_b64decode(assertion.split(b".")[1] + b"=="))
    assert (claims["htm"], claims["htp"]) == ("GET", "/app/x?y")


def test_the_gateways_own_cookies_stay_here_and_the_applications_go_on_in_one_line(fronted: Fronted) -> None:
    is_served(fronted, get(b"Cookie: a=1", fronted.signed_in + b"; b=2", b"Cookie: =gateway-session=x; c=3"))
    (cookie,) = fronted.canary.seen[0].values("cookie")
    assert [pair.strip() for pair in cookie.split(b";")] == [b"a=1", b"b=2", b"c=3"]


@pytest.mark.parametrize(
    "nominated",
    [b"X-Usager-Nom, X-Usager-Id, X-Gateway-Assertion", b"close, x_usager_nom", b"X-Forwarded-For, Forwarded", b"Cookie, Authorization"],
)  # fmt: skip
def test_connection_takes_away_nothing_that_the_gateway_says(fronted: Fronted, nominated: bytes) -> None:
    fields = [b"Connection: " + nominated, b"Authorization: Basic eA==", fronted.signed_in + b"; a=1"]
    is_served(fronted, get(*fields, start=b"GET /app/ HTTP/1.1\r\n"))
    seen = fronted.canary.seen[0]
    assert seen.values("x-usager-nom") == [b"DUBOIS"]
    assert len(seen.values("x-gateway-assertion")) == 1
    assert seen.values("x-forwarded-for") == [b"127.0.0.1"]
    assert (seen.values("cookie"), seen.values("authorization")) == ([b"a=1"], [b"Basic eA=="])


def test_fields_of_one_hop_stay_on_that_hop_in_both_directions(fronted: Fronted) -> None:
    hop = [
        b"Keep-Alive: timeout=5",
        b"TE: trailers",
        b"Trailer: X-A",
        b"Proxy-Connection: close",
        b"Proxy-Authorization: x",
    ]
    fronted.canary.script = always(
        b"HTTP/1.1 200 OK\r\nConnection: X-Secret\r\nX-Secret: hop\r\nKeep-Alive: hop\r\nProxy-Authenticate: hop\r\n"
        b"Trailer: hop\r\nUpgrade: hop\r\nX-Kept: kept\r\nContent-Length: 2\r\n\r\nok"
    )
    answer = is_served(fronted, get(*hop, b"Connection: TE, X-Mine", b"X-Mine: hop", b"X-Legal: kept"))
    names = {name for name, _ in fronted.canary.seen[0].fields}
    assert not names & {"keep-alive", "te", "trailer", "proxy-connection", "proxy-authorization", "x-mine", "upgrade"}
    assert b"hop" not in [value for _, value in answer.fields]
    assert (answer.values("x-kept"), fronted.canary.seen[0].values("x-legal")) == ([b"kept"], [b"kept"])


@pytest.mark.parametrize(
    "claim",
    [
        *[b"X-Forwarded-Uri: /pub/", b"X-Original-URL: /pub/", b"X-Original-URI: /pub/", b"X-Rewrite-URL: /pub/"],
        *[b"X-Forwarded-Prefix: /pub", b"X-Envoy-Original-Path: /pub/", b"X-Forwarded-Host: evil.test", b"X-Host: evil.test"],
        *[b"Authorization: Bearer x", b"X-Forwarded-User: admin", b"X-Usager-Id: admin", b"X-Forwarded-Method: OPTIONS"],
    ],
)  # fmt: skip
def test_no_header_opens_a_protected_route(fronted: Fronted, claim: bytes) -> None:
    answer = fronted.ask(get(claim, b"Sec-Fetch-Mode: cors", start=b"GET /app/ HTTP/1.1\r\n"))
    assert answer.status == 401
    fronted.nothing_was_forwarded()


def test_the_method_that_was_decided_on_is_the_method_that_arrives(fronted: Fronted) -> None:
    is_served(fronted, post(b"", b"X-HTTP-Method-Override: DELETE", b"X-Method-Override: DELETE", b"Content-Length: 0"))
    seen = fronted.canary.seen[0]
    assert seen.method == "POST"
    assert b"DELETE" not in fronted.canary.received


def test_where_the_client_is_comes_from_the_socket_alone(fronted: Fronted) -> None:
    told = [
        b"X-Forwarded-For: 6.6.6.6",
        b"X-Forwarded-Proto: https",
        b"X-Forwarded-Host: evil.test",
        b"Forwarded: for=6.6.6.6",
    ]
    is_served(fronted, get(*told, *told))
    seen = fronted.canary.seen[0]
    assert seen.values("x-forwarded-for") == [b"127.0.0.1"]
    assert seen.values("x-forwarded-proto") == [b"http"]
    assert seen.values("x-forwarded-host") == [fronted.authority]
    assert b"6.6.6.6" not in fronted.canary.received
    assert b"evil.test" not in fronted.canary.received


def test_an_upstream_sets_neither_our_cookies_nor_our_headers(fronted: Fronted) -> None:
    fronted.canary.script = always(
        b"HTTP/1.1 200 OK\r\nSet-Cookie: gateway-session=x\r\nSet-Cookie: __Host-gateway-session=x\r\nSet-Cookie: app=1\r\n"
        b"X-Gateway-Assertion: x\r\nContent-Length: 0\r\n\r\n"
    )
    answer = is_served(fronted, get())
    assert (answer.values("set-cookie"), answer.values("x-gateway-assertion")) == ([b"app=1"], [])


def test_a_session_that_two_cookies_claim_is_nobodys(fronted: Fronted) -> None:
    line = fronted.signed_in
    answer = fronted.ask(get(line, line, b"Sec-Fetch-Mode: cors", start=b"GET /app/ HTTP/1.1\r\n"))
    assert answer.status == 401
    fronted.nothing_was_forwarded()


def test_each_forwarded_request_has_its_own_decision_in_the_audit(fronted: Fronted) -> None:
    before = len(fronted.world.audited("signed-in", 0))
    for _ in range(5):
        is_served(fronted, get(fronted.signed_in, start=b"GET /app/ HTTP/1.1\r\n"))
    assert eventually(lambda: len(fronted.world.audited("signed-in", before + 5)) >= before + 5)
    lines = fronted.world.audited("signed-in", before + 5)[before:]
    assertions = [seen.values("x-gateway-assertion")[0].split(b".")[1] for seen in fronted.canary.seen]
    decided = [json.loads(base64.urlsafe_b64decode(each + b"=="))["dec"] for each in assertions]
    assert [line["decision_id"] for line in lines] == decided
    assert len(set(decided)) == 5
