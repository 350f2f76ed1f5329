"""The server that `serve`, its workers and `demo` run: uvicorn for sockets, signals and the drain."""

import asyncio
import gc
import signal
import socket
import sys
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Any, cast

import structlog
import uvicorn

from gateway.adapters.keys import certificate_ends
from gateway.adapters.metrics.cells import Cells
from gateway.adapters.metrics.exposition import Exposition
from gateway.app import DRAIN_S, Application, build
from gateway.assembly import Outside
from gateway.cli.admin import serve_admin
from gateway.cli.listening import BACKLOG, Sockets
from gateway.core.errors import ConfigError
from gateway.settings import Settings

ACCEPTS = 16
"""uvloop accepts one connection a turn from each descriptor that it listens on: with one alone, 256 clients that came
together to a busy gateway waited up to a second for their first answer. So it listens on copies."""

COLLECTED = (20_000, 20, 50)
"""Objects born and not dead before the young are looked at, and how many times before the older are."""

Read = Callable[[], Settings]
"""The configuration as it is now; `ConfigError` when it is wrong."""


class Server(uvicorn.Server):
    """uvicorn's, except that a signal it drains for is not what it dies of, and that SIGHUP reads anew."""

    def __init__(self, config: uvicorn.Config, read: Read | None = None) -> None:
        super().__init__(config)
        self._read = read
        self.exposition: Exposition | None = None
        self._reloading: set[asyncio.Task[None]] = set()

    @property
    def application(self) -> Application:
        return cast(Application, self.config.app)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        loop.add_signal_handler(signal.SIGHUP, self._hung_up)
        try:
            yield
        finally:
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                loop.remove_signal_handler(number)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The first signal drains, a second one ends.

        A worker hears both of the one signal that a service manager sends to everybody and of its supervisor, which
        kills those that must end.
        """
        self.application.draining()
        self.force_exit = self.should_exit and self._read is not None
        self.should_exit = True

    def _hung_up(self) -> None:
        """A worker has nothing to read: who started it reads, and hands over."""
        if self._read is not None:
            task = asyncio.get_running_loop().create_task(self._read_anew(self._read))
            self._reloading.add(task)
            task.add_done_callback(self._reloading.discard)

    async def _read_anew(self, read: Read) -> None:
        application = self.application
        done = await reload(application, read)
        count_reload(application.cells, self.exposition, application.settings if done else None)


def serve(server: Server, sockets: Sequence[socket.socket], beside: Coroutine[Any, Any, None] | None = None) -> None:
    """Run the server until it is told to end, and `beside` with it."""

    settle()

    async def both() -> None:
        task = asyncio.create_task(beside) if beside is not None else None
        await server.serve([twin for each in sockets for twin in (each, *(each.dup() for _ in range(ACCEPTS - 1)))])
        if task is not None:
            task.cancel()

    with asyncio.Runner(loop_factory=server.config.get_loop_factory()) as runner:
        runner.run(both())


def settle() -> None:
    """Tell the collector that what was loaded stays, and that a request's short life is no reason to look at it all."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECTED)


def serve_alone(settings: Settings, sockets: Sequence[socket.socket], read: Read, admin: Sequence[Sockets]) -> None:
    """One process: it serves, counts, and tells what it counted."""
    server = Server(server_config(settings), read)
    server.exposition = Exposition(server.application.cells, settings.version)
    count_loaded(server.application.cells, settings)
    serve(server, sockets, serve_admin(server.exposition, admin))


def count_loaded(cells: Cells, settings: Settings) -> None:
    cells.set("gateway_config_reload_successful", 1)
    cells.set("gateway_config_loaded_timestamp_seconds", time.time())
    for route, ends_at in certificate_ends(settings.routes):
        cells.set("gateway_certificate_expiry_timestamp_seconds", ends_at, route=route)


def count_reload(cells: Cells, exposition: Exposition | None, settings: Settings | None) -> None:
    """`settings` are those that now serve; None: the old ones, as before."""
    cells.count("gateway_config_reloads_total", result="refused" if settings is None else "done")
    if settings is None:
        cells.set("gateway_config_reload_successful", 0)
        return
    count_loaded(cells, settings)
    if exposition is not None:
        exposition.config_version = settings.version


async def reload(application: Application, read: Read) -> bool:
    """All of the new configuration, or nothing of it; said in the log either way."""
    log = structlog.get_logger("gateway")
    try:
        await application.reload(read())
    except ConfigError as error:
        refused(error)
        return False
    except Exception:
        # Whatever it was, what was served before is still served.
        log.exception("reload_refused", code="internal_error")
        return False
    log.info("reloaded")
    return True


def refused(error: ConfigError) -> None:
    """Every problem for the operator, one coded line for the log."""
    print(error, file=sys.stderr)
    structlog.get_logger("gateway").warning("reload_refused", code=error.code)


def server_config(settings: Settings, *, bind: str | None = None, cells: Cells | None = None) -> uvicorn.Config:
    """uvicorn for sockets, signals and the drain; every byte of HTTP is read and written by our own connection."""
    application = build(settings, Outside(cells=cells) if cells is not None else None)
    return uvicorn.Config(
        application,
        host=bind or settings.listen.host,
        port=settings.listen.port,
        uds=None if bind else settings.listen.socket or None,
        http=application.connection,  # type: ignore[arg-type]
        ws="none",
        lifespan="on",
        access_log=False,
        log_config=None,
        proxy_headers=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_graceful_shutdown=DRAIN_S,
    )
