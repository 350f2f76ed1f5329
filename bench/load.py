"""One run of wrk against one system, and what it cost."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

from bench.processes import LOAD_CORE
from bench.systems import System, Wrong, fetch

PEOPLE = 16
"""Threads of wrk, each with a session of its own."""

_SLACK = 0.02
"""How far the bytes of an answer may be from the checked answer's: a header's length moves, a wrong page does not."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A load: what is asked, through how many connections, for how long."""

    file: str = "200"
    """Last segment of the path: `200`, `10k`, `1m`, or `upload`."""
    connections: int = 64
    seconds: float = 3.0
    body_bytes: int = 0
    own: bool = True
    """Each connection is one person's, as a browser's is; else all sessions go by turns through every connection, as
    behind a proxy that shares its connections out."""

    @property
    def method(self) -> str:
        return "POST" if self.body_bytes else "GET"


@dataclass(frozen=True, slots=True)
class Sample:
    """One system's figures in one round."""

    per_s: float
    """Requests answered rightly in a second."""
    mb_per_s: float
    """Body megabytes (10^6) in a second."""
    p50_ms: float
    p99_ms: float
    cpu_us: float
    """CPU of the system's processes, for one request."""
    busy: float
    """Part of its core that the system used: below 0.9 the load side was the limit."""
    memory_mb: float
    """Resident, shared pages counted once."""
    errors: int
    beside_us: float = 0.0
    """CPU of the server behind the session store, for one request."""


@dataclass(frozen=True, slots=True)
class Upstreams:
    """Where the requests that truly arrived are counted."""

    static: int
    tools: int

    def served(self, upload: bool) -> int:
        if upload:
            return int(fetch(self.tools, "/count")[1])
        return int(fetch(self.static, "/status")[1].split()[9])


def run(system: System, shape: Shape, upstreams: Upstreams, folder: Path) -> Sample:
    """Check one request, warm up, then measure.

    Raises: Wrong, when what was answered cannot be what was asked.
    """
    system.verify()
    requests = _requests_file(system, shape, folder)
    _wrk(system, shape, requests, 0.5)
    upload = bool(shape.body_bytes)
    served, used, beside = upstreams.served(upload), system.cpu_s(), system.beside_cpu_s()
    said = _wrk(system, shape, requests, shape.seconds)
    used, beside = system.cpu_s() - used, system.beside_cpu_s() - beside
    served = upstreams.served(upload) - served
    errors = said["connect"] + said["read"] + said["write"] + said["timeout"] + said["status"]
    # What was counted as answered without having reached the upstream was answered by somebody else.
    errors += max(0, int(said["requests"]) - served)
    good = max(1, said["requests"] - errors)
    size = shape.body_bytes or _size(shape.file)
    if not upload and said["bytes"] < said["requests"] * size * (1 - _SLACK):
        raise Wrong(f"{system.name}: {said['bytes'] / max(1, said['requests']):.0f} bytes for {size}")
    return Sample(
        per_s=good / said["seconds"],
        mb_per_s=good * size / said["seconds"] / 1e6,
        p50_ms=said["p50_us"] / 1000,
        p99_ms=said["p99_us"] / 1000,
        cpu_us=used / good * 1e6,
        busy=used / said["seconds"],
        memory_mb=system.pss_bytes() / 1e6,
        errors=int(errors),
        beside_us=beside / good * 1e6,
    )


def _size(file: str) -> int:
    return {"200": 200, "10k": 10_240, "1m": 1 << 20}[file]


def _requests_file(system: System, shape: Shape, folder: Path) -> Path:
    """Sessions and paths in turn: what is remembered for one session or one route helps no other."""
    prefixes = list(system.targets) or [system.tools if shape.body_bytes else system.static]
    cookies = list(system.cookies) or ["-"]
    count = 8 if shape.body_bytes else max(len(prefixes), len(cookies))
    body = str(shape.body_bytes)
    lines = [
        "\t".join([shape.method, prefixes[number % len(prefixes)] + shape.file, cookies[number % len(cookies)], body])
        for number in range(count)
    ]
    path = folder / "requests.tsv"
    path.write_text("\n".join(lines) + "\n", encoding="ascii")
    return path


def _wrk(system: System, shape: Shape, requests: Path, seconds: float) -> dict[str, float]:
    address = f"127.0.0.1:{system.port}"
    threads = min(PEOPLE, shape.connections) if shape.own else 1
    command = ["taskset", "-c", str(LOAD_CORE), "wrk", f"-t{threads}", f"-c{shape.connections}"]
    command += [f"-d{max(1, round(seconds))}s"]
    command += ["--timeout", "10s", "-s", str(Path(__file__).with_name("wrk.lua")), f"http://{address}/", "--"]
    turns = "own" if shape.own else "turns"
    done = subprocess.run(
        [*command, str(requests), address, turns], capture_output=True, text=True, check=True, timeout=120
    )
    said: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return said
