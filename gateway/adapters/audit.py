"""One line a decision, on a stream of its own: the consultation trace, in codes."""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import TextIO

from gateway.dispute_ports import ActionLine
from gateway.trace_ports import AuditLine, Codes


class AuditLog:
    """JSON lines. A line holds what `AuditLine` holds and the time: no name, no path, no address.

    The lines of one turn of the event loop bear one time and are written together, before it waits again.
    """

    def __init__(self, stream: TextIO, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._stream = stream
        self._now = now
        self._lines: list[str] = []
        self._turn = ""
        """When the first of them came."""

    def record(self, line: AuditLine) -> None:
        self._write(
            f'{{"time":"{self._time()}","decision_id":"{line.decision_id}",{_written(line.codes)},'
            f'"method":"{line.method}","status":{line.status},"duration_ms":{line.duration_ms}}}\n'
        )

    def act(self, line: ActionLine) -> None:
        """What somebody did about a dispute."""
        self._write(json.dumps({"time": self._time(), **line._asdict()}, separators=(",", ":")) + "\n")

    def _time(self) -> str:
        if not self._lines:
            self._turn = self._now().isoformat(timespec="milliseconds")
        return self._turn

    def _write(self, written: str) -> None:
        self._lines.append(written)
        if len(self._lines) > 1:
            return
        try:
            asyncio.get_running_loop().call_soon(self.flush)
        except RuntimeError:
            self.flush()

    def flush(self) -> None:
        lines, self._lines = self._lines, []
        self._stream.write("".join(lines))
        self._stream.flush()


@lru_cache(maxsize=4096)
def _written(codes: Codes) -> str:
    """The part that is the same for many lines."""
    return json.dumps(codes._asdict(), separators=(",", ":"))[1:-1]
