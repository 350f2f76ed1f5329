"""Forward-auth asked by whom it should not believe, about what has two readings, with words that are not the proxy's."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from gateway.sandbox.identities import MATCHING, MISMATCHING
from tests.asking import (
    FILES,
    LISTED,
    NAVIGATION,
    PROGRAM,
    Fields,
    ask,
    claims_of,
    code_of,
    cookies_of,
    named,
    parent_of,
)
from tests.browser import Person
from tests.world import World, running

KEY = [("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="), ("Sec-WebSocket-Version", "13")]
UPGRADE = [("Connection", "Upgrade"), ("Upgrade", "websocket")]


@pytest.fixture(scope="module", params=[True, False], ids=["quick lane", "ASGI"])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running(tmp_path_factory.mktemp("world"), broker=True, quick_lane=request.param, **FILES) as started:
        yield started


@pytest.fixture(scope="module")
def parent(world: World) -> Person:
    return parent_of(world)


@pytest.mark.parametrize("listed", ["[]", "[10.0.0.0/8]", "[unix]", '["::1/128"]'])
@pytest.mark.usefixtures("lane")
def test_a_peer_that_is_not_listed_is_believed_nothing(tmp_path: Path, listed: str) -> None:
    with running(tmp_path, changes={"trusted_proxies: []": f"trusted_proxies: {listed}"}) as world:
        for uri in ("/", "/compte/"):
            answer = ask(world, named(world, uri=uri), headers=PROGRAM)
            assert (answer.status_code, code_of(answer)) == (403, "forward_auth_peer")
            assert "x-gateway-assertion" not in answer.headers


@pytest.mark.usefixtures("lane")
def test_switched_off_it_is_not_there_whoever_asks(tmp_path: Path) -> None:
    """Behind a TLS proxy that is listed for its X-Forwarded-For, every browser comes from a listed peer."""
    changes = {"trusted_proxies: []": "trusted_proxies: [127.0.0.1/32]\nforward_auth: false"}
    with running(tmp_path, changes=changes) as world:
        parent = parent_of(world)
        for _ in range(2):
            answer = ask(world, named(world), person=parent, headers=PROGRAM)
            assert (answer.status_code, code_of(answer)) == (404, "own_page_unknown")
            assert not [name for name in answer.headers if name.startswith(("x-usager", "x-caf", "x-gateway"))]
        assert parent.client.get("/compte/", headers=PROGRAM).status_code == 200


def test_the_original_request_means_nothing_where_the_gateway_is_the_proxy(world: World, parent: Person) -> None:
    public = [*named(world, uri="/"), ("X-Original-URL", f"{world.url}/"), ("X-Rewrite-URL", "/")]
    with httpx.Client(base_url=world.url, trust_env=False) as client:
        assert client.get("/compte/", headers=[*public, *PROGRAM.items()]).status_code == 401
        own = client.get("/compte/", headers=[*public, *PROGRAM.items(), *cookies_of(parent)]).json()
    assert own["claims"]["htp"] == "/compte/"


@pytest.mark.parametrize("missing", [0, 1, 2])
def test_a_family_that_is_not_whole_is_refused(world: World, missing: int) -> None:
    whole = named(world, uri="/")
    said = [field for number, field in enumerate(whole) if number != missing]
    for cut in (said, [*said, (whole[missing][0], "")], [*said, ("X-Original-Method", "GET")]):
        answer = ask(world, cut, headers=PROGRAM)
        assert (answer.status_code, code_of(answer)) == (400, "forward_auth_incomplete")
    assert ask(world, whole, headers=PROGRAM).status_code == 200


def test_half_of_the_other_family_is_refused(world: World) -> None:
    url, method = ("X-Original-URL", f"{world.url}/"), ("X-Original-Method", "GET")
    for half in ([url], [method], [url, ("X-Original-Method", "")]):
        answer = ask(world, half, headers=PROGRAM)
        assert (answer.status_code, code_of(answer)) == (400, "forward_auth_incomplete")
    assert ask(world, [url, method], headers=PROGRAM).status_code == 200


@pytest.mark.parametrize("repeated", [0, 1, 2])
def test_a_name_said_twice_is_refused_whatever_it_says(world: World, repeated: int) -> None:
    whole = named(world, uri="/")
    name, value = whole[repeated]
    for again in ((name, value), (name.lower(), "/compte/"), (name.replace("-", "_"), value), (name + ".", value)):
        answer = ask(world, [*whole, again], headers=PROGRAM)
        assert (answer.status_code, code_of(answer)) == (400, "forward_auth_repeated")


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_name_under_another_spelling_is_not_the_proxys(world: World, number: int) -> None:
    said = named(world, uri="/")
    for spelling in (said[number][0].replace("-", "_"), said[number][0].replace("-", ".")):
        alias = [(spelling, value) if place == number else (name, value) for place, (name, value) in enumerate(said)]
        assert ask(world, alias, headers=PROGRAM).status_code == 400
    lower = [(name.lower(), value) for name, value in said]
    assert ask(world, lower, headers=PROGRAM).status_code == 200


@pytest.mark.parametrize(
    "other",
    [
        [("X-Original-Method", "POST")],
        [("X-Original-URL", "{url}/compte/")],
        [("X-Original-URL", "http://enfance.localhost/")],
        [("X-Original-URL", "")],
        [("X-Original-URL", "/")],
        [("X-Original-URL", "{url}/#/")],
        [("X-Original-URL", "file:///")],
        [("X-Original-Method", "POST"), ("X-Original-URL", "{url}/compte/")],
    ],
)
def test_families_that_disagree_are_refused_wherever_they_stand(world: World, other: Fields) -> None:
    said = [(name, value.replace("{url}", world.url)) for name, value in other]
    whole = named(world, uri="/")
    for both in ([*whole, *said], [*said, *whole]):
        answer = ask(world, both, headers=PROGRAM)
        assert (answer.status_code, code_of(answer)) == (400, "forward_auth_disagrees")
    agreeing = [("X-Original-Method", "GET"), ("X-Original-URL", f"{world.url}/")]
    assert ask(world, [*whole, *agreeing], headers=PROGRAM).status_code == 200


@pytest.mark.parametrize(
    ("uri", "code"),
    [
        ("/%61bc", "target_not_canonical"),
        ("/caf%c3%a9", "target_not_canonical"),
        ("/compte%2E", "target_not_canonical"),
        ("/%5Fgateway/keys", "target_not_canonical"),
        ("//compte/", "path_double_slash"),
        ("/compte//", "path_double_slash"),
        ("/../compte/", "path_dot_segment"),
        ("/a/%2e%2e/compte/", "path_dot_segment"),
        ("/compte/.", "path_dot_segment"),
        ("/..;/compte/", "path_dot_segment"),
        ("/compte;x=1/", "path_semicolon"),
        ("/compte%3Bx/", "path_ambiguous"),
        ("/a%2Fcompte/", "path_encoded_slash"),
        ("/compte\\a", "path_backslash"),
        ("/compte%5Ca", "path_backslash"),
        ("/%252e", "path_double_encoding"),
        ("/%zz", "path_bad_escape"),
        ("/a%00", "path_control"),
        ("/compte/#", "path_fragment"),
        ('/?"', "query_bad_character"),
        ("compte/", "target_form"),
        ("*", "target_form"),
        ("http://localhost/compte/", "target_form"),
        ("@evil.example/", "target_form"),
        ("/compte/ HTTP/1.1", "request_line"),
        ("/, /compte/", "request_line"),
    ],
)
def test_a_target_with_two_readings_is_refused(world: World, parent: Person, uri: str, code: str) -> None:
    answer = ask(world, named(world, uri=uri), person=parent, headers=PROGRAM)
    assert (answer.status_code, code_of(answer)) == (400, code)
    assert "x-gateway-assertion" not in answer.headers
    if uri.startswith("/") and " " not in uri:
        url = [("X-Original-Method", "GET"), ("X-Original-URL", world.url + uri)]
        assert ask(world, url, person=parent, headers=PROGRAM).status_code == 400


def test_what_has_one_reading_is_not_refused(world: World, parent: Person) -> None:
    for uri in ("/caf%C3%A9", "/compte/a~b", "/compte/%20", "/?x=/../compte//;%61", "/a..b/", "/compte/?"):
        claims = claims_of(world, ask(world, named(world, uri=uri), person=parent))
        assert claims["htp"] == uri


def test_a_target_over_the_limit_is_refused_as_at_the_gate(tmp_path: Path) -> None:
    """A limit far below what an assertion can hold, which would refuse it too."""
    listed = {"trusted_proxies: []": "trusted_proxies: [127.0.0.1/32]"}
    with running(tmp_path, changes=listed, routes="\nlimits: {target_bytes: 1024}\n") as world:
        answer = ask(world, named(world, uri="/".ljust(1_025, "a")), headers=PROGRAM)
        assert (answer.status_code, code_of(answer)) == (414, "target_too_long")
        assert ask(world, named(world, uri="/".ljust(1_024, "a")), headers=PROGRAM).status_code == 200


def test_a_target_that_the_assertion_cannot_hold_is_too_long_and_nobody_elses_fault(
    world: World, parent: Person
) -> None:
    """Through the gateway (the first request of a session and a later one), and asked by a proxy."""
    for uri in ("/compte/?x=" + "a" * 4_000, "/?x=" + "a" * 4_000):
        answer = ask(world, named(world, uri=uri), person=parent, headers=PROGRAM)
        assert (answer.status_code, code_of(answer)) == (414, "target_too_long")
        assert "x-gateway-assertion" not in answer.headers
        for _ in range(2):
            through = parent.client.get(uri, headers=PROGRAM)
            assert (through.status_code, code_of(through)) == (414, "target_too_long")
            assert parent.client.get(uri[:1_900], headers=PROGRAM).status_code == 200


@pytest.mark.parametrize(
    ("method", "status"),
    [
        *[("get", 501), ("TRACE", 405), ("CONNECT", 405), ("GET /compte/", 400), ("GET\tX", 400), ("G" * 40, 501)],
        *[("PROPFIND", 405), ("POST", 200)],
    ],
)
def test_an_odd_method_is_refused(world: World, method: str, status: int) -> None:
    assert ask(world, named(world, method, "/"), headers=PROGRAM).status_code == status


@pytest.mark.parametrize(
    ("host", "status"),
    [
        *[("evil.example", 421), ("localhost:1", 421), ("a@localhost", 400), ("localhost, evil.example", 400)],
        *[("localhost/compte", 400), ("localhost?x", 400), ("[::1", 400), ("LOCALHOST.", 200), ("localhost", 200)],
    ],
)
def test_an_odd_or_unknown_host_is_refused(world: World, host: str, status: int) -> None:
    assert ask(world, named(world, uri="/", host=host), headers=PROGRAM).status_code == status


@pytest.mark.parametrize("uri", ["/_gateway/keys", "/_gateway/auth", "/_gateway/unknown", "/_gateway", "/_gateway/"])
def test_our_own_pages_are_never_for_an_upstream(world: World, parent: Person, uri: str) -> None:
    answer = ask(world, named(world, uri=uri), person=parent, headers=PROGRAM)
    assert (answer.status_code, code_of(answer)) == (404, "own_page_unknown")
    assert ask(world, named(world, uri="/_gatewayx"), person=parent).status_code == 200


@pytest.mark.parametrize("path", ["/", "/compte/", "/majeurs/"])
def test_what_a_client_says_of_itself_is_never_echoed(world: World, parent: Person, path: str) -> None:
    names = ["X-Usager-Nom", "X_Usager_Nom", "HTTP_X_USAGER_NOM", "X-Caf-Tranche", "Remote-User", "X-Forwarded-User"]
    forged = [(name, "FORGED") for name in [*names, "X-Gateway-Assertion", "X-Gateway-Signature"]]
    for person in (None, parent):
        for more in (forged, [*forged, ("Connection", "close, X-Usager-Nom, X-Gateway-Assertion")]):
            answer = ask(world, named(world, uri=path), person=person, more=more)
            assert "FORGED" not in str(answer.headers.raw) + answer.text
            plain = ask(world, named(world, uri=path), person=person)
            assert (answer.status_code, set(answer.headers) - {"connection"}) == (plain.status_code, set(plain.headers))


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ([("Content_Length", "4")], "header_alias"),
        ([("transfer_encoding", "chunked")], "header_alias"),
        ([("Authorization", "a"), ("Authorization", "b")], "header_duplicate"),
        ([("X-A", "caf\x85")], "header_malformed"),
    ],
)
def test_a_field_that_the_gate_refuses_is_refused_here(world: World, more: Fields, code: str) -> None:
    raw = [(name.encode("ascii"), value.encode("latin-1")) for name, value in more]
    answer = ask(world, named(world, uri="/"), headers=PROGRAM, more=raw)  # type: ignore[arg-type]
    assert (answer.status_code, code_of(answer)) == (400, code)


@pytest.mark.parametrize(
    "origin",
    [[], [("Origin", "https://evil.example")], [("Origin", "null")], [("Origin", "{url}"), ("Origin", "{url}")]],
)
@pytest.mark.parametrize("upgrade", [[], UPGRADE])
def test_a_handshake_from_a_foreign_page_is_refused(
    world: World, parent: Person, origin: Fields, upgrade: Fields
) -> None:
    more = [*KEY, *upgrade, *((name, value.replace("{url}", world.url)) for name, value in origin)]
    answer = ask(world, named(world, uri="/salon/"), person=parent, headers={}, more=more)
    assert answer.status_code in {400, 403}
    own = [*KEY, *upgrade, ("Origin", world.url)]
    assert ask(world, named(world, uri="/salon/"), person=parent, headers={}, more=own).status_code == 200


def test_a_handshake_where_the_route_opens_none_is_refused(world: World, parent: Person) -> None:
    for upgrade in ([], UPGRADE):
        more = [*KEY, *upgrade, ("Origin", world.url)]
        answer = ask(world, named(world), person=parent, headers=PROGRAM, more=more)
        assert (answer.status_code, code_of(answer)) == (501, "upgrade_refused")
    without_key = ask(world, named(world, uri="/salon/"), person=parent, headers={}, more=UPGRADE)
    assert without_key.status_code == 400


def test_questions_on_one_connection_never_answer_for_another_person(world: World) -> None:
    alice, bob = parent_of(world), world.person()
    world.sign_in(bob, "/compte/", MISMATCHING)
    subs = [claims_of(world, ask(world, named(world), person=each))["sub"] for each in (alice, bob)]
    assert subs[0] != subs[1]
    url = f"http://127.0.0.1:{world.settings.listen.port}/_gateway/auth"
    with httpx.Client(trust_env=False) as proxy:
        for number in range(30):
            person = (alice, bob, None)[number % 3]
            cookies = cookies_of(person) if person else []
            answer = proxy.get(url, headers=[*named(world), *NAVIGATION.items(), *cookies])
            if person is None:
                assert answer.status_code == 401
                assert "x-usager-id" not in answer.headers
            else:
                assert claims_of(world, answer)["sub"] == subs[number % 3]


def test_two_sessions_in_one_request_count_as_none(world: World, parent: Person) -> None:
    other = parent_of(world)
    (_, one), (_, two) = *cookies_of(parent), *cookies_of(other)
    session = next(pair for pair in two.split("; ") if pair.startswith("gateway-session="))
    for line in (f"{one}; {session}", f"{session}; {one}"):
        assert ask(world, named(world), more=[("Cookie", line)]).status_code == 401
    assert ask(world, named(world), more=[("Cookie", f"a=1; {one}")]).status_code == 200


def test_the_question_has_one_spelling_that_a_proxy_can_close_to_the_outside(world: World) -> None:
    with httpx.Client(base_url=world.url, trust_env=False) as client:
        for path in ("/_gateway/%61uth", "/_gateway/auth;x", "/_gateway/auth;", "/%5Fgateway/auth"):
            answer = client.get(path, headers=[*named(world, uri="/"), *PROGRAM.items()])
            assert (answer.status_code, code_of(answer)) == (404, "own_page_unknown")
        assert client.get("/_gateway/auth?x", headers=[*named(world, uri="/"), *PROGRAM.items()]).status_code == 200


def test_only_the_proxys_own_word_turns_a_401_into_a_redirect(world: World) -> None:
    for query, status in (("", 401), ("?redirect=10", 401), ("?redirect=1&of=/a?b=1", 302), ("?of=/&redirect=1", 302)):
        assert ask(world, named(world), query=query).status_code == status


@pytest.mark.usefixtures("lane")
def test_a_household_that_was_not_reviewed_leaves_with_no_answer(tmp_path: Path) -> None:
    with running(tmp_path, changes=LISTED) as world:
        person = world.person()
        world.sign_in(person, "/compte/", MATCHING)
        answer = ask(world, named(world, uri="/cantine/"), person=person, headers=PROGRAM)
        assert answer.status_code in {401, 403}
        assert not [name for name in answer.headers if name.startswith("x-caf")]
