"""Each record store, opened empty; each shim, before a running application: what one contract runs over."""

import json
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from gateway.adapters.sessions.memory import MemoryRecords
from gateway.adapters.sessions.records import RecordStore
from gateway.adapters.sessions.redis import TAGS_LAST_S, RedisRecords
from gateway.adapters.sessions.sqlite import SqliteRecords
from gateway.core.rules import SignatureForm
from gateway.ports import Clock
from gateway.settings import RedisKind, RedisSettings
from tests.redis_servers import NEEDS, Server, redis_server
from tests.shims import APPLICATIONS, EXAMPLES, TOMCAT, Shielded, Stack, shielded
from tests.verifiers import skip_without_tools

OpenShield = Callable[..., Shielded]
"""`open_shield(stack, form, **written)`: `written` stands over the usual configuration."""

OpenStore = Callable[..., RecordStore]
"""`open_store(clock, tags_last_s=…)`: each call opens what lies in the same place anew."""

_STORES = ["memory", "sqlite", *(pytest.param(name, marks=mark) for name, mark in NEEDS.items())]
_LASTING = _STORES[1:]


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Server]]:
    """Redis or Valkey by name: one of each for a module, started when it is first asked for."""
    running: dict[str, Server] = {}
    with ExitStack() as stack:

        def named(program: str) -> Server:
            if program not in running:
                folder = tmp_path_factory.mktemp(program)
                running[program] = stack.enter_context(redis_server(folder, program=program))
            return running[program]

        yield named


@pytest.fixture(params=_STORES)
def open_store(request: pytest.FixtureRequest, tmp_path: Path, servers: Callable[[str], Server]) -> OpenStore:
    return _opening(request.param, tmp_path, servers)


@pytest.fixture(params=_LASTING)
def open_lasting_store(request: pytest.FixtureRequest, tmp_path: Path, servers: Callable[[str], Server]) -> OpenStore:
    """Of those that outlive their process."""
    return _opening(request.param, tmp_path, servers)


def _opening(kind: str, folder: Path, servers: Callable[[str], Server]) -> OpenStore:
    if kind in NEEDS:
        server = servers(kind)
        server.asked("FLUSHALL")
        at = RedisSettings(RedisKind.ONE, (("127.0.0.1", server.port),))
        return lambda clock, tags_last_s=TAGS_LAST_S: RedisRecords(at, clock, tags_last_s=tags_last_s)

    def opened(clock: Clock, tags_last_s: int = TAGS_LAST_S) -> RecordStore:
        return SqliteRecords(folder / "var" / "records.db") if kind == "sqlite" else MemoryRecords()

    return opened


@pytest.fixture(scope="session")
def classes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The servlet filter and its Tomcat, compiled once."""
    if shutil.which("javac") is None:
        pytest.skip("NOT TESTED: the servlet filter, for there is no JDK here")
    skip_without_tools(*TOMCAT)
    folder = tmp_path_factory.mktemp("classes")
    sources = [*(EXAMPLES / "java" / "passerelle").glob("*.java"), APPLICATIONS / "Cantine.java"]
    command = [
        "javac",
        "-J-XX:TieredStopAtLevel=1",
        "-d",
        str(folder),
        "-cp",
        ":".join(map(str, TOMCAT)),
        *map(str, sources),
    ]
    subprocess.run(command, check=True, timeout=120)
    return folder


@pytest.fixture(scope="module")
def open_shield(request: pytest.FixtureRequest) -> Iterator[OpenShield]:
    """One running application for each configuration, for all tests."""
    running: dict[str, Shielded] = {}
    with ExitStack() as stack:

        def opened(which: Stack, form: SignatureForm, **written: Any) -> Shielded:
            key = f"{which}-{form}-{json.dumps(written)}"
            if key not in running:
                compiled = request.getfixturevalue("classes") if which.name == "java" else None
                # Not in pytest's own folder: that is closed to those who start as nobody.
                folder = Path(tempfile.mkdtemp(prefix=f"{which}-"))
                folder.chmod(0o755)
                stack.callback(shutil.rmtree, folder)
                running[key] = stack.enter_context(shielded(which, form, folder, compiled, **written))
            return running[key]

        yield opened
