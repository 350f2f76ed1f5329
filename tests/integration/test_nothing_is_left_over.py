"""What a request held is free as soon as it is over: nothing of it is tied into a ring that only a collection undoes."""

import gc
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CoroutineType, FrameType, ModuleType

import pytest

import gateway
from tests.attack.test_websocket import ORIGIN, echo, handshake, masked
from tests.canary import Exchange, always, ok
from tests.fronted import Fronted, gateway_at
from tests.wire import PATIENCE_S
from tests.world import bound_sockets

TIMES = 5
BODY = b"x" * 100_000

Use = Callable[[Fronted], None]


@pytest.fixture(scope="module", params=[True, False], ids=["quick lane", "ASGI"])
def fronted(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fronted]:
    (nobody,) = bound_sockets(1)
    dead = f"http://127.0.0.1:{nobody.getsockname()[1]}"
    routes = f'\n  - {{path: /dead/, upstream: "{dead}", policy: public, name: dead}}'
    routes += f'\n  - {{path: /dead/stream/, upstream: "{dead}", policy: public, name: dead-stream, body: unbound}}'
    with nobody, gateway_at(tmp_path_factory.mktemp("left-over"), routes=routes, quick_lane=request.param) as started:
        yield started


def _asks(request: bytes, *statuses: int) -> Use:
    def use(fronted: Fronted) -> None:
        assert fronted.ask(request).status in statuses

    return use


def _post(path: bytes, fields: bytes, body: bytes) -> bytes:
    return b"POST %b HTTP/1.1\r\nHost: HOST\r\n%b\r\n\r\n%b" % (path, fields, body)


def _answers(data: bytes, status: int, *, close: bool = False) -> Use:
    def use(fronted: Fronted) -> None:
        fronted.canary.script = always(data, close=close)
        assert fronted.ask(b"GET /pub/ HTTP/1.1\r\nHost: HOST\r\n\r\n").status == status

    return use


def _cut(fronted: Fronted) -> None:
    """The application dies in the middle of its answer."""
    fronted.canary.script = always(ok(BODY)[:50_000], close=True)
    with fronted.raw() as raw:
        raw.send(fronted.fill(b"GET /pub/ HTTP/1.1\r\nHost: HOST\r\n\r\n")).rest()


def _leaves_the_answer(fronted: Fronted) -> None:
    fronted.canary.script = always(ok(BODY * 50))
    with fronted.raw() as raw:
        raw.send(fronted.fill(b"GET /pub/ HTTP/1.1\r\nHost: HOST\r\n\r\n")).exactly(1000)


def _leaves_its_upload(path: bytes) -> Use:
    def use(fronted: Fronted) -> None:
        began = threading.Event()

        def script(exchange: Exchange) -> None:
            began.set()
            exchange.body()

        fronted.canary.script = script
        with fronted.raw() as raw:
            raw.send(fronted.fill(_post(path, b"Content-Length: 900000", BODY)))
            if path == b"/stream/":
                assert began.wait(5)

    return use


def _opens_a_socket(fronted: Fronted) -> None:
    fronted.canary.script = echo
    with fronted.raw() as raw:
        assert raw.send(fronted.fill(handshake(ORIGIN))).answer().status == 101
        raw.send(masked(b"one")).exactly(5)


def _signs_in(fronted: Fronted) -> None:
    """And asks for something, and signs out."""
    person, cookie = fronted.person()
    assert fronted.ask(b"GET /app/ HTTP/1.1\r\nHost: HOST\r\n" + cookie + b"\r\n\r\n").status == 200
    person.press(person.visit("/_gateway/logout"), "Se déconnecter")


def _is_signed_out_of_its_answer(fronted: Fronted) -> None:
    """From another tab, while the application still speaks."""
    person, cookie = fronted.person()
    over = threading.Event()

    def speak(exchange: Exchange) -> bool:
        exchange.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
        return over.wait(PATIENCE_S)

    fronted.canary.script = speak
    with fronted.raw() as raw:
        raw.send(fronted.fill(b"GET /app/ HTTP/1.1\r\nHost: HOST\r\n" + cookie + b"\r\n\r\n")).until(b"hello")
        person.press(person.visit("/_gateway/logout"), "Se déconnecter")
        raw.rest()
    over.set()


def _leaves_after_an_early_answer(fronted: Fronted) -> None:
    fronted.canary.script = lambda exchange: exchange.send(ok())
    with fronted.raw() as raw:
        raw.send(fronted.fill(_post(b"/stream/", b"Content-Length: 900000", BODY))).until(b"ok")


CHUNKED = b"186a0\r\n" + BODY + b"\r\n0\r\n\r\n"
NOBODY = (502, 503)
"""Refused, and refused without asking after some times."""

SIZED = b"Content-Length: 100000"
USES: dict[str, Use] = {
    "a small request": _asks(b"GET /pub/ HTTP/1.1\r\nHost: HOST\r\n\r\n", 200),
    "nobody signed in": _asks(b"GET /app/ HTTP/1.1\r\nHost: HOST\r\nSec-Fetch-Mode: cors\r\n\r\n", 401),
    "no such host": _asks(b"GET /nowhere/ HTTP/1.1\r\nHost: elsewhere.invalid\r\n\r\n", 421),
    "a mangled request": _asks(b"GET /pub/ HTTP/1.1\r\nHost: HOST\r\nBad Name: x\r\n\r\n", 400),
    "a sized body": _asks(_post(b"/pub/", SIZED, BODY), 200),
    "a chunked body": _asks(_post(b"/pub/", b"Transfer-Encoding: chunked", CHUNKED), 200),
    "a streamed body": _asks(_post(b"/stream/", b"Transfer-Encoding: chunked", CHUNKED), 200),
    "a body too large": _asks(_post(b"/small/", SIZED, BODY), 413),
    "a chunked body that grows too large": _asks(_post(b"/narrow/", b"Transfer-Encoding: chunked", CHUNKED), 413),
    "a chunked answer": _answers(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKED, 200),
    "an answer that lasts as long as its connection": _answers(b"HTTP/1.1 200 OK\r\n\r\n" + BODY, 200, close=True),
    "an answer that is none": _answers(b"no HTTP at all\r\n\r\n", 502, close=True),
    "no answer": _answers(b"", 502, close=True),
    "an answer cut short": _cut,
    "nobody listens": _asks(_post(b"/dead/", SIZED, BODY), *NOBODY),
    "nobody listens to a stream": _asks(_post(b"/dead/stream/", SIZED, BODY), *NOBODY),
    "a client that leaves its answer": _leaves_the_answer,
    "a client that leaves its upload": _leaves_its_upload(b"/pub/"),
    "a client that leaves its streamed upload": _leaves_its_upload(b"/stream/"),
    "a WebSocket": _opens_a_socket,
    "a session": _signs_in,
    "a logout in the middle of an answer": _is_signed_out_of_its_answer,
    "a client that leaves when its upload was answered early": _leaves_after_an_early_answer,
}


@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_it_is_free_at_once(fronted: Fronted, use: Use) -> None:
    fronted.forget()
    use(fronted)
    with _leftovers() as found:
        for _ in range(TIMES):
            use(fronted)
        fronted.forget()
        assert fronted.ask(b"GET /pub/ HTTP/1.1\r\nHost: HOST\r\n\r\n").status == 200
    assert found == {}


@contextmanager
def _leftovers() -> Iterator[dict[str, int]]:
    """How many of ours, by kind, were out of reach and not free at the end of the block."""
    found: dict[str, int] = {}
    gc.collect()
    gc.disable()
    try:
        yield found
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        for each in map(_ours, gc.garbage):
            if each:
                found[each] = found.get(each, 0) + 1
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
        gc.collect()


def _ours(each: object) -> str:
    """What it is, if it is the gateway's; its simulators are not."""
    if isinstance(each, FrameType):
        file = each.f_code.co_filename
        return f"frame of {each.f_code.co_name}" if file.startswith(HOME) and "/sandbox/" not in file else ""
    if isinstance(each, CoroutineType):
        file = each.cr_code.co_filename
        return f"coroutine {each.__qualname__}" if file.startswith(HOME) and "/sandbox/" not in file else ""
    kind = type(each)
    ours = kind.__module__.startswith("gateway.") and not kind.__module__.startswith("gateway.sandbox.")
    return f"{kind.__module__}.{kind.__qualname__}" if ours else ""


def _home(package: ModuleType) -> str:
    assert package.__file__ is not None
    return str(Path(package.__file__).parent)


HOME = _home(gateway)
