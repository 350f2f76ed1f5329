"""`gateway serve`: the gateway itself, in the foreground."""

import argparse
import os
import sys
from pathlib import Path
from typing import Any

import uvicorn

from gateway.app import build
from gateway.config.gateway_file import load
from gateway.settings import Settings

DRAIN_S = 30
"""How long requests under way may take to end after SIGTERM."""


def register(subcommands: Any) -> None:
    command: argparse.ArgumentParser = subcommands.add_parser("serve", help="run the gateway")
    command.add_argument("--config", type=Path, default=Path("gateway.yaml"), metavar="FILE")
    command.add_argument("--workers", default="1", metavar="N", help="only 1 in this version")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Serve until SIGTERM or SIGINT; 1 when the configuration is refused, 2 for more than one worker."""
    if arguments.workers != "1":
        print("--workers: more than one is not available in this version; write --workers 1", file=sys.stderr)
        return 2
    settings = load(arguments.config, os.environ)
    for note in settings.notes:
        print(f"note: {note}", file=sys.stderr)
    uvicorn.Server(server_config(settings)).run()
    return 0


def server_config(settings: Settings, *, bind: str | None = None) -> uvicorn.Config:
    """uvicorn for sockets, signals and the drain; every byte of HTTP is read and written by our own connection."""
    application = build(settings)
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
        timeout_graceful_shutdown=DRAIN_S,
    )
