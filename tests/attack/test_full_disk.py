"""Nothing more can be written on standard error: lines are lost, and nothing else is."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.fronted import Fronted, gateway_process_at
from tests.processes import Gateway
from tests.wire import eventually

HALF = b"GET /pub/ HTTP/1.1\r\nHost: HO"


@contextmanager
def _no_room(started: Gateway) -> Iterator[None]:
    (worker,) = started.workers()
    written = (started.config.parent / "stderr").stat().st_size
    resource.prlimit(worker, resource.RLIMIT_FSIZE, (written, resource.RLIM_INFINITY))
    try:
        yield
    finally:
        resource.prlimit(worker, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def _is_given_up(fronted: Fronted) -> bool:
    with fronted.raw() as raw:
        raw.send(fronted.fill(HALF))
        return eventually(raw.is_closed)


def test_clients_are_given_up_and_pages_answered_all_the_same(tmp_path: Path) -> None:
    with gateway_process_at(tmp_path, limits="head_s: 1, idle_s: 1") as (fronted, started):
        with _no_room(started):
            assert _is_given_up(fronted)
            assert fronted.ask(b"GET /_gateway/nothing-here HTTP/1.1\r\nHost: HOST\r\n\r\n").status == 404
            assert fronted.ask(b"GET /pub/ HTTP/1.1\r\nHost: HOST\r\n\r\n").status == 200
        said = started.said_of("rejected")
        assert _is_given_up(fronted)
        assert started.said_of("rejected") == said + 1
