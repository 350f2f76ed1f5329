"""The real gateway, the simulated FranceConnect and API Particulier, and an application, on loopback sockets."""

import asyncio
import io
import secrets
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn
from starlette.types import Receive, Scope, Send

from bench.day.clock import HandMovedClock
from gateway.adapters.chance import new_token
from gateway.adapters.keys import generate_pem
from gateway.app import Application, build
from gateway.assembly import Outside
from gateway.config.gateway_file import load
from gateway.sandbox.api_particulier import SandboxApiParticulier
from gateway.sandbox.franceconnect import SandboxClient, SandboxFranceConnect

_GATEWAY = """\
public_url: http://localhost:{gateway}
authority: {{name: Grande Ville, siret: "13002526500013", dpo: dpo@ville.example}}
listen: 127.0.0.1:{gateway}
trusted_proxies: {proxies}
identity:
  franceconnect:
    environment: custom
    issuer: http://127.0.0.1:{franceconnect}/api/v2
    client_id: {{env: FC_CLIENT_ID}}
    client_secret: {{env: FC_CLIENT_SECRET}}
household:
  api_particulier:
    environment: custom
    base_url: http://127.0.0.1:{api}
    mode: {mode}
    token: {{env: API_PARTICULIER_TOKEN}}
    quotas: {quotas}
sessions:
  store: "{store}"
  secrets: [{{env: SESSION_SECRET}}]
signing: {{key: {{env: SIGNING_KEY}}}}
routes:
  - {{path: /inscription/, upstream: "http://127.0.0.1:{application}", policy: inscription, sign: none}}
"""

_POLICY = """\
purpose: Inscription à la restauration scolaire
legal_basis: mission d'intérêt public
retention: session
login: {acr: eidas1}
household: {match: required, review: false, when_missing: forward}
alternative: {url: /inscription/justificatif, text: {fr: Déposer une attestation de la CAF}}
inject:
  X-Caf-Statut: household.status
  X-Caf-Quotient: household.family_quotient
"""

PATH = "/inscription/"

BEHIND_A_PROXY = "[127.0.0.1/32]"


@dataclass
class DayWorld:
    base_url: str
    api: SandboxApiParticulier
    logs: io.StringIO


async def _application(scope: Scope, receive: Receive, send: Send) -> None:
    """Says the status that it received, and whether a value came with it."""
    fields = dict(scope["headers"])
    body = fields.get(b"x-caf-statut", b"none") + (b"" if _fits(fields) else b", and a value that does not fit")
    length = str(len(body)).encode("ascii")
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]})
    await send({"type": "http.response.body", "body": body})


def _fits(fields: dict[bytes, bytes]) -> bool:
    return (fields.get(b"x-caf-statut") == b"verified") == (b"x-caf-quotient" in fields)


@asynccontextmanager
async def running(
    folder: Path, clock: HandMovedClock, mode: str, store: str, quotas: str, proxies: str
) -> AsyncIterator[DayWorld]:
    sockets = [socket.create_server(("127.0.0.1", 0), backlog=2048) for _ in range(4)]
    names = ("gateway", "franceconnect", "api", "application")
    ports = dict(zip(names, (each.getsockname()[1] for each in sockets), strict=True))
    (folder / "policies").mkdir()
    (folder / "policies" / "inscription.yaml").write_text(_POLICY, encoding="utf-8")
    (folder / "gateway.yaml").write_text(
        _GATEWAY.format(mode=mode, store=store, quotas=quotas, proxies=proxies, **ports), encoding="utf-8"
    )
    token, client_secret = secrets.token_hex(32), secrets.token_hex(32)
    environ = {
        "FC_CLIENT_ID": "sandbox-" + "0" * 24,
        "FC_CLIENT_SECRET": client_secret,
        "API_PARTICULIER_TOKEN": token,
        "SESSION_SECRET": secrets.token_hex(32),
        "SIGNING_KEY": generate_pem().decode(),
    }
    settings = load(folder / "gateway.yaml", environ)
    provider = settings.providers[0]
    client = SandboxClient(provider.client_id, client_secret, (provider.redirect_uri,), ())
    franceconnect = SandboxFranceConnect(provider.issuer, [client], clock, new_token)
    scopes = ["cnaf_quotient_familial", "cnaf_allocataires", "cnaf_enfants", "cnaf_adresse"]
    api = SandboxApiParticulier(franceconnect, {token: scopes}, clock)
    logs = io.StringIO()
    outside = Outside(clock=clock, sleep=clock.sleep, log_stream=logs, audit_stream=io.StringIO())
    apps: list[Any] = [build(settings, outside), franceconnect.app, api.app, _application]
    async with _served(apps, sockets):
        yield DayWorld(settings.public_url, api, logs)


@asynccontextmanager
async def _served(apps: list[Any], sockets: list[socket.socket]) -> AsyncIterator[None]:
    servers = [uvicorn.Server(_config(app)) for app in apps]
    tasks = [asyncio.create_task(server.serve([own])) for server, own in zip(servers, sockets, strict=True)]
    while not all(server.started for server in servers):  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.01)
    try:
        yield
    finally:
        for server in servers:
            server.should_exit = True
        await asyncio.gather(*tasks)


def _config(app: Any) -> uvicorn.Config:
    ours = isinstance(app, Application)
    return uvicorn.Config(
        app,
        http=app.connection if ours else "httptools",
        ws="none",
        lifespan="on" if ours else "off",
        access_log=False,
        log_config=None,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=3600,
    )
