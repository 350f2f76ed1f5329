"""The admin listener: `/metrics` on an address of its own, and nothing else."""

import asyncio
from collections.abc import Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.adapters.metrics.exposition import Exposition
from gateway.cli.listening import BACKLOG, Sockets

if TYPE_CHECKING:
    from collections.abc import Iterator


class _Beside(uvicorn.Server):
    """A server in somebody else's process: signals are that one's business."""

    @contextmanager
    def capture_signals(self) -> "Iterator[None]":
        yield


def admin_app(exposition: Exposition) -> Starlette:
    def metrics(request: Request) -> Response:
        body, media_type = exposition.text(request.headers.get("accept", ""))
        return Response(body, media_type=None, headers={"content-type": media_type, "cache-control": "no-store"})

    app = Starlette(routes=[Route("/metrics", metrics)])
    app.router.redirect_slashes = False
    return app


async def serve_admin(exposition: Exposition, sockets: Sequence[Sockets]) -> None:
    """Until cancelled; without a socket, nothing at all."""
    own = [each for share in sockets for each in share]
    if not own:
        return
    server = _Beside(
        uvicorn.Config(
            admin_app(exposition),
            ws="none",
            lifespan="off",
            access_log=False,
            log_config=None,
            proxy_headers=False,
            server_header=False,
            backlog=BACKLOG,
            timeout_graceful_shutdown=1,
        )
    )
    serving = asyncio.create_task(server.serve(own))
    try:
        await asyncio.shield(serving)
    finally:
        server.should_exit = True
        await serving
