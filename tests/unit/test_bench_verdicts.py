"""The benchmark's own judgement: what it calls reached, missed, or no result at all."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from bench import plan as plans
from bench.load import Sample
from bench.systems import Fields, System, Wrong
from bench.verdicts import Verdict, judge, ratio

HMAC = f"{plans.PROXY} (hmac)"


def sample(per_s: float, *, cpu_us: float = 10, memory_mb: float = 1, errors: int = 0, p99_ms: float = 1) -> Sample:
    return Sample(
        per_s=per_s,
        mb_per_s=per_s,
        p50_ms=1,
        p99_ms=p99_ms,
        cpu_us=cpu_us,
        busy=1,
        memory_mb=memory_mb,
        errors=errors,
    )


def judged(tables: dict[str, dict[str, list[Sample]]], asked: str) -> Verdict:
    found = [each for each in judge(lambda key: tables.get(key, {}), optimised=True) if asked in each.asked]
    assert len(found) == 1, found
    return found[0]


def test_a_ratio_pairs_what_was_measured_in_the_same_round() -> None:
    ours, theirs = [sample(30), sample(10), sample(40)], [sample(10), sample(10), sample(10)]
    found = ratio(ours, theirs)
    assert found is not None
    assert (found.least, found.median, found.most) == (1, 3, 4)


def test_a_ratio_without_a_partner_is_no_ratio() -> None:
    assert ratio([sample(30)], []) is None


@pytest.mark.parametrize(("per_s", "holds"), [(30, True), (29, False)])
def test_three_times_the_c_module_is_reached_at_three_times(per_s: float, holds: bool) -> None:
    tables = {"c64": {HMAC: [sample(per_s)], plans.SHM: [sample(10)]}}
    assert judged(tables, f"{HMAC} ≥ 3 × {plans.SHM}, 64").holds is holds


def test_a_demand_that_was_not_measured_is_neither_reached_nor_missed() -> None:
    verdict = judged({}, f"{HMAC} ≥ 3 × {plans.SHM}, 64")
    assert verdict.holds is None
    assert verdict.word == "not measured"


@pytest.mark.parametrize(("errors", "holds"), [(0, True), (1, False)])
def test_one_error_at_256_connections_misses(errors: int, holds: bool) -> None:
    tables = {"c256": {HMAC: [sample(10), sample(10, errors=errors)]}}
    assert judged(tables, f"{HMAC}: no error").holds is holds


@pytest.mark.parametrize(("dearest", "holds"), [(10.9, True), (11.1, False)])
def test_cpu_is_constant_within_a_tenth(dearest: float, holds: bool) -> None:
    tables = {"routes": {str(cost): [sample(1, cpu_us=cost)] for cost in (9.5, 10.0, dearest)}}
    assert judged(tables, "routes").holds is holds


@pytest.mark.parametrize(("rose_mb", "errors", "holds"), [(31, 0, True), (32, 0, False), (31, 1, False)])
def test_a_gigabyte_moves_memory_by_less_than_the_limit_and_arrives(rose_mb: float, errors: int, holds: bool) -> None:
    tables = {"1g-up": {HMAC: [sample(1, memory_mb=rose_mb, errors=errors)]}}
    assert judged(tables, f"{HMAC}: 1 GB uploads").holds is holds


@contextmanager
def upstream(seen: dict[str, str], anonymous: int) -> Iterator[int]:
    """A system that echoes `seen` to who has a cookie, and answers `anonymous` to who has none."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps({"target": self.path, "fields": list(seen.items())}).encode()
            self.send_response(200 if self.headers.get("Cookie") else anonymous)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            """Silent."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def named(fields: Fields, target: str) -> None:
    if fields.get("x-name") != "DUPONT":
        raise Wrong("nobody")


def system(port: int) -> System:
    return System("one", port, (), cookies=["id=1"], check=named)


def test_a_system_whose_upstream_sees_the_person_and_nobody_else_may_be_measured() -> None:
    with upstream({"X-Name": "DUPONT"}, anonymous=401) as port:
        system(port).verify()


def test_a_fast_wrong_answer_is_never_a_result() -> None:
    with upstream({"X-Name": "MARTIN"}, anonymous=401) as port, pytest.raises(Wrong, match="nobody"):
        system(port).verify()


def test_a_system_that_lets_strangers_through_is_not_measured() -> None:
    with upstream({"X-Name": "DUPONT"}, anonymous=200) as port, pytest.raises(Wrong, match="without a session"):
        system(port).verify()
