"""The gateway as operators run it, one process or several, with the sandbox around it in this one."""

import io
import os
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path

import pytest

from gateway.config.gateway_file import load
from gateway.sandbox.legacy import legacy_app
from tests.world import ROOT, MovedClock, World, bound_sockets, configuration, sandbox, secrets, served

START_S = 60


def until(what: Callable[[], object], within_s: float = 10) -> None:
    """Wait for something to become true; the only way here to wait for another process."""
    deadline = time.monotonic() + within_s
    while not what():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within_s} s")
        time.sleep(0.02)


@dataclass
class Gateway:
    """One `gateway serve` under way."""

    process: "subprocess.Popen[bytes]"
    world: World
    config: Path
    port: int
    several: int
    environ: dict[str, str]
    _held: list[HTTPConnection] = field(default_factory=list)

    @property
    def said(self) -> str:
        """Its standard error so far."""
        return (self.config.parent / "stderr").read_text(encoding="utf-8")

    def said_of(self, event: str) -> int:
        return self.said.count(f'"event": "{event}"')

    def workers(self) -> list[int]:
        """The processes that serve."""
        pid = self.process.pid
        if self.several == 1:
            return [pid]
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def change(self, before: str, after: str) -> None:
        text = self.config.read_text(encoding="utf-8")
        assert before in text, before
        self.config.write_text(text.replace(before, after), encoding="utf-8")

    def connection(self) -> HTTPConnection:
        connection = HTTPConnection("localhost", self.port, timeout=10)
        connection.connect()
        self._held.append(connection)
        return connection

    def to(self, worker: int) -> HTTPConnection:
        """A connection that this very worker has accepted: the kernel gives each its share."""
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            connection = self.connection()
            until(lambda: any(accepted(pid, connection) for pid in self.workers()))  # noqa: B023 - called at once
            if accepted(worker, connection):
                return connection
        raise AssertionError("a worker accepts nothing")

    def each(self) -> list[HTTPConnection]:
        return [self.to(worker) for worker in self.workers()]

    def close(self) -> None:
        for connection in self._held:
            connection.close()


def get(connection: HTTPConnection, path: str, **headers: str) -> tuple[int, bytes]:
    """Status and body, on a connection that stays open."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request("GET", path, headers={"Accept": "application/json", "Sec-Fetch-Mode": "cors", **named})
    answer = connection.getresponse()
    return answer.status, answer.read()


def accepted(pid: int, *connections: HTTPConnection) -> int:
    """Of how many connections the other end belongs to that process."""
    ports = {f"{connection.sock.getsockname()[1]:04X}" for connection in connections}
    lines = (line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:])
    sockets = {f"socket:[{line[9]}]" for line in lines if line[3] == "01" and line[2].rpartition(":")[2] in ports}
    return sum(str(path.readlink()) in sockets for path in Path(f"/proc/{pid}/fd").iterdir() if path.is_symlink())


@contextmanager
def gateway(
    folder: Path,
    *,
    workers: int = 2,
    routes: str = "",
    changes: dict[str, str] | None = None,
    policies: dict[str, str] | None = None,
    environ: dict[str, str] | None = None,
    inside: Sequence[str] = (),
) -> Iterator[Gateway]:
    """Start everything; at the end nothing of it is left, however the test went. `inside`: see `mounted`."""
    sockets = bound_sockets(4)
    ports = [each.getsockname()[1] for each in sockets]
    config = configuration(folder, ports, routes=routes, changes=changes, policies=policies)
    environ = environ or secrets()
    settings, clock = load(config, environ), MovedClock()
    franceconnect, api = sandbox(settings, clock)
    world = World(settings, clock, franceconnect, api, folder, io.StringIO(), io.StringIO())
    apps = [franceconnect.app, api.app, legacy_app(f"{settings.public_url}/_gateway/keys")]
    with served(list(zip(apps, sockets[1:], strict=True))):
        process = start(config, environ, workers, inside)
        running = Gateway(process, world, config, ports[0], workers, environ)
        try:
            until(lambda: running.said.count("Application startup complete") >= workers, START_S)
            yield running
        finally:
            running.close()
            stop(running.process)
            sockets[0].close()
            for person in world.people:
                person.client.close()


def mounted(script: str) -> list[str]:
    """A command in front of the gateway's: it sees mounts that nobody else does. Skips where that is not allowed."""
    alone = ["unshare", "--map-root-user", "--mount", "sh", "-c"]
    try:
        allowed = subprocess.run([*alone, "mount -t tmpfs none /mnt"], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        allowed = False
    if not allowed:
        pytest.skip("this machine lets nobody mount in a namespace of their own")
    return [*alone, f'{script} && exec "$@"', "sh"]


def start(config: Path, environ: dict[str, str], workers: int, inside: Sequence[str] = ()) -> "subprocess.Popen[bytes]":
    command = [*inside, sys.executable, "-m", "gateway", "serve", "--config", str(config), "--workers", str(workers)]
    with (config.parent / "stdout").open("ab") as out, (config.parent / "stderr").open("ab") as err:
        return subprocess.Popen(command, cwd=ROOT, env={**os.environ, **environ}, stdout=out, stderr=err)


def stop(process: "subprocess.Popen[bytes]") -> int:
    """Its exit status; a process that does not end within its drain is killed, workers and all."""
    process.terminate()
    try:
        return process.wait(15)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait(5)


@contextmanager
def slow_upstream() -> Iterator[tuple[int, Callable[[], None]]]:
    """An application that takes requests and answers none before it is told to: its port, and the word."""
    import threading

    word = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))

    def answer(taken: socket.socket) -> None:
        with taken:
            taken.recv(65_536)
            word.wait(20)
            taken.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nslowly")

    def take() -> None:
        while True:
            try:
                taken, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=answer, args=(taken,), daemon=True).start()

    threading.Thread(target=take, daemon=True).start()
    try:
        yield listener.getsockname()[1], word.set
    finally:
        word.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


@contextmanager
def answering(
    host: str, body: bytes, port: int = 0, *, status: int = 200, date: str = "", tls: ssl.SSLContext | None = None
) -> Iterator[int]:
    """An application of its own address that says one thing, and keeps no connection: its port."""
    import threading
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

    class Says(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response_only(status)
            self.send_header("Date", date or self.date_time_string())
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None: ...  # noqa: A002 - the base class names it

    server = ThreadingHTTPServer((host, port), Says)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
