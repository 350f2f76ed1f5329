"""The peers, configured from `bench/peers`, with real sessions where they hold any."""

import os
import secrets
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from bench.auth_app import COOKIE, sealed_session
from bench.processes import LOAD_CORE, SYSTEM_CORE, Tree, free_ports
from bench.provider import CLAIMS
from bench.systems import SESSIONS, Fields, System, Wrong, signed_in, written

OAUTH2_PROXY = "github.com/oauth2-proxy/oauth2-proxy/v7@v7.15.4"
CLIENT_ID, CLIENT_SECRET = "bench", "b" * 48
CLAIM_NAMES = ("sub", *CLAIMS)

APACHE_SHM = "OIDCSessionType server-cache\nOIDCCacheType shm"
APACHE_COOKIE = "OIDCSessionType client-cookie"


class Absent(Exception):
    """A peer that is not on this machine; the text says what to install."""


@dataclass
class Place:
    """Where a run happens: its folder, its interpreter, its upstreams, and what to stop at the end."""

    folder: Path
    python: Path
    root: Path
    static: int
    tools: int
    trees: list[Tree]

    def start(self, name: str, command: Sequence[str], core: int, **more: object) -> Tree:
        tree = Tree(name, command, core=core, log=self.folder / f"{name}.log", cwd=self.root, **more)  # type: ignore[arg-type]
        self.trees.append(tree)
        return tree

    def configuration(self, template: str, name: str, **values: object) -> Path:
        common = {"RUN": self.folder, "STATIC": self.static, "TOOLS": self.tools}
        user = "" if os.getuid() else ("User www-data\nGroup www-data" if template == "httpd.conf" else "user root;")
        return written(self.folder, template, name, {**common, "USER": user, **values})


def tool(name: str, package: str) -> str:
    """Path of a program; raises Absent."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if found is None:
        raise Absent(f"{name} is not installed (Debian: apt-get install {package})")
    return found


def nginx(place: Place) -> System:
    (port,) = free_ports(1)
    config = place.configuration("nginx.conf", "nginx.conf", PORT=port)
    tree = place.start("nginx", [tool("nginx", "nginx"), "-c", str(config)], SYSTEM_CORE)
    tree.wait_for(("127.0.0.1", port))
    return System("nginx", port, [tree])


def caddy(place: Place) -> System:
    (port,) = free_ports(1)
    config = place.configuration("Caddyfile", "Caddyfile", PORT=port)
    command = [tool("caddy", "caddy"), "run", "--adapter", "caddyfile", "--config", str(config)]
    tree = place.start("caddy", command, SYSTEM_CORE, env={"HOME": str(place.folder), "GOMAXPROCS": "1"})
    tree.wait_for(("127.0.0.1", port))
    return System("caddy", port, [tree])


def haproxy(place: Place) -> System:
    (port,) = free_ports(1)
    config = place.configuration("haproxy.cfg", "haproxy.cfg", PORT=port)
    tree = place.start("haproxy", [tool("haproxy", "haproxy"), "-W", "-f", str(config)], SYSTEM_CORE)
    tree.wait_for(("127.0.0.1", port))
    return System("haproxy", port, [tree])


def provider(place: Place, redirect_uris: Sequence[str]) -> int:
    """Start the peers' OpenID provider; its port."""
    (port,) = free_ports(1)
    command = [str(place.python), "-m", "bench.provider", str(port), CLIENT_ID, CLIENT_SECRET, *redirect_uris]
    place.start("provider", command, LOAD_CORE).wait_for(("127.0.0.1", port))
    return port


def apache(place: Place, name: str, cache: str, provider_port: int, port: int) -> System:
    if not Path("/usr/lib/apache2/modules/mod_auth_openidc.so").exists():
        raise Absent("mod_auth_openidc is not installed (Debian: apt-get install apache2 libapache2-mod-auth-openidc)")
    slug = name.replace(" ", "-")
    values = {"NAME": slug, "CACHE": cache, "PORT": port, "PROVIDER": provider_port}
    config = place.configuration(
        "httpd.conf", f"{slug}.conf", CLIENT_ID=CLIENT_ID, CLIENT_SECRET=CLIENT_SECRET, **values
    )
    command = [tool("apache2", "apache2"), "-f", str(config), "-D", "FOREGROUND"]
    tree = place.start(slug, command, SYSTEM_CORE)
    tree.wait_for(("127.0.0.1", port))
    cookies = signed_in(lambda: login(port, "mod_auth_openidc_session"))
    return System(name, port, [tree], cookies=cookies, check=_twelve(lambda claim: f"oidc_claim_{claim}"))


def oauth2_proxy(place: Place, provider_port: int, port: int) -> System:
    headers = "".join(
        f"  - {{name: {_header(claim)}, values: [{{claimSource: {{claim: {_session_claim(claim)}}}}}]}}\n"
        for claim in CLAIM_NAMES
    )
    values = {"PORT": port, "PROVIDER": provider_port, "CLIENT_ID": CLIENT_ID, "CLIENT_SECRET": CLIENT_SECRET}
    alpha = place.configuration("oauth2_proxy.yaml", "oauth2_proxy.yaml", HEADERS=headers, **values)
    plain = place.configuration(
        "oauth2_proxy.toml", "oauth2_proxy.toml", PORT=port, COOKIE_SECRET=secrets.token_hex(16)
    )
    command = [str(_built_oauth2_proxy(place.folder.parent)), "--config", str(plain), "--alpha-config", str(alpha)]
    tree = place.start("oauth2-proxy", command, SYSTEM_CORE, env={"GOMAXPROCS": "1"})
    tree.wait_for(("127.0.0.1", port))
    cookies = signed_in(lambda: login(port, "_oauth2_proxy"))
    return System("oauth2-proxy", port, [tree], cookies=cookies, check=_twelve(lambda claim: _header(claim).lower()))


def _built_oauth2_proxy(folder: Path) -> Path:
    """Built once, from the Go module proxy, into the run's own folders."""
    built = folder / "go" / "oauth2-proxy"
    if not built.exists():
        go = tool("go", "golang-go")
        env = {
            **os.environ,
            "GOBIN": str(built.parent),
            "GOMODCACHE": str(built.parent / "mod"),
            "GOFLAGS": "-modcacherw",
        }
        done = subprocess.run([go, "install", OAUTH2_PROXY], env=env, check=False, capture_output=True, text=True)
        if done.returncode:
            raise Absent(f"oauth2-proxy could not be built: {done.stderr[-300:]}")
    return built


def auth_request_app(place: Place) -> list[System]:
    """nginx asking a minimal Python application, one row for each form of signature."""
    key, (port, app_port) = secrets.token_bytes(32), free_ports(2)
    command = [str(place.python), "-m", "bench.auth_app", str(app_port)]
    app = place.start("auth-app", command, SYSTEM_CORE, env={"AUTH_APP_KEY": key.hex()})
    app.wait_for(("127.0.0.1", app_port))
    names = [_header(claim) for claim in CLAIM_NAMES]
    forms = {"/jwt/": ("jwt", [*names, "X-Gateway-Assertion"]), "/hmac/": ("hmac", [*names, "X-Gateway-Assertion"])}
    front = auth_request_front(
        place, "auth-request-app", port, f"127.0.0.1:{app_port}", forms, "proxy_set_header X-Original-URI $request_uri;"
    )
    cookies = [f"{COOKIE}={sealed_session(key)}" for _ in range(SESSIONS)]
    check = _twelve(lambda claim: _header(claim).lower())
    return [
        System(f"nginx auth_request + app ({form})", port, [front, app], f"/{form}/", cookies=cookies, check=check)
        for form in ("jwt", "hmac")
    ]


def auth_request_front(
    place: Place, name: str, port: int, decider: str, forms: dict[str, tuple[str, list[str]]], original: str
) -> Tree:
    """nginx before a decider. `forms`: path → (name of the form, headers to copy)."""
    locations = "\n".join([_LOGIN, *(_location(path, form, headers) for path, (form, headers) in forms.items())])
    config = place.configuration(
        "auth_request.conf",
        f"{name}.conf",
        NAME=name,
        PORT=port,
        DECIDER=decider,
        ORIGINAL=f"{original} proxy_set_header X-Sign $sign;",
        LOCATIONS=locations,
    )
    tree = place.start(name, [tool("nginx", "nginx"), "-c", str(config)], SYSTEM_CORE)
    tree.wait_for(("127.0.0.1", port))
    return tree


_LOGIN = "    location @login { return 302 $login; }"
"""Where a decider that turns a person away wants her to go."""


def _location(path: str, form: str, headers: Sequence[str]) -> str:
    lines = [f"location {path} {{", f'set $sign "{form}";', "auth_request /decide;"]
    lines += ["auth_request_set $login $upstream_http_location; error_page 401 = @login;"]
    for index, name in enumerate(headers):
        variable = name.lower().replace("-", "_")
        lines.append(f"auth_request_set $h{index} $upstream_http_{variable}; proxy_set_header {name} $h{index};")
    lines += ['proxy_set_header Host $http_host; proxy_set_header Connection "";', 'proxy_set_header Cookie "";']
    return "\n      ".join([*lines, "proxy_pass http://static;"]) + "\n    }"


def login(port: int, cookie_name: str) -> str:
    """Follow a protected page to the provider and back; the session's cookies as a browser sends them."""
    with httpx.Client(trust_env=False, follow_redirects=True, timeout=30, headers={"accept": "text/html"}) as client:
        answer = client.get(f"http://127.0.0.1:{port}/p/200")
        cookies = "; ".join(
            f"{each.name}={each.value}" for each in client.cookies.jar if each.name.startswith(cookie_name)
        )
        if answer.status_code != 200 or len(answer.content) != 200 or not cookies:
            raise Wrong(f"the login ended at {answer.url} with {answer.status_code}: {answer.text[:200]}")
        return cookies


def _header(claim: str) -> str:
    return "X-Usager-" + claim.replace("_", "-").title()


def _session_claim(claim: str) -> str:
    return "user" if claim == "sub" else claim


def _twelve(header: Callable[[str], str]) -> Callable[[Fields, str], None]:
    def check(fields: Fields, target: str) -> None:
        for claim in CLAIM_NAMES:
            value = fields.get(header(claim), "")
            if not value or value != CLAIMS.get(claim, value):
                raise Wrong(f"the upstream saw {header(claim)}: {value!r} in {sorted(fields)}")

    return check
