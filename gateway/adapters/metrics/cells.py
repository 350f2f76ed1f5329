"""Numbers in memory that two processes share: a worker adds to them, the process that watches it reads them.

A killed worker leaves its numbers behind, whole: they are in the pages that both had mapped. Counting is an addition in
memory of one's own, without a lock and without a file (docs/decisions/0007).
"""

import json
import mmap
import os
import tempfile
from bisect import bisect_left
from collections.abc import Mapping
from typing import NamedTuple

from gateway.adapters.metrics.catalogue import BUCKETS_S, CATALOGUE, DROPPED, Metric
from gateway.trace_ports import AuditLine, Codes

_CELLS = 65_536
_CELL_BYTES = 8
_NAMES_AT = _CELLS * _CELL_BYTES
_BYTES = _NAMES_AT + 4_194_304
"""Of which a page is real once it was written to."""

_NAMES_BYTES = 0
"""The cell that says how many bytes of names there are."""
_DROPPED = 1
_NOWHERE = 2
"""Cells for what has no place: counted in `_DROPPED`, and lost."""
_SUM = len(BUCKETS_S) + 1
"""Where a histogram keeps the sum, counted from its first bucket."""
_FIRST = _NOWHERE + _SUM + 1

_ROWS = 4_096
"""Kept of what was looked up: a place in memory is found again by its name."""

CLIENT_LEFT = 499
"""The client went before the answer that had begun was whole."""

SERIES_AT_MOST = 5_000
"""Of one metric: a label that is not as closed as it should be fills its own table only."""

Key = tuple[str, tuple[str, ...]]
"""A metric's name, and its labels' values in their order."""

Numbers = Mapping[Key, tuple[float, ...]]


class _Row(NamedTuple):
    """Where one kind of answer is counted."""

    decision: int
    answer: int
    wait: int


def shared_memory() -> int:
    """A descriptor that a child process can inherit; it is the caller's to close."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("gateway-metrics")
    else:
        descriptor, path = tempfile.mkstemp(prefix="gateway-metrics-")
        os.unlink(path)  # noqa: PTH108 - nobody opens it by name
    os.truncate(descriptor, _BYTES)
    return descriptor


class Cells:
    """`ports.Metrics`, written by one process."""

    def __init__(self, descriptor: int = -1) -> None:
        """-1: memory that nobody shares."""
        self._memory = mmap.mmap(descriptor, _BYTES)
        self._cells = memoryview(self._memory).cast("B")[:_NAMES_AT].cast("d")
        self._places: dict[Key, int] = {}
        self._rows: dict[tuple[Codes, int], _Row] = {}
        self._series: dict[str, int] = {}
        self._next = _FIRST

    def count(self, name: str, **labels: str) -> None:
        self._cells[self._place(name, labels)] += 1.0

    def set(self, name: str, value: float, **labels: str) -> None:
        self._cells[self._place(name, labels)] = value

    def observe(self, name: str, seconds: float, **labels: str) -> None:
        place, cells = self._place(name, labels), self._cells
        cells[place + bisect_left(BUCKETS_S, seconds)] += 1.0
        cells[place + _SUM] += max(seconds, 0.0)

    def decided(self, line: AuditLine, waited_s: float | None) -> None:
        row = self._rows.get((line.codes, line.status)) or self._row(line.codes, line.status)
        cells = self._cells
        cells[row.decision] += 1.0
        if waited_s is not None:
            cells[row.answer] += 1.0
            cells[row.wait + bisect_left(BUCKETS_S, waited_s)] += 1.0
            if waited_s > 0.0:  # a clock that was set back takes nothing away
                cells[row.wait + _SUM] += waited_s

    def _row(self, codes: Codes, status: int) -> _Row:
        if len(self._rows) >= _ROWS:  # each version of a policy has its own: after many reloads the old go
            self._rows.clear()
        route = codes.route
        decision = {"route": route, "policy": codes.policy, "outcome": codes.outcome, "reason": codes.reason}
        row = self._rows[codes, status] = _Row(
            self._place("gateway_decisions_total", decision),
            self._place("gateway_upstream_answers_total", {"route": route, "class": _class(status)}),
            self._place("gateway_upstream_wait_seconds", {"route": route}),
        )
        return row

    def _place(self, name: str, labels: Mapping[str, str]) -> int:
        try:
            metric = CATALOGUE[name]
            key = (name, tuple(labels[label] for label in metric.labels))
        except KeyError:
            # A mistake of ours, which tests/repo catches: no person's request fails for it.
            self._cells[_DROPPED] += 1.0
            return _NOWHERE
        found = self._places.get(key)
        return self._new(metric, key) if found is None else found

    def _new(self, metric: Metric, key: Key) -> int:
        line = json.dumps([self._next, *key]).encode("ascii") + b"\n"
        begin = _NAMES_AT + int(self._cells[_NAMES_BYTES])
        series = self._series.get(metric.name, 0)
        if series >= SERIES_AT_MOST or self._next + metric.cells > _CELLS or begin + len(line) > _BYTES:
            self._cells[_DROPPED] += 1.0
            return _NOWHERE
        place, self._next = self._next, self._next + metric.cells
        self._memory[begin : begin + len(line)] = line
        # Last: a reader sees whole names only.
        self._cells[_NAMES_BYTES] += len(line)
        self._places[key], self._series[metric.name] = place, series + 1
        return place

    def read(self) -> Numbers:
        """What was counted so far; from any process that has this memory."""
        names = bytes(self._memory[_NAMES_AT : _NAMES_AT + int(self._cells[_NAMES_BYTES])])
        numbers: dict[Key, tuple[float, ...]] = {}
        for line in names.splitlines():
            place, name, labels = json.loads(line)
            end = place + CATALOGUE[name].cells
            numbers[name, tuple(labels)] = tuple(self._cells[place:end])
        numbers[DROPPED, ()] = (self._cells[_DROPPED],)
        return numbers


def _class(status: int) -> str:
    return "client_left" if status == CLIENT_LEFT else f"{status // 100}xx"


def added(one: Numbers, other: Numbers) -> Numbers:
    """Cell by cell."""
    sums = dict(one)
    for key, cells in other.items():
        sums[key] = tuple(a + b for a, b in zip(sums[key], cells, strict=True)) if key in sums else cells
    return sums
