"""WebSocket through the gateway: who may open one, what the application is told, and when it ends (peers §4.9)."""

import base64
import hashlib
import signal
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from gateway.core.websocket_frames import GOING_AWAY, SESSION_ENDED
from tests.attack.cases import SMUGGLED, Case, each, get, is_a_problem, is_refused
from tests.browser import Person
from tests.canary import Exchange, ok
from tests.fronted import Fronted, gateway_at, gateway_process_at
from tests.wire import Ended, Raw, eventually

KEY = b"dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = base64.b64encode(hashlib.sha1(KEY + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
UPGRADE = (b"Connection: Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Version: 13", b"Sec-WebSocket-Key: " + KEY)
ORIGIN = b"Origin: http://HOST"
ENDED_WITHIN_S = 2.0
"""After a logout or the end of a session; a check every half second, and slack for a busy machine."""


def handshake(*fields: bytes, path: bytes = b"/ws/", upgrade: tuple[bytes, ...] = UPGRADE) -> bytes:
    return get(*upgrade, *fields, start=b"GET %b HTTP/1.1\r\n" % path)


def masked(text: bytes) -> bytes:
    """A client's text frame (RFC 6455 §5.2)."""
    mask = b"\x01\x02\x03\x04"
    size = bytes([0x80 | len(text)]) if len(text) < 126 else b"\xfe" + len(text).to_bytes(2, "big")
    return b"\x81" + size + mask + bytes(byte ^ mask[at % 4] for at, byte in enumerate(text))


def echo(exchange: Exchange) -> bool:
    """A tiny WebSocket application: it unmasks each text frame and sends it back."""
    accept = base64.b64encode(
        hashlib.sha1(exchange.seen.values("sec-websocket-key")[0] + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
    )
    exchange.send(
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade, X-Secret\r\nUpgrade: websocket\r\nX-Secret: hop\r\n"
        b"Keep-Alive: hop\r\nSec-WebSocket-Protocol: chat\r\nX-Gateway-Assertion: hop\r\nSec-WebSocket-Accept: "
        + accept
        + b"\r\n\r\n"
    )
    while True:
        start = exchange.stream.exactly(2)
        size = start[1] & 0x7F
        extended = exchange.stream.exactly(2) if size == 126 else b""
        mask = exchange.stream.exactly(4)
        text = exchange.stream.exactly(int.from_bytes(extended, "big") if extended else size)
        plain = bytes(byte ^ mask[at % 4] for at, byte in enumerate(text))
        exchange.send(start[:1] + bytes([size]) + extended + plain)


@pytest.fixture
def sockets(fronted: Fronted) -> Fronted:
    fronted.canary.script = echo
    return fronted


def _open(raw: Raw, fronted: Fronted, *fields: bytes, path: bytes = b"/ws/") -> None:
    answer = raw.send(fronted.fill(handshake(*fields, path=path))).answer()
    assert answer.status == 101, answer
    assert answer.values("sec-websocket-accept") == [ACCEPT]
    raw.send(masked(b"hello"))
    assert raw.exactly(7) == b"\x81\x05hello"


def test_frames_pass_both_ways_and_the_handshake_is_the_applications_own(sockets: Fronted) -> None:
    with sockets.raw() as raw:
        answer = raw.send(sockets.fill(handshake(ORIGIN, b"Sec-WebSocket-Protocol: chat, other"))).answer()
        assert answer.status == 101
        assert [value.lower() for value in answer.values("connection")] == [b"upgrade"]
        assert answer.values("upgrade") == [b"websocket"]
        assert answer.values("sec-websocket-protocol") == [b"chat"]
        assert b"hop" not in [value for _, value in answer.fields]
        for text in (b"un", b"deux", b"x" * 300):
            raw.send(masked(text))
            head = 2 if len(text) < 126 else 4
            assert raw.exactly(head + len(text))[head:] == text
    seen = sockets.canary.seen[0]
    assert seen.values("sec-websocket-protocol") == [b"chat, other"]
    assert seen.values("origin") == [b"http://" + sockets.authority]
    assert [value.lower() for value in seen.values("connection")] == [b"upgrade"]


def test_the_handshake_carries_the_identity_and_no_forged_one(sockets: Fronted) -> None:
    forged = [b"X-Auth-User: FORGED", b"x_usager_nom: FORGED", b"X-Gateway-Assertion: FORGED"]
    with sockets.raw() as raw:
        _open(raw, sockets, ORIGIN, *forged, sockets.signed_in, path=b"/app/ws/")
    seen = sockets.canary.seen[0]
    assert seen.values("x-usager-nom") == [b"DUBOIS"]
    assert len(seen.values("x-gateway-assertion")) == 1
    assert seen.values("cookie") == []
    assert b"FORGED" not in sockets.canary.received


def test_a_public_socket_names_nobody_even_to_a_signed_in_person(sockets: Fronted) -> None:
    with sockets.raw() as raw:
        _open(raw, sockets, ORIGIN, b"X-Auth-User: FORGED", sockets.signed_in)
    assert not sockets.canary.seen[0].values("x-usager-nom")
    assert b"FORGED" not in sockets.canary.received


# -- from which page


@pytest.mark.parametrize("path", [b"/ws/", b"/app/ws/"])
@pytest.mark.parametrize(
    "origin",
    [
        *[b"http://evil.test", b"null", b"https://HOST", b"http://localhost", b"http://HOST.evil.test", b"http://evil-HOST"],
        *[b"http://HOST/", b"http://a@HOST", b"http://HOST, http://HOST", b"", b"file://"],
    ],
)  # fmt: skip
def test_a_page_of_another_origin_opens_nothing(sockets: Fronted, origin: bytes, path: bytes) -> None:
    fields = [b"Origin: " + origin, sockets.signed_in]
    with sockets.raw() as raw:
        is_a_problem(raw.send(sockets.fill(handshake(*fields, path=path) + masked(b"hello"))).answer(), (403,))
    assert not sockets.canary.seen


def test_without_an_origin_a_session_opens_nothing(sockets: Fronted) -> None:
    with sockets.raw() as raw:
        is_a_problem(raw.send(sockets.fill(handshake(sockets.signed_in, path=b"/app/ws/"))).answer(), (403,))
    assert not sockets.canary.seen


def test_without_an_origin_and_without_a_session_a_program_opens_a_public_one(sockets: Fronted) -> None:
    with sockets.raw() as raw:
        _open(raw, sockets)


def test_without_a_session_a_protected_socket_is_401(sockets: Fronted) -> None:
    with sockets.raw() as raw:
        assert raw.send(sockets.fill(handshake(ORIGIN, path=b"/app/ws/"))).answer().status == 401
    assert not sockets.canary.seen


# -- what is no handshake


def _upgrade(at: int, field: bytes) -> bytes:
    return handshake(ORIGIN, upgrade=(*UPGRADE[:at], field, *UPGRADE[at + 1 :]))


PLAIN = get(start=b"GET /ws/ HTTP/1.1\r\n")

BROKEN = [
    Case("version 12", _upgrade(2, b"Sec-WebSocket-Version: 12"), PLAIN, (400, 426)),
    Case("no version", _upgrade(2, b"X-A: b"), PLAIN, (400, 426)),
    Case("a short key", _upgrade(3, b"Sec-WebSocket-Key: dGhl"), PLAIN),
    Case("no key", _upgrade(3, b"X-A: b"), PLAIN),
    Case("two keys", handshake(ORIGIN, b"Sec-WebSocket-Key: " + KEY), PLAIN),
    Case("a body", handshake(ORIGIN, b"Content-Length: 5") + b"hello", PLAIN, (400, 501)),
    Case("chunks", handshake(ORIGIN, b"Transfer-Encoding: chunked") + b"0\r\n\r\n", PLAIN, (400, 501)),
    Case("another protocol", _upgrade(1, b"Upgrade: h2c"), PLAIN, 501),
    Case("POST", handshake(ORIGIN).replace(b"GET", b"POST", 1), PLAIN, (400, 501)),
    Case("a route without WebSocket", handshake(ORIGIN, path=b"/pub/"), PLAIN, 501),
]


@each(BROKEN)
def test_what_is_no_handshake_opens_nothing(fronted: Fronted, case: Case) -> None:
    is_refused(fronted, case.attack + case.tail, case.status)


def test_an_ordinary_request_to_the_same_route_stays_one(fronted: Fronted) -> None:
    assert fronted.ask(PLAIN).status == 200


@pytest.fixture
def may_answer(fronted: Fronted) -> threading.Event:
    """An application that lets nobody in before it is told to."""
    told = threading.Event()

    def late(exchange: Exchange) -> bool:
        told.wait(5)
        return echo(exchange)

    fronted.canary.script = late
    return told


def test_bytes_behind_the_handshake_wait_for_the_applications_101(
    fronted: Fronted, may_answer: threading.Event
) -> None:
    with fronted.raw() as raw:
        raw.send(fronted.fill(handshake(ORIGIN)) + masked(b"early"))
        fronted.canary.wait(lambda: bool(fronted.canary.seen))
        assert fronted.canary.received.endswith(b"\r\n\r\n")
        may_answer.set()
        assert raw.answer().status == 101
        assert raw.exactly(7) == b"\x81\x05early"


@pytest.mark.parametrize("size", [1_000, 100_000])
def test_a_client_that_says_much_before_the_101_is_heard_and_its_end_noticed(
    fronted: Fronted, may_answer: threading.Event, size: int
) -> None:
    with fronted.raw() as raw:
        raw.send(fronted.fill(handshake(ORIGIN)))
        fronted.canary.wait(lambda: bool(fronted.canary.seen))
        raw.send(masked(b"a" * 100) * (size // 100))
        may_answer.set()
        assert raw.answer().status == 101
        raw.exactly(size // 100 * 102)
        raw.send(masked(b"after"))
        assert raw.exactly(7) == b"\x81\x05after"
    assert eventually(lambda: fronted.canary.open == 0)


def test_bytes_behind_a_refused_handshake_are_a_request_or_nothing(fronted: Fronted) -> None:
    def refuse(exchange: Exchange) -> None:
        exchange.send(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")

    fronted.canary.script = refuse
    app = SMUGGLED.replace(b"/pub/", b"/app/").replace(b"\r\n\r\n", b"\r\nSec-Fetch-Mode: cors\r\n\r\n")
    with fronted.raw() as raw:
        raw.send(fronted.fill(handshake(ORIGIN) + app))
        assert raw.answer().status == 403
        with suppress(Ended):
            assert raw.answer().status == 401
    assert [seen.target for seen in fronted.canary.seen] == [b"/ws/"]


# -- how it ends


def test_the_applications_end_ends_the_client(sockets: Fronted) -> None:
    with sockets.raw() as raw:
        _open(raw, sockets, ORIGIN)
        sockets.canary.drop()
        assert raw.is_closed()


def test_the_clients_end_ends_the_application(sockets: Fronted) -> None:
    with sockets.raw() as raw:
        _open(raw, sockets, ORIGIN)
    sockets.canary.wait(lambda: sockets.canary.seen[0].over)


def _log_out(person: Person, fronted: Fronted) -> None:
    person.press(person.visit("/_gateway/logout"), "Se déconnecter")


def _revoke(person: Person, fronted: Fronted) -> None:
    """As another process would."""
    with sqlite3.connect(fronted.world.settings.sessions.store.partition(":")[2]) as store:
        store.execute("DELETE FROM records")


@pytest.mark.parametrize("end", [_log_out, _revoke])
def test_a_socket_ends_with_its_session(sockets: Fronted, end: Callable[[Person, Fronted], None]) -> None:
    person, cookie = sockets.person()
    sockets.canary.script = echo
    with sockets.raw() as raw:
        _open(raw, sockets, ORIGIN, cookie, path=b"/app/ws/")
        end(person, sockets)
        began = time.monotonic()
        assert raw.exactly(len(SESSION_ENDED)) == SESSION_ENDED
        assert raw.is_closed()
        assert time.monotonic() - began < ENDED_WITHIN_S
    sockets.canary.wait(lambda: sockets.canary.seen[0].over)
    sockets._cookie = b""


@pytest.mark.parametrize("last", [b"\x81\x05hel", b"\x82\x7e\x01", b"\x88\x02\x03\xe8"])
def test_nothing_is_said_inside_a_frame_or_after_the_applications_own_farewell(sockets: Fronted, last: bytes) -> None:
    person, cookie = sockets.person()

    def unfinished(exchange: Exchange) -> bool:
        exchange.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n")
        exchange.send(b"Sec-WebSocket-Accept: " + ACCEPT + b"\r\n\r\n\x81\x02ok" + last)
        exchange.stream.exactly(1)
        return True

    sockets.canary.script = unfinished
    with sockets.raw() as raw:
        fields = (ORIGIN, cookie)
        assert raw.send(sockets.fill(handshake(*fields, path=b"/app/ws/"))).answer().status == 101
        assert raw.exactly(4 + len(last)) == b"\x81\x02ok" + last
        _log_out(person, sockets)
        began = time.monotonic()
        assert raw.is_closed()
        assert time.monotonic() - began < ENDED_WITHIN_S
    sockets._cookie = b""


def test_a_restart_is_said_where_a_frame_may_stand(tmp_path: Path) -> None:
    def begun(exchange: Exchange) -> bool:
        exchange.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n")
        exchange.send(b"Sec-WebSocket-Accept: " + ACCEPT + b"\r\n\r\n\x81\x05hel")
        exchange.stream.exactly(1)
        return True

    with gateway_process_at(tmp_path) as (fronted, process), fronted.raw() as between, fronted.raw() as within:
        fronted.canary.script = echo
        _open(between, fronted)
        fronted.canary.script = begun
        assert within.send(fronted.fill(handshake())).answer().status == 101
        assert within.exactly(5) == b"\x81\x05hel"
        process.signal(signal.SIGTERM)
        assert between.exactly(len(GOING_AWAY)) == GOING_AWAY
        assert between.is_closed()
        assert within.is_closed()
        # The drain waits for nobody who has been told.
        assert process.process.wait(5) == 0


def test_a_restart_is_said_to_who_is_let_in_during_it(tmp_path: Path) -> None:
    """The application answers the handshake when the drain has begun, and sends its first frame with it."""
    asked, answer = threading.Event(), threading.Event()

    def late(exchange: Exchange) -> bool:
        asked.set()
        answer.wait(10)
        exchange.send(
            b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            b"Sec-WebSocket-Accept: " + ACCEPT + b"\r\n\r\n\x81\x02ok"
        )
        exchange.stream.exactly(1)
        return True

    with gateway_process_at(tmp_path) as (fronted, process), fronted.raw() as raw, fronted.raw() as idle:
        fronted.canary.script = late
        raw.send(fronted.fill(handshake()))
        assert asked.wait(10)
        process.signal(signal.SIGTERM)
        assert idle.is_closed()
        answer.set()
        assert raw.answer().status == 101
        assert raw.exactly(len(GOING_AWAY)) == GOING_AWAY
        assert raw.is_closed()
        assert process.process.wait(5) == 0


def _is_open(port: int, raw: Raw) -> bool:
    """Whether the gateway still has its end: the system says so, while nothing is read."""
    ours = raw.sock.getsockname()[1]
    lines = Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]
    ends = [line.split()[1:4] for line in lines]
    return any(
        local.endswith(f":{port:04X}") and far.endswith(f":{ours:04X}") and state == "01" for local, far, state in ends
    )


def test_who_reads_nothing_is_cut_all_the_same(sockets: Fronted) -> None:
    """The farewell cannot leave: what the application sent before it fills the way."""
    person, cookie = sockets.person()
    frame = b"\x82\x7e" + (1_020).to_bytes(2, "big") + bytes(1_020)
    sent: list[float] = []

    def flood(exchange: Exchange) -> bool:
        exchange.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n")
        exchange.send(b"Sec-WebSocket-Accept: " + ACCEPT + b"\r\n\r\n")
        while True:
            exchange.send(frame)
            sent.append(time.monotonic())
            # Whole frames arrive one by one: the gateway stops reading between two, where a farewell may stand.
            time.sleep(0.0001)

    sockets.canary.script = flood
    with sockets.raw() as raw:
        raw.send(sockets.fill(handshake(ORIGIN, cookie, path=b"/app/ws/")))
        assert eventually(lambda: bool(sent) and time.monotonic() - sent[-1] > 0.5)
        assert _is_open(sockets.port, raw)
        began = time.monotonic()
        _log_out(person, sockets)
        assert eventually(lambda: not _is_open(sockets.port, raw), began + ENDED_WITHIN_S - time.monotonic())
    sockets.canary.wait(lambda: sockets.canary.seen[0].over)
    sockets._cookie = b""


def test_a_socket_outlives_somebody_elses_logout(sockets: Fronted) -> None:
    person, _ = sockets.person()
    _, cookie = sockets.person("avec_nom_dusage")
    sockets.canary.script = echo
    with sockets.raw() as raw:
        _open(raw, sockets, ORIGIN, cookie, path=b"/app/ws/")
        _log_out(person, sockets)
        time.sleep(1.2)
        raw.send(masked(b"still"))
        assert raw.exactly(7) == b"\x81\x05still"


def test_a_socket_ends_when_its_session_expires(expiring: Fronted) -> None:
    cookie = expiring.cookie()
    expiring.canary.script = echo
    with expiring.raw() as raw:
        _open(raw, expiring, ORIGIN, cookie, path=b"/app/ws/")
        expiring.world.clock.ahead_s += 29_000
        began = time.monotonic()
        assert raw.exactly(len(SESSION_ENDED)) == SESSION_ENDED
        assert raw.is_closed()
        assert time.monotonic() - began < ENDED_WITHIN_S


@pytest.fixture
def expiring(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fronted]:
    with gateway_at(tmp_path_factory.mktemp("expiring")) as started:
        yield started


def test_megabytes_pass_through_a_socket_whole(fronted: Fronted) -> None:
    def mirror(exchange: Exchange) -> None:
        exchange.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
        while True:
            exchange.send(exchange.stream.exactly(65_536))

    fronted.canary.script = mirror
    data = bytes(range(256)) * 256 * 80
    with fronted.raw() as raw:
        assert raw.send(fronted.fill(handshake(ORIGIN))).answer().status == 101
        sender = threading.Thread(target=raw.send, args=(data,))
        sender.start()
        assert raw.exactly(len(data)) == data
        sender.join()


def test_an_ordinary_answer_that_switches_protocols_is_502(fronted: Fronted) -> None:
    def switch(exchange: Exchange) -> None:
        exchange.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n" + ok())

    fronted.canary.script = switch
    is_a_problem(fronted.ask(PLAIN), (502,))
