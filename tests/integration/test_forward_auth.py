"""Forward-auth: what a proxy is answered, in both lanes, when it names the original request well."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from gateway.core.model import SessionId
from gateway.sandbox.identities import MATCHING
from gateway.web import forward_auth
from gateway.web.cookies import Cookies
from tests.asking import FILES, LISTED, NAVIGATION, PROGRAM, ask, claims_of, code_of, cookies_of, named, parent_of
from tests.browser import Person
from tests.world import World, running

KEY = [("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="), ("Sec-WebSocket-Version", "13")]


@pytest.fixture(scope="module", params=[True, False], ids=["quick lane", "ASGI"])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running(tmp_path_factory.mktemp("world"), broker=True, quick_lane=request.param, **FILES) as started:
        yield started


@pytest.fixture(scope="module")
def parent(world: World) -> Person:
    return parent_of(world)


def _told(answer: httpx.Response) -> set[str]:
    """Names of the answer's fields that a proxy may copy."""
    return set(answer.headers) - {"date", "content-length", "cache-control"}


def test_an_allowed_request_is_answered_with_exactly_what_the_application_receives(
    world: World, parent: Person
) -> None:
    answer = ask(world, named(world, "POST", "/compte/envoi?x=%E9&y[]=1"), person=parent)
    assert (answer.status_code, answer.content) == (200, b"")
    assert _told(answer) == {"x-usager-id", "x-usager-nom", "x-usager-prenoms", "x-gateway-assertion"}
    assert answer.headers["cache-control"] == "no-store"
    claims = claims_of(world, answer)
    assert claims["bodm"] == "unbound"
    assert "bod" not in claims
    assert claims["htm"] == "POST"
    assert claims["hta"] == httpx.URL(world.url).netloc.decode()
    assert claims["htp"] == "/compte/envoi?x=%E9&y[]=1"
    assert set(claims["hdr"]) == {"x-usager-id", "x-usager-nom", "x-usager-prenoms"}


EVERY_COOKIE_OF_OURS = (
    "gateway-session=x; gateway-browser=x; gateway-agent=x; gateway-language=en; gateway-login-ab=x; gateway-form-1=x; "
    "gateway-outage-fc=x; __Host-gateway-session=x; __Host-gateway-login-ab=x"
)


@pytest.mark.parametrize(("path", "ours"), [("/", EVERY_COOKIE_OF_OURS), ("/compte/", "")])
def test_the_cookies_that_are_not_ours_are_said_when_they_are_asked_for(
    world: World, parent: Person, path: str, ours: str
) -> None:
    said = [*named(world, uri=path), ("Cookie", f"a=1; {ours or cookies_of(parent)[0][1]}; b=gateway-session=2")]
    for query in ("?cookie=1", "?redirect=1&cookie=1"):
        assert ask(world, said, query=query).headers["cookie"] == "a=1; b=gateway-session=2"
    for query in ("", "?redirect=1", "?cookie=10", "?xcookie=1"):
        answer = ask(world, said, query=query)
        assert (answer.status_code, "cookie" in answer.headers) == (200, False)


def test_cookies_in_several_lines_are_said_in_one_and_none_is_said_when_none_is_left(
    world: World, parent: Person
) -> None:
    ours = cookies_of(parent)
    several = [*named(world), ("Cookie", "a=1"), *ours, ("Cookie", "b=2")]
    assert ask(world, several, query="?cookie=1").headers.get_list("cookie") == ["a=1; b=2"]
    alone = ask(world, [*named(world), *ours], query="?cookie=1")
    assert (alone.status_code, "cookie" in alone.headers) == (200, False)


def test_who_is_turned_away_is_told_no_cookie(world: World) -> None:
    answer = ask(world, [*named(world), ("Cookie", "a=1")], query="?cookie=1&redirect=1")
    assert (answer.status_code, "cookie" in answer.headers) == (302, False)


def test_the_common_case_is_decided_below_asgi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with running(tmp_path, quick_lane=True, changes=LISTED) as world:
        parent = parent_of(world)
        assert ask(world, named(world), person=parent).status_code == 200
        monkeypatch.delattr(forward_auth, "judge")
        for query in ("", "?redirect=1", "?cookie=1"):
            assert ask(world, named(world), person=parent, query=query).status_code == 200


def test_both_families_are_read_and_may_agree(world: World, parent: Person) -> None:
    original = [("X-Original-Method", "PUT"), ("X-Original-URL", f"{world.url}/compte/?a=1")]
    both = [*named(world, "PUT", "/compte/?a=1"), *original]
    for said in (original, both, [*original, named(world)[1]]):
        claims = claims_of(world, ask(world, said, person=parent))
        assert (claims["htm"], claims["htp"]) == ("PUT", "/compte/?a=1")


def test_an_address_without_a_path_is_the_root(world: World) -> None:
    original = [("X-Original-Method", "GET"), ("X-Original-URL", world.url)]
    assert claims_of(world, ask(world, original))["htp"] == "/"


def test_a_person_without_a_session_is_told_where_to_sign_in(world: World) -> None:
    answer = ask(world, named(world, uri="/compte/?a=1"))
    assert answer.status_code == 401
    assert answer.headers["location"] == "/_gateway/login?return_to=%2Fcompte%2F%3Fa%3D1"
    again = ask(world, named(world, uri="/compte/?a=1"), query="?redirect=1")
    assert (again.status_code, again.headers["location"]) == (302, answer.headers["location"])


def test_a_program_without_a_session_gets_a_problem_and_never_a_redirect(world: World) -> None:
    for query in ("", "?redirect=1"):
        answer = ask(world, named(world), headers=PROGRAM, query=query)
        assert (answer.status_code, answer.headers["location"]) == (401, "/_gateway/login")
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["login"] == "/_gateway/login"


def test_the_login_returns_to_the_page_that_the_proxy_was_asked_for(world: World) -> None:
    person = world.person()
    login = person.visit(ask(world, named(world, uri="/compte/?a=1")).headers["location"])
    page = person.press(world.choose(person, person.press(login, "S’identifier avec"), MATCHING), "Continuer")
    assert page.path == "/compte/?a=1"
    assert ask(world, named(world, uri="/compte/?a=1"), person=person).status_code == 200


def test_a_refusal_is_a_403_with_a_page_or_a_problem(world: World) -> None:
    parent = world.person()
    assert world.sign_in(parent, "/majeurs/", MATCHING).status == 403
    page = ask(world, named(world, uri="/majeurs/"), person=parent)
    assert page.status_code == 403
    assert "Trop jeune." in page.text
    assert "location" not in page.headers
    problem = ask(world, named(world, uri="/majeurs/"), person=parent, headers=PROGRAM, query="?redirect=1")
    assert (problem.status_code, problem.headers["content-type"]) == (403, "application/problem+json")


def test_a_condition_is_asked_of_the_original_method(world: World, parent: Person) -> None:
    for method, status in (("GET", 200), ("HEAD", 200), ("POST", 403)):
        answer = ask(world, named(world, method, "/lecture/"), person=parent, method="GET")
        assert (method, answer.status_code) == (method, status)


def test_a_head_is_signed_as_one_and_may_be_asked_with_one(world: World, parent: Person) -> None:
    assert claims_of(world, ask(world, named(world, "HEAD"), person=parent))["htm"] == "HEAD"
    answer = ask(world, named(world), person=parent, method="HEAD")
    assert (answer.status_code, claims_of(world, answer)["htm"]) == (200, "GET")


def test_a_question_may_come_with_a_body_that_is_not_looked_at(world: World, parent: Person) -> None:
    said = [*named(world), ("Content-Length", "0")]
    assert ask(world, said, person=parent, method="POST").status_code == 200
    url = f"http://127.0.0.1:{world.settings.listen.port}/_gateway/auth"
    answer = httpx.post(url, content=b"a=1", headers=[*named(world, uri="/"), *NAVIGATION.items()])
    assert claims_of(world, answer)["bodm"] == "unbound"


def test_a_public_route_answers_everybody_with_an_anonymous_assertion(world: World, parent: Person) -> None:
    for person in (None, parent):
        answer = ask(world, named(world, uri="/", method="DELETE"), person=person)
        assert answer.status_code == 200
        assert _told(answer) == {"x-gateway-assertion"}
        claims = claims_of(world, answer)
        assert claims["anon"] is True
        assert "sub" not in claims


def test_the_number_is_asked_for_like_a_login(world: World) -> None:
    person = world.person()
    assert world.sign_in(person, "/numero/", MATCHING).path.startswith("/_gateway/allocataire")
    answer = ask(world, named(world, uri="/numero/"), person=person)
    assert (answer.status_code, answer.headers["location"]) == (401, "/_gateway/allocataire?return_to=%2Fnumero%2F")


def test_the_review_is_asked_for_like_a_login(world: World) -> None:
    person = world.person()
    review = world.sign_in(person, "/cantine/", MATCHING)
    answer = ask(world, named(world, uri="/cantine/"), person=person, query="?redirect=1")
    assert (answer.status_code, answer.headers["location"]) == (302, "/_gateway/review?return_to=%2Fcantine%2F")
    assert ask(world, named(world, uri="/cantine/"), person=person, headers=PROGRAM).status_code == 403
    person.press(review, "Continuer")
    after = ask(world, named(world, uri="/cantine/"), person=person)
    assert (after.status_code, after.headers["x-caf-statut"]) == (200, "verified")


def test_a_folder_without_its_slash_is_asked_for_with_it(world: World) -> None:
    answer = ask(world, named(world, uri="/cantine?a=1"))
    assert (answer.status_code, answer.headers["location"]) == (401, "/cantine/?a=1")
    assert ask(world, named(world, uri="/cantine"), query="?redirect=1").status_code == 302
    assert ask(world, named(world, "POST", "/cantine")).status_code == 404


def test_a_route_that_rewrites_is_signed_as_the_proxy_must_send_it(world: World, parent: Person) -> None:
    claims = claims_of(world, ask(world, named(world, uri="/appli/a?b=1"), person=parent))
    upstream = world.settings.routes[0].upstreams[0].authority
    assert (claims["hta"], claims["htp"]) == (upstream, "/v1/a?b=1")


def test_a_route_may_accept_parameters_in_the_path(world: World, parent: Person) -> None:
    claims = claims_of(world, ask(world, named(world, uri="/jetons/a;jsessionid=1"), person=parent))
    assert claims["htp"] == "/jetons/a;jsessionid=1"
    assert ask(world, named(world, uri="/compte/a;jsessionid=1"), person=parent, headers=PROGRAM).status_code == 400


def test_every_host_of_the_gateway_can_be_asked_about(world: World) -> None:
    answer = ask(world, named(world, uri="/", host="enfance.localhost"))
    assert claims_of(world, answer)["hta"] == "enfance.localhost"


def test_a_handshake_from_our_own_page_is_allowed(world: World, parent: Person) -> None:
    own = [*KEY, ("Origin", world.url)]
    answer = ask(world, named(world, uri="/salon/"), person=parent, headers={}, more=own)
    assert (answer.status_code, claims_of(world, answer)["htp"]) == (200, "/salon/")
    upgrade = [*own, ("Connection", "Upgrade"), ("Upgrade", "websocket")]
    assert ask(world, named(world, uri="/salon/"), person=parent, headers={}, more=upgrade).status_code == 200
    assert ask(world, named(world, uri="/salon/"), headers={}, more=own).status_code == 401


def test_a_store_that_fails_opens_nothing_and_closes_no_public_page(tmp_path: Path) -> None:
    for lane in (True, False):
        folder = tmp_path / str(lane)
        folder.mkdir()
        (folder / "var").write_text("a file where the folder should be")
        with running(folder, quick_lane=lane, changes=LISTED) as world:
            cookies = Cookies(world.url, world.settings.sessions.secrets)
            name, _, value = cookies.set_session(SessionId("a" * 64)).partition(";")[0].partition("=")
            ticket = world.person()
            ticket.client.cookies.set(name, value)
            assert ask(world, named(world, uri="/"), person=ticket).status_code == 200
            answer = ask(world, named(world), person=ticket, headers=PROGRAM)
            assert (answer.status_code, code_of(answer)) == (503, "session_store_unavailable")


def test_a_logout_counts_for_the_next_question(world: World) -> None:
    person = parent_of(world)
    assert ask(world, named(world), person=person).status_code == 200
    kept = [(cookie.name, cookie.value or "") for cookie in person.client.cookies.jar]
    person.press(person.visit("/_gateway/logout"), "Se déconnecter")
    for name, value in kept:
        person.client.cookies.set(name, value)
    assert ask(world, named(world), person=person).status_code == 401


def test_each_answer_leaves_one_line_of_audit(world: World, parent: Person) -> None:
    before = len(world.audited("lecture", 0))
    reference = claims_of(world, ask(world, named(world, uri="/lecture/"), person=parent))["dec"]
    (line,) = world.audited("lecture", before + 1)[before:]
    assert (line["decision_id"], line["outcome"], line["status"]) == (reference, "allow", 200)
