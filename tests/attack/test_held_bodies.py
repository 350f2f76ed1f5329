"""A request whose body takes its time: what was known of its sender when it began is not what is sent when it ends."""

import hashlib
import json
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.agents import Office, contest, office
from tests.browser import Person
from tests.fronted import gateway_at
from tests.wire import Answered, Ended, Raw, eventually
from tests.world import World

HOUR_S = 3_600
BODY = b"0123456789"

PROGRAM = "Content-Type: text/plain\r\nAccept: application/json\r\n"
FORM = (
    "Content-Type: application/x-www-form-urlencoded\r\nAccept: text/html\r\n"
    "Sec-Fetch-Mode: navigate\r\nSec-Fetch-Site: same-origin\r\n"
)


@pytest.fixture
def town(tmp_path: Path, lane: None) -> Iterator[Office]:
    with office(tmp_path) as running:
        yield running


@pytest.fixture
def unwatched(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing looks after answers that last: the body is whole before anybody noticed that its session is over."""
    monkeypatch.setattr("gateway.app.CHECK_S", 60)


def _judged(town: Office) -> list[dict[str, object]]:
    lines = [json.loads(line) for line in town.world.audit.getvalue().splitlines()]
    return [line for line in lines if line.get("method") == "POST"]


def _port(world: World) -> int:
    return int(world.url.rpartition(":")[2])


def _held(world: World, person: Person, path: str, body: bytes, fields: str = PROGRAM) -> Raw:
    """A POST of which all but the last three bytes have come. Its session was in use just before."""
    person.client.get(path, headers={"accept": "application/json"})
    cookie = "; ".join(f"{name}={value}" for name, value in person.client.cookies.items() if "gateway" in name)
    raw = Raw(_port(world))
    raw.send(
        f"POST {path} HTTP/1.1\r\nHost: {world.url.removeprefix('http://')}\r\n{fields}"
        f"Origin: {world.url}\r\nCookie: {cookie}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n".encode()
        + body[:-3]
    )
    # Longer than what was read of a session may be used.
    assert not eventually(raw.is_closed, 1.0)
    return raw


def _finish(raw: Raw, body: bytes) -> Answered | None:
    """None: the connection was cut."""
    try:
        return raw.send(body[-3:]).answer("POST")
    except (Ended, OSError):
        return None
    finally:
        raw.sock.close()


def _log_out(town: Office, person: Person) -> None:
    person.press(person.visit("/_gateway/logout"), "Se déconnecter")


def _expire(town: Office, person: Person) -> None:
    town.world.clock.ahead_s += 9 * HOUR_S


@pytest.mark.parametrize("end", [_log_out, _expire])
def test_a_request_under_way_ends_with_its_session(town: Office, end: Callable[[Office, Person], None]) -> None:
    with _held(town.world, parent := town.parent(), "/quotient/", BODY) as raw:
        end(town, parent)
        assert eventually(raw.is_closed)
    assert eventually(lambda: [line["status"] for line in _judged(town)] == [499])


def test_whose_body_is_whole_before_that_is_judged_as_nobody(unwatched: None, town: Office) -> None:
    raw = _held(town.world, parent := town.parent(), "/quotient/", BODY)
    _log_out(town, parent)
    answer = _finish(raw, BODY)
    assert answer is not None
    assert answer.status == 401
    assert eventually(lambda: [line["outcome"] for line in _judged(town)] == ["authenticate"])


def test_a_form_waits_for_the_next_login_of_who_was_signed_out_meanwhile(unwatched: None, town: Office) -> None:
    raw = _held(town.world, parent := town.parent(), "/quotient/", b"enfant=Zo%C3%AB", FORM)
    _log_out(town, parent)
    answer = _finish(raw, b"enfant=Zo%C3%AB")
    assert answer is not None
    assert answer.status == 303
    assert answer.values("location")[0].startswith(b"/_gateway/login")
    assert '"outcome": "kept"' in town.world.logs.getvalue()


def test_what_is_contested_meanwhile_does_not_leave(town: Office) -> None:
    raw = _held(town.world, parent := town.parent(), "/quotient/", BODY)
    contest(parent)
    answer = _finish(raw, BODY)
    assert answer is not None
    received = json.loads(answer.body)
    assert received["headers"]["x-statut"] == "contested"
    assert "x-valeur" not in received["headers"]
    assert received["claims"]["bodm"] == "digest"


@pytest.mark.parametrize("size", [10, 200_000])
def test_who_is_still_there_is_served_with_the_whole_body(town: Office, size: int) -> None:
    body = b"0123456789" * (size // 10)
    answer = _finish(_held(town.world, town.parent(), "/quotient/", body), body)
    assert answer is not None
    received = json.loads(answer.body)
    assert (answer.status, received["headers"]["x-statut"]) == (200, "verified")
    assert received["headers"]["content-length"] == str(size)
    digest = urlsafe_b64encode(hashlib.sha256(body).digest()).rstrip(b"=").decode()
    assert received["claims"]["bod"] == f"sha-256:{digest}"
    assert eventually(lambda: [line["status"] for line in _judged(town)] == [200])


def test_an_agent_who_was_sent_away_meanwhile_settles_nothing(town: Office) -> None:
    reference = contest(town.parent(), text="x")
    agent = town.agent()
    page = agent.visit(f"/_gateway/agents/dispute?reference={reference}")
    (token,) = {form.fields["token"] for form in page.forms if "reference" in form.fields}
    body = urlencode({"token": token, "reference": reference, "outcome": "settled"}).encode()
    raw = _held(town.world, agent, "/_gateway/agents/settle", body, FORM)
    town.world.clock.ahead_s += 5 * HOUR_S
    _finish(raw, body)
    assert [act for act in town.acts() if act["action"] == "settle"] == []


def test_an_agent_who_takes_a_moment_settles(town: Office) -> None:
    reference = contest(town.parent(), text="x")
    agent = town.agent()
    assert town.settle(agent, reference, "settled").status == 200
    assert [act["action"] for act in town.acts() if act["action"] == "settle"] == ["settle"]


@pytest.mark.usefixtures("lane")
def test_a_body_that_outgrows_what_is_signed_while_it_takes_its_time_is_passed_on_whole(tmp_path: Path) -> None:
    first, second = b"a" * 900_000, b"b" * 900_000
    with gateway_at(tmp_path) as fronted, fronted.raw() as raw:
        head = b"POST /app/ HTTP/1.1\r\nHost: HOST\r\n" + fronted.signed_in
        fronted.ask(head.replace(b"POST", b"GET") + b"\r\n\r\n")
        fronted.forget()
        raw.send(fronted.fill(head) + b"\r\nTransfer-Encoding: chunked\r\n\r\n")
        raw.send(b"%x\r\n%b\r\n" % (len(first), first))
        assert not eventually(raw.is_closed, 1.0)
        raw.send(b"%x\r\n%b\r\n0\r\n\r\n" % (len(second), second))
        assert raw.answer("POST").status == 200
        (seen,) = fronted.canary.seen
        assert seen.body == first + second
