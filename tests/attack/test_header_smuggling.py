"""Known ways to make an application read a header that the gateway did not write."""

import pytest

from gateway.core.encodings import encode, render
from gateway.core.errors import RequestRejected, ValueRefused
from gateway.core.headers import request_headers, response_headers, stripped_names
from gateway.core.rules import Encoding

OWN = frozenset({b"__Host-session"})
STRIPPED = stripped_names(["X-Usager-Nom", "Usager.Prenoms", "x_caf_statut"])

Fields = list[tuple[bytes, bytes]]


def _received(*fields: tuple[bytes, bytes]) -> Fields:
    return request_headers([*fields, (b"X-Legal", b"kept")], STRIPPED, OWN)


def _spellings(name: str) -> list[bytes]:
    words = name.replace("_", "-").replace(".", "-").encode("ascii")
    spelt = [words, words.lower(), words.upper(), *(words.replace(b"-", sep) for sep in (b"_", b".", b"", b"-_"))]
    return [*spelt, *(b"HTTP_" + each.replace(b"-", b"_") for each in spelt)]


@pytest.mark.parametrize(
    "name",
    [
        *["X-Usager-Nom", "Usager-Prenoms", "X-Caf-Statut", "X-Gateway-Assertion", "X-Gateway-Signature"],
        *["Remote-User", "Remote-Groups", "X-Remote-User", "REMOTE_USER", "OAM_REMOTE_USER", "Lm-Remote-User"],
        *["Auth-User", "Auth-Mail", "Auth-Type", "X-Auth-User", "X-Auth-Request-Email", "X-Auth-Userid"],
        *["X-Authenticated-User", "X-WEBAUTH-USER", "X-User", "X-Email", "X-Groups", "SM_USER", "SMUSER"],
        *["X-Forwarded-User", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Uri", "X-Forwarded-Prefix"],
        *["X-Forwarded-Client-Cert", "Forwarded", "X-Real-IP", "X-Original-URL", "X-Original-URI", "X-Rewrite-URL"],
        *["X-Envoy-Original-Path", "X-HTTP-Method", "X-HTTP-Method-Override", "X-Method-Override", "Proxy"],
        *["OIDC_CLAIM_sub", "OIDC_access_token", "Shib-Identity-Provider", "eppn", "mail", "iv-user", "iv-groups"],
        *["X-MS-CLIENT-PRINCIPAL", "X-MS-CLIENT-PRINCIPAL-NAME", "Ssl-Client-Cert", "X-SSL-Client-DN"],
        *["Client-Cert", "Client-Cert-Chain", "GAP-Auth", "GAP-Signature", "X-Vouch-User", "X-LLNG-TOKEN"],
        *["X-Pomerium-Jwt-Assertion", "X-Pomerium-Claim-Email", "x-goog-iap-jwt-assertion"],
        *["$WSRU", "$WSSC", "WL-Proxy-Client-Cert", "WL-Proxy-SSL", "CT-Remote-User", "Osso-User", "MELLON_NAME_ID"],
        *[
            "X-Script-Name",
            "SCRIPT_NAME",
            "Path-Info",
            "Tailscale-User-Login",
            "X-Consumer-Username",
            "X-Credential-Identifier",
        ],
        *["x-goog-authenticated-user-email", "x-amzn-oidc-data", "Cf-Access-Jwt-Assertion"],
    ],
)
def test_a_forged_identity_is_removed_under_every_spelling(name: str) -> None:
    for spelling in _spellings(name):
        assert _received((spelling, b"admin")) == [(b"X-Legal", b"kept")], spelling


@pytest.mark.parametrize(
    "name",
    [
        *[b"Authorization", b"Accept", b"Accept-Language", b"User-Agent", b"Referer", b"Origin", b"Range", b"DNT"],
        *[b"X-Requested-With", b"X-Csrf-Token", b"X-User-Agent", b"If-None-Match", b"Content-Type", b"Via"],
        *[b"Sec-Fetch-Site", b"Sec-WebSocket-Key", b"Upgrade-Insecure-Requests", b"Traceparent", b"Priority"],
    ],
)
def test_what_applications_live_on_is_left_alone(name: bytes) -> None:
    assert _received((name, b"v")) == [(name, b"v"), (b"X-Legal", b"kept")]


@pytest.mark.parametrize("name", [b"Content_Length", b"content.length", b"Transfer_Encoding", b"Content_Type"])
def test_a_second_framing_for_cgi_readers_is_refused(name: bytes) -> None:
    with pytest.raises(RequestRejected, match="header_alias"):
        _received((name, b"4"))


@pytest.mark.parametrize("nominated", [b"X-Usager-Nom", b"close, X-Gateway-Assertion", b"x_usager_nom", b"Cookie"])
def test_nominating_an_identity_takes_nothing_from_what_the_gateway_says(nominated: bytes) -> None:
    cleaned = _received((b"Connection", nominated), (b"X-Usager-Nom", b"admin"), (b"Cookie", b"a=1"))
    assert cleaned == [(b"X-Legal", b"kept"), (b"Cookie", b"a=1")]


@pytest.mark.parametrize("nominated", [b"Host", b"keep-alive, Content-Length", b"TRANSFER-ENCODING", b"content_length"])
def test_nominating_the_framing_is_refused(nominated: bytes) -> None:
    with pytest.raises(RequestRejected, match="connection_nominates"):
        _received((b"Connection", nominated))


@pytest.mark.parametrize("byte", [*range(0x09), *range(0x0A, 0x20), 0x7F, 0x85])
def test_no_control_byte_hides_a_second_header(byte: int) -> None:
    with pytest.raises(RequestRejected, match="header_malformed"):
        _received((b"A", b"b" + bytes([byte]) + b"X-Usager-Nom: admin"))


@pytest.mark.parametrize("name", [b" X-Usager-Nom", b"X-Usager-Nom ", b"X-Usager-Nom:", b"X-A\r\nX-B", b"\xe9", b""])
def test_a_name_that_is_not_a_token_is_refused(name: bytes) -> None:
    with pytest.raises(RequestRejected, match="header_malformed"):
        _received((name, b"admin"))


@pytest.mark.parametrize("name", [b"Host", b"Content-Length", b"Content-Type", b"Authorization", b"Transfer-Encoding"])
@pytest.mark.parametrize("second", [b"4", b"5"])
def test_a_singleton_sent_twice_is_refused_equal_or_not(name: bytes, second: bytes) -> None:
    with pytest.raises(RequestRejected, match="header_duplicate"):
        _received((name, b"4"), (name.upper(), second))


@pytest.mark.parametrize(
    "line",
    [
        b"__Host-session=stolen",
        b"a=1;__Host-session=stolen",
        b"a=1;\t__Host-session=stolen",
        b'a="1; __Host-session=stolen; b=2"',
        b"__Host-session =stolen",
        b"a=1,2; __Host-session=stolen;",
    ],
)
def test_no_spelling_of_the_cookie_line_lets_our_cookie_through(line: bytes) -> None:
    assert all(b"stolen" not in value for _, value in _received((b"Cookie", line)))


@pytest.mark.parametrize("encoding", list(Encoding))
@pytest.mark.parametrize("claim", ["A\r\nX-Usager-Nom: admin", "A\x00", "A\x01", "A\x0b", "A\x85B", "A\x7f"])
def test_a_claim_that_would_end_its_header_is_refused(encoding: Encoding, claim: str) -> None:
    for value in (claim, [claim], {"name": claim}, [{claim: 1}]):
        with pytest.raises(ValueRefused, match="value_control_character"):
            encode(render(value), encoding)


def test_the_same_claim_without_the_control_passes() -> None:
    assert encode(render("A X-Usager-Nom: admin"), Encoding.UTF_8) == b"A X-Usager-Nom: admin"


@pytest.mark.parametrize(
    "cookie", [b"__Host-session=evil", b" __Host-session = evil; Path=/", b"=__Host-session=evil", b"__Host-session"]
)
def test_an_upstream_cannot_set_the_session_cookie(cookie: bytes) -> None:
    fields = [(b"Set-Cookie", cookie), (b"set-cookie", b"app=1; Path=/")]
    assert response_headers(fields, OWN, private=False) == [(b"set-cookie", b"app=1; Path=/")]


def test_an_upstream_cannot_take_its_own_essentials_away() -> None:
    fields = [(b"Connection", b"Set-Cookie, Content-Type, X-Hop"), (b"Content-Type", b"text/html"), (b"X-Hop", b"1")]
    assert response_headers(fields, OWN, private=False) == [(b"Content-Type", b"text/html")]
