"""The log and the audit, through the real chain: codes pass, people do not."""

import io
import json
import logging
import re

import structlog

from gateway.adapters.audit import AuditLog
from gateway.adapters.logs import configure_logging
from gateway.trace_ports import AuditLine, Codes
from tests.browser import shows
from tests.builders import ANGELA, HOUSEHOLD

CANARIES = ("DUBOIS", "Angela", "MONTORGUEIL", "t0ken")


def _tells(text: str) -> bool:
    """Something of a person; three digits count by themselves, for a time holds them by chance."""
    return shows(text, "648") or any(canary in text for canary in CANARIES)


def _logged(write: object) -> str:
    stream = io.StringIO()
    configure_logging(stream)
    write(structlog.get_logger())  # type: ignore[operator]
    # A time may hold any digits: 648 microseconds are nobody's quotient.
    return re.sub(r'"timestamp": ?"[^"]*"', '"timestamp":""', stream.getvalue())


def test_a_code_passes() -> None:
    line = json.loads(_logged(lambda log: log.info("failed", code="upstream_connect", status=502)))
    assert (line["event"], line["code"], line["status"], line["level"]) == ("failed", "upstream_connect", 502, "info")
    assert "timestamp" in line


def test_a_field_that_is_not_on_the_list_is_redacted() -> None:
    text = _logged(lambda log: log.info("x", name="DUBOIS", identity=ANGELA, nested={"quotient": 648}, token="t0ken"))
    assert not _tells(text)
    assert "<redacted>" in text


def test_an_allowed_field_holds_codes_and_no_structure() -> None:
    text = _logged(lambda log: log.info("x", code=HOUSEHOLD, reasons={"DUBOIS": 648}))
    assert not _tells(text)


def test_an_exception_is_its_type_and_our_own_lines() -> None:
    def fail(log: structlog.stdlib.BoundLogger) -> None:
        secret = "t0ken"
        try:
            raise ValueError(f"cannot read DUBOIS {secret}")
        except ValueError:
            log.exception("failed")

    line = json.loads(_logged(fail))
    assert line["error_type"] == "ValueError"
    assert not _tells(json.dumps(line))


def test_a_line_cannot_be_forged() -> None:
    text = _logged(lambda log: log.info("x", code='a\n{"event": "forged"}\x1b[31m\u202e'))
    assert len(text.splitlines()) == 1
    assert "\x1b" not in text
    assert len(json.loads(text)["code"]) <= 200


def test_a_library_that_speaks_is_heard_without_its_words() -> None:
    def speak(log: object) -> None:
        logging.getLogger("asyncio").error("connection of DUBOIS failed with %s", "t0ken")
        logging.getLogger("uvicorn.error").info("Application startup complete.")
        logging.getLogger("uvicorn.access").info("GET /_gateway/callback?code=t0ken")
        logging.getLogger("httpx").info("GET https://fc.example?token=t0ken")

    lines = [json.loads(line) for line in _logged(speak).splitlines()]
    assert [line["event"] for line in lines] == ["library", "Application startup complete."]
    assert not _tells(json.dumps(lines))


def test_an_audit_line_is_its_codes_and_the_time() -> None:
    stream = io.StringIO()
    codes = Codes("r", "cantine", "0" * 12, "allow", "allowed", "verified", "franceconnect")
    AuditLog(stream).record(AuditLine("K7QM-2F4D", codes, "GET", 200, 3))
    written = json.loads(stream.getvalue())
    assert written.pop("time").endswith("+00:00")
    said = {"decision_id": "K7QM-2F4D", "method": "GET", "status": 200, "duration_ms": 3}
    assert written == said | codes._asdict()
