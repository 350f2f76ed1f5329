"""Large bodies in both directions at a constant memory: what one end does not take, the other end may not send."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.attack.cases import get, post
from tests.canary import Exchange, ok
from tests.fronted import Fronted, gateway_process_at
from tests.processes import Gateway
from tests.wire import Ended, Raw, eventually

MEGABYTE = 1_048_576
TOTAL_MB = int(os.environ.get("STREAM_MB", "256"))
"""`make verify` moves a gigabyte."""

CONNECTIONS = 16
MOVES_LESS_THAN_MB = 32
BLOCK = bytes(range(256)) * 4096


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Fronted, Gateway]]:
    with gateway_process_at(tmp_path_factory.mktemp("gateway")) as (fronted, gateway):
        fronted.canary.keep_bytes = False
        for _ in range(50):
            assert fronted.ask(get()).status == 200
        yield fronted, gateway


def resident_mb(pid: int) -> float:
    """Resident memory of a process, from the kernel."""
    line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


@contextmanager
def memory_stays(pid: int) -> Iterator[None]:
    """Sample the process until the end; its highest level may not leave the first by much."""
    before = highest = resident_mb(pid)
    over = threading.Event()

    def sample() -> None:
        nonlocal highest
        while not over.wait(0.02):
            highest = max(highest, resident_mb(pid))

    sampler = threading.Thread(target=sample)
    sampler.start()
    try:
        yield
    finally:
        over.set()
        sampler.join()
    assert highest - before < MOVES_LESS_THAN_MB, f"{before:.0f} MB rose to {highest:.0f} MB"


def _each(do: Callable[[int], int]) -> int:
    """Do it on every connection at once; the sum of what each counted."""
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        return sum(pool.map(do, range(CONNECTIONS)))


def _each_mb() -> int:
    return TOTAL_MB // CONNECTIONS


class Sender:
    """An upstream that answers with megabytes, and says how many it got rid of."""

    def __init__(self, megabytes: int, *, chunked: bool) -> None:
        self._megabytes = megabytes
        self._chunked = chunked
        self.sent_mb = 0

    def __call__(self, exchange: Exchange) -> None:
        size = b"%x\r\n" % len(BLOCK)
        framing = (
            b"Transfer-Encoding: chunked" if self._chunked else b"Content-Length: %d" % (self._megabytes * len(BLOCK))
        )
        exchange.send(b"HTTP/1.1 200 OK\r\n" + framing + b"\r\n\r\n")
        for _ in range(self._megabytes):
            exchange.send(size + BLOCK + b"\r\n" if self._chunked else BLOCK)
            self.sent_mb += 1
        if self._chunked:
            exchange.send(b"0\r\n\r\n")


def drain(exchange: Exchange) -> None:
    """An upstream that reads a body of known length, checks it, keeps nothing, and answers with its size."""
    left = int(exchange.seen.values("content-length")[0])
    size = left
    while left:
        piece = exchange.stream.exactly(min(left, len(BLOCK)))
        assert piece == BLOCK[: len(piece)]
        left -= len(piece)
    exchange.send(ok(b"%d" % size))


def _download(fronted: Fronted, megabytes: int) -> int:
    """Count what arrives, block by block; each must be the one that was sent."""
    with fronted.raw() as raw:
        raw.send(fronted.fill(get(b"Connection: close")))
        head = raw.until(b"\r\n\r\n").lower()
        assert b" 200 " in head
        chunked = b"transfer-encoding: chunked" in head
        return _read_chunks(raw) if chunked else _read_blocks(raw, megabytes)


def _read_blocks(raw: Raw, megabytes: int) -> int:
    for _ in range(megabytes):
        assert raw.exactly(len(BLOCK)) == BLOCK
    assert raw.is_closed()
    return megabytes * len(BLOCK)


def _read_chunks(raw: Raw) -> int:
    total = 0
    while size := int(raw.until(b"\r\n"), 16):
        at = total % 256
        piece = raw.exactly(size)
        assert piece[:256] == (BLOCK[at:] + BLOCK)[: min(size, 256)]
        assert raw.exactly(2) == b"\r\n"
        total += size
    return total


@pytest.mark.parametrize("chunked", [False, True], ids=["with a length", "in chunks"])
def test_a_large_answer_passes_through_16_connections_at_constant_memory(
    process: tuple[Fronted, Gateway], chunked: bool
) -> None:
    fronted, gateway = process
    fronted.forget()
    fronted.canary.script = Sender(_each_mb(), chunked=chunked)
    with memory_stays(gateway.process.pid):
        assert _each(lambda _: _download(fronted, _each_mb())) == TOTAL_MB * MEGABYTE


def test_a_large_upload_passes_through_16_connections_at_constant_memory(process: tuple[Fronted, Gateway]) -> None:
    fronted, gateway = process
    fronted.forget()
    fronted.canary.script = drain

    def upload(_: int) -> int:
        with fronted.raw() as raw:
            raw.send(fronted.fill(post(b"", b"Content-Length: %d" % (_each_mb() * MEGABYTE), path=b"/stream/")))
            for _ in range(_each_mb()):
                raw.send(BLOCK)
            return int(raw.answer().body)

    with memory_stays(gateway.process.pid):
        assert _each(upload) == TOTAL_MB * MEGABYTE


def test_a_body_too_long_to_sign_is_streamed_and_not_kept(process: tuple[Fronted, Gateway]) -> None:
    fronted, gateway = process
    fronted.forget()
    fronted.canary.script = drain
    with memory_stays(gateway.process.pid), fronted.raw() as raw:
        raw.send(fronted.fill(post(b"", b"Content-Length: %d" % (64 * MEGABYTE))))
        for _ in range(64):
            raw.send(BLOCK)
        assert int(raw.answer().body) == 64 * MEGABYTE


def _settled(count: Callable[[], int]) -> int:
    """The count once it has stopped moving."""
    while True:
        before = count()
        time.sleep(0.3)
        if count() == before:
            return before


def test_a_slow_reader_slows_the_upstream_down_and_gets_everything(process: tuple[Fronted, Gateway]) -> None:
    fronted, gateway = process
    fronted.forget()
    sender = fronted.canary.script = Sender(128, chunked=False)
    with memory_stays(gateway.process.pid), fronted.raw() as raw:
        raw.send(fronted.fill(get(b"Connection: close")))
        raw.until(b"\r\n\r\n")
        assert _settled(lambda: sender.sent_mb) < 64, "the upstream got rid of what nobody reads"
        assert _read_blocks(raw, 128) == 128 * MEGABYTE


def test_a_slow_upstream_slows_the_client_down_and_gets_everything(process: tuple[Fronted, Gateway]) -> None:
    fronted, gateway = process
    fronted.forget()
    go_on = threading.Event()

    def slow(exchange: Exchange) -> None:
        go_on.wait(10)
        drain(exchange)

    fronted.canary.script = slow
    sent_mb = 0
    with memory_stays(gateway.process.pid), fronted.raw() as raw:

        def send() -> None:
            nonlocal sent_mb
            raw.send(fronted.fill(post(b"", b"Content-Length: %d" % (128 * MEGABYTE), path=b"/stream/")))
            for _ in range(128):
                raw.send(BLOCK)
                sent_mb += 1

        sending = threading.Thread(target=send)
        sending.start()
        assert _settled(lambda: sent_mb) < 64, "the gateway took what the upstream does not"
        go_on.set()
        sending.join()
        assert int(raw.answer().body) == 128 * MEGABYTE


def test_aborted_transfers_leave_nothing_behind(process: tuple[Fronted, Gateway]) -> None:
    fronted, gateway = process
    fronted.forget()
    fronted.canary.script = Sender(64, chunked=True)
    folder = Path(f"/proc/{gateway.process.pid}/fd")
    before = len(list(folder.iterdir()))
    with memory_stays(gateway.process.pid):
        for _ in range(50):
            with fronted.raw() as raw:
                raw.send(fronted.fill(get()))
                raw.exactly(1000)
        for _ in range(50):
            with fronted.raw() as raw:
                raw.send(fronted.fill(post(b"x" * 100_000, b"Content-Length: 2000000", path=b"/stream/")))
    assert eventually(lambda: len(list(folder.iterdir())) <= before + 20), "descriptors are left open"
    fronted.forget()
    assert fronted.ask(get()).status == 200


def test_the_first_byte_of_a_large_answer_does_not_wait_for_the_last(process: tuple[Fronted, Gateway]) -> None:
    fronted, _ = process
    fronted.forget()

    def half(exchange: Exchange) -> bool:
        exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2000000\r\n\r\n" + b"x" * 1000)
        time.sleep(0.5)
        return True

    fronted.canary.script = half
    with fronted.raw() as raw:
        began = time.monotonic()
        raw.send(fronted.fill(get()))
        raw.until(b"\r\n\r\n")
        assert raw.exactly(1000) == b"x" * 1000
        assert time.monotonic() - began < 0.4
        with pytest.raises(Ended):
            raw.exactly(1)
