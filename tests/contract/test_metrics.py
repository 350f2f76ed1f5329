"""Numbers in shared memory, and the text that Prometheus reads."""

import os
import tempfile
from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_families

from gateway.adapters.metrics import cells as module
from gateway.adapters.metrics.catalogue import BUCKETS_S, CATALOGUE, DROPPED
from gateway.adapters.metrics.cells import Cells, Numbers, added, shared_memory
from gateway.adapters.metrics.exposition import Exposition
from gateway.trace_ports import AuditLine, Codes
from tests.metrics import parsed, total

CODES = Codes("cantine", "cantine", "abc", "allow", "allowed", "verified", "fc")
LINE = AuditLine("K7QM-2F4D", CODES, "GET", 200, 4)


def _line(codes: Codes, status: int = 200) -> AuditLine:
    return AuditLine("K7QM-2F4D", codes, "GET", status, 4)


def _shown(cells: Cells) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return parsed(Exposition(cells, "v1").text("")[0].decode())


def test_a_decision_an_answer_and_its_wait_are_one_call() -> None:
    cells = Cells()
    cells.decided(LINE, 0.3)
    cells.decided(_line(CODES._replace(outcome="authenticate", reason="anonymous"), 303), None)
    shown = _shown(cells)
    assert total(shown, "gateway_decisions_total", route="cantine", outcome="allow") == 1
    assert total(shown, "gateway_decisions_total", route="cantine", outcome="authenticate") == 1
    assert total(shown, "gateway_upstream_answers_total") == 1
    assert total(shown, "gateway_upstream_wait_seconds_sum") == pytest.approx(0.3)
    assert [total(shown, "gateway_upstream_wait_seconds_bucket", le=le) for le in ("0.25", "0.5", "+Inf")] == [0, 1, 1]


@pytest.mark.parametrize("edge", BUCKETS_S)
def test_a_bucket_holds_its_upper_end(edge: float) -> None:
    cells = Cells()
    cells.observe("gateway_household_seconds", edge, source="household")
    assert total(_shown(cells), "gateway_household_seconds_bucket", le=str(edge)) == 1


def test_a_client_that_left_is_no_answer_of_the_application_s() -> None:
    cells = Cells()
    cells.decided(_line(CODES, 499), 0.1)
    assert total(_shown(cells), "gateway_upstream_answers_total", **{"class": "client_left"}) == 1


def test_a_clock_that_goes_back_takes_nothing_away() -> None:
    cells = Cells()
    cells.decided(LINE, 0.5)
    cells.decided(LINE, -60.0)
    cells.observe("gateway_household_seconds", -60.0, source="household")
    shown = _shown(cells)
    assert total(shown, "gateway_upstream_wait_seconds_sum") == 0.5
    assert total(shown, "gateway_household_seconds_sum") == 0.0


def test_another_process_reads_what_this_one_counts() -> None:
    descriptor = shared_memory()
    watching = Cells(descriptor)
    child = os.fork()
    if child == 0:
        counting = Cells(descriptor)
        counting.decided(LINE, 0.1)
        counting.count("gateway_logins_total", provider="fc", outcome="done")
        os._exit(0)
    os.waitpid(child, 0)
    os.close(descriptor)
    assert watching.read()["gateway_logins_total", ("fc", "done")] == (1.0,)
    assert total(_shown(watching), "gateway_decisions_total") == 1


def test_an_ended_process_leaves_its_counters_and_takes_its_gauges() -> None:
    own, first, second = Cells(), Cells(), Cells()
    exposition = Exposition(own, "v1", serves=False)
    for each in (first, second):
        exposition.joined(each)
        each.count("gateway_logins_total", provider="fc", outcome="done")
        each.set("gateway_sessions_open", 3)
    exposition.ended(first)
    shown = parsed(exposition.text("")[0].decode())
    assert total(shown, "gateway_logins_total") == 2
    assert total(shown, "gateway_sessions_open") == 3
    assert total(shown, "gateway_workers") == 1


def test_sums_are_cell_by_cell() -> None:
    one: Numbers = {("a", ()): (1.0, 2.0)}
    other: Numbers = {("a", ()): (10.0, 20.0), ("b", ()): (5.0,)}
    assert added(one, other) == {("a", ()): (11.0, 22.0), ("b", ()): (5.0,)}


def test_a_label_without_end_fills_its_own_metric_only_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SERIES_AT_MOST", 10)
    cells = Cells()
    for number in range(25):
        cells.count("gateway_rejections_total", code=f"code_{number}")
    cells.count("gateway_logins_total", provider="fc", outcome="done")
    numbers = cells.read()
    assert numbers[DROPPED, ()] == (15.0,)
    assert sum(1 for name, _ in numbers if name == "gateway_rejections_total") == 10
    assert numbers["gateway_logins_total", ("fc", "done")] == (1.0,)


def test_when_all_memory_is_used_counting_goes_on_without_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    cells = Cells()
    cells.count("gateway_logins_total", provider="fc", outcome="done")
    for number in range(12_000):
        cells.observe("gateway_household_seconds", 0.1, source=f"s{number % 4_990}")
        cells.observe("gateway_provider_seconds", 0.1, provider=f"p{number % 4_990}")
    numbers = cells.read()
    assert numbers[DROPPED, ()][0] > 0
    assert numbers["gateway_logins_total", ("fc", "done")] == (1.0,)


def test_a_number_that_nobody_declared_is_lost_and_counted_as_such() -> None:
    cells = Cells()
    cells.count("gateway_nothing_total")
    cells.observe("gateway_provider_seconds", 0.1)
    assert cells.read()[DROPPED, ()] == (2.0,)


def test_names_are_quoted_whatever_they_hold() -> None:
    cells, name = Cells(), 'can"tine\n\\é\x00'
    cells.decided(_line(CODES._replace(route=name)), 0.1)
    assert total(_shown(cells), "gateway_decisions_total", route=name) == 1


def test_whoever_asks_for_openmetrics_gets_it() -> None:
    cells = Cells()
    cells.decided(LINE, 0.1)
    body, media_type = Exposition(cells, "v1").text("application/openmetrics-text; version=1.0.0")
    assert media_type.startswith("application/openmetrics-text")
    families = open_families(body.decode())  # type: ignore[no-untyped-call]
    assert {family.name for family in families} >= {
        "gateway_decisions",
        "gateway_upstream_wait_seconds",
    }


def test_names_keep_prometheus_s_conventions() -> None:
    for metric in CATALOGUE.values():
        assert metric.name.endswith("_total") == (metric.kind == "counter"), metric.name
        assert metric.name.endswith("_seconds") or metric.kind != "histogram", metric.name


def test_a_descriptor_of_shared_memory_has_no_name_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "memfd_create")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    descriptor = shared_memory()
    assert list(tmp_path.iterdir()) == []
    Cells(descriptor).count("gateway_logins_total", provider="fc", outcome="done")
    os.close(descriptor)
