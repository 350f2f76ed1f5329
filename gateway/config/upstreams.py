"""A route's `upstream`, `tls` and `health`: what serves it, and how that is spoken to."""

import ssl
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from gateway.config.route_models import RouteModel, TlsModel, UpstreamModel
from gateway.config.yaml_source import Path_, Source
from gateway.core.errors import RequestRejected
from gateway.core.routing import normal_host
from gateway.core.rules import HealthCheck, Upstream, UpstreamTls

SOCKET_PATH_BYTES = 107
"""What a `sockaddr_un` holds, without its final NUL."""

_FORM = "write http://127.0.0.1:8081, https://app.example or unix:/run/app.sock"


def read_upstreams(model: RouteModel, place: Path_, source: Source, folder: Path) -> tuple[Upstream, ...]:
    """In the order of the file; empty when one of them is wrong."""
    place = (*place, "upstream")
    read = [_upstream(each, (*place, index), source, folder) for index, each in enumerate(model.upstream)]
    upstreams = tuple(upstream for upstream in read if upstream is not None)
    if len(upstreams) < len(read):
        return ()
    if len({upstream.scheme for upstream in upstreams}) > 1:
        source.say(place, "the upstreams of one route mix http and https", "give each its own route, or one scheme")
    places = [(upstream.host, upstream.port, upstream.socket) for upstream in upstreams]
    for index, each in enumerate(places):
        if each in places[:index]:
            source.say((*place, index), "the same upstream is listed twice", "give it a `weight` instead")
    return upstreams


def _upstream(model: UpstreamModel, place: Path_, source: Source, folder: Path) -> Upstream | None:
    if model.url.startswith("unix:"):
        path, problem = read_socket(model.url, folder)
        if problem:
            source.say(place, f"`upstream` {problem}", _FORM)
            return None
        return Upstream("http", "localhost", 80, model.weight, path)
    try:
        parts = urlsplit(model.url)
        port = {"http": 80, "https": 443}[parts.scheme] if parts.port is None else parts.port
        host, _ = normal_host(parts.netloc.encode("utf-8"))
    except (KeyError, ValueError, RequestRejected):
        source.say(place, "`upstream` must be http:// or https:// with a host, or unix: with a path", _FORM)
        return None
    if parts.path not in {"", "/"} or parts.query or parts.fragment:
        source.say(place, "`upstream` is a scheme, a host and a port", "put a path in `add_prefix`")
        return None
    return Upstream(parts.scheme, host.strip("[]"), port, model.weight)


def read_socket(written: str, folder: Path) -> tuple[str, str]:
    """The absolute path of `unix:PATH`, and why no Unix socket can have it; empty when one can."""
    named = written.removeprefix("unix:")
    path = str((folder / named).absolute())
    if "\0" in named or not named or named.endswith("/"):
        return path, "names no socket"
    if len(path.encode("utf-8")) > SOCKET_PATH_BYTES:
        return path, f"is a longer path than a Unix socket can have ({SOCKET_PATH_BYTES} bytes)"
    return path, ""


def read_health(model: RouteModel) -> HealthCheck | None:
    return HealthCheck(model.health.path, model.health.every_s) if model.health else None


def read_tls(
    model: RouteModel, upstreams: Sequence[Upstream], place: Path_, source: Source, folder: Path, *, check: bool
) -> UpstreamTls:
    """`check`: open the files too. Nothing of what they hold is ever said."""
    written, place = model.tls, (*place, "tls")
    if written is None:
        return UpstreamTls()
    if any(upstream.scheme != "https" for upstream in upstreams):
        source.say(place, "`tls` is for https upstreams", "write https:// in `upstream`, or remove `tls`")
    if (written.client_cert is None) != (written.client_key is None):
        source.say(place, "`client_cert` and `client_key` go together", "name both, or neither")
    files = {key: str((folder / name).absolute()) for key, name in _files(written).items()}
    if check:
        check_files(files, place, source)
    return UpstreamTls(**files, server_name=_server_name(written, place, source))


def _files(written: TlsModel) -> dict[str, str]:
    named = {key: getattr(written, key) for key in ("ca_file", "client_cert", "client_key")}
    return {key: name for key, name in named.items() if name is not None}


def _server_name(written: TlsModel, place: Path_, source: Source) -> str:
    try:
        return normal_host(written.server_name.encode("utf-8"))[0] if written.server_name else ""
    except RequestRejected:
        source.say((*place, "server_name"), "`server_name` is not one plain host name", "write app.interne.ville.fr")
        return ""


def check_files(files: dict[str, str], place: Path_, source: Source) -> None:
    """Open the `ca_file`, `client_cert` and `client_key` that are named; nothing of what they hold is ever said."""
    readable = {key: path for key, path in files.items() if _readable(key, path, place, source)}
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if "ca_file" in readable:
        try:
            context.load_verify_locations(readable["ca_file"])
        except ssl.SSLError:
            source.say((*place, "ca_file"), "`ca_file` holds no certificate in PEM", "a file of -----BEGIN CERTIFICATE")
    if {"client_cert", "client_key"} <= readable.keys():
        try:
            # An empty password: a key that wants another one is refused, and nobody is asked at the terminal.
            context.load_cert_chain(readable["client_cert"], readable["client_key"], password="")
        except (ssl.SSLError, ValueError):
            hint = "PEM files: the certificate of this very key, and the key without a password"
            source.say(place, "`client_cert` and `client_key` do not make a pair", hint)


def _readable(key: str, path: str, place: Path_, source: Source) -> bool:
    try:
        with Path(path).open("rb"):
            return True
    except OSError as error:
        why = "is not there" if isinstance(error, FileNotFoundError) else "cannot be read"
        source.say((*place, key), f"the file of `{key}` {why}", "a path is relative to this file's folder")
        return False
