"""The technical log: JSON lines of events and codes. What is not on the list of fields is not written."""

import json
import logging
import re
import sys
import traceback
from collections.abc import MutableMapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO, cast

import structlog

Event = MutableMapping[str, Any]

ALLOWED = frozenset(
    [
        "event",
        "level",
        "timestamp",
        "logger",
        "code",
        "status",
        "reference",
        "neighbour",
        "dependency",
        "provider_reference",
        "request_id",
        "outcome",
        "reasons",
        "policy",
        "route",
        "provider",
        "source",
        "error_type",
        "error_code",
        "frames",
        "ended",
    ]
)
"""Every field that may be written. A new one is a decision: codes only."""

VALUE_AT_MOST = 200

_NOT_PLAIN = re.compile(r"[^\x20-\x7e]")
_PACKAGE = Path(__file__).resolve().parents[1]
_HARMLESS = ("Started server process", "Waiting for application", "Application startup", "Application shutdown",
             "Uvicorn running on", "Shutting down", "Finished server process", "Waiting for connections")  # fmt: skip


def configure_logging(stream: TextIO) -> None:
    """Send structlog and the standard library through one chain to one stream."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            only_frames,
            redact,
            structlog.processors.JSONRenderer(serializer=json.dumps),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(cast(TextIO, _Unfailing(stream))),
        cache_logger_on_first_use=False,
    )
    handler = _Bridge()
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    # httpx writes URLs, uvicorn.access whole request lines: neither has a line worth the risk.
    for name in ("httpx", "httpcore", "uvicorn.access"):
        logging.getLogger(name).disabled = True


class _Unfailing:
    """A line that cannot be written (a full disk, a closed pipe) is lost; the request that it tells of goes on."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._stream.flush()


def only_frames(logger: object, method: str, event: Event) -> Event:
    """An exception is its type, its code if it is ours, and our own lines: never its text, never a variable."""
    found = event.pop("exc_info", None)
    error = sys.exc_info()[1] if found is True else found[1] if isinstance(found, tuple) else found
    if isinstance(error, BaseException):
        event["error_type"] = type(error).__name__
        event["error_code"] = str(getattr(error, "code", ""))
        event["frames"] = " ".join(_frames(error))
    return event


def _frames(error: BaseException) -> list[str]:
    frames = (Path(frame.filename) for frame in traceback.extract_tb(error.__traceback__))
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__)]
    return [
        f"{path.resolve().relative_to(_PACKAGE)}:{line}"
        for path, line in zip(frames, lines, strict=True)
        if path.resolve().is_relative_to(_PACKAGE)
    ]


def redact(logger: object, method: str, event: Event) -> Event:
    return {name: _plain(value) if name in ALLOWED else "<redacted>" for name, value in event.items()}


def _plain(value: object) -> object:
    if value is None or isinstance(value, bool | int | float):
        return value
    if not isinstance(value, str):
        return "<redacted>"
    return _NOT_PLAIN.sub("?", value)[:VALUE_AT_MOST]


class _Bridge(logging.Handler):
    """A library's message may hold anything: only those known to be harmless keep their words."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            message = record.getMessage()
        except (TypeError, ValueError):
            message = ""
        known = message.startswith(_HARMLESS)
        structlog.get_logger().log(
            record.levelno, message if known else "library", logger=record.name, exc_info=record.exc_info or None
        )
