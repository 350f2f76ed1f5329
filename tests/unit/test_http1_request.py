"""What a client may send as the head of a request: each row is a rule, with its twin that passes."""

import pytest

from gateway.core.http1.fields import CHUNKED, Malformed
from gateway.core.http1.request import RequestHead, read_named, read_request

HOST = b"Host: ville.fr"


def _read(line: bytes, *fields: bytes) -> RequestHead:
    return read_request(b"\r\n".join([line, *fields]))


def _refusal(head: bytes) -> tuple[str, int]:
    with pytest.raises(Malformed) as caught:
        read_request(head)
    return caught.value.code, caught.value.status


def test_a_head_is_read_once_with_names_and_values_as_sent() -> None:
    head = _read(b"GET /menu?jour=1 HTTP/1.1", b"hOsT: Ville.fr", b"A:\t b c \t", b"a:", "B: é".encode())
    assert (head.method, head.target, head.host) == ("GET", b"/menu?jour=1", b"Ville.fr")
    assert head.fields == ((b"hOsT", b"Ville.fr"), (b"A", b"b c"), (b"a", b""), (b"B", "é".encode()))
    assert (head.length, head.http11, head.keep_alive, head.expects_continue, head.upgrade) == (
        0,
        True,
        True,
        False,
        b"",
    )


def test_a_block_that_is_repeated_to_the_byte_is_not_read_again() -> None:
    first = _read(b"GET /a HTTP/1.1", HOST, b"A: b")
    again = read_request(b"\r\n".join([b"POST /b HTTP/1.0", HOST, b"A: b"]), first.block)
    assert again.block is first.block
    assert (again.method, again.target, again.keep_alive) == ("POST", b"/b", False)
    other = read_request(b"\r\n".join([b"GET /a HTTP/1.1", HOST, b"A: c"]), first.block)
    assert other.fields[1] == (b"A", b"c")


@pytest.mark.parametrize(
    "line", [b"GET / HTTP/1.1", b"POST / HTTP/1.0", b"PATCH /a%2Fb;c HTTP/1.1", b"M-SEARCH / HTTP/1.1"]
)
def test_a_plain_request_line_passes(line: bytes) -> None:
    head = _read(line, HOST)
    assert (head.method, head.target, head.http11) == (
        line.split(b" ")[0].decode(),
        line.split(b" ")[1],
        line.endswith(b"1.1"),
    )


@pytest.mark.parametrize(
    ("line", "refusal"),
    [
        (b"", ("request_line", 400)),
        (b"GET /", ("request_line", 400)),
        (b"GET  / HTTP/1.1", ("request_line", 400)),
        (b"GET /a b HTTP/1.1", ("request_line", 400)),
        (b"GET / HTTP/1.1 ", ("request_line", 400)),
        (b" GET / HTTP/1.1", ("request_line", 400)),
        (b"GET\t/ HTTP/1.1", ("request_line", 400)),
        (b"GET / http/1.1", ("request_line", 400)),
        (b"GET / HTTP/1", ("request_line", 400)),
        (b"G(T / HTTP/1.1", ("request_line", 400)),
        (b"GET / HTTP/0.9", ("http_version", 505)),
        (b"GET / HTTP/1.9", ("http_version", 505)),
        (b"GET / HTTP/1.10", ("http_version", 505)),
        (b"GET / HTTP/2.0", ("http_version", 505)),
        (b"PRI * HTTP/2.0", ("http_version", 505)),
        (b"get / HTTP/1.1", ("method_unknown", 501)),
        (b"GeT / HTTP/1.1", ("method_unknown", 501)),
        (b"GET1 / HTTP/1.1", ("method_unknown", 501)),
        (b"A" * 33 + b" / HTTP/1.1", ("method_unknown", 501)),
        (b"CONNECT ville.fr:443 HTTP/1.1", ("method_not_allowed", 405)),
    ],
)
def test_a_request_line_with_a_second_reading_is_refused(line: bytes, refusal: tuple[str, int]) -> None:
    assert _refusal(line + b"\r\n" + HOST) == refusal


def test_an_empty_line_before_the_request_is_refused() -> None:
    # RFC 9112 §2.2 would let it pass, for clients of another age; a leftover of another message looks the same.
    assert _refusal(b"\r\nGET / HTTP/1.1\r\n" + HOST) == ("request_line", 400)


@pytest.mark.parametrize(
    ("target", "reduced"),
    [
        (b"/a", b"/a"),
        (b"http://ville.fr/a?b", b"/a?b"),
        (b"HTTPS://VILLE.fr", b"/"),
        (b"http://ville.fr?b", b"/?b"),
    ],
)
def test_an_absolute_target_of_the_same_host_is_reduced(target: bytes, reduced: bytes) -> None:
    assert _read(b"GET %b HTTP/1.1" % target, HOST).target == reduced


@pytest.mark.parametrize(
    ("target", "code"),
    [
        (b"http://evil.example/", "target_authority"),
        (b"http://ville.fr@evil.example/", "target_authority"),
        (b"http://ville.fr:80/", "target_authority"),
        (b"http:///a", "target_authority"),
        (b"*", "target_form"),
        (b"a", "target_form"),
        (b"@evil.example/", "target_form"),
        (b":80/", "target_form"),
        (b"ville.fr:443", "target_form"),
        (b"ftp://ville.fr/", "target_form"),
        (b"http:/a", "target_form"),
    ],
)
def test_a_target_of_another_place_or_form_is_refused(target: bytes, code: str) -> None:
    assert _refusal(b"GET %b HTTP/1.1\r\n%b" % (target, HOST)) == (code, 400)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ([], "host_missing"),
        ([b"Host:"], "host_malformed"),
        ([b"Host: \t"], "host_malformed"),
        ([HOST, HOST], "host_duplicate"),
        ([HOST, b"hOST: evil.example"], "host_duplicate"),
    ],
)
@pytest.mark.parametrize("version", [b"1.0", b"1.1"])
def test_a_request_names_one_host(version: bytes, fields: list[bytes], code: str) -> None:
    assert _refusal(b"\r\n".join([b"GET / HTTP/" + version, *fields])) == (code, 400)
    assert _read(b"GET / HTTP/" + version, HOST).host == b"ville.fr"


@pytest.mark.parametrize(
    ("fields", "length"),
    [
        ([], 0),
        ([b"Content-Length: 0"], 0),
        ([b"content-length: 5"], 5),
        ([b"Content-Length:\t5 "], 5),
        ([b"Content-Length: 999999999999999"], 999_999_999_999_999),
        ([b"Transfer-Encoding: chunked"], CHUNKED),
        ([b"transfer-encoding: Chunked"], CHUNKED),
    ],
)
def test_a_body_is_framed_once(fields: list[bytes], length: int) -> None:
    assert _read(b"POST / HTTP/1.1", HOST, *fields).length == length


@pytest.mark.parametrize(
    "value", [b"", b"+5", b"-1", b"0x5", b"5_0", b"5,5", b"5, 6", b"5 5", b"5.0", b"1" * 16, "٥".encode()]
)
def test_a_length_has_one_spelling(value: bytes) -> None:
    assert _refusal(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " + value) == ("length_malformed", 400)


@pytest.mark.parametrize(
    ("version", "fields", "refusal"),
    [
        (b"1.1", [b"Content-Length: 5", b"Content-Length: 5"], ("framing_duplicate", 400)),
        (b"1.1", [b"Content-Length: 5", b"content-length: 6"], ("framing_duplicate", 400)),
        (b"1.1", [b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked"], ("framing_duplicate", 400)),
        (b"1.1", [b"Transfer-Encoding: gzip", b"Transfer-Encoding: chunked"], ("framing_duplicate", 400)),
        (b"1.1", [b"Content-Length: 5", b"Transfer-Encoding: chunked"], ("length_and_coding", 400)),
        (b"1.1", [b"Transfer-Encoding: chunked", b"Content-Length: 0"], ("length_and_coding", 400)),
        (b"1.0", [b"Transfer-Encoding: chunked"], ("coding_in_http10", 400)),
        (b"1.1", [b"Transfer-Encoding: chunked, chunked"], ("coding_unknown", 501)),
        (b"1.1", [b"Transfer-Encoding: gzip, chunked"], ("coding_unknown", 501)),
        (b"1.1", [b"Transfer-Encoding: xchunked"], ("coding_unknown", 501)),
        (b"1.1", [b"Transfer-Encoding: chunked;q=1"], ("coding_unknown", 501)),
        (b"1.1", [b"Transfer-Encoding: identity"], ("coding_unknown", 501)),
        (b"1.1", [b"Transfer-Encoding:"], ("coding_unknown", 501)),
    ],
)
def test_a_body_framed_twice_or_unknowably_is_refused(
    version: bytes, fields: list[bytes], refusal: tuple[str, int]
) -> None:
    assert _refusal(b"\r\n".join([b"POST / HTTP/" + version, HOST, *fields])) == refusal


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ([b" X-Usager-Nom: admin"], "field_folded"),
        ([b"\tX-Usager-Nom: admin"], "field_folded"),
        ([b"A: b", b" X-Usager-Nom: admin"], "field_folded"),
        ([b"A: b", b"\tc"], "field_folded"),
        ([b"A: b", b" "], "field_folded"),
        ([b"Host : a"], "field_malformed"),
        ([b"A\t: b"], "field_malformed"),
        ([b": b"], "field_malformed"),
        ([b"A"], "field_malformed"),
        ([b"A B: c"], "field_malformed"),
        ([b"A(: c"], "field_malformed"),
        (["é: c".encode()], "field_malformed"),
        ([b"", b"A: b"], "field_malformed"),
    ],
)
def test_a_field_line_is_a_name_a_colon_and_a_value(lines: list[bytes], code: str) -> None:
    assert _refusal(b"\r\n".join([b"GET / HTTP/1.1", *lines, HOST])) == (code, 400)


@pytest.mark.parametrize("byte", [*range(0x09), 0x0B, 0x0C, *range(0x0E, 0x20), 0x7F])
@pytest.mark.parametrize(
    "place", [b"GET /%b HTTP/1.1\r\nHost: a", b"GET / HTTP/1.1\r\nHost: a\r\nA: b%bX-Usager-Nom: c"]
)
def test_no_control_byte_passes(place: bytes, byte: int) -> None:
    assert _refusal(place % bytes([byte])) == ("head_control", 400)


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\nHost: a",
        b"GET / HTTP/1.1\r\nHost: a\nX-Usager-Nom: admin",
        b"GET / HTTP/1.1\r\nA: b\rX-Usager-Nom: admin\r\nHost: a",
        b"GET / HTTP/1.1\r\nHost: a\r\nA:\r\rX-Usager-Nom: admin",
        b"GET / HTTP/1.1\r\nHost: a\r",
        b"GET / HTTP/1.1\r\nHost: a\n",
        b"GET / HTTP/1.1\r\r\nHost: a",
        b"GET / HTTP/1.1\n\rHost: a",
    ],
)
def test_a_line_ends_with_both_bytes_or_not_at_all(head: bytes) -> None:
    assert _refusal(head) == ("head_line_end", 400)


def test_letters_outside_ascii_and_tabs_pass_in_a_value() -> None:
    assert _read(b"GET / HTTP/1.1", HOST, b"A: \xe9\tb").fields[1] == (b"A", b"\xe9\tb")


@pytest.mark.parametrize(
    ("version", "fields", "kept"),
    [
        (b"1.1", [], True),
        (b"1.1", [b"Connection: keep-alive"], True),
        (b"1.1", [b"Connection: close"], False),
        (b"1.1", [b"connection: keep-alive ,\tCLOSE"], False),
        (b"1.1", [b"Connection: keep-alive", b"Connection: close"], False),
        (b"1.1", [b"Connection: x-close"], True),
        (b"1.0", [], False),
        (b"1.0", [b"Connection: keep-alive"], False),
    ],
)
def test_a_connection_is_kept_unless_somebody_ends_it(version: bytes, fields: list[bytes], kept: bool) -> None:
    assert _read(b"GET / HTTP/" + version, HOST, *fields).keep_alive is kept


@pytest.mark.parametrize(
    ("version", "fields", "expects"),
    [
        (b"1.1", [b"Content-Length: 5", b"Expect: 100-continue"], True),
        (b"1.1", [b"Transfer-Encoding: chunked", b"expect: 100-Continue"], True),
        (b"1.1", [b"Content-Length: 5"], False),
        (b"1.1", [b"Expect: 100-continue"], False),
        (b"1.1", [b"Content-Length: 0", b"Expect: 100-continue"], False),
        (b"1.0", [b"Content-Length: 5", b"Expect: 100-continue"], False),
    ],
)
def test_leave_to_send_is_given_to_who_waits_for_it(version: bytes, fields: list[bytes], expects: bool) -> None:
    assert _read(b"POST / HTTP/" + version, HOST, *fields).expects_continue is expects


@pytest.mark.parametrize("value", [b"", b"200-maybe", b"100-continue, 100-continue", b"100-continue;q=1"])
def test_any_other_expectation_is_refused(value: bytes) -> None:
    assert _refusal(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: " + value) == ("expectation", 417)


def test_an_expectation_twice_is_refused() -> None:
    assert (
        _refusal(b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nExpect: 100-continue")[0]
        == "framing_duplicate"
    )


@pytest.mark.parametrize(
    ("version", "fields", "upgrade"),
    [
        (b"1.1", [b"Connection: Upgrade", b"Upgrade: WebSocket"], b"websocket"),
        (b"1.1", [b"Connection: keep-alive, upgrade", b"Upgrade: websocket"], b"websocket"),
        (b"1.1", [b"Connection: upgrade"], b""),
        (b"1.1", [b"Upgrade: websocket"], b""),
        (b"1.1", [b"Connection: close, upgrade", b"Upgrade: websocket"], b""),
        (b"1.0", [b"Connection: upgrade", b"Upgrade: websocket"], b""),
        (b"1.1", [b"Connection: upgrade", b"Upgrade: websocket", b"Content-Length: 0"], b"websocket"),
    ],
)
def test_a_websocket_is_asked_for_by_both_fields(version: bytes, fields: list[bytes], upgrade: bytes) -> None:
    assert _read(b"GET / HTTP/" + version, HOST, *fields).upgrade == upgrade


@pytest.mark.parametrize(
    ("method", "fields", "refusal"),
    [
        (
            b"GET",
            [b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAA"],
            ("upgrade_refused", 501),
        ),
        (b"GET", [b"Upgrade: h2c"], ("upgrade_refused", 501)),
        (b"GET", [b"HTTP2-Settings: AAA"], ("upgrade_refused", 501)),
        (b"GET", [b"Upgrade: TLS/1.0"], ("upgrade_refused", 501)),
        (b"GET", [b"Upgrade: websocket, h2c"], ("upgrade_refused", 501)),
        (b"GET", [b"Upgrade:"], ("upgrade_refused", 501)),
        (b"GET", [b"Upgrade: websocket", b"Upgrade: h2c"], ("framing_duplicate", 400)),
        (b"POST", [b"Connection: upgrade", b"Upgrade: websocket"], ("upgrade_malformed", 400)),
        (b"GET", [b"Connection: upgrade", b"Upgrade: websocket", b"Content-Length: 9"], ("upgrade_malformed", 400)),
        (
            b"GET",
            [b"Connection: upgrade", b"Upgrade: websocket", b"Transfer-Encoding: chunked"],
            ("upgrade_malformed", 400),
        ),
    ],
)
def test_no_other_protocol_is_upgraded_to(method: bytes, fields: list[bytes], refusal: tuple[str, int]) -> None:
    assert _refusal(b"\r\n".join([method + b" / HTTP/1.1", HOST, *fields])) == refusal


def test_cookies_and_forwarded_addresses_are_noticed_line_by_line_under_any_case() -> None:
    head = _read(b"GET / HTTP/1.1", HOST, b"COOKIE: a=1", b"x-forwarded-for: 192.0.2.1", b"Cookie: b=2")
    assert (head.cookies, head.forwarded_for) == ([b"a=1", b"b=2"], [b"192.0.2.1"])
    assert (_read(b"GET / HTTP/1.1", HOST).cookies, _read(b"GET / HTTP/1.1", HOST).forwarded_for) == ([], [])


def test_a_handshake_s_key_is_noticed_though_upgrade_is_gone() -> None:
    assert _read(b"GET / HTTP/1.1", HOST, b"sec-websocket-KEY: x").names_websocket
    assert not _read(b"GET / HTTP/1.1", HOST).names_websocket


def test_a_request_named_by_its_parts_is_read_as_strictly() -> None:
    head = read_named(b"POST", b"/a?b", ((b"Host", b"ville.fr"), (b"A", b"b")), b"websocket")
    assert (head.method, head.target, head.host, head.upgrade) == ("POST", b"/a?b", b"ville.fr", b"websocket")
    assert (head.fields[1], head.length, head.http11, head.keep_alive) == ((b"A", b"b"), 0, True, True)


@pytest.mark.parametrize(
    ("method", "target", "host", "code"),
    [
        (b"get", b"/", b"ville.fr", "method_unknown"),
        (b"GET / HTTP/1.1\r\nA: b\r\n\r\nGET", b"/", b"ville.fr", "request_line"),
        (b"CONNECT", b"/", b"ville.fr", "method_not_allowed"),
        (b"GET", b"/a b", b"ville.fr", "request_line"),
        (b"GET", b"*", b"ville.fr", "target_form"),
        (b"GET", b"http://autre.fr/", b"ville.fr", "target_authority"),
        (b"GET", b"/", b"", "host_malformed"),
    ],
)
def test_a_request_named_by_its_parts_has_one_reading(method: bytes, target: bytes, host: bytes, code: str) -> None:
    with pytest.raises(Malformed) as caught:
        read_named(method, target, ((b"Host", host),), b"")
    assert caught.value.code == code


def test_what_is_printed_of_a_head_names_nobody() -> None:
    head = _read(b"GET /?nom=DUBOIS HTTP/1.1", HOST, b"Cookie: nom=DUBOIS")
    assert (repr(head), repr(head.block)) == ("RequestHead('GET')", "Block(2 fields)")
