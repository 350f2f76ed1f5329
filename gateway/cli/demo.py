"""`gateway demo`: FranceConnect, API Particulier and a legacy application simulated, the gateway real."""

import argparse
import asyncio
import logging
import os
import secrets
import socket
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import uvicorn

from gateway.adapters.chance import new_token
from gateway.adapters.keys import generate_pem
from gateway.cli.server import server_config
from gateway.config.gateway_file import load
from gateway.relying_party import ProviderSettings
from gateway.relying_party.client_auth import client_jwk
from gateway.sandbox.api_particulier import SandboxApiParticulier
from gateway.sandbox.franceconnect import SandboxClient, SandboxFranceConnect
from gateway.sandbox.identities import MATCHING, MISMATCHING, PARENT, UNKNOWN, identities
from gateway.sandbox.legacy import legacy_app
from gateway.sandbox.proconnect import AGENTS, SandboxProConnect
from gateway.settings import Settings

FC_CLIENT_ID = "sandbox-" + "0" * 24
"""Of the sandbox only: production refuses it by name."""

AGENTS_CLIENT_ID = "sandbox-agents"


def register(subcommands: Any) -> None:
    command: argparse.ArgumentParser = subcommands.add_parser("demo", help="everything simulated, no credentials")
    command.add_argument("--config", type=Path, default=Path("gateway.yaml"), metavar="FILE")
    command.add_argument("--bind", default="127.0.0.1", help="address to listen on (0.0.0.0 in a container)")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Serve until interrupted; 1 when an address is taken."""
    with tempfile.TemporaryDirectory(prefix="gateway-demo-") as folder:
        return _run(arguments, demo_settings(arguments.config, os.environ, folder))


def _run(arguments: argparse.Namespace, settings: Settings) -> int:
    taken = [port for port in (settings.listen.port, *sandbox_apps(settings)) if _is_taken(arguments.bind, port)]
    if taken:
        ports = ", ".join(map(str, taken))
        print(f"gateway demo: in use already on {arguments.bind}: {ports}\n  hint: {_OTHER_PORTS}", file=sys.stderr)
        return 1
    try:
        asyncio.run(_serve(settings, arguments.bind))
    except KeyboardInterrupt:
        return 0
    return 0


_OTHER_PORTS = "another demo may be running; else write other ports in a copy of gateway.yaml, wherever these stand"


def _is_taken(bind: str, port: int) -> bool:
    try:
        socket.create_server((bind, port)).close()
    except OSError:
        return True
    return False


def demo_settings(config: Path, environ: Mapping[str, str], folder: str) -> Settings:
    """The shipped configuration with secrets made for this run; what it keeps is in `folder`, and goes with it."""
    made = {
        "FC_CLIENT_ID": FC_CLIENT_ID,
        "FC_CLIENT_SECRET": secrets.token_hex(32),
        "AGENTS_CLIENT_ID": AGENTS_CLIENT_ID,
        "AGENTS_CLIENT_SECRET": secrets.token_hex(32),
        "DISPUTES_KEY": secrets.token_hex(32),
        "SESSION_SECRET": secrets.token_hex(32),
        "SIGNING_KEY": generate_pem().decode(),
    }
    settings = load(config, {**environ, **made})
    sessions = replace(settings.sessions, store=f"sqlite:{folder}/sessions.db")
    disputes = settings.disputes and replace(settings.disputes, store=f"sqlite:{folder}/disputes.db")
    return replace(settings, sessions=sessions, disputes=disputes)


async def _serve(settings: Settings, bind: str) -> None:
    apps = sandbox_apps(settings)
    servers = [uvicorn.Server(_plain(app, bind, port)) for port, app in apps.items()]
    servers.append(uvicorn.Server(server_config(settings, bind=bind)))
    # What a person came for is the address below, not five servers that say that they begin.
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
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
    provider, household, legacy = settings.providers[0], settings.household, settings.routes[0].upstreams[0]
    if household is None:
        raise SystemExit("gateway demo: the configuration has no `household`; use the shipped gateway.yaml")
    if legacy.socket or legacy.scheme != "http":
        raise SystemExit("gateway demo: the first route's upstream is not http://HOST:PORT on this machine")
    franceconnect = SandboxFranceConnect(provider.issuer, [_client(settings, provider)], time.time, new_token)
    return {
        _port(provider.issuer): franceconnect.app,
        _port(household.base_url): SandboxApiParticulier(franceconnect, {}, time.time).app,
        legacy.port: legacy_app(f"{settings.public_url}/_gateway/keys"),
        **_agents_provider(settings),
    }


def _agents_provider(settings: Settings) -> dict[int, Any]:
    """Nothing when no agent answers disputes."""
    name = settings.disputes.agents_provider if settings.disputes else ""
    return {
        _port(each.issuer): SandboxProConnect(each.issuer, _client(settings, each), time.time, new_token).app
        for each in settings.providers
        if each.name == name
    }


def _client(settings: Settings, provider: ProviderSettings) -> SandboxClient:
    return SandboxClient(
        client_id=provider.client_id,
        client_secret=provider.client_secret,
        redirect_uris=(provider.redirect_uri,),
        post_logout_redirect_uris=(provider.post_logout_redirect_uri,),
        name=settings.authority.name,
        signing_alg=provider.signing_alg,
        jwks={"keys": [client_jwk(provider.client_key_pem)]} if provider.client_key_pem else None,
    )


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
    """The addresses, and people to try."""
    url = settings.public_url
    lines = [
        "",
        f"The gateway runs at  {url}/cantine/",
        f"Other policies at    {url}/famille/  and  {url}/creche/",
        f"My data, contest     {url}/_gateway/mes-donnees",
        "",
        "Sign in with FranceConnect (simulated) as:",
        *(f"  {_name(login):<28} {what}" for login, what in PEOPLE),
        "",
        *_agents_welcome(settings),
        "Ctrl-C stops everything.",
    ]
    return "\n".join(lines)


def _agents_welcome(settings: Settings) -> list[str]:
    if settings.disputes is None or not settings.disputes.agents_provider:
        return []
    lines = [
        f"Agents answer what people contest at  {settings.public_url}/_gateway/agents  with ProConnect (simulated):"
    ]
    for uid, who in AGENTS.items():
        listed = "is on the list" if uid in settings.disputes.agents else "is not on the list: refused"
        lines.append(f"  {who['given_name'] + ' ' + who['usual_name']:<28} {listed}")
    return [*lines, ""]
