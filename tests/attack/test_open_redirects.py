"""Return addresses that lead elsewhere, through each door that takes one (peers §4.6, 169 and 170)."""

from collections.abc import Iterator
from urllib.parse import quote, urlsplit

import httpx
import pytest

from gateway.sandbox.identities import MATCHING
from tests.world import World, running

ROUTES = '\n  - {host: 127.0.0.1, path: /autre/, upstream: "UPSTREAM", policy: signed-in, name: autre}\n'

FOREIGN = [
    "//evil.example", "//evil.example/", "///evil.example", "////evil.example", "/\\evil.example", "\\/evil.example",
    "\\\\evil.example", "/\\/evil.example", "//\\evil.example", "/\t/evil.example", "/%09/evil.example", "/\n/evil.example",
    "/%0a/evil.example", "/%0d%0aLocation:%20https://evil.example", "/compte/\r\nset-cookie: a=b", "/\x00/evil.example",
    "/%00/evil.example", "/\x0b/evil.example", "/\x0c/evil.example", " //evil.example", "\t//evil.example", " https://evil.example",
    "\x01https://evil.example", "https://evil.example", "https://evil.example/compte/", "http://evil.example", "HTTPS://evil.example",
    "hTTps://evil.example", "https:evil.example", "http:evil.example", "https:/evil.example", "https:///evil.example",
    "https:\\\\evil.example", "https:/\\evil.example", "https://localhost@evil.example/", "https://localhost:x@evil.example/",
    "https://localhost.evil.example/", "https://evil.example#localhost", "https://evil.example?localhost",
    "https://evil.example\\.localhost/", "https://evil.example\\@localhost/", "https://localhost\\.evil.example",
    "https://localhost%2eevil.example", "https://localhost%00.evil.example/", "https://localhost\t.evil.example",
    "https://[::1].evil.example", "https://evil。example/", "https://evil.example/", "https://evil%E3%80%82example",
    "/..//evil.example", "/.//evil.example", "/../evil.example/..//evil.example", "/compte/..//evil.example", "/%2e%2e//evil.example",
    "/%2f%2fevil.example", "/%5cevil.example", "%2f%2fevil.example", "%5c%5cevil.example", "/%2fevil.example", "/compte%2f..%2f",
    "javascript:alert(1)", "JaVaScRiPt:alert(1)", "java\tscript:alert(1)", "javascript://localhost/%0aalert(1)", "vbscript:x",
    "data:text/html,x", "data:text/html;base64,PHNjcmlwdD4=", "file:///etc/passwd", "ftp://localhost/", "blob:https://localhost/x",
    "mailto:a@evil.example", "wss://localhost/compte/", "view-source:https://localhost/", "//localhost/compte/", " /compte/",
    "/compte/ ", "compte/", "./compte/", "../compte/", "?a=b", "#a", ".evil.example", "@evil.example", ":evil.example", "",
    "/_gateway/logout", "/_gateway/callback?state=a", "/_gateway/login?return_to=//evil.example", "/%5fgateway/logout",
    "/_gateway", "/_gateway/../_gateway/logout", "/;/evil.example", "/compte/;@evil.example", "https://user:secret@localhost/",
    "http://localhost:1/", "https://localhost:65536/", "https://localhost:-1/", "https://localhost:80:90/", "https://[::1/compte/",
    "/compte/?a=b#fragment", "/compte/" + "a" * 20_000, "/é/evil", "/compte/%zz", "https://0x7f000001/", "https://2130706433/",
    "https://127.1/autre/", "〱evil.example",
]  # fmt: skip

OWN = [
    ("/compte/", "/compte/"),
    ("/compte/?a=1&b=%2F%2Fevil.example", "/compte/?a=1&b=%2F%2Fevil.example"),
    ("/compte/?next=https://evil.example/", "/compte/?next=https://evil.example/"),
    ("/", "/"),
    ("/compte", "/compte"),
]


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running(tmp_path_factory.mktemp("gateway"), routes=ROUTES) as started:
        yield started


def _fits(return_to: str) -> bool:
    return len(return_to) < 5_000


@pytest.mark.parametrize("return_to", FOREIGN)
def test_a_foreign_address_counts_as_none_on_the_login_page(kept: World, return_to: str) -> None:
    raw = quote(return_to.encode("utf-8"), safe="")
    answer = httpx.get(f"{kept.url}/_gateway/login?return_to={raw}", headers={"accept": "text/html"}, trust_env=False)
    if not _fits(return_to):
        assert answer.status_code == 414
        return
    assert answer.status_code == 200
    assert 'name="return_to" value=""' in answer.text
    assert "location" not in answer.headers


def _restart_of(world: World, return_to: str) -> str:
    """The form's own field changed by whoever sends it, then a callback that fails: it says where it was going."""
    person = world.person()
    page = person.visit("/_gateway/login?return_to=/compte/")
    left = person.client.post("/_gateway/login", data=page.forms[0].fields | {"return_to": return_to})
    state = httpx.URL(left.headers["location"]).params["state"]
    issuer = quote(world.settings.providers[0].issuer, safe="")
    failed = person.visit(f"/_gateway/callback?error=access_denied&state={state}&iss={issuer}")
    (href,) = [href for text, href in failed.links if text == "Recommencer"]
    return href


@pytest.mark.parametrize("return_to", [each for each in FOREIGN if _fits(each)])
def test_a_foreign_address_is_not_what_a_login_remembers(kept: World, return_to: str) -> None:
    assert _restart_of(kept, return_to) == "/_gateway/login"


@pytest.mark.parametrize(("return_to", "kept_as"), OWN)
def test_an_own_address_is_what_a_login_remembers(kept: World, return_to: str, kept_as: str) -> None:
    assert _restart_of(kept, return_to) == f"/_gateway/login?return_to={quote(kept_as, safe='')}"


@pytest.mark.parametrize("page", ["review", "resume", "allocataire"])
@pytest.mark.parametrize("return_to", [each for each in FOREIGN if _fits(each)])
def test_no_other_page_of_ours_leads_there(kept: World, page: str, return_to: str) -> None:
    raw = quote(return_to.encode("utf-8"), safe="")
    answer = _signed_in(kept).get(f"/_gateway/{page}?return_to={raw}", headers={"accept": "text/html"})
    to = answer.headers.get("location", "")
    assert "evil" not in urlsplit(to).netloc
    assert to in {"", "/_gateway/mes-donnees"}


_people: dict[str, httpx.Client] = {}


def _signed_in(world: World) -> httpx.Client:
    if world.url not in _people:
        person = world.person()
        world.sign_in(person, "/compte/", MATCHING)
        _people[world.url] = person.client
    return _people[world.url]


@pytest.mark.parametrize("return_to", [each for each in FOREIGN if _fits(each)])
def test_another_host_hands_over_nothing_foreign(kept: World, return_to: str) -> None:
    """A login that begins on another host is carried to the callback's: only with an address of that host."""
    there = f"http://127.0.0.1:{urlsplit(kept.url).port}"
    raw = quote(return_to.encode("utf-8"), safe="")
    answer = httpx.get(f"{there}/_gateway/login?return_to={raw}", headers={"accept": "text/html"}, trust_env=False)
    to = httpx.URL(answer.headers["location"])
    assert (f"{to.scheme}://{to.netloc.decode()}", to.path) == (kept.url, "/_gateway/login")
    assert to.params["return_to"] == there


def test_another_host_hands_over_its_own_page(kept: World) -> None:
    there = f"http://127.0.0.1:{urlsplit(kept.url).port}"
    answer = httpx.get(
        f"{there}/_gateway/login?return_to=/autre/?a=1", headers={"accept": "text/html"}, trust_env=False
    )
    assert httpx.URL(answer.headers["location"]).params["return_to"] == f"{there}/autre/?a=1"
    page = httpx.get(answer.headers["location"], headers={"accept": "text/html"}, trust_env=False)
    assert f'name="return_to" value="{there}/autre/?a=1"' in page.text
