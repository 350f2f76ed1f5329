"""Processes of providers: `oidc-provider` in Node, `idpyoidc` in Python. Absent: skipped, and an error when CI is set."""

import json
import os
import platform
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

FOLDER = Path(__file__).resolve().parent
NODE = FOLDER / "node"
PYTHON = FOLDER / "python"
START_S = 60


@dataclass
class Provider:
    """One provider under way. `origin` is where it listens, `issuer` what it calls itself."""

    issuer: str
    origin: str
    log: Path

    def move_clock(self, ahead_s: float) -> None:
        httpx.post(f"{self.origin}/_test/clock", content=str(ahead_s), trust_env=False).raise_for_status()

    def forget_refresh_tokens(self) -> None:
        """As when an administrator ends the sessions of a person, without a word to anybody."""
        httpx.post(f"{self.origin}/_test/forget", trust_env=False).raise_for_status()

    def refreshes(self) -> int:
        """How often somebody was given new tokens for a refresh token."""
        return int(httpx.get(f"{self.origin}/_test/refreshed", trust_env=False).json())

    def errors(self) -> list[str]:
        return list(httpx.get(f"{self.origin}/_test/errors", trust_env=False).json())

    def introspected(self, token: str) -> Mapping[str, Any] | None:
        """Client, scope and login of an access token that still lives."""
        answer = httpx.post(f"{self.origin}/_test/introspect", content=token, trust_env=False)
        found: Mapping[str, Any] | None = answer.json()
        return found


def missing(what: str) -> None:
    """Skips loudly; an error where everything must be there."""
    if os.environ.get("CI"):
        raise RuntimeError(f"{what} is not installed: scripts/real-parts")
    pytest.skip(f"{what} is not installed: scripts/real-parts")


def _node() -> str:
    """The Node that the package was installed with; else the machine's, of which version 20 is enough with a warning."""
    machine = {"x86_64": "x64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    own = NODE / "node_modules" / f"node-linux-{machine}" / "bin" / "node"
    return str(own) if own.exists() else shutil.which("node") or ""


@contextmanager
def oidc_provider(folder: Path, issuer: str, setup: Mapping[str, Any]) -> Iterator[Provider]:
    """`setup`: see node/server.mjs. `kind` is franceconnect or plain."""
    if not (NODE / "node_modules" / "oidc-provider").exists() or not _node():
        missing("npm oidc-provider")
    with _running(folder, [_node(), str(NODE / "server.mjs")], issuer, setup) as provider:
        yield provider


@contextmanager
def idpyoidc(folder: Path, issuer: str, setup: Mapping[str, Any]) -> Iterator[Provider]:
    """`setup`: see python/server.py."""
    own = PYTHON / ".venv" / "bin" / "python"
    if not own.exists():
        missing("PyPI idpyoidc")
    with _running(folder, [str(own), str(PYTHON / "server.py")], issuer, setup) as provider:
        yield provider


@contextmanager
def _running(folder: Path, command: list[str], issuer: str, setup: Mapping[str, Any]) -> Iterator[Provider]:
    folder.mkdir(parents=True, exist_ok=True)
    log, written = folder / "provider.log", folder / "provider.json"
    written.write_text(json.dumps({"issuer": issuer, **setup}), encoding="utf-8")
    with log.open("wb") as out:
        process = subprocess.Popen(
            [*command, str(written)], stdin=subprocess.PIPE, stdout=out, stderr=subprocess.STDOUT, cwd=folder
        )
    try:
        _wait_for(process, log)
        url = httpx.URL(issuer)
        yield Provider(issuer, f"{url.scheme}://{url.netloc.decode()}", log)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        process.terminate()
        process.wait(10)


def _wait_for(process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + START_S
    while "listening" not in log.read_text(encoding="utf-8"):
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"the provider did not start: {log.read_text(encoding='utf-8')[-2000:]}")
        time.sleep(0.02)
