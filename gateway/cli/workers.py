"""Several processes on the same sockets: one that watches, the others serve.

The watching process reads the configuration and hands each worker what it read: one that replaces a dead one serves
what its neighbours serve, whatever the file has become meanwhile. A worker ends when its link to that process does.
"""

import asyncio
import contextlib
import os
import pickle
import signal
import socket
import sys
from collections.abc import Sequence
from functools import partial
from itertools import chain
from pathlib import Path

import structlog

from gateway.adapters.metrics.cells import Cells, shared_memory
from gateway.adapters.metrics.exposition import Exposition
from gateway.app import DRAIN_S, build, refuse_restart
from gateway.cli.admin import serve_admin
from gateway.cli.listening import Sockets
from gateway.cli.server import Read, Server, count_loaded, count_reload, refused, reload, serve, server_config
from gateway.core.errors import ConfigError
from gateway.settings import Settings

EARLY_S = 5.0
"""A worker that ends sooner has not worked."""
EARLY_AT_MOST = 5
"""In a row; then the gateway ends, and says so by its exit status."""
PAUSE_S = 0.1
"""Before an early one is replaced, doubled each time."""
KILL_S = DRAIN_S + 5
"""After SIGTERM, a worker that drains has ended by itself before that."""

_SIZE_BYTES = 4


def supervise(settings: Settings, shares: Sequence[Sockets], read: Read, admin: Sequence[Sockets] = ()) -> int:
    """Run a process for each share of sockets until SIGTERM or SIGINT; 1 when they do not stay alive."""
    build(settings)  # What cannot be put together is said here, once, and not by each worker.
    return asyncio.run(_Supervisor(settings, shares, read, admin).run())


class _Supervisor:
    def __init__(self, settings: Settings, shares: Sequence[Sockets], read: Read, admin: Sequence[Sockets]) -> None:
        self._settings = settings
        self._shares = shares
        self._read = read
        self._admin = admin
        self._cells = Cells()
        self._exposition = Exposition(self._cells, settings.version, serves=False)
        count_loaded(self._cells, settings)
        self._workers: dict[asyncio.subprocess.Process, asyncio.StreamWriter] = {}
        self._stopping = asyncio.Event()
        self._status = 0
        self._log = structlog.get_logger("gateway")

    async def run(self) -> int:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop)
        loop.add_signal_handler(signal.SIGHUP, self._reload)
        telling = asyncio.create_task(serve_admin(self._exposition, self._admin))
        async with asyncio.TaskGroup() as group:
            for sockets in self._shares:
                group.create_task(self._keep(sockets))
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)
        return self._status

    async def _keep(self, sockets: Sockets) -> None:
        """One worker, and another in its place whenever it ends."""
        loop, early = asyncio.get_running_loop(), 0
        while not self._stopping.is_set():
            began = loop.time()
            status = await self._one(sockets)
            if self._stopping.is_set():
                return
            early = early + 1 if loop.time() - began < EARLY_S else 0
            self._log.error("worker_ended", status=status)
            self._cells.count("gateway_worker_ends_total")
            if early == EARLY_AT_MOST:
                self._log.error("workers_given_up", code="worker_ends_at_once")
                self._status = 1
                self._stop()
            elif early:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), PAUSE_S * 2**early)

    async def _one(self, sockets: Sockets) -> int:
        """A fresh process, from its start to its exit status."""
        (ours, theirs), counted = socket.socketpair(), shared_memory()
        with theirs:
            cells = Cells(counted)
            descriptors = [theirs.fileno(), counted, *(each.fileno() for each in sockets)]
            try:
                process = await asyncio.create_subprocess_exec(
                    *_command(descriptors), pass_fds=descriptors, process_group=0, stdin=asyncio.subprocess.DEVNULL
                )
            finally:
                os.close(counted)
        self._exposition.joined(cells)
        _, link = await asyncio.open_unix_connection(sock=ours)
        self._workers[process] = link
        link.write(_framed(self._settings))
        if self._stopping.is_set():
            process.terminate()
        try:
            return await process.wait()
        finally:
            del self._workers[process]
            self._exposition.ended(cells)
            link.close()

    def _reload(self) -> None:
        """Hand over the new configuration when it is whole and can be served; else nothing changes anywhere."""
        try:
            settings = self._read()
            refuse_restart(self._settings, settings)
            build(settings)
        except ConfigError as error:
            refused(error)
            count_reload(self._cells, self._exposition, None)
            return
        except Exception:
            log = self._log
            log.exception("reload_refused", code="internal_error")
            count_reload(self._cells, self._exposition, None)
            return
        self._settings = settings
        count_reload(self._cells, self._exposition, settings)
        for link in self._workers.values():
            link.write(_framed(settings))

    def _stop(self) -> None:
        """Pass the signal on and let the workers drain; a second one ends them at once."""
        if self._stopping.is_set():
            self._kill()
            return
        self._stopping.set()
        for each in chain.from_iterable(self._shares):
            each.close()
        for process in self._workers:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
        asyncio.get_running_loop().call_later(KILL_S, self._kill)

    def _kill(self) -> None:
        for process in self._workers:
            with contextlib.suppress(ProcessLookupError):
                process.kill()


def _command(descriptors: Sequence[int]) -> list[str]:
    # Like this process, and no more than it, a worker may find modules in the current folder.
    here = ["-P"] if Path(sys.path[0] or ".").resolve() != Path.cwd() else []
    return [sys.executable, *here, "-m", "gateway", "serve", "--worker", ",".join(map(str, descriptors))]


def _framed(settings: Settings) -> bytes:
    """Between two processes of one program, over a socket that nobody else has: pickle is safe here."""
    frame = pickle.dumps(settings)
    return len(frame).to_bytes(_SIZE_BYTES, "big") + frame


def work(descriptors: str) -> int:
    """Be a worker: `descriptors` are the link to the watching process, memory to count in, sockets to serve on."""
    first, counted, *others = (int(each) for each in descriptors.split(","))
    link, *sockets = (socket.socket(fileno=each) for each in (first, *others))
    settings = _first(link)
    if settings is None:
        return 0
    server = Server(server_config(settings, cells=Cells(counted)))
    os.close(counted)
    serve(server, sockets, _follow(link, server))
    return 0


def _first(link: socket.socket) -> Settings | None:
    size = int.from_bytes(link.recv(_SIZE_BYTES, socket.MSG_WAITALL), "big")
    frame = link.recv(size, socket.MSG_WAITALL)
    return pickle.loads(frame) if size and len(frame) == size else None  # noqa: S301 - see `_framed`


def _same(settings: Settings) -> Settings:
    return settings


async def _follow(link: socket.socket, server: Server) -> None:
    """Take each new configuration; end when the link does, or when one cannot be served: a fresh process then can."""
    reader, _ = await asyncio.open_unix_connection(sock=link)
    with contextlib.suppress(asyncio.IncompleteReadError, OSError):
        while True:
            size = int.from_bytes(await reader.readexactly(_SIZE_BYTES), "big")
            settings: Settings = pickle.loads(await reader.readexactly(size))  # noqa: S301 - see `_framed`
            if not await reload(server.application, partial(_same, settings)):
                break
    server.should_exit = True
