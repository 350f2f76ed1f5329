"""Heads that have more than one reading, on raw sockets: refused before anything is sent upstream (RFC 9112 §2 to §5)."""

import pytest

from tests.attack.cases import HOST, SMUGGLED, START, Case, each, get, is_refused, is_served
from tests.canary import always
from tests.fronted import Fronted

LEGAL = get()
FORGED = b"X-Auth-User: admin"


def _line(line: bytes) -> bytes:
    return get(start=line + b"\r\n")


def _host(*lines: bytes) -> bytes:
    return get(*lines, host=b"Accept: application/json\r\n")


LINES = [
    Case("no version at all", b"GET /pub/\r\n" + HOST + b"\r\n", LEGAL),
    Case("HTTP/0.9 with nothing behind", b"GET /pub/\r\n\r\n", LEGAL),
    Case("a word", b"HELLO\r\n\r\n", LEGAL),
    Case("a TLS hello", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", LEGAL),
    Case("two spaces", _line(b"GET  /pub/ HTTP/1.1"), LEGAL),
    Case("a space at the end", _line(b"GET /pub/ HTTP/1.1 "), LEGAL),
    Case("a space before", _line(b" GET /pub/ HTTP/1.1"), LEGAL),
    Case("tabs", _line(b"GET\t/pub/\tHTTP/1.1"), LEGAL),
    Case("a tab after the method", _line(b"GET\t /pub/ HTTP/1.1"), LEGAL),
    Case("a fourth word", _line(b"GET /pub/ x HTTP/1.1"), LEGAL),
    Case("lower-case http", _line(b"GET /pub/ http/1.1"), LEGAL),
    Case("another protocol", _line(b"GET /pub/ ICY/1.1"), LEGAL),
    Case("a version without a point", _line(b"GET /pub/ HTTP/11"), LEGAL),
    Case("a version with a sign", _line(b"GET /pub/ HTTP/+1.1"), LEGAL),
    Case("version 0.9", _line(b"GET /pub/ HTTP/0.9"), LEGAL, 505),
    Case("version 1.2", _line(b"GET /pub/ HTTP/1.2"), LEGAL, 505),
    Case("version 1.9", _line(b"GET /pub/ HTTP/1.9"), LEGAL, 505),
    Case("version 1.10", _line(b"GET /pub/ HTTP/1.10"), LEGAL, (400, 505)),
    Case("version 01.1", _line(b"GET /pub/ HTTP/01.1"), LEGAL, (400, 505)),
    Case("version 2.0 in text", _line(b"GET /pub/ HTTP/2.0"), LEGAL, 505),
    Case("the HTTP/2 preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", LEGAL, 505),
    Case("a lower-case method", _line(b"get /pub/ HTTP/1.1"), LEGAL, 501),
    Case("a mixed-case method", _line(b"Get /pub/ HTTP/1.1"), LEGAL, 501),
    Case("a method with a digit", _line(b"GET1 /pub/ HTTP/1.1"), LEGAL, 501),
    Case("an endless method", _line(b"A" * 200 + b" /pub/ HTTP/1.1"), LEGAL, 501),
    Case("an unknown method", _line(b"FOO /pub/ HTTP/1.1"), LEGAL, (405, 501)),
    Case("a method that is no token", _line(b"(GET) /pub/ HTTP/1.1"), LEGAL),
    Case("a method with a NUL", _line(b"GET\x00 /pub/ HTTP/1.1"), LEGAL),
    Case("a method beyond ASCII", _line("GÉT /pub/ HTTP/1.1".encode()), LEGAL),
    Case("TRACE", _line(b"TRACE /pub/ HTTP/1.1"), LEGAL, 405),
    Case("CONNECT to elsewhere", _line(b"CONNECT evil.test:443 HTTP/1.1"), LEGAL, 405),
    Case("CONNECT to a path", _line(b"CONNECT /pub/ HTTP/1.1"), LEGAL, 405),
]

TARGETS = [
    Case("authority form", _line(b"GET HOST HTTP/1.1"), LEGAL),
    Case("no slash", _line(b"GET pub/ HTTP/1.1"), LEGAL),
    Case("user information for a target", _line(b"GET @evil.test/ HTTP/1.1"), LEGAL),
    Case("a port for a target", _line(b"GET :80/ HTTP/1.1"), LEGAL),
    Case("a query for a target", _line(b"GET ?x HTTP/1.1"), LEGAL),
    Case("an asterisk", _line(b"GET * HTTP/1.1"), LEGAL),
    Case("an asterisk of OPTIONS", _line(b"OPTIONS * HTTP/1.1"), _line(b"OPTIONS /pub/ HTTP/1.1")),
    Case(
        "absolute, of another host",
        _line(b"GET http://evil.test/pub/ HTTP/1.1"),
        _line(b"GET http://HOST/pub/ HTTP/1.1"),
    ),
    Case("absolute, with user information", _line(b"GET http://a@HOST/pub/ HTTP/1.1"), LEGAL),
    Case("absolute, with a path in its authority", _line(b"GET http://HOST\\@evil.test/pub/ HTTP/1.1"), LEGAL),
    Case("absolute, of another scheme", _line(b"GET ftp://HOST/pub/ HTTP/1.1"), LEGAL),
    Case("absolute, with one slash", _line(b"GET http:/HOST/pub/ HTTP/1.1"), LEGAL),
    Case("absolute, with a fragment", _line(b"GET http://HOST/pub/#/app/ HTTP/1.1"), LEGAL),
    Case("a fragment", _line(b"GET /pub/#x HTTP/1.1"), LEGAL),
    Case("a byte beyond ASCII", _line("GET /pub/é HTTP/1.1".encode()), _line(b"GET /pub/%C3%A9 HTTP/1.1")),
    Case("a DEL", _line(b"GET /pub/\x7f HTTP/1.1"), LEGAL),
]

HOSTS = [
    Case("no Host", _host(), LEGAL),
    Case(
        "no Host in HTTP/1.0",
        b"GET /pub/ HTTP/1.0\r\nAccept: application/json\r\n\r\n",
        get(start=b"GET /pub/ HTTP/1.0\r\n"),
    ),
    Case("two equal Hosts", _host(b"Host: HOST", b"Host: HOST"), LEGAL),
    Case("two different Hosts", _host(b"Host: HOST", b"hOst: evil.test"), LEGAL),
    Case("an empty Host", _host(b"Host:"), LEGAL),
    Case("a path in Host", _host(b"Host: HOST/pub?x="), LEGAL),
    Case("user information in Host", _host(b"Host: a@HOST"), LEGAL),
    Case("a list of Hosts", _host(b"Host: HOST, HOST"), LEGAL),
    Case("two words in Host", _host(b"Host: HOST evil.test"), LEGAL),
    Case("port 0", _host(b"Host: localhost:0"), LEGAL),
    Case("port 99999", _host(b"Host: localhost:99999"), LEGAL),
    Case("a port that is no number", _host(b"Host: localhost:8o"), LEGAL),
    Case("a colon without a port", _host(b"Host: localhost:"), LEGAL),
    Case("half an address", _host(b"Host: [::1"), LEGAL),
    Case("a short address", _host(b"Host: 127.1"), LEGAL),
    Case("an address in hexadecimal", _host(b"Host: 0x7f.0.0.1"), LEGAL),
    Case("a host that nobody named", _host(b"Host: evil.test"), _host(b"Host: localhost"), 421),
    Case("a longer host", _host(b"Host: evil-localhost"), _host(b"Host: LocalHost"), 421),
    Case("a host below ours", _host(b"Host: x.localhost"), _host(b"Host: localhost."), 421),
    Case("another port", _host(b"Host: localhost:1"), LEGAL, 421),
]

FIELDS = [
    Case("a folded line", get(b"X-A: b", b" " + FORGED), get(b"X-A: b", FORGED)),
    Case("a line folded by a tab", get(b"X-A: b", b"\tX-Auth-User: admin"), LEGAL),
    Case("a folded first line", START + b" X-Auth-User: admin\r\n" + HOST + b"\r\n", LEGAL),
    Case("white space before the colon", get(b"X-A : b"), get(b"X-A: b")),
    Case("a tab before the colon", get(b"X-A\t: b"), get(b"X-A:\tb")),
    Case("no name", get(b": b"), get(b"X: b")),
    Case("no colon", get(b"X-A"), get(b"X-A:")),
    Case("two words for a name", get(b"X A: b"), get(b"X-A: b")),
    Case("a name beyond ASCII", get("X-É: b".encode()), get("X-E: é".encode())),
    Case("a name with a separator", get(b"X(A): b"), get(b"X.A: b")),
    Case("a bare LF that hides a header", get(b"X-A: b\n" + FORGED), LEGAL),
    Case("a bare CR that hides a header", get(b"X-A: b\r" + FORGED), LEGAL),
    Case("CR and nothing, then a header", get(b"X-A:\r\n\r" + FORGED), LEGAL),
    Case("CR CR LF", get(b"X-A: b\r\r\n" + FORGED), LEGAL),
    Case("the end of a head broken by CR", START + HOST + b"X-A: b\r\n\rX\r\n\r\n", LEGAL),
    Case("only bare LF", LEGAL.replace(b"\r\n", b"\n"), LEGAL, tail=b""),
    Case("one bare LF", LEGAL.replace(b"\r\n", b"\n", 1), LEGAL),
    Case("a bare LF before the end", START + HOST + b"\n\r\n", LEGAL),
    Case("a lone C1 byte", get(b"X-A: b\x85" + FORGED), get("X-A: b…".encode())),
    Case("a list with Host in Connection", get(b"Connection: Host"), get(b"Connection: keep-alive")),
    Case("Content-Length in Connection", get(b"Connection: close, Content-Length"), get(b"Connection: close")),
    Case("Transfer-Encoding in Connection", get(b"Connection: transfer-encoding"), get(b"Connection: X-A")),
    Case("two Authorizations", get(b"Authorization: a", b"Authorization: a"), get(b"Authorization: a")),
    Case("two Content-Types", get(b"Content-Type: a/b", b"content-type: a/c"), get(b"Content-Type: a/b")),
    Case("two Origins", get(b"Origin: http://HOST", b"Origin: http://evil.test"), get(b"Origin: http://HOST")),
    Case("an alias of Content-Length", get(b"Content_Length: 5"), get(b"Content-Length: 0")),
    Case("an alias of Transfer-Encoding", get(b"Transfer.Encoding: chunked"), LEGAL),
    Case("an alias of Host", get(b"H_ost: evil.test", b"Ho.st: evil.test"), LEGAL),
    *(
        Case(f"control byte {byte:02x} in a value", get(b"X-A: b" + bytes([byte]) + FORGED), get(b"X-A: b\tc"))
        for byte in [*range(0x09), *range(0x0B, 0x0D), *range(0x0E, 0x20), 0x7F]
    ),
    *(
        Case(f"control byte {byte:02x} in a name", get(b"X" + bytes([byte]) + b"A: b"), LEGAL)
        for byte in (0x00, 0x09, 0x0B, 0x0C, 0x1C, 0x7F, 0x85)
    ),
]

UPGRADES = [
    Case("h2c", get(b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABk"), LEGAL, 501),
    Case("h2c without Connection", get(b"Upgrade: h2c"), LEGAL, 501),
    Case("HTTP2-Settings alone", get(b"HTTP2-Settings: AAMAAABk"), LEGAL, 501),
    Case("TLS", get(b"Connection: Upgrade", b"Upgrade: TLS/1.0"), LEGAL, 501),
    Case("a list of protocols", get(b"Connection: Upgrade", b"Upgrade: websocket, h2c"), LEGAL, 501),
    Case("two Upgrades", get(b"Connection: Upgrade", b"Upgrade: websocket", b"Upgrade: h2c"), LEGAL),
    Case(
        "WebSocket where no route takes it",
        get(b"Connection: Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Version: 13", b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="),
        LEGAL,
        (400, 501),
    ),
    Case("an unknown expectation", get(b"Expect: y"), LEGAL, 417),
    Case("two expectations in one", get(b"Expect: 100-continue, y"), LEGAL, 417),
    Case("an expectation twice", get(b"Expect: 100-continue", b"Expect: 100-continue"), get(b"Expect: 100-continue")),
]  # fmt: skip

CASES = LINES + TARGETS + HOSTS + FIELDS + UPGRADES


@each(CASES)
def test_a_head_with_two_readings_is_refused_and_nothing_goes_upstream(fronted: Fronted, case: Case) -> None:
    is_refused(fronted, case.attack + case.tail, case.status)


@each(CASES)
def test_its_legal_twin_is_served(fronted: Fronted, case: Case) -> None:
    method = "HEAD" if case.twin.startswith(b"HEAD") else "GET"
    is_served(fronted, case.twin, method)


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_the_usual_methods_go_through_as_they_are(fronted: Fronted, method: str) -> None:
    is_served(fronted, _line(method.encode("ascii") + b" /pub/ HTTP/1.1"), method)
    assert fronted.canary.seen[0].method == method


@pytest.mark.parametrize(
    ("target", "forwarded"),
    [
        (b"http://HOST/pub/x?y=1", b"/pub/x?y=1"),
        (b"HTTP://HOST/pub/", b"/pub/"),
        (b"http://HOST", b"/"),
        (b"http://HOST?x", b"/?x"),
    ],
)
def test_an_absolute_target_of_this_host_is_reduced_to_its_path(
    fronted: Fronted, target: bytes, forwarded: bytes
) -> None:
    answer = fronted.ask(_line(b"GET " + target + b" HTTP/1.1"))
    if forwarded.startswith(b"/pub/"):
        assert [seen.target for seen in fronted.canary.seen] == [forwarded]
    assert answer.status == 200


def test_a_head_is_read_the_same_when_it_comes_byte_by_byte(fronted: Fronted) -> None:
    with fronted.raw() as raw:
        for byte in fronted.fill(get(b"X-A: b")):
            raw.send(bytes([byte]))
        assert raw.answer().status == 200
    assert fronted.canary.seen[0].values("x-a") == [b"b"]


@pytest.mark.parametrize("attack", [get(b"X-A: b", b" folded"), get(b"Host: HOST"), get(b"X-A: b\rc")])
def test_an_attack_is_refused_the_same_when_it_comes_byte_by_byte(fronted: Fronted, attack: bytes) -> None:
    with fronted.raw() as raw:
        for byte in fronted.fill(attack):
            raw.send(bytes([byte]))
        assert raw.answer().status == 400
        assert raw.is_closed()
    fronted.nothing_was_forwarded()


def test_a_hostile_head_is_never_echoed_in_the_answer_or_the_log(fronted: Fronted) -> None:
    attack = _line(b"GET /pub/<svg/onload=alert(1)>\x1b[2J HTTP/1.1")
    with fronted.raw() as raw:
        raw.send(fronted.fill(attack))
        everything = raw.rest()
    assert everything.startswith(b"HTTP/1.1 400 ")
    written = everything.decode("latin-1") + str(fronted.logged("rejected"))
    assert "svg" not in written
    assert "\x1b" not in written


def test_pipelined_requests_are_answered_in_their_order(fronted: Fronted) -> None:
    first, second, third = (get(start=b"GET /pub/%d HTTP/1.1\r\n" % number) for number in range(3))
    with fronted.raw() as raw:
        raw.send(fronted.fill(first + second + third))
        assert [raw.answer().body for _ in range(3)] == [b"/pub/0", b"/pub/1", b"/pub/2"]


def test_a_pipelined_attack_is_refused_after_the_request_before_it_and_before_the_one_behind(fronted: Fronted) -> None:
    with fronted.raw() as raw:
        raw.send(fronted.fill(get(start=b"GET /pub/0 HTTP/1.1\r\n") + get(b"X-A: b", b" folded") + SMUGGLED))
        assert raw.answer().body == b"/pub/0"
        assert raw.answer().status == 400
        assert raw.is_closed()
    assert [seen.target for seen in fronted.canary.seen] == [b"/pub/0"]


def test_a_kept_connection_serves_many_requests(fronted: Fronted) -> None:
    with fronted.raw() as raw:
        for number in range(20):
            raw.send(fronted.fill(get(start=b"GET /pub/%d HTTP/1.1\r\n" % number)))
            answer = raw.answer()
            assert (answer.body, answer.values("connection")) == (b"/pub/%d" % number, [])


@pytest.mark.parametrize(
    "request_bytes",
    [get(start=b"GET /pub/ HTTP/1.0\r\n"), get(b"Connection: keep-alive", start=b"GET /pub/ HTTP/1.0\r\n"), get(b"Connection: close")],
)  # fmt: skip
def test_an_old_client_and_one_that_says_close_are_served_and_closed(fronted: Fronted, request_bytes: bytes) -> None:
    with fronted.raw() as raw:
        answer = raw.send(fronted.fill(request_bytes + SMUGGLED)).answer()
        assert (answer.status, answer.values("connection")) == (200, [b"close"])
        assert raw.is_closed()
    assert [seen.target for seen in fronted.canary.seen] == [b"/pub/"]


def test_an_old_client_is_never_sent_chunks(fronted: Fronted) -> None:
    fronted.canary.script = always(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")
    answer = fronted.ask(get(start=b"GET /pub/ HTTP/1.0\r\n"))
    assert (answer.body, answer.values("transfer-encoding")) == (b"hello", [])


@pytest.mark.parametrize(
    "attack", [get(b"X-A: b", b" folded"), get(*[b"X-A: b"] * 101), get(b"Expect: x"), get(b"H_ost: a")]
)
def test_a_refusal_of_a_head_request_has_no_body(fronted: Fronted, attack: bytes) -> None:
    with fronted.raw() as raw:
        answer = raw.send(fronted.fill(attack.replace(b"GET", b"HEAD", 1))).answer("HEAD")
        assert answer.status in {400, 417, 431}
        assert raw.is_closed()


def test_what_is_sent_after_a_refusal_is_never_read_as_a_request(fronted: Fronted) -> None:
    with fronted.raw() as raw:
        assert raw.send(fronted.fill(get(b"X-A: b", b" folded"))).answer().status == 400
        raw.send(fronted.fill(SMUGGLED))
        assert raw.is_closed()
    fronted.nothing_was_forwarded()
