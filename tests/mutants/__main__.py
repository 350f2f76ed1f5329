"""Run the mutants in copies of the tree: `python -m tests.mutants [--sample N] [NAME …]`."""

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from queue import SimpleQueue

import tests.mutants
from tests.mutants import Mutant

ROOT = Path(__file__).resolve().parents[2]
COPIED = ("gateway", "tests", "policies", "gateway.yaml", "pyproject.toml")
NOT_COPIED = shutil.ignore_patterns("node-linux-*", ".venv")
"""What providers of others run on: a hundred megabytes that no mutant changes."""

COPIES = 2


def every_mutant() -> list[Mutant]:
    names = [name for _, name, _ in iter_modules(tests.mutants.__path__) if not name.startswith("_")]
    return [mutant for name in sorted(names) for mutant in import_module(f"tests.mutants.{name}").MUTANTS]


def fault_of(mutant: Mutant, copy: Path) -> str:
    """Empty when the mutant is caught; else why it is not a proof."""
    path = copy / mutant.file
    source = path.read_text(encoding="utf-8")
    if source.count(mutant.before) != 1:
        return f"`before` stands {source.count(mutant.before)} times in {mutant.file}"
    path.write_text(source.replace(mutant.before, mutant.after), encoding="utf-8")
    try:
        code = _pytest([mutant.caught_by], copy)
    finally:
        path.write_text(source, encoding="utf-8")
    return {0: "SURVIVED", 1: ""}.get(code, f"pytest ended with {code}: no such test, or the mutant does not run")


ONE_S = 300
ALL_S = 3600


def _pytest(nodes: Sequence[str], copy: Path, within_s: int = ONE_S) -> int:
    command = [sys.executable, "-B", "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *nodes]
    return subprocess.run(command, cwd=copy, capture_output=True, check=False, timeout=within_s).returncode


@contextmanager
def copies() -> Iterator["SimpleQueue[Path]"]:
    free: SimpleQueue[Path] = SimpleQueue()
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        for number in range(COPIES):
            copy = Path(folder) / str(number)
            copy.mkdir()
            for name in COPIED:
                source = ROOT / name
                if source.is_dir():
                    shutil.copytree(source, copy / name, ignore=NOT_COPIED)
                else:
                    shutil.copy(source, copy / name)
            free.put(copy)
        yield free


def run(chosen: Sequence[Mutant]) -> int:
    with copies() as free, ThreadPoolExecutor(COPIES) as pool:
        copy = free.get()
        if _pytest(sorted({mutant.caught_by for mutant in chosen}), copy, ALL_S) != 0:
            print("the named tests do not all pass before any mutation", file=sys.stderr)
            return 1
        free.put(copy)

        def attempt(mutant: Mutant) -> tuple[Mutant, str]:
            mine = free.get()
            try:
                return mutant, fault_of(mutant, mine)
            finally:
                free.put(mine)

        faults = [(mutant, fault) for mutant, fault in pool.map(attempt, chosen) if fault]
    for mutant, fault in faults:
        print(f"{mutant.name}: {fault} (should be caught by {mutant.caught_by})")
    print(f"{len(chosen) - len(faults)} mutants caught, {len(faults)} not")
    return 1 if faults else 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("names", nargs="*", help="only these")
    parser.add_argument("--sample", type=int, metavar="N", help="only N, spread over the list")
    arguments = parser.parse_args()
    mutants = [mutant for mutant in every_mutant() if not arguments.names or mutant.name in arguments.names]
    step = max(1, len(mutants) // arguments.sample) if arguments.sample else 1
    return run(mutants[::step])


if __name__ == "__main__":
    sys.exit(main())
