"""The servers that stand in front: started from the files of `examples/`, on ports of this run, and always ended."""

import getpass
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.wheels import found_program
from tests.world import ROOT

EXAMPLES = ROOT / "examples" / "forward-auth"
IN_FRONT = ROOT / "examples" / "reverse-proxy"

CERTIFICATES = "/etc/letsencrypt/live/services.ville.fr"
INSTALLED = ("/etc/apache2/sites-available", "/etc/haproxy", "/etc/traefik", CERTIFICATES)
"""Where the examples say that they and certificates lie; they are started from a folder of the test's own instead."""


class Ports(NamedTuple):
    """In this order the examples write 8080, 8000 and 8081."""

    proxy: int
    gateway: int
    application: int

    def written(self) -> dict[str, str]:
        return dict(zip(("8080", "8000", "8081"), map(str, self), strict=True))


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
    include {folder}/{site};
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
{load}
StartServers 1
IncludeOptional {folder}/ports.conf
Include {folder}/passerelle.conf
"""
APACHE_MODULES = Path("/usr/lib/apache2/modules")
ENABLED = [
    "alias",
    "authz_core",
    "dir",
    "headers",
    "http2",
    "lua",
    "proxy",
    "proxy_fcgi",
    "proxy_http",
    "rewrite",
    "ssl",
]


def _nginx(folder: Path, site: str = "passerelle.conf") -> Command:
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, site=site), encoding="utf-8")
    shutil.copy("/etc/nginx/fastcgi_params", folder)
    return Command(["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", "stderr"], {})


def _nginx_php(folder: Path) -> Command:
    return _nginx(folder, "passerelle-php.conf")


def _haproxy(folder: Path) -> Command:
    return Command(["haproxy", "-db", "-f", str(folder / "haproxy.cfg")], {})


def _apache(folder: Path, *defined: str) -> Command:
    load = "\n".join(f"LoadModule {name}_module {APACHE_MODULES}/mod_{name}.so" for name in ENABLED)
    text = APACHE.format(folder=folder, modules=APACHE_MODULES, load=load)
    (folder / "apache.conf").write_text(text, encoding="utf-8")
    names = [word for name in ("FOREGROUND", *defined) for word in ("-D", name)]
    return Command(["apache2", "-d", str(folder), "-f", str(folder / "apache.conf"), *names], {})


def _apache_php(folder: Path) -> Command:
    return _apache(folder, "PhpIsHere")


FPM = """
[global]
daemonize = no
error_log = /dev/stderr
[www]
listen = {folder}/php.sock
pm = static
pm.max_children = 2
"""


def _php_fpm(folder: Path) -> Command:
    (folder / "fpm.conf").write_text(FPM.format(folder=folder), encoding="utf-8")
    # It would lock a file and spool bodies in /tmp, which not every machine lets everybody write.
    own = [
        "-d",
        f"opcache.lockfile_path={folder}",
        "-d",
        f"sys_temp_dir={folder}",
        "--fpm-config",
        f"{folder}/fpm.conf",
    ]
    return Command([_program("php-fpm") or "php-fpm", "--nodaemonize", *own], {})


def _caddy(folder: Path) -> Command:
    home = {"HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "XDG_DATA_HOME": str(folder)}
    return Command(["caddy", "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"], home)


def _traefik(folder: Path) -> Command:
    return Command([_copied("traefik", folder), f"--configFile={folder}/traefik.yaml"], {"HOME": str(folder)})


def _envoy(folder: Path) -> Command:
    command = [_copied("envoy", folder), "-c", f"{folder}/envoy.yaml", "--concurrency", "1", "--disable-hot-restart"]
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
        case "php-fpm":
            return next(map(str, Path("/usr/sbin").glob("php-fpm*")), None)
        case _:
            return shutil.which({"apache": "apache2"}.get(name, name), path=_path())


WITH_PHP: dict[str, Callable[[Path], Command]] = {"nginx": _nginx_php, "apache": _apache_php}
"""The examples for applications that the server hands to PHP itself."""

PROXIES = [name for name in STARTS if name != "traefik" or _program(name)]
"""Traefik only where it is, for no package of Debian or wheel carries it: `TRAEFIK=/usr/local/bin/traefik`."""

LIBRARIES = {"apache": Path("/usr/share/lua/5.3/socket/http.lua")}
"""What an example needs beside its binary."""


def require(*names: str) -> None:
    """Skip, loudly, what this machine cannot run; fail where everything should be there."""
    for name in names:
        library = LIBRARIES.get(name)
        lacking = name if _program(name) is None else "" if library is None or library.exists() else str(library)
        if lacking and os.environ.get("CI"):
            pytest.fail(f"{lacking} is not installed: scripts/real-parts")
        if lacking:
            pytest.skip(f"NOT TESTED: {lacking} is not installed")


def _path() -> str:
    return f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"


@contextmanager
def proxying(name: str, ports: Ports) -> Iterator[None]:
    """Run one of `examples/forward-auth/` until the block ends."""
    with (
        placed(EXAMPLES / name, ports.written()) as folder,
        started(folder, STARTS[name](folder), lambda: has_its_routes(ports.proxy)),
    ):
        yield


@contextmanager
def running_php(name: str, ports: Ports, pages: Mapping[str, str]) -> Iterator[None]:
    """The same for an application in PHP-FPM, of these files."""
    with tempfile.TemporaryDirectory(prefix="php-") as made:
        folder = Path(made)
        folder.chmod(0o755)
        for page, text in pages.items():
            (folder / page).parent.mkdir(parents=True, exist_ok=True)
            (folder / page).write_text(text, encoding="utf-8")
        written = {**ports.written(), "/srv/cantine/public": made, "/run/php/php-fpm.sock": f"{made}/php.sock"}
        with (
            started(folder, _php_fpm(folder), (folder / "php.sock").exists),
            placed(EXAMPLES / name, written) as placed_at,
            started(placed_at, WITH_PHP[name](placed_at), lambda: has_its_routes(ports.proxy)),
        ):
            yield


class Doors(NamedTuple):
    """In this order the examples of `examples/reverse-proxy/` write 443, 80 and 8000."""

    tls: int
    plain: int
    gateway: int

    def written(self) -> dict[str, str]:
        return dict(zip(("443", "80", "8000"), map(str, self), strict=True))


@contextmanager
def ending_tls(name: str, doors: Doors, certificate: str, key: str) -> Iterator[None]:
    """Run one of `examples/reverse-proxy/` until the block ends; the certificate and its key are texts in PEM."""
    listen = f"Listen {doors.plain}\nListen {doors.tls}\n"
    beside = {"fullchain.pem": certificate, "privkey.pem": key, "both.pem": certificate + key, "ports.conf": listen}
    with (
        placed(IN_FRONT / name, doors.written(), beside) as folder,
        started(folder, STARTS[name](folder), lambda: has_its_routes(doors.plain)),
    ):
        yield


@contextmanager
def placed(example: Path, written: Mapping[str, str], beside: Mapping[str, str] | None = None) -> Iterator[Path]:
    """An example in a folder of its own, with this run's ports and paths for those that it writes; and more files as they are."""
    folder = Path(tempfile.mkdtemp(prefix=f"{example.name}-"))
    folder.chmod(0o755)
    try:
        written = {**dict.fromkeys(INSTALLED, str(folder)), **written}
        texts = {path.name: _with(written, path.read_text(encoding="utf-8")) for path in example.iterdir()}
        for name, text in (texts | dict(beside or {})).items():
            (folder / name).write_text(text, encoding="utf-8")
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _with(written: Mapping[str, str], text: str) -> str:
    """All at once: a port of this run may be one that an example writes for something else."""
    words = "|".join(map(re.escape, sorted(written, key=len, reverse=True)))
    return re.sub(rf"(?<!\w)(?:{words})\b", lambda found: written[found[0]], text)


@contextmanager
def started(
    folder: Path, command: Command, is_ready: Callable[[], bool], *, inside: bool = False, as_nobody: bool = True
) -> Iterator[None]:
    """Run it until the block ends. The superuser starts it as nobody: no proxy should need more.

    Its working directory is that of a service, so that a path which counts on another one is found out; or the folder
    itself (`inside`).
    """
    user = "nobody" if as_nobody and getpass.getuser() == "root" else None
    output = folder / f"{Path(command.arguments[0]).name}.output"
    output.touch()
    if user:
        for path in (folder, *folder.rglob("*")):
            shutil.chown(path, user)
    with output.open("wb") as written:
        process = subprocess.Popen(
            command.arguments,
            cwd=folder if inside else "/",
            env={"PATH": _path(), "LANG": "C.UTF-8", **command.environment},
            stdin=subprocess.DEVNULL,
            stdout=written,
            stderr=subprocess.STDOUT,
            user=user,
            group="nogroup" if user else None,
            start_new_session=True,
        )
        try:
            _await(process, is_ready, output)
            yield
        finally:
            _end(process)


def _await(process: subprocess.Popen[bytes], is_ready: Callable[[], bool], output: Path) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and process.poll() is None:
        if is_ready():
            return
        time.sleep(0.05)
    raise RuntimeError(f"it did not start: {output.read_text(encoding='utf-8', errors='replace')[-4000:]}")


def has_its_routes(port: int) -> bool:
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
