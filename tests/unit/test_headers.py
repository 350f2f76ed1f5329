"""What the client may not say, what the upstream may not say."""

import pytest

from gateway.core.errors import DependencyFailed, RequestRejected
from gateway.core.headers import check_headers, fold, request_headers, response_headers, stripped_names
from gateway.core.rewriting import Rewriting
from tests.builders import a_route

OWN = frozenset({b"gateway-session"})
STRIPPED = stripped_names(["X-Usager-Nom", "X-Caf-Tranche"])

Fields = list[tuple[bytes, bytes]]


def _names(headers: Fields) -> list[bytes]:
    return [name for name, _ in request_headers(headers, STRIPPED, OWN)]


def test_names_fold_to_what_every_reader_has_in_common() -> None:
    assert {fold(name) for name in (b"X-Usager-Nom", b"x_usager.nom", "X_USAGER-NOM")} == {"xusagernom"}


@pytest.mark.parametrize(
    "name",
    [
        b"X-Usager-Nom",
        b"x-usager-nom",
        b"X_Usager_Nom",
        b"x.usager.nom",
        b"HTTP_X_USAGER_NOM",
        b"X-UsagerNom",
        b"Remote-User",
        b"REMOTE_USER",
        b"Auth-User",
        b"X-Forwarded-For",
        b"Forwarded",
        b"X-Real-IP",
        b"X-Original-URL",
        b"X-Rewrite-URL",
        b"X-HTTP-Method-Override",
        b"Proxy",
        b"OIDC_CLAIM_sub",
        b"X-Gateway-Assertion",
        b"x_gateway_assertion",
        b"SM_USER",
        b"Client-Cert",
        b"X-SSL-Client-DN",
    ],
)
def test_a_client_copy_is_removed_under_every_spelling(name: bytes) -> None:
    assert _names([(name, b"admin"), (b"Accept", b"*/*")]) == [b"Accept"]


@pytest.mark.parametrize("name", [b"Authorization", b"Accept", b"X-Requested-With", b"Cookie", b"X-Csrf-Token"])
def test_what_belongs_to_the_application_passes(name: bytes) -> None:
    assert _names([(name, b"a")]) == [name]


@pytest.mark.parametrize(
    "name",
    [
        b"Connection",
        b"Close",
        b"Keep-Alive",
        b"TE",
        b"Trailer",
        b"Transfer-Encoding",
        b"Upgrade",
        b"Expect",
        b"HTTP2-Settings",
        b"Host",
        b"Content-Length",
    ],
)
def test_hop_by_hop_and_framing_are_the_gateways_own(name: bytes) -> None:
    assert _names([(name, b"x")]) == []


def test_a_nominated_header_is_dropped_and_an_essential_one_is_kept() -> None:
    fields = [(b"Connection", b"X-Perso, Cookie, Accept"), (b"X-Perso", b"1"), (b"Accept", b"*/*"), (b"Cookie", b"a=1")]
    assert _names(fields) == [b"Accept", b"Cookie"]


@pytest.mark.parametrize("nominated", [b"Host", b"close, content-length", b"Transfer-Encoding"])
def test_nominating_the_framing_is_refused(nominated: bytes) -> None:
    with pytest.raises(RequestRejected, match="connection_nominates"):
        _names([(b"Connection", nominated)])


@pytest.mark.parametrize("name", [b"Host", b"Content-Length", b"Content-Type", b"Authorization"])
def test_a_second_singleton_is_refused(name: bytes) -> None:
    with pytest.raises(RequestRejected, match="header_duplicate"):
        _names([(name, b"a"), (name.lower(), b"a")])


@pytest.mark.parametrize("name", [b"Content_Length", b"content.type", b"Transfer_Encoding", b"Coo-kie", b"Cookie_"])
def test_an_alias_of_an_essential_header_is_refused(name: bytes) -> None:
    with pytest.raises(RequestRejected, match="header_alias"):
        _names([(name, b"4")])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (b"A B", b"x"),
        (b"", b"x"),
        (b"A", b"b\x0bX-Auth: c"),
        (b"A", b"\x00"),
        (b"A", b"a\r"),
        (b"A", b"\xc2\x85"),
        (b"A", b"\x85"),
    ],
)
def test_a_malformed_field_is_refused(name: bytes, value: bytes) -> None:
    with pytest.raises(RequestRejected, match="header_malformed"):
        _names([(name, value)])
    with pytest.raises(RequestRejected, match="header_malformed"):
        check_headers([(name, value)])


def test_tabs_and_letters_outside_ascii_pass() -> None:
    assert _names([(b"A", b"a\tb"), (b"B", "é à œ".encode()), (b"C", b"\xe9")]) == [b"A", b"B", b"C"]


@pytest.mark.parametrize(
    ("lines", "kept"),
    [
        ([b"gateway-session=1"], []),
        ([b"gateway-session=1; a=2"], [b"a=2"]),
        ([b"a=1; gateway-session=2; b=3"], [b"a=1; b=3"]),
        ([b"a=1", b"b=2"], [b"a=1; b=2"]),
        ([b"; gateway-session=1;;"], []),
        ([b"="], [b"="]),
        ([b"Gateway-Session=1"], [b"Gateway-Session=1"]),
        ([b"a=gateway-session=1"], [b"a=gateway-session=1"]),
    ],
)
def test_our_cookies_are_taken_out_and_their_neighbours_left(lines: list[bytes], kept: list[bytes]) -> None:
    result = request_headers([(b"Cookie", line) for line in lines], STRIPPED, OWN)
    assert [value for _, value in result] == kept


def _answer(fields: Fields, *, private: bool = False) -> Fields:
    return response_headers(fields, OWN, private=private)


def test_hop_by_hop_is_dropped_on_the_way_back_too() -> None:
    fields = [(b"Connection", b"X-Secret"), (b"X-Secret", b"1"), (b"Keep-Alive", b"1"), (b"X-A", b"1")]
    assert _answer(fields) == [(b"X-A", b"1")]


def test_an_answer_is_rewritten_for_the_public_only_when_asked() -> None:
    fields = [(b"Location", b"http://127.0.0.1:8081/x"), (b"Set-Cookie", b"a=1"), (b"X-A", b"http://127.0.0.1:8081/x")]
    rewriting = Rewriting.of(a_route(host="ville.fr"), "https://ville.fr")
    assert response_headers(fields, OWN, private=False, rewriting=rewriting) == [
        (b"Location", b"https://ville.fr/x"),
        (b"Set-Cookie", b"a=1; Secure"),
        (b"X-A", b"http://127.0.0.1:8081/x"),
    ]
    assert _answer(fields) == fields


def test_an_upstream_sets_its_own_cookies_and_never_ours() -> None:
    fields = [
        (b"Set-Cookie", b"gateway-session=evil; Path=/"),
        (b"Set-Cookie", b"=gateway-session=evil"),
        (b"Set-Cookie", b"app=1"),
        (b"X-Gateway-Assertion", b"forged"),
    ]
    assert _answer(fields) == [(b"Set-Cookie", b"app=1")]


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ([], b"private"),
        ([b"public, max-age=60"], b"private, max-age=60"),
        ([b"no-store"], b"no-store"),
        ([b"s-maxage=60", b"no-cache"], b"private, no-cache"),
        ([b'private="x", max-age=1'], b"private, max-age=1"),
        ([b'public, foo="a, b"'], b'private, foo="a, b"'),
        ([b'foo="unclosed'], b"no-store"),
    ],
)
def test_an_answer_to_a_person_is_never_shared(sent: list[bytes], kept: bytes) -> None:
    fields = [(b"Cache-Control", value) for value in sent] + [(b"CDN-Cache-Control", b"public"), (b"X-A", b"1")]
    assert _answer(fields, private=True) == [(b"X-A", b"1"), (b"Cache-Control", kept)]


def test_an_answer_to_nobody_keeps_its_cache_rules() -> None:
    assert _answer([(b"Cache-Control", b"public")]) == [(b"Cache-Control", b"public")]


@pytest.mark.parametrize(("name", "value"), [(b"A B", b"x"), (b"A", b"x\ny")])
def test_a_malformed_answer_is_the_upstreams_fault(name: bytes, value: bytes) -> None:
    with pytest.raises(DependencyFailed, match="upstream_header_malformed"):
        _answer([(name, value)])


@pytest.mark.parametrize("prefix", [b"", b"__Host-", b"__Secure-"])
@pytest.mark.parametrize(
    "family", [b"gateway-login-0123456789abcdef", b"gateway-form-0123456789abcdef", b"gateway-outage-0123456789abcdef"]
)
def test_each_cookie_of_our_families_is_ours_in_both_directions(prefix: bytes, family: bytes) -> None:
    name = prefix + family
    line = b"a=1; %b=x; =%b=y; mygateway-login-1=2" % (name, name)
    assert dict(request_headers([(b"Cookie", line)], STRIPPED, OWN)) == {b"Cookie": b"a=1; mygateway-login-1=2"}
    fields = [(b"Set-Cookie", name + b"=x"), (b"Set-Cookie", b"=" + name + b"=x"), (b"Set-Cookie", b"b=1")]
    assert response_headers(fields, OWN, private=False) == [(b"Set-Cookie", b"b=1")]
