"""Processes that a benchmark starts: pinned to a core, accounted for as a tree, always stopped."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

SYSTEM_CORE, LOAD_CORE = 0, 1
"""The system under test has one core for itself; load and upstreams share the other."""

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_START_S = 60.0
_STOP_S = 10.0


class NotStarted(Exception):
    """A process ended, or answered nothing, where it should have listened; its last words are the text."""


class Tree:
    """A process and whatever it starts."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        core: int,
        log: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> None:
        self.name = name
        self._log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as out:
            self._process = subprocess.Popen(
                ["taskset", "-c", str(core), *command],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(env or {})},
                cwd=cwd,
            )

    def wait_for(self, address: tuple[str, int] | Path) -> None:
        """Return once something listens at `address` (a port or a Unix socket).

        Raises: NotStarted.
        """
        deadline = time.monotonic() + _START_S
        while not _answers(address):
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise NotStarted(f"{self.name}: {self.last_words()}")
            time.sleep(0.05)

    def last_words(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace").strip()[-800:]

    def pids(self) -> list[int]:
        """The process itself, then its descendants that live."""
        children: dict[int, list[int]] = {}
        for pid, fields in _stats():
            children.setdefault(int(fields[1]), []).append(pid)
        found = [self._process.pid]
        for pid in found:
            found += children.get(pid, [])
        return found

    def cpu_s(self) -> float:
        """Seconds of CPU used by the tree so far, its dead children included."""
        mine = set(self.pids())
        ticks = sum(sum(map(int, fields[11:15])) for pid, fields in _stats() if pid in mine)
        return ticks / _TICKS_PER_S

    def rss_bytes(self) -> int:
        """Resident pages of the tree; a page shared by two processes counts twice."""
        return sum(int(words[1]) for words in self._each("statm")) * _PAGE_BYTES

    def pss_bytes(self) -> int:
        """Resident memory of the tree; a page shared by two processes counts once."""
        return sum(int(words[words.index("Pss:") + 1]) for words in self._each("smaps_rollup")) * 1024

    def _each(self, file: str) -> Iterator[list[str]]:
        for pid in self.pids():
            try:
                yield Path(f"/proc/{pid}/{file}").read_text(encoding="ascii", errors="replace").split()
            except OSError:  # ended meanwhile
                continue

    def stop(self) -> None:
        """SIGTERM, then SIGKILL for what of the tree did not listen."""
        mine = self.pids()
        self._process.terminate()
        try:
            self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            for pid in mine:
                _kill(pid)
            self._process.wait(_STOP_S)


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _stats() -> Iterator[tuple[int, list[str]]]:
    """Each process's id and its fields of /proc/PID/stat that follow the command's name."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                yield (
                    int(entry.name),
                    (entry / "stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split(),
                )
            except OSError:
                continue


def _answers(address: tuple[str, int] | Path) -> bool:
    family = socket.AF_UNIX if isinstance(address, Path) else socket.AF_INET
    with socket.socket(family) as probe:
        probe.settimeout(1)
        try:
            probe.connect(str(address) if isinstance(address, Path) else address)
        except OSError:
            return False
        return True


def free_ports(count: int) -> list[int]:
    """Ports that nothing listens on now."""
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [int(each.getsockname()[1]) for each in sockets]
    for each in sockets:
        each.close()
    return ports
