"""One line a decision, on a stream of its own: the consultation trace, in codes."""

import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TextIO

from gateway.ports import AuditLine


class AuditLog:
    """JSON lines. A line holds what `AuditLine` holds and the time: no name, no path, no address."""

    def __init__(self, stream: TextIO, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._stream = stream
        self._now = now

    def record(self, line: AuditLine) -> None:
        entry = {"time": self._now().isoformat(timespec="milliseconds"), **asdict(line)}
        self._stream.write(json.dumps(entry, separators=(",", ":")) + "\n")
        self._stream.flush()
