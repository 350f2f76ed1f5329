"""The reverse proxies of `examples/forward-auth/`, started from those very files on loopback ports, and always ended."""

import getpass
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import NamedTuple

from tests.wheels import found_program
from tests.world import ROOT

EXAMPLES = ROOT / "examples" / "forward-auth"


class Ports(NamedTuple):
    """In this order the examples write 8080, 8000 and 8081."""

    proxy: int
    gateway: int
    application: int


class Command(NamedTuple):
    arguments: list[str]
    environment: dict[str, str]


NGINX = """
daemon off;
pid {folder}/nginx.pid;
error_log stderr warn;
worker_processes 1;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/passerelle.conf;
}}
"""

APACHE = """
ServerRoot {folder}
PidFile {folder}/apache.pid
DefaultRuntimeDir {folder}
ServerName localhost
ErrorLog /dev/stderr
LogLevel warn
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule proxy_module {modules}/mod_proxy.so
LoadModule proxy_http_module {modules}/mod_proxy_http.so
LoadModule headers_module {modules}/mod_headers.so
LoadModule lua_module {modules}/mod_lua.so
StartServers 1
Include {folder}/passerelle.conf
"""
APACHE_MODULES = Path("/usr/lib/apache2/modules")


def _nginx(folder: Path) -> Command:
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder), encoding="utf-8")
    return Command(["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", "stderr"], {})


def _haproxy(folder: Path) -> Command:
    return Command(["haproxy", "-db", "-f", str(folder / "haproxy.cfg")], {})


def _apache(folder: Path) -> Command:
    (folder / "apache.conf").write_text(APACHE.format(folder=folder, modules=APACHE_MODULES), encoding="utf-8")
    return Command(["apache2", "-d", str(folder), "-f", str(folder / "apache.conf"), "-D", "FOREGROUND"], {})


def _caddy(folder: Path) -> Command:
    home = {"HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "XDG_DATA_HOME": str(folder)}
    return Command(["caddy", "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"], home)


def _traefik(folder: Path) -> Command:
    return Command([_copied("traefik", folder), "--configFile=traefik.yaml"], {"HOME": str(folder)})


def _envoy(folder: Path) -> Command:
    command = [_copied("envoy", folder), "-c", "envoy.yaml", "--concurrency", "1", "--disable-hot-restart"]
    return Command(command, {})


def _copied(name: str, folder: Path) -> str:
    """Whom it runs as may not be let into the folder that it was installed in."""
    return str(shutil.copy(_program(name) or name, folder / name))


STARTS: dict[str, Callable[[Path], Command]] = {
    "nginx": _nginx,
    "haproxy": _haproxy,
    "apache": _apache,
    "caddy": _caddy,
    "envoy": _envoy,
    "traefik": _traefik,
}


def _program(name: str) -> str | None:
    match name:
        case "envoy":
            return found_program("ENVOY", "envoy", "envoy/_bin/envoy")
        case "traefik":
            return shutil.which(os.environ.get("TRAEFIK", "traefik"))
        case _:
            return shutil.which({"apache": "apache2"}.get(name, name), path=_path())


PROXIES = [name for name in STARTS if name != "traefik" or _program(name)]
"""Traefik only where it is, for no package of Debian or wheel carries it: `TRAEFIK=/usr/local/bin/traefik`."""

LIBRARIES = {"apache": Path("/usr/share/lua/5.3/socket/http.lua")}
"""What an example needs beside its binary."""


def missing(name: str) -> str:
    """What this machine lacks to run a proxy; empty when it can."""
    if _program(name) is None:
        return name
    library = LIBRARIES.get(name)
    return "" if library is None or library.exists() else str(library)


def _path() -> str:
    return f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"


@contextmanager
def proxying(name: str, ports: Ports) -> Iterator[None]:
    """Run one until the block ends. The superuser starts it as nobody: no proxy should need more."""
    folder = Path(tempfile.mkdtemp(prefix=f"{name}-"))
    try:
        for example in (EXAMPLES / name).iterdir():
            text = example.read_text(encoding="utf-8")
            for written, port in zip(("8080", "8000", "8081"), ports, strict=True):
                text = re.sub(rf"\b{written}\b", str(port), text)
            (folder / example.name).write_text(text, encoding="utf-8")
        command = STARTS[name](folder)
        with program(folder, command, ports.proxy):
            yield
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def program(folder: Path, command: Command, port: int, *, as_nobody: bool = True) -> Iterator[None]:
    """Run one until the block ends; what it writes is in `output`. `as_nobody`: when the superuser starts it."""
    user = "nobody" if as_nobody and getpass.getuser() == "root" else None
    with (folder / "output").open("wb") as output:
        if user:
            shutil.chown(folder, user)
            shutil.chown(folder / "output", user)
        process = subprocess.Popen(
            command.arguments,
            cwd=folder,
            env={"PATH": _path(), "LANG": "C.UTF-8", **command.environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            user=user,
            group="nogroup" if user else None,
            start_new_session=True,
        )
        try:
            _await(process, port, folder / "output")
            yield
        finally:
            _end(process)


def _await(process: subprocess.Popen[bytes], port: int, output: Path) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and process.poll() is None:
        if _has_its_routes(port):
            return
        time.sleep(0.05)
    raise RuntimeError(f"it did not start: {output.read_text(encoding='utf-8', errors='replace')[-4000:]}")


def _has_its_routes(port: int) -> bool:
    """Traefik listens a moment before it has read them, and says 404 until then."""
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    with closing(connection), suppress(OSError, HTTPException):
        connection.request("GET", "/")
        return connection.getresponse().status != 404
    return False


def _end(process: subprocess.Popen[bytes]) -> None:
    """Its children too: they are of one session, which nothing else is in."""
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(5)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(5)
