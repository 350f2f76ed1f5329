"""The examples of `examples/forward-auth/` for PHP that nginx or Apache hands to PHP-FPM: what `$_SERVER` has in the end."""

import json
import socket
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import httpx
import pytest

from tests.asking import FILES, claims_of, cookies_of, parent_of, through
from tests.browser import Person
from tests.integration.test_forward_auth import EVERY_COOKIE_OF_OURS
from tests.integration.test_forward_auth_proxies import NAMES, SPELLINGS
from tests.proxies import WITH_PHP, Ports, require, running_php
from tests.world import World, free_port, running

SHOWS = """<?php
header('Content-Type: application/json');
echo json_encode(['script' => basename(__FILE__), 'body' => strlen(file_get_contents('php://input')), 'server' => $_SERVER]);
"""
REWRITES = "RewriteEngine On\nRewriteCond %{REQUEST_FILENAME} !-f\nRewriteRule ^ /index.php [L]\n"
PAGES = {
    "index.php": SHOWS,
    "compte/.htaccess": REWRITES,
    "compte/page.php": SHOWS,
    "compte/notice.txt": "a file",
    "libre.txt": "a public one",
}


class Site(NamedTuple):
    server: str
    world: World


@pytest.fixture(scope="module", params=WITH_PHP)
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    require(request.param, "php-fpm")
    port = free_port()
    files = FILES | {
        "changes": FILES["changes"] | {"public_url: http://localhost:": f"public_url: http://localhost:{port} #"}
    }
    with (
        running(tmp_path_factory.mktemp("world"), broker=True, **files) as world,
        running_php(request.param, Ports(port, world.settings.listen.port, 9), PAGES),
    ):
        yield Site(request.param, world)


@pytest.fixture(scope="module")
def parent(site: Site) -> Person:
    return parent_of(site.world)


def _server(answer: httpx.Response) -> dict[str, str]:
    """What PHP was told."""
    assert answer.status_code == 200, answer.text
    told: dict[str, str] = answer.json()["server"]
    return told


@pytest.mark.parametrize(
    ("path", "script"),
    [
        ("/compte/page.php?a=1", "page.php"),
        ("/compte/a~b?x=%E9&y[]=1", "index.php"),
    ],
)
def test_php_is_told_who_it_is_and_can_verify_it(site: Site, parent: Person, path: str, script: str) -> None:
    answer = through(site.world, path, parent)
    told = _server(answer)
    assert (answer.json()["script"], told["HTTP_X_USAGER_NOM"]) == (script, "DUBOIS")
    signed = httpx.Response(200, headers={"X-Gateway-Assertion": told["HTTP_X_GATEWAY_ASSERTION"]})
    claims = claims_of(site.world, signed)
    assert (claims["htp"], claims["hta"]) == (told["REQUEST_URI"], told["HTTP_HOST"]) == (path, site.world.url[7:])
    assert (claims["sub"], told["REMOTE_ADDR"]) == (told["HTTP_X_USAGER_ID"], "127.0.0.1")


def test_what_the_gateway_does_not_say_is_absent_and_not_empty(site: Site, parent: Person) -> None:
    told = _server(through(site.world, "/compte/page.php", parent))
    assert {name for name in told if name.startswith(("HTTP_X_USAGER_", "HTTP_X_CAF_"))} == {
        "HTTP_X_USAGER_ID",
        "HTTP_X_USAGER_NOM",
        "HTTP_X_USAGER_PRENOMS",
    }
    assert "" not in {value for name, value in told.items() if name.startswith("HTTP_")}
    assert "HTTP_COOKIE" not in told


@pytest.mark.parametrize("spell", SPELLINGS, ids=lambda spell: str(spell("X-A-b")))
def test_no_forged_identity_reaches_php_under_any_spelling(
    site: Site, parent: Person, spell: Callable[[str], str]
) -> None:
    forged = [(spell(name), "FORGED") for name in NAMES]
    for path, person in [("/index.php", None), ("/x", parent), ("/compte/x", parent), ("/compte/page.php", parent)]:
        for more in (forged, [*forged, *forged]):
            answer = through(site.world, path, person, headers=[*more, ("X-Legal", "kept")])
            assert "FORGED" not in answer.text, path
            assert _server(answer)["HTTP_X_LEGAL"] == "kept"


def test_nothing_is_run_or_read_without_a_session(site: Site) -> None:
    for path in ("/compte/page.php", "/compte/x", "/compte/notice.txt"):
        answer = through(site.world, path)
        assert (answer.status_code, answer.json()["code"]) == (401, "anonymous"), path
    assert through(site.world, "/libre.txt").text == "a public one"


def test_a_file_is_read_with_one(site: Site, parent: Person) -> None:
    assert through(site.world, "/compte/notice.txt", parent).text == "a file"


def test_a_body_passes_whole(site: Site, parent: Person) -> None:
    for path in ("/compte/page.php", "/compte/envoi"):
        assert through(site.world, path, parent, "POST", content=b"x" * 300_000).json()["body"] == 300_000


def test_the_gateways_cookies_stay_with_the_gateway(site: Site, parent: Person) -> None:
    every: list[tuple[str, Any]] = [("Cookie", f"a=1; {EVERY_COOKIE_OF_OURS}; b=2")]
    assert _server(through(site.world, "/x", headers=every))["HTTP_COOKIE"] == "a=1; b=2"
    ours = cookies_of(parent)[0][1]
    both = [("Cookie", f"{ours}; a=1")]
    assert _server(through(site.world, "/compte/page.php", headers=both))["HTTP_COOKIE"] == "a=1"


def test_php_is_told_no_other_host_than_the_one_that_was_asked_about(site: Site) -> None:
    host = site.world.url[7:]
    for target in ("http://evil.example/index.php", "/index.php"):
        with socket.create_connection(("127.0.0.1", int(host.partition(":")[2])), 10) as wire:
            wire.sendall(f"GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
            received = b"".join(iter(lambda: wire.recv(65_536), b""))
        if b" 200 " in received[:20]:
            body = received.partition(b"\r\n\r\n")[2]
            told = json.loads(body[body.index(b"{") : body.rindex(b"}") + 1])["server"]
            assert told["HTTP_HOST"] == host
        assert b" 200 " in received[:20] or target.startswith("http")
