"""The shipped gateway.yaml, to which a test adds what it is about."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

_DISPUTES = (
    re.compile(r"^  proconnect: .*?\n(?=\n)", re.DOTALL | re.MULTILINE),
    re.compile(r"^disputes:.*?\n\n", re.DOTALL | re.MULTILINE),
)


def without_disputes() -> str:
    """Nobody's contests are kept and no agent signs in, until a test says otherwise."""
    text = (ROOT / "gateway.yaml").read_text(encoding="utf-8")
    for block in _DISPUTES:
        text, found = block.subn("", text)
        assert found == 1, block.pattern
    return text
