"""Verifiers in other languages, run as an application would run them. See README.md."""

import base64
import json
import os
import shutil
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from gateway.core.rules import SignatureForm

FOLDER = Path(__file__).resolve().parent
COMMANDS = {
    SignatureForm.JWT: ["php", str(FOLDER / "php" / "verify.php")],
    SignatureForm.HMAC: ["php", str(FOLDER / "php" / "verify.php")],
    SignatureForm.RFC9421: ["node", str(FOLDER / "node" / "verify.mjs")],
}


@dataclass(frozen=True)
class Arrived:
    """A request as the application receives it."""

    method: str
    target: bytes
    fields: tuple[tuple[str, bytes], ...]
    """Host among them."""
    body: bytes

    def with_field(self, name: str, value: bytes) -> "Arrived":
        """One more of this name, whether there is one or not."""
        return replace(self, fields=(*self.fields, (name, value)))

    def without(self, name: str) -> "Arrived":
        return replace(self, fields=tuple(field for field in self.fields if field[0].lower() != name.lower()))

    def value(self, name: str) -> bytes:
        return next(value for each, value in self.fields if each.lower() == name.lower())


def skip_without(form: SignatureForm) -> None:
    """Nothing is proved without the foreign language."""
    tool = COMMANDS[form][0]
    skip_without_tools(tool, *([FOLDER / "node" / "node_modules"] if tool == "node" else []))


def skip_without_tools(*tools: str | Path) -> None:
    """Programs by name, files by path. What is missing is said loudly here, and a failure in CI."""
    path = f"{os.environ.get('PATH', '')}:/usr/sbin"
    missing = [
        each for each in tools if not (each.exists() if isinstance(each, Path) else shutil.which(each, path=path))
    ]
    if missing and not os.environ.get("CI"):
        pytest.skip(f"NOT TESTED: {missing[0]} is not installed; run scripts/real-parts")


def judged(form: SignatureForm, expected: dict[str, Any], *requests: Arrived) -> list[str]:
    """A word for each request, in order: `accepted`, `anonymous`, or why it is refused."""
    skip_without(form)
    task = {"form": form, **expected, "requests": [_as_json(request) for request in requests]}
    ran = subprocess.run(
        COMMANDS[form], input=json.dumps(task), capture_output=True, text=True, timeout=60, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    verdicts = json.loads(ran.stdout)
    return [
        ("anonymous" if each["anonymous"] else "accepted") if each["accepted"] else each["reason"] for each in verdicts
    ]


def _as_json(request: Arrived) -> dict[str, Any]:
    return {
        "method": request.method,
        "target": _b64(request.target),
        "headers": [[name, _b64(value)] for name, value in request.fields],
        "body": _b64(request.body),
    }


def _b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")
