"""The shims of `examples/applications/`, each copied as an integrator would, before an application of the old kind."""

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gateway.core.rules import SignatureForm
from tests.proxies import APACHE_MODULES, Command, has_its_routes, started
from tests.signatures import ED25519, P256, SECRET
from tests.verifiers import skip_without_tools
from tests.world import ROOT, bound_sockets

EXAMPLES = ROOT / "examples" / "applications"
APPLICATIONS = ROOT / "tests" / "shims" / "applications"
_JARS = (
    "catalina",
    "coyote",
    "util",
    "util-scan",
    "servlet-api",
    "annotations-api",
    "juli",
    "api",
    "jaspic-api",
    "jni",
)
TOMCAT = [Path(f"/usr/share/java/tomcat10-{name}.jar") for name in _JARS]

PUBLISHED = {"keys": [*ED25519.jwks["keys"], *P256.jwks["keys"]]}
HEADERS = {"X-Usager-Nom": "percent", "X-Usager-Prenoms": "percent", "X-Caf-Tranche": "percent", "X-Portail": "utf-8"}
WRITTEN: dict[str, Any] = {
    "issuer": "https://ville.fr",
    "audience": "https://ville.fr/cantine/",
    "headers": HEADERS,
    "allow_unbound": ["/cantine/depot/"],
}
_JWT, _HMAC = SignatureForm.JWT, SignatureForm.HMAC

APACHE = """
ServerRoot {folder}
PidFile {folder}/apache.pid
DefaultRuntimeDir {folder}
ServerName localhost
Listen 127.0.0.1:{port}
ErrorLog /dev/stderr
LogLevel warn
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule env_module {modules}/mod_env.so
LoadModule alias_module {modules}/mod_alias.so
LoadModule cgid_module {modules}/mod_cgid.so
StartServers 1
AllowEncodedSlashes NoDecode
ScriptSock {folder}/cgi.sock
SetEnv PERL5LIB {folder}
SetEnv PERL5OPT -MPasserelle
SetEnv PASSERELLE_CONFIG {folder}/passerelle.json
SetEnv RAN {folder}/ran
ScriptAlias / {folder}/cantine.pl/
<Directory {folder}>
  Require all granted
</Directory>
"""


# What the server is told to run instead of the application.
SERVED = """
import passerelle
from cantine import plain_asgi, plain_wsgi
application = {guard}(plain_{kind})
"""


def _php(folder: Path, port: int) -> Command:
    written = [f"auto_prepend_file={folder}/passerelle.php", f"session.save_path={folder}/seen"]
    settings = [part for each in written for part in ("-d", each)]
    # Each script by its own name: a request for any other path runs the first one.
    return Command(["php", *settings, "-S", f"127.0.0.1:{port}", "-t", str(folder / "public")], {})


def _wsgi(folder: Path, port: int) -> Command:
    where = ["--bind", f"127.0.0.1:{port}", "--header-map", "dangerous", "--worker-tmp-dir", str(folder)]
    command = [sys.executable, "-m", "gunicorn", *where, "--threads", "2", "served:application"]
    (folder / "served.py").write_text(SERVED.format(guard="passerelle.wsgi", kind="wsgi"), encoding="utf-8")
    return Command(command, {})


def _asgi(folder: Path, port: int) -> Command:
    (folder / "served.py").write_text(SERVED.format(guard="passerelle.asgi", kind="asgi"), encoding="utf-8")
    where = ["--port", str(port), "--no-access-log", "--lifespan", "off"]
    return Command([sys.executable, "-m", "uvicorn", *where, "served:application"], {})


def _node(folder: Path, port: int) -> Command:
    return Command(["node", str(folder / "served.mjs"), str(port)], {})


def _perl(folder: Path, port: int) -> Command:
    text = APACHE.format(folder=folder, port=port, modules=APACHE_MODULES)
    (folder / "apache.conf").write_text(text, encoding="utf-8")
    return Command(["apache2", "-d", str(folder), "-f", str(folder / "apache.conf"), "-D", "FOREGROUND"], {})


def _java(folder: Path, port: int) -> Command:
    classpath = ":".join([f"{folder}/classes", *map(str, TOMCAT)])
    fast = ["-XX:TieredStopAtLevel=1", "-Xshare:auto", "-XX:+UseSerialGC"]
    return Command(["java", *fast, "-cp", classpath, "passerelle.Cantine", str(port), str(folder)], {})


@dataclass(frozen=True)
class Stack:
    """One shim, and the server that it is tried under."""

    name: str
    folder: str
    forms: tuple[SignatureForm, ...]
    command: Callable[[Path, int], Command]
    needs: tuple[str | Path, ...] = ()
    at_start: bool = True
    """Whether it reads its configuration once, and a mistake in it stops the start."""
    remote_user: bool = True
    as_nobody: bool = False

    def __str__(self) -> str:
        return self.name


STACKS = [
    Stack("php", "php", (_JWT, _HMAC), _php, ("php",), at_start=False),
    Stack("wsgi", "python", (_JWT, _HMAC), _wsgi),
    Stack("asgi", "python", (_JWT, _HMAC), _asgi, remote_user=False),
    Stack("node", "node", (_JWT, _HMAC), _node, ("node",), remote_user=False),
    Stack("perl", "perl", (_HMAC,), _perl, ("apache2", "perl"), at_start=False, as_nobody=True),
    Stack("java", "java", (_JWT, _HMAC), _java, tuple(TOMCAT)),
]


def case_name(case: object) -> str | None:
    """Of a stack and a form, for the names of tests."""
    return f"{case[0]}-{case[1]}" if isinstance(case, tuple) else None


@dataclass
class Shielded:
    """An application with its shim, running."""

    stack: Stack
    form: SignatureForm
    port: int
    folder: Path
    _read: int = field(default=0)

    def ran(self) -> int:
        """How often the application itself ran."""
        return (self.folder / "ran").stat().st_size

    def said(self) -> str:
        """What was written since the last time."""
        text = next(self.folder.glob("*.output")).read_text(encoding="utf-8", errors="replace")
        new, self._read = text[self._read :], len(text)
        return new


@contextmanager
def shielded(
    stack: Stack, form: SignatureForm, folder: Path, classes: Path | None = None, /, **written: Any
) -> Iterator[Shielded]:
    """Copy the shim, write its configuration (`written` over the usual one), start the server, stop it."""
    skip_without_tools(*stack.needs)
    [kept] = bound_sockets(1)
    port = kept.getsockname()[1]
    shutil.copytree(EXAMPLES / stack.folder, folder, dirs_exist_ok=True)
    shutil.copytree(APPLICATIONS, folder, dirs_exist_ok=True)
    if classes is not None:
        (folder / "classes").symlink_to(classes)
    configure(stack, form, folder, **written)
    command = stack.command(folder, port)
    variables = {"RAN": str(folder / "ran"), "PASSERELLE_CONFIG": str(folder / "passerelle.json")}
    try:
        command = command._replace(environment={**command.environment, **variables})
        with started(folder, command, lambda: has_its_routes(port), inside=True, as_nobody=stack.as_nobody):
            running = Shielded(stack, form, port, folder)
            running.said()
            yield running
    finally:
        kept.close()


def configure(stack: Stack, form: SignatureForm, folder: Path, /, **written: Any) -> None:
    (folder / "seen").mkdir(exist_ok=True)
    (folder / "seen").chmod(0o777)
    (folder / "ran").touch()
    (folder / "ran").chmod(0o666)
    (folder / "cantine.pl").chmod(0o755)
    (folder / "public").mkdir()
    shutil.copy(folder / "cantine.php", folder / "public" / "index.php")
    shutil.copy(folder / "panier.php", folder / "public" / "panier.php")
    (folder / "secret").write_bytes(SECRET + b"\n")
    (folder / "keys.json").write_text(json.dumps(PUBLISHED), encoding="utf-8")
    own = {"keys": "keys.json"} if form is _JWT else {"secrets": ["secret"]}
    user = {"remote_user": "X-Usager-Nom"} if stack.remote_user else {}
    seen = {} if stack.at_start else {"seen": "seen"}
    config = {"form": str(form), **WRITTEN, **own, **user, **seen, **written}
    (folder / "passerelle.json").write_text(json.dumps(config), encoding="utf-8")
