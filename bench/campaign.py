"""A whole run: start everything, measure the cells in turns, stop everything, write the results.

Run by `python -m bench`, under the interpreter that it prepared.
"""

import argparse
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench import gateway_start, peers_start
from bench import plan as plans
from bench.gateway_files import Variant, slug
from bench.interpreter import ROOT, RUN, compiled, described
from bench.load import Shape, Upstreams
from bench.measure import Measure, interleaved
from bench.peers_start import Absent, Place, tool
from bench.plan import MIB, Cell, Plan
from bench.processes import LOAD_CORE, NotStarted, free_ports
from bench.report import Results, Table, write
from bench.systems import System, Wrong

_FILES = {"200": 200, "10k": 10_240, "1m": MIB, "1g": 1024 * MIB, "1g-64m": 64 * MIB}
_VARIANTS = (
    Variant(plans.PROXY, forms=(*plans.FORMS, plans.BY_METHOD)),
    Variant(plans.MEMORY, store="memory"),
    Variant(plans.REDIS, store="redis"),
    Variant(plans.TCP, forward_auth="tcp", forms=plans.SIGNED),
    Variant(plans.UNIX, forward_auth="unix", forms=plans.SIGNED),
)


def main() -> int:
    """0 when every system was measured; 1 when one was not, or answered wrongly."""
    arguments = _arguments()
    os.sched_setaffinity(0, {LOAD_CORE})
    plan = (plans.quick if arguments.quick else plans.full)(arguments.rounds, arguments.seconds)
    interpreter = described(Path(sys.executable))
    _say(interpreter.words)
    if not interpreter.optimised:
        _say(
            "*" * 78
            + "\nThis interpreter was built without optimisation: use BENCH_PYTHON=/usr/bin/python3\n"
            + "*" * 78
        )
    built = None if arguments.interpreted else compiled(arguments.gateway)
    arguments.gateway = built or arguments.gateway
    words = f"{interpreter.words}; the gateway's hot path {'compiled by mypyc' if built else 'interpreted'}"
    _say(words)
    results = Results(words, interpreter.optimised, arguments.rounds, arguments.seconds, quick=arguments.quick)
    with _place(Path(sys.executable)) as place:
        systems = _systems(place, plan, arguments, results)
        _measure(place, plan, systems, arguments, results)
        if plan.scales:
            _scales(place, arguments, results)
    write(results, RUN, None if arguments.quick or arguments.only or arguments.cells else ROOT / "bench" / "RESULTS.md")
    return int(bool(results.faults))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench")
    parser.add_argument("--quick", action="store_true", help="few cells, few systems")
    parser.add_argument("--rounds", type=int, default=5, help="times that each system is measured in each cell")
    parser.add_argument("--seconds", type=float, default=5, help="of one measure")
    parser.add_argument(
        "--only", default="", metavar="WORDS", help="systems whose names hold one of these, with commas"
    )
    parser.add_argument("--cells", default="", metavar="KEYS", help="only these cells, with commas")
    parser.add_argument("--gateway", type=Path, default=ROOT, metavar="FOLDER", help="another checkout of the gateway")
    parser.add_argument("--interpreted", action="store_true", help="do not compile the gateway's hot path first")
    return parser.parse_args()


def _say(line: str) -> None:
    print(line, flush=True)


@contextmanager
def _place(python: Path) -> Iterator[Place]:
    """The upstreams, in a fresh folder; everything started since is stopped at the end."""
    folder = RUN / "run"
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "tmp").mkdir(parents=True)
    (folder / "tmp").chmod(0o777)
    www = _files(folder / "www")
    static, tools = free_ports(2)
    place = Place(folder, python, ROOT, static, tools, [])
    try:
        place.start("tools", [str(python), "-m", "bench.tools", str(tools)], LOAD_CORE).wait_for(("127.0.0.1", tools))
        config = place.configuration("upstream.conf", "upstream.conf", PORT=static, WWW=www)
        upstream = place.start("upstream", [tool("nginx", "nginx"), "-c", str(config)], LOAD_CORE)
        upstream.wait_for(("127.0.0.1", static))
        yield place
    finally:
        for tree in reversed(place.trees):
            tree.stop()


def _files(www: Path) -> Path:
    """The same files under each prefix that a system may have; the gigabyte is sparse."""
    (www / "p").mkdir(parents=True)
    for name, size in _FILES.items():
        with (www / "p" / name).open("wb") as file:
            file.write(b"x" * min(size, MIB))
            file.truncate(size)
    for prefix in (*plans.FORMS, slug(plans.BY_METHOD), *(f"r{number}" for number in range(10_000))):
        (www / prefix).symlink_to("p")
    return www


def _systems(place: Place, plan: Plan, arguments: argparse.Namespace, results: Results) -> dict[str, System]:
    """Everything that the plan names, running and signed in; what could not be started is a fault with its reason."""
    words = [word for word in arguments.only.split(",") if word]
    wanted = {name for name in plan.systems if not words or any(word in name for word in words)}
    started: dict[str, System] = {}
    for name, start in _starts(place, wanted, arguments.gateway):
        try:
            found = start()
        except (Absent, NotStarted, Wrong, OSError, AssertionError, ValueError) as error:
            results.faults[name] = str(error)[-600:]
            _say(f"{name}: not measured: {error}")
            continue
        started |= {system.name: system for system in found if system.name in wanted}
        _say(f"{name}: ready")
    return started


def _starts(place: Place, wanted: set[str], gateway: Path) -> Iterator[tuple[str, Callable[[], Sequence[System]]]]:
    plain = {"nginx": peers_start.nginx, "caddy": peers_start.caddy, "haproxy": peers_start.haproxy}
    for name in sorted(plain.keys() & wanted):
        yield name, lambda name=name: [plain[name](place)]  # type: ignore[misc]
    yield from _with_provider(place, wanted)
    if wanted & set(plans.rows(plans.APP)):
        yield plans.APP, lambda: peers_start.auth_request_app(place)
    variants = [each for each in _VARIANTS if wanted & set(plans.rows(each.name, each.forms))]
    if variants:
        around = gateway_start.outside(place, gateway, len(variants))
        for port, variant in zip(around.ports, variants, strict=True):
            yield variant.name, lambda p=port, v=variant: gateway_start.start(place, gateway, around, p, v)  # type: ignore[misc]


def _with_provider(place: Place, wanted: set[str]) -> Iterator[tuple[str, Callable[[], Sequence[System]]]]:
    """The peers that sign people in, at one provider that knows their redirect URIs."""
    shm, cookie, proxy = free_ports(3)
    if not wanted & {plans.SHM, plans.COOKIE, plans.OAUTH2_PROXY}:
        return
    redirects = [f"http://127.0.0.1:{port}/p/redirect_uri" for port in (shm, cookie)]
    port = peers_start.provider(place, [*redirects, f"http://127.0.0.1:{proxy}/oauth2/callback"])
    if plans.SHM in wanted:
        yield plans.SHM, lambda: [peers_start.apache(place, plans.SHM, peers_start.APACHE_SHM, port, shm)]
    if plans.COOKIE in wanted:
        yield plans.COOKIE, lambda: [peers_start.apache(place, plans.COOKIE, peers_start.APACHE_COOKIE, port, cookie)]
    if plans.OAUTH2_PROXY in wanted:
        yield plans.OAUTH2_PROXY, lambda: [peers_start.oauth2_proxy(place, port, proxy)]


def _measure(
    place: Place, plan: Plan, systems: dict[str, System], arguments: argparse.Namespace, results: Results
) -> None:
    measure = Measure(place.folder, place.python, ROOT, Upstreams(place.static, place.tools))
    keys = [key for key in arguments.cells.split(",") if key]
    for cell in plan.cells:
        present = [systems[name] for name in cell.systems if name in systems]
        if present and (not keys or cell.key in keys):
            _say(cell.title)
            samples, faults = interleaved(measure, present, cell, plan.rounds, _say)
            results.tables.append(Table(cell.key, cell.title, cell.kind, samples))
            results.faults |= {f"{cell.key}, {name}": fault for name, fault in faults.items()}


def _scales(place: Place, arguments: argparse.Namespace, results: Results) -> None:
    """CPU of a request as routes and sessions grow, each triple in turns; unsigned, so that nothing hides it."""
    if arguments.only and "gateway" not in arguments.only:
        return
    measure = Measure(place.folder, place.python, ROOT, Upstreams(place.static, place.tools))
    keys = [key for key in arguments.cells.split(",") if key]
    for key, title, variants in _growing():
        if keys and key not in keys:
            continue
        _say(title)
        around = gateway_start.outside(place, arguments.gateway, len(variants))
        systems = []
        for port, variant in zip(around.ports, variants, strict=True):
            try:
                systems += gateway_start.start(place, arguments.gateway, around, port, variant)
            except (NotStarted, Wrong, OSError, AssertionError, ValueError) as error:
                results.faults[variant.name] = str(error)[-600:]
                _say(f"{variant.name}: not measured: {error}")
        cell = Cell(key, title, (), shape=Shape("200", 64, arguments.seconds, own=False))
        samples, faults = interleaved(measure, systems, cell, arguments.rounds, _say)
        results.tables.append(Table(key, title, "scale", samples))
        results.faults |= {f"{key}, {name}": fault for name, fault in faults.items()}
        for system in systems:
            for tree in (*system.trees, *system.beside):
                tree.stop()


def _growing() -> Iterator[tuple[str, str, list[Variant]]]:
    counts = {"10": 10, "1,000": 1_000, "10,000": 10_000}
    yield (
        "routes",
        "CPU by number of routes, 64 connections",
        [Variant(f"{words} routes", forms=("none",), more_routes=count) for words, count in counts.items()],
    )
    counts = {"10": 10, "1,000": 1_000, "100,000": 100_000}
    for store in ("sqlite", "memory", "redis"):
        variants = [
            Variant(f"{words} sessions, {store}", store, ("none",), sessions=count) for words, count in counts.items()
        ]
        yield f"sessions-{store}", f"CPU by number of live sessions in {store}, 64 connections", variants


if __name__ == "__main__":
    began = time.monotonic()
    code = main()
    _say(f"{time.monotonic() - began:.0f} s")
    sys.exit(code)
