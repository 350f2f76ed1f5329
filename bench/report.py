"""Figures into tables, ratios and verdicts: Markdown for people, JSON for programs."""

import json
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from bench import plan as plans
from bench.load import Sample
from bench.verdicts import Ratio, Verdict, judge, ratio

_REFERENCES = (plans.SHM, plans.OAUTH2_PROXY, "nginx", "caddy")


@dataclass(frozen=True)
class Table:
    """A cell's samples: by system, one a round, in the order of the rounds."""

    key: str
    title: str
    kind: str
    samples: dict[str, list[Sample]]


@dataclass
class Results:
    interpreter: str
    optimised: bool
    rounds: int
    seconds: float
    quick: bool
    tables: list[Table] = field(default_factory=list)
    faults: dict[str, str] = field(default_factory=dict)
    """What was not measured, and why."""

    def table(self, key: str) -> dict[str, list[Sample]]:
        return next((table.samples for table in self.tables if table.key == key), {})


def write(results: Results, folder: Path, committed: Path | None) -> None:
    """`results.json` and `results.md` in `folder`; a full run writes the committed page too."""
    verdicts = judge(results.table, optimised=results.optimised)
    raw = {**asdict(results), "verdicts": [asdict(each) for each in verdicts]}
    (folder / "results.json").write_text(json.dumps(raw, indent=1, ensure_ascii=False), encoding="utf-8")
    page = rendered(results, verdicts)
    (folder / "results.md").write_text(page, encoding="utf-8")
    if committed is not None:
        committed.write_text(page, encoding="utf-8")
    print(page)


def rendered(results: Results, verdicts: Sequence[Verdict]) -> str:
    """The whole page."""
    what = "quick look" if results.quick else "full run"
    rounds = f"medians of {results.rounds} interleaved rounds of {results.seconds:g} s"
    lines = [
        "# Results",
        "",
        f"A {what}, {time.strftime('%Y-%m-%d')}: {rounds}. Method: [README.md](README.md).",
        "Read the ratios: absolute figures belong to one machine.",
        "",
        f"- Interpreter: {results.interpreter}",
        f"- Machine: {_processor()}, Linux {platform.release()}",
        "",
    ]
    if verdicts := [each for each in verdicts if each.holds is not None or not results.quick]:
        lines += ["## Verdicts", "", "| what is asked | measured, median (min to max) | verdict |", "|---|---|---|"]
        lines += [f"| {each.asked} | {each.measured} | {each.word} |" for each in verdicts]
        lines.append("")
    for table in results.tables:
        lines += ["", f"## {table.title}", "", *_KINDS.get(table.kind, _requests)(table)]
    if results.faults:
        lines += [
            "",
            "## Not measured",
            "",
            *(f"- {name}: {_one_line(fault)}" for name, fault in results.faults.items()),
        ]
    return "\n".join(lines) + "\n"


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{models[0] if models else platform.machine()}, {len(models)} cores"


def middle(samples: Sequence[Sample], of: Callable[[Sample], float]) -> float:
    return statistics.median(of(sample) for sample in samples)


def _beside(samples: Sequence[Sample]) -> str:
    """The CPU of the server that the session store is, which is not the gateway's."""
    used = middle(samples, lambda each: each.beside_us)
    return f", its Redis {used:.1f}" if used else ""


def _measured(table: Table) -> list[tuple[str, list[Sample]]]:
    return [(name, samples) for name, samples in table.samples.items() if samples]


def _requests(table: Table) -> list[str]:
    references = [name for name in _REFERENCES if table.samples.get(name)]
    moved = table.key.startswith("1m")
    rate = "MB/s" if moved else "req/s"
    head = ["system", f"{rate} (min to max)", "p50 ms", "p99 ms", "CPU µs", "core used", "memory MB", "errors"]
    lines = _header([*head, *(f"× {name}" for name in references)])
    for name, samples in _measured(table):
        rates = [sample.mb_per_s if moved else sample.per_s for sample in samples]
        cells = [
            name,
            f"{statistics.median(rates):,.0f} ({min(rates):,.0f} to {max(rates):,.0f})",
            f"{middle(samples, lambda each: each.p50_ms):.2f}",
            f"{middle(samples, lambda each: each.p99_ms):.2f}",
            f"{middle(samples, lambda each: each.cpu_us):.1f}{_beside(samples)}",
            f"{middle(samples, lambda each: each.busy):.0%}",
            f"{middle(samples, lambda each: each.memory_mb):.0f}",
            f"{sum(sample.errors for sample in samples)}",
        ]
        lines.append(_row([*cells, *(_ratio(table, name, reference) for reference in references)]))
    return lines


def _ratio(table: Table, name: str, reference: str) -> str:
    found: Ratio | None = ratio(table.samples[name], table.samples[reference])
    return "" if found is None else f"{found.median:.2f} ({found.least:.2f} to {found.most:.2f})"


def _bulk(table: Table) -> list[str]:
    lines = _header(["system", "MB/s", "memory rose by MB", "CPU s a GB", "errors"])
    for name, samples in _measured(table):
        moved = [sample.busy / max(1e-9, sample.mb_per_s) * 1000 for sample in samples]
        lines.append(
            _row(
                [
                    name,
                    f"{middle(samples, lambda each: each.mb_per_s):,.0f}",
                    f"{max(sample.memory_mb for sample in samples):.1f}",
                    f"{statistics.median(moved):.2f}",
                    str(sum(sample.errors for sample in samples)),
                ]
            )
        )
    return lines


def _round_trips(table: Table) -> list[str]:
    lines = _header(["system", "round trips/s", "p50 ms", "p99 ms", "CPU µs", "errors", "× nginx"])
    for name, samples in _measured(table):
        lines.append(
            _row(
                [
                    name,
                    f"{middle(samples, lambda each: each.per_s):,.0f}",
                    f"{middle(samples, lambda each: each.p50_ms):.2f}",
                    f"{middle(samples, lambda each: each.p99_ms):.2f}",
                    f"{middle(samples, lambda each: each.cpu_us):.1f}",
                    str(sum(sample.errors for sample in samples)),
                    _ratio(table, name, "nginx") if table.samples.get("nginx") else "",
                ]
            )
        )
    return lines


def _first(table: Table) -> list[str]:
    lines = _header(["system", "first event, median ms", "slowest ms"])
    for name, samples in _measured(table):
        slowest = max(sample.p99_ms for sample in samples)
        lines.append(_row([name, f"{middle(samples, lambda each: each.p50_ms):.2f}", f"{slowest:.2f}"]))
    return lines


def _scale(table: Table) -> list[str]:
    lines = _header(["gateway with", "CPU µs (min to max)", "req/s", "memory MB", "errors"])
    for name, samples in _measured(table):
        used = [sample.cpu_us for sample in samples]
        lines.append(
            _row(
                [
                    name,
                    f"{statistics.median(used):.1f} ({min(used):.1f} to {max(used):.1f}){_beside(samples)}",
                    f"{middle(samples, lambda each: each.per_s):,.0f}",
                    f"{middle(samples, lambda each: each.memory_mb):.0f}",
                    str(sum(sample.errors for sample in samples)),
                ]
            )
        )
    return lines


_KINDS: dict[str, Callable[[Table], list[str]]] = {
    "bulk-down": _bulk,
    "bulk-up": _bulk,
    "ws": _round_trips,
    "first": _first,
    "scale": _scale,
}


def _header(names: Sequence[str]) -> list[str]:
    return [_row(names), "|---" * len(names) + "|"]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
