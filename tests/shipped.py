"""The shipped gateway.yaml, to which a test adds what it is about."""

import re
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

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


def shipped_at(folder: Path, monkeypatch: pytest.MonkeyPatch, environ: Mapping[str, str]) -> None:
    """The shipped files in that folder, from which commands are run, and the secrets that they name."""
    (folder / "gateway.yaml").write_text(without_disputes(), encoding="utf-8")
    shutil.copytree(ROOT / "policies", folder / "policies")
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(folder)


def change(path: Path, before: str, after: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert before in text, before
    path.write_text(text.replace(before, after), encoding="utf-8")
