"""One cell of one system in one round."""

import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.load import Sample, Upstreams, run
from bench.plan import Cell
from bench.processes import LOAD_CORE
from bench.systems import System, Wrong

_FIRSTS = 40
_SAMPLE_S = 0.1


@dataclass(frozen=True)
class Measure:
    """Where the loads of a run come from and what they reach."""

    folder: Path
    python: Path
    root: Path
    upstreams: Upstreams

    def sample(self, system: System, cell: Cell) -> Sample:
        """Raises: Wrong, when an answer was not what was asked."""
        if cell.kind == "wrk":
            return run(system, cell.shape, self.upstreams, self.folder)
        system.verify()
        if cell.kind == "first":
            return self._first(system, cell)
        return self._websocket(system, cell) if cell.kind == "ws" else self._bulk(system, cell)

    def _first(self, system: System, cell: Cell) -> Sample:
        with _spent(system) as spent:
            said = self._client("first", system, f"{system.tools}{cell.shape.file}", str(_FIRSTS))
        return spent(_FIRSTS, 1.0, said)

    def _websocket(self, system: System, cell: Cell) -> Sample:
        shape = cell.shape
        with _spent(system) as spent:
            said = self._client("ws", system, f"{system.tools}ws", str(shape.connections), str(shape.seconds))
        return spent(said["requests"], said["seconds"], said)

    def _bulk(self, system: System, cell: Cell) -> Sample:
        target = f"{system.static}{cell.shape.file}" if cell.kind == "bulk-down" else f"{system.tools}upload"
        if cell.kind == "bulk-down":
            target += "" if cell.bytes_each == 1 << 30 else f"-{cell.bytes_each >> 20}m"
        arguments = (cell.kind, system, target, str(cell.shape.connections), str(cell.bytes_each))
        with _spent(system) as spent, _growth(system) as growth:
            said = self._client(*arguments)
        return spent(cell.shape.connections, said["seconds"], said, mb=said["bytes"] / 1e6, growth_mb=growth())

    def _client(self, kind: str, system: System, target: str, *rest: str) -> dict[str, float]:
        cookies = self.folder / "cookies.txt"
        cookies.write_text("\n".join(system.cookies or ["-"]), encoding="ascii")
        command = [
            "taskset",
            "-c",
            str(LOAD_CORE),
            str(self.python),
            "-m",
            "bench.client",
            kind,
            str(system.port),
            target,
        ]
        done = subprocess.run(
            [*command, str(cookies), *rest], cwd=self.root, capture_output=True, text=True, check=False, timeout=600
        )
        if done.returncode:
            raise Wrong(f"{system.name}: {kind} {target}: {done.stderr.strip()[-300:]}")
        said: dict[str, float] = json.loads(done.stdout)
        return said


@contextmanager
def _spent(system: System) -> Iterator[Callable[..., Sample]]:
    """What the system used between here and there, as a Sample."""
    began, began_beside = system.cpu_s(), system.beside_cpu_s()

    def sample(
        requests: float, seconds: float, said: dict[str, float], mb: float = 0.0, growth_mb: float | None = None
    ) -> Sample:
        used = system.cpu_s() - began
        return Sample(
            per_s=requests / seconds,
            mb_per_s=mb / seconds,
            p50_ms=said.get("p50_ms", 0.0),
            p99_ms=said.get("p99_ms", 0.0),
            cpu_us=used / max(1.0, requests) * 1e6,
            busy=used / seconds,
            memory_mb=system.pss_bytes() / 1e6 if growth_mb is None else growth_mb,
            errors=int(said["errors"]),
            beside_us=(system.beside_cpu_s() - began_beside) / max(1.0, requests) * 1e6,
        )

    yield sample


@contextmanager
def _growth(system: System) -> Iterator[Callable[[], float]]:
    """How far resident memory rose above what it was, MB, looked at ten times a second."""
    before, seen, over = system.rss_bytes(), [0], threading.Event()

    def watch() -> None:
        while not over.wait(_SAMPLE_S):
            seen.append(system.rss_bytes() - before)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield lambda: max(seen) / 1e6
    finally:
        over.set()
        thread.join()


def interleaved(
    measure: Measure, systems: Sequence[System], cell: Cell, rounds: int, say: Callable[[str], None]
) -> tuple[dict[str, list[Sample]], dict[str, str]]:
    """A B C, A B C, …: samples by system, and what went wrong with those that have none."""
    samples: dict[str, list[Sample]] = {system.name: [] for system in systems}
    faults: dict[str, str] = {}
    for number in range(cell.rounds or rounds):
        for system in systems:
            if system.name in faults:
                continue
            try:
                sample = measure.sample(system, cell)
            except (Wrong, OSError, subprocess.SubprocessError, KeyError, ValueError) as error:
                faults[system.name] = f"{type(error).__name__}: {error}"[:300]
                samples[system.name] = []
                say(f"  {cell.key} {system.name}: {faults[system.name]}")
                continue
            samples[system.name].append(sample)
            say(
                f"  {cell.key} {number + 1} {system.name}: {sample.per_s:.0f}/s {sample.mb_per_s:.0f} MB/s "
                f"p99 {sample.p99_ms:.1f} ms, {sample.cpu_us:.1f} µs, busy {sample.busy:.2f}, "
                f"{sample.memory_mb:.0f} MB, {sample.errors} errors"
            )
        time.sleep(0.1)
    return samples, faults
