"""Test the gateway as the image carries it, its hot path compiled: `python -m tests.compiled [WHAT PYTEST SHALL RUN]`."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

from tests.mutants.__main__ import NOT_COPIED, ROOT

BESIDE = ("tests", "policies", "gateway.yaml", "pyproject.toml", "docs", "examples", "README.md")

_FILES = (
    "attack/test_framing.py",
    "attack/test_quick_lane.py",
    "attack/test_forward_auth.py",
    "attack/test_upstream_answers.py",
    "attack/test_websocket.py",
    "integration/test_nothing_is_left_over.py",
    "integration/test_proxy.py",
    "integration/test_signed_requests.py",
)
BOTH_LANES = (*(f"tests/{name}" for name in _FILES), "-k", "quick")
"""What goes through both lanes, here through the quick one: that is what is compiled. `make verify` runs everything."""


def main(what: list[str]) -> int:
    if missing := _missing():
        print(f"{'#' * 78}\n# NOT TESTED compiled: {missing} is not installed.\n{'#' * 78}", file=sys.stderr)
        return int("CI" in os.environ)
    with tempfile.TemporaryDirectory(prefix="compiled-") as folder:
        copy = Path(folder) / "tree"
        subprocess.run([ROOT / "scripts" / "compiled", copy, sys.executable], check=True)
        for name in BESIDE:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, copy / name, symlinks=True, ignore=NOT_COPIED)
                _link_parts(source, copy / name)
            else:
                shutil.copy(source, copy)
        if not _serves_compiled(copy):
            print("nothing was compiled: look at [tool.hatch.build.targets.wheel.hooks.mypyc]", file=sys.stderr)
            return 1
        command = [sys.executable, "-m", "pytest", "-q", "-n", "4", "--dist", "loadfile", "-p", "no:cacheprovider"]
        return subprocess.run([*command, "-m", "not slow and not interpreted", *what], cwd=copy, check=False).returncode


def _link_parts(source: Path, copy: Path) -> None:
    """What others' programs run on is not copied, and must be there all the same."""
    for part in (*source.rglob(".venv"), *source.rglob("node-linux-*")):
        if part.is_dir():
            (copy / part.relative_to(source)).symlink_to(part)


def _missing() -> str:
    if shutil.which("gcc") is None:
        return "gcc"
    return "" if (Path(sysconfig.get_path("include")) / "Python.h").exists() else "Python.h (Debian: python3-dev)"


def _serves_compiled(copy: Path) -> bool:
    said = "import gateway.web.relay, sys; sys.exit(not gateway.web.relay.__file__.endswith('.so'))"
    return subprocess.run([sys.executable, "-c", said], cwd=copy, check=False).returncode == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or list(BOTH_LANES)))
