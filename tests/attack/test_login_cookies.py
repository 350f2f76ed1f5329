"""One cookie for each login under way: tabs, the back button, refusals, a full jar (peers §3.1, §4.4)."""

from collections.abc import Callable

import httpx
import pytest

from gateway.sandbox.identities import MATCHING
from gateway.web.cookies import LOGIN_S, LOGINS_AT_MOST, Cookies, digest_of
from tests.browser import Page, Person
from tests.flows import COMPTE, callback_url, codes, cookies_named
from tests.world import World

SECRET = b"n" * 64
STATES = [f"{number:064x}" for number in range(40)]
NOW = 1_790_000_000


def _recommends(page: Page, words: str) -> bool:
    return any(words in text for text, _ in page.links)


def _pairs(lines: list[str]) -> dict[str, str]:
    """What a browser keeps of these Set-Cookie lines."""
    kept: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(";")[0].partition("=")
        if "Max-Age=0" in line:
            kept.pop(name, None)
        else:
            kept[name] = value
    return kept


def _header(kept: dict[str, str]) -> list[bytes]:
    return ["; ".join(f"{name}={value}" for name, value in kept.items()).encode("ascii")]


@pytest.mark.parametrize("first_back", [0, 1])
def test_two_tabs_on_two_services_each_end_their_own_login(world: World, first_back: int) -> None:
    person = world.person()
    urls = [callback_url(world, person, "/compte/?onglet=1"), callback_url(world, person, "/famille/?onglet=2")]
    assert len(cookies_named(person, "gateway-login-")) == 2
    pages = {number: person.visit(urls[number]) for number in (first_back, 1 - first_back)}
    assert pages[0].path == "/compte/?onglet=1"
    assert "%2Ffamille%2F%3Fonglet%3D2" in pages[1].path
    assert cookies_named(person, "gateway-login-") == []


def test_the_cookie_of_a_login_is_bound_to_its_state_and_short_lived(world: World) -> None:
    person = world.person()
    page = person.visit("/_gateway/login?return_to=/compte/")
    response = person.client.post("/_gateway/login", data=page.forms[0].fields)
    (line,) = [line for line in response.headers.get_list("set-cookie") if "gateway-login-" in line]
    assert f"Max-Age={LOGIN_S}" in line
    assert "HttpOnly; SameSite=Lax" in line
    assert Cookies("https://ville.example", [SECRET]).logins.put([], STATES[0], STATES[0], NOW)[0].startswith("__Host-")


def test_the_back_button_after_a_login_leads_on_and_opens_nothing(world: World) -> None:
    person = world.person()
    url = callback_url(world, person)
    assert person.visit(url).path == COMPTE
    session = person.client.cookies["gateway-session"]
    again = person.visit(url)
    assert again.status == 400
    assert person.client.cookies["gateway-session"] == session
    assert person.press(again, "Continuer").path == COMPTE


def test_a_refreshed_callback_redeems_its_code_once(world: World) -> None:
    person = world.person()
    url = callback_url(world, person)
    held = dict(person.client.cookies)
    answers = []
    for _ in range(3):
        # As if the answers had not arrived: the same cookies each time.
        answers.append(httpx.get(url, cookies=held, trust_env=False))
    assert [answer.status_code for answer in answers] == [303, 400, 400]
    assert codes(world, "login_failed") == ["state_unknown"] * 2


def test_a_callback_without_any_cookie_says_what_is_missing(world: World) -> None:
    person = world.person()
    url = callback_url(world, person)
    stranger = world.person()
    page = stranger.visit(url)
    assert (page.status, "cookie" in page.text) == (400, True)
    assert _recommends(page, "Recommencer")
    assert codes(world, "login_failed") == ["login_cookie_missing"]
    assert "set-cookie" not in page.response.headers


def test_another_browser_cannot_use_up_somebody_s_login(world: World) -> None:
    person = world.person()
    url = callback_url(world, person)
    assert world.person().visit(url).status == 400
    assert person.visit(url).path == COMPTE


def test_the_cookie_of_another_login_is_no_key_to_this_one(world: World) -> None:
    attacker, victim = world.person(), world.person()
    theirs = callback_url(world, attacker)
    callback_url(world, victim)
    (cookie,) = [each for each in victim.client.cookies.jar if "gateway-login-" in each.name]
    (wanted,) = cookies_named(attacker, "gateway-login-")
    victim.client.cookies.set(wanted, cookie.value or "", domain="localhost.local")
    page = victim.visit(theirs)
    assert page.status == 400
    assert codes(world, "login_failed") == ["login_cookie_missing"]


def test_an_expired_login_ends_on_a_page_that_starts_again(world: World) -> None:
    person = world.person()
    url = callback_url(world, person)
    world.clock.ahead_s += LOGIN_S + 1
    page = person.visit(url)
    assert page.status == 400
    assert _recommends(page, "Recommencer")


def test_a_browser_that_refuses_cookies_is_told_before_it_leaves(world: World) -> None:
    person = world.person()
    page = person.visit(COMPTE)
    person.client.cookies.clear()
    refused = person.press(page, "S’identifier avec")
    assert (refused.status, refused.path) == (403, "/_gateway/login")
    assert "cookie" in refused.text
    assert _recommends(refused, "Recommencer")
    assert _recommends(refused, "justificatif")
    assert codes(world, "login_refused") == ["cookies_refused"]
    assert not any(seen.url.path.endswith("/authorize") for seen in person.seen)


def test_a_jar_that_lost_the_login_s_cookie_ends_on_a_page(world: World) -> None:
    person = world.person()
    url = callback_url(world, person)
    (name,) = cookies_named(person, "gateway-login-")
    person.client.cookies.delete(name)
    page = person.visit(url)
    assert page.status == 400
    assert person.press(page, "Recommencer").path.startswith("/_gateway/login?return_to=%2Fcompte%2F")


def test_thirty_logins_begun_in_one_browser_leave_a_short_head(world: World) -> None:
    person = world.person()
    page = person.visit("/_gateway/login?return_to=/compte/")
    for _ in range(30):
        world.clock.ahead_s += 1
        person.client.post("/_gateway/login", data=page.forms[0].fields)
    held = cookies_named(person, "gateway-login-")
    assert len(held) == LOGINS_AT_MOST
    line = "; ".join(f"{cookie.name}={cookie.value}" for cookie in person.client.cookies.jar)
    assert len(line) < 4096
    assert person.visit(callback_url(world, person)).path == COMPTE


def test_two_hundred_images_begin_no_login_and_set_no_cookie(world: World) -> None:
    image = {"accept": "image/avif,image/webp,*/*;q=0.8", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"}
    with httpx.Client(base_url=world.url, headers=image, trust_env=False) as client:
        for number in range(200):
            answer = client.get(f"/compte/{number}.png")
            assert (answer.status_code, "set-cookie" in answer.headers) == (401, False)


def test_the_oldest_login_leaves_first() -> None:
    logins = Cookies("https://ville.example", [SECRET]).logins
    lines: list[str] = []
    for number, state in enumerate(STATES):
        lines += logins.put(_header(_pairs(lines)), state, digest_of(state), NOW + number)
    kept = _header(_pairs(lines))
    held = [state for state in STATES if logins.get(kept, state, NOW + 40)]
    assert held == STATES[-LOGINS_AT_MOST:]


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda value: value[:-1], id="a cut signature"),
        pytest.param(lambda value: "0" + value[1:] if value[0] != "0" else "1" + value[1:], id="another value"),
        pytest.param(lambda value: "x", id="nonsense"),
        pytest.param(lambda value: "é", id="not ASCII"),
        pytest.param(lambda value: "", id="nothing"),
    ],
)
def test_a_login_s_cookie_that_is_not_ours_counts_as_none(spoil: Callable[[str], str]) -> None:
    logins = Cookies("https://ville.example", [SECRET]).logins
    ((name, value),) = _pairs(logins.put([], STATES[1], digest_of(STATES[1]), NOW)).items()
    assert logins.get([f"{name}={value}".encode()], STATES[1], NOW) == digest_of(STATES[1])
    assert logins.get([f"{name}={spoil(value)}".encode()], STATES[1], NOW) is None
    assert logins.get([f"{name}={value}; {name}={value}".encode()], STATES[1], NOW) is None
    assert logins.get([f"{name}={value}".encode()], STATES[2], NOW) is None
    assert logins.get([f"{name}={value}".encode()], STATES[1], NOW + LOGIN_S) is None


def test_junk_under_our_names_is_taken_away_and_never_counted() -> None:
    logins = Cookies("https://ville.example", [SECRET]).logins
    junk = {f"__Host-gateway-login-{number:016x}": "junk" for number in range(20)}
    kept = junk | _pairs(logins.put(_header(junk), STATES[1], digest_of(STATES[1]), NOW))
    for line in logins.put(_header(junk), STATES[1], digest_of(STATES[1]), NOW)[1:]:
        kept.pop(line.partition("=")[0])
    assert list(kept) == [name for name in kept if name not in junk]


def test_no_application_sees_or_sets_a_login_s_cookie(world: World) -> None:
    person = world.person()
    world.sign_in(person, COMPTE, MATCHING)
    page = person.visit("/_gateway/login?return_to=/famille/")
    person.client.post("/_gateway/login", data=page.forms[0].fields)
    assert len(cookies_named(person, "gateway-login-")) == 1
    headers = {"accept": "application/json", "sec-fetch-mode": "cors", "cookie": _cookie_line(person, "mine=1")}
    answer = httpx.get(world.url + COMPTE, headers=headers, trust_env=False).json()
    assert answer["headers"]["cookie"] == "mine=1"


def _cookie_line(person: Person, more: str) -> str:
    ours = [cookie for cookie in person.client.cookies.jar if cookie.name.startswith("gateway-")]
    return "; ".join([*(f"{cookie.name}={cookie.value}" for cookie in ours), more])
