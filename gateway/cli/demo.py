"""`gateway demo`: FranceConnect, API Particulier and a legacy application simulated, the gateway real."""

import argparse
import asyncio
import os
import secrets
import tempfile
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import uvicorn

from gateway.adapters.keys import generate_pem
from gateway.app import new_token
from gateway.cli.server import server_config
from gateway.config.gateway_file import load
from gateway.sandbox.api_particulier import SandboxApiParticulier
from gateway.sandbox.franceconnect import SandboxClient, SandboxFranceConnect
from gateway.sandbox.identities import MATCHING, MISMATCHING, PARENT, UNKNOWN, identities
from gateway.sandbox.legacy import legacy_app
from gateway.settings import Settings

FC_CLIENT_ID = "sandbox-" + "0" * 24
"""Of the sandbox only: production refuses it by name."""


def register(subcommands: Any) -> None:
    command: argparse.ArgumentParser = subcommands.add_parser("demo", help="everything simulated, no credentials")
    command.add_argument("--config", type=Path, default=Path("gateway.yaml"), metavar="FILE")
    command.add_argument("--bind", default="127.0.0.1", help="address to listen on (0.0.0.0 in a container)")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Serve until interrupted."""
    settings = demo_settings(arguments.config, os.environ)
    try:
        asyncio.run(_serve(settings, arguments.bind))
    except KeyboardInterrupt:
        return 0
    return 0


def demo_settings(config: Path, environ: Mapping[str, str]) -> Settings:
    """The shipped configuration with secrets made for this run; a store that cannot be written is in memory."""
    made = {
        "FC_CLIENT_ID": FC_CLIENT_ID,
        "FC_CLIENT_SECRET": secrets.token_hex(32),
        "SESSION_SECRET": secrets.token_hex(32),
        "SIGNING_KEY": generate_pem().decode(),
    }
    settings = load(config, {**environ, **made})
    folder = tempfile.mkdtemp(prefix="gateway-demo-")
    return replace(settings, sessions=replace(settings.sessions, store=f"sqlite:{folder}/sessions.db"))


async def _serve(settings: Settings, bind: str) -> None:
    apps = sandbox_apps(settings)
    servers = [uvicorn.Server(_plain(app, bind, port)) for port, app in apps.items()]
    servers.append(uvicorn.Server(server_config(settings, bind=bind)))
    tasks = [asyncio.create_task(server.serve()) for server in servers]
    while not all(server.started for server in servers):
        if any(task.done() for task in tasks):
            break
        await asyncio.sleep(0.05)
    else:
        print(welcome(settings), flush=True)
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for server in servers:
        server.should_exit = True
    await asyncio.gather(*tasks)


def sandbox_apps(settings: Settings) -> dict[int, Any]:
    """Port → application, for what `gateway.yaml` expects on this machine."""
    provider = settings.providers[0]
    client = SandboxClient(
        client_id=provider.client_id,
        client_secret=provider.client_secret,
        redirect_uris=(provider.redirect_uri,),
        post_logout_redirect_uris=(provider.post_logout_redirect_uri,),
        name=settings.authority.name,
    )
    franceconnect = SandboxFranceConnect(provider.issuer, [client], time.time, new_token)
    household = settings.household
    if household is None:
        raise SystemExit("gateway demo: the configuration has no `household`; use the shipped gateway.yaml")
    api = SandboxApiParticulier(franceconnect, {}, time.time)
    legacy = settings.routes[0].upstreams[0]
    if legacy.socket or legacy.scheme != "http":
        raise SystemExit("gateway demo: the first route's upstream is not http://HOST:PORT on this machine")
    return {
        _port(provider.issuer): franceconnect.app,
        _port(household.base_url): api.app,
        legacy.port: legacy_app(f"{settings.public_url}/_gateway/keys"),
    }


def _port(url: str) -> int:
    port = urlsplit(url).port
    if port is None:
        raise SystemExit("gateway demo: the configuration names a provider that is not on this machine")
    return port


def _plain(app: Any, bind: str, port: int) -> uvicorn.Config:
    return uvicorn.Config(app, host=bind, port=port, ws="none", lifespan="off", access_log=False, log_config=None)


PEOPLE = (
    (MATCHING, "the household is found and is hers: the application receives her bracket"),
    (MISMATCHING, "CAF answers somebody else's household: nothing is sent, an alternative is offered"),
    (PARENT, "a nursery's file that is his: the application receives resources, children and an estimate"),
    (UNKNOWN, "unknown to CAF: nothing to send, an alternative, in other words"),
)


def _name(login: str) -> str:
    claims = identities()[login].claims
    return f"{claims['given_name']} {claims['family_name']}"


def welcome(settings: Settings) -> str:
    """The address and three people to try."""
    lines = [
        "",
        f"The gateway runs at  {settings.public_url}/cantine/",
        f"Other policies at    {settings.public_url}/famille/  and  {settings.public_url}/creche/",
        "",
        "Sign in with FranceConnect (simulated) as:",
        *(f"  {_name(login):<28} {what}" for login, what in PEOPLE),
        "",
        "Ctrl-C stops everything.",
    ]
    return "\n".join(lines)
