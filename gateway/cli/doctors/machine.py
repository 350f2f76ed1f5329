"""This machine: the signing key, files and their rights, descriptors, the sockets to listen on, the proxy in front."""

import resource
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import yaml

from gateway.adapters.keys import load_signing_keys
from gateway.cli.doctors.finding import Finding, good, warned, wrong
from gateway.cli.doctors.reach import Reach, unreached
from gateway.cli.listening import listening
from gateway.core.errors import ConfigError
from gateway.settings import Listen, Settings

FILES_ENOUGH = 4_096
FILES_AT_LEAST = 512


def signing_key(settings: Settings) -> list[Finding]:
    try:
        keys = load_signing_keys(settings.signing.key_pem, settings.signing.previous)
        keys.signer.sign(b"gateway doctor")
    except ValueError as error:
        return [wrong("signing_key", "signing", str(error), "see `gateway check`")]
    return [good("signing_key", "signing", f"{keys.signer.alg}, kid {keys.signer.kid}")]


def secret_files(config: Path) -> list[Finding]:
    """Every `{file: …}` of gateway.yaml, and the file itself."""
    found = []
    for name in dict.fromkeys(_named(yaml.safe_load(config.read_text(encoding="utf-8")))):
        path = config.parent / name
        try:
            mode = path.stat().st_mode
        except OSError:
            continue  # the configuration could not have been read: said already
        if mode & 0o007:
            hint = f"chmod 640 {path}, with the gateway's group; or 600 with its user"
            found.append(warned("secret_rights", name, "every user of this machine may open it", hint))
        else:
            found.append(good("secret_rights", name, "closed to others"))
    if config.stat().st_mode & 0o002:
        hint = f"chmod go-w {config}: whoever writes it chooses where people's data goes"
        found.append(wrong("config_rights", config.name, "every user of this machine may change it", hint))
    return found


def _named(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if set(value) == {"file"} and isinstance(value["file"], str):
            yield value["file"]
        for each in value.values():
            yield from _named(each)
    elif isinstance(value, list):
        for each in value:
            yield from _named(each)


def open_files() -> list[Finding]:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    said, hint = f"{soft} descriptors a process", "raise it: `LimitNOFILE=65536` in systemd, `--ulimit nofile=65536`"
    if soft == resource.RLIM_INFINITY or soft >= FILES_ENOUGH:
        return [good("open_files", "limits", said)]
    make = warned if soft >= FILES_AT_LEAST else wrong
    return [make("open_files", "limits", f"{said}: two for each request under way", hint)]


async def listeners(settings: Settings, reach: Reach) -> list[Finding]:
    found = [await _listener(settings.listen, "listen", settings, reach)]
    if settings.admin is not None:
        found.append(await _listener(settings.admin, "admin_listen", settings, reach))
    return found


async def _listener(listen: Listen, code: str, settings: Settings, reach: Reach) -> Finding:
    try:
        with listening(listen):
            return good(code, str(listen), "free")
    except ConfigError as error:
        said = error.problems[0].message.removeprefix(f"cannot listen on {listen}: ")
    if await _answers(listen, reach):
        return good(code, str(listen), "a gateway listens there already")
    return wrong(code, str(listen), said, "stop what listens there, or choose another address")


async def _answers(listen: Listen, reach: Reach) -> bool:
    """Whether one of ours is there: its liveness, or its metrics."""
    transport = httpx.AsyncHTTPTransport(uds=listen.socket or None)
    base = "http://localhost" if listen.socket else f"http://{listen}"
    try:
        async with httpx.AsyncClient(transport=transport) as client:
            live = await client.get(f"{base}/_gateway/health/live", timeout=2)
            metrics = await client.get(f"{base}/metrics", timeout=2)
    except httpx.HTTPError:
        return False
    return _is_ours(live) or "gateway_build_info" in metrics.text


def _is_ours(response: httpx.Response) -> bool:
    return response.status_code == 200 and response.text.replace(" ", "") == '{"status":"live"}'


async def public_url(settings: Settings, reach: Reach) -> list[Finding]:
    """Through whatever is in front, as a browser would; each host that a route names."""
    hosts = dict.fromkeys([settings.public_url, *(settings.origin_of(route) for route in settings.routes)])
    async with httpx.AsyncClient(trust_env=False) as client:
        return [found for origin in hosts for found in await _public(client, origin, settings, reach)]


async def _public(client: httpx.AsyncClient, origin: str, settings: Settings, reach: Reach) -> list[Finding]:
    try:
        live = await reach.get(client, f"{origin}/_gateway/health/live")
        if not _is_ours(live):
            hint = "send this name to the gateway in the proxy in front, the path /_gateway/ included"
            return [warned("public_url_other", origin, f"something else answers there ({live.status_code})", hint)]
        found = [await _named_so(client, origin, reach)]
        if settings.forward_auth:
            found.append(await _closed(client, origin, reach))
    except httpx.HTTPError as error:
        away = unreached("public_url", origin, error)
        return [warned(away.code, origin, away.said, f"as it should be before the first start; else: {away.hint}")]
    return found


async def _named_so(client: httpx.AsyncClient, origin: str, reach: Reach) -> Finding:
    """Liveness answers any Host; every other page wants one that a route names, as the browser wrote it."""
    response = await reach.get(client, f"{origin}/_gateway/keys")
    if response.status_code != 421:
        return good("public_url", origin, "leads to a gateway")
    hint = "pass the name on in the proxy in front: `proxy_set_header Host $http_host;`, `ProxyPreserveHost On`"
    return wrong(
        "public_url_host", origin, "leads to a gateway, under another name: it answers 421 to every page", hint
    )


_CLOSED = frozenset({"", "forward_auth_peer", "host_unknown", "own_page_unknown"})


async def _closed(client: httpx.AsyncClient, origin: str, reach: Reach) -> Finding:
    """Asked as only a proxy may: what is told there is told to whoever can ask."""
    asking = {"X-Original-Method": "GET", "X-Original-URL": f"{origin}/", "Accept": "application/json"}
    response = await reach.get(client, f"{origin}/_gateway/auth", headers=asking)
    # A refusal without a code of ours is the proxy's own; a redirect or an empty 200 is a decision.
    code = _code(response)
    if response.status_code in {403, 404, 421} and code in _CLOSED:
        return good("auth_closed", origin, "/_gateway/auth is closed to the outside")
    hint = "`forward_auth: false` where the gateway carries the requests; else close that path in the proxy in front"
    return wrong(
        "auth_open", origin, "/_gateway/auth answers from outside: anybody may read there what is injected", hint
    )


def _code(response: httpx.Response) -> str:
    try:
        return str(response.json().get("code", ""))
    except (ValueError, AttributeError):
        return ""
