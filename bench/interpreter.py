"""The interpreter that is measured: an optimised CPython where there is one, and its build said aloud."""

import hashlib
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RUN = ROOT / "var" / "bench"
"""Everything made at run time: configurations, logs, results, the interpreter."""

_SYSTEM_PYTHON = "/usr/bin/python3"
_PROBE = """
import json, platform, sys, sysconfig, time
flags = " ".join(str(value) for value in sysconfig.get_config_vars().values() if isinstance(value, str))
def loop():
    began, total = time.perf_counter(), 0
    for number in range(2_000_000):
        total += number & 7
    return time.perf_counter() - began
print(json.dumps({
    "version": platform.python_version(), "base": sys.base_prefix, "compiler": platform.python_compiler(),
    "configured": "--enable-optimizations" in flags or "-fprofile-use" in flags, "lto": "-flto" in flags,
    "loop_ms": round(1000 * min(loop() for _ in range(5)), 1)}))
"""


@dataclass(frozen=True, slots=True)
class Interpreter:
    path: Path
    version: str
    optimised: bool
    why: str
    """How that is known."""
    loop_ms: float
    """A fixed loop of two million additions, best of five: builds compare by it on one machine."""

    @property
    def words(self) -> str:
        build = "optimised" if self.optimised else "NOT OPTIMISED"
        return f"CPython {self.version}, {build} ({self.why}); fixed loop {self.loop_ms} ms"


def prepared() -> Interpreter:
    """`var/bench/venv`, made from the hashed lock when it is missing or older than the lock."""
    return described(_venv("venv", "requirements.lock"))


def compiled(checkout: Path) -> Path | None:
    """The checkout with its hot path compiled, as the image carries it; None, said aloud, where that cannot be had."""
    folder = RUN / "compiled"
    try:
        python = _venv("compile", "requirements-compile.lock")
        subprocess.run([checkout / "scripts" / "compiled", folder, python], check=True)
    except (OSError, subprocess.CalledProcessError):
        print(f"{'*' * 78}\nNOT COMPILED: the gateway is measured as it is interpreted\n{'*' * 78}", flush=True)
        return None
    return folder


def _venv(name: str, lock_name: str) -> Path:
    """Its Python."""
    folder = RUN / name
    lock = ROOT / lock_name
    base = os.environ.get("BENCH_PYTHON") or (_SYSTEM_PYTHON if Path(_SYSTEM_PYTHON).exists() else sys.executable)
    stamp, mark = folder / "made-from", f"{base} {hashlib.sha256(lock.read_bytes()).hexdigest()}"
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != mark:
        subprocess.run([base, "-m", "venv", "--clear", str(folder)], check=True)
        pip = [str(folder / "bin/python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "--require-hashes", "-r", str(lock)], check=True)
        stamp.write_text(mark, encoding="utf-8")
    return folder / "bin/python"


def described(python: Path) -> Interpreter:
    """What a build says of itself."""
    probe = subprocess.run([python, "-c", _PROBE], check=True, capture_output=True, text=True)
    said = json.loads(probe.stdout)
    optimised, why = _judged(said, python)
    return Interpreter(python, said["version"], optimised, why, said["loop_ms"])


def _judged(said: dict[str, object], python: Path) -> tuple[bool, str]:
    if said["configured"]:
        return True, "its build flags name profile-guided optimisation" + (" and LTO" if said["lto"] else "")
    if said["base"] == "/usr" and Path("/etc/debian_version").exists():
        # Debian builds with profile-guided and link-time optimisation, then removes the flags from sysconfig
        # so that extensions are not compiled with them.
        owner = subprocess.run(["dpkg", "-S", python.resolve()], check=False, capture_output=True, text=True)
        if owner.returncode == 0:
            return True, f"Debian's package {owner.stdout.partition(':')[0]}: PGO and LTO"
    return False, "no profile-guided optimisation in its build flags; figures are about 15 % too low"
