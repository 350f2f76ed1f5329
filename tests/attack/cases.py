"""One attack beside its legal twin, and what must hold of each."""

from dataclasses import dataclass

import pytest

from tests.fronted import Fronted
from tests.wire import Answered, Raw

START = b"GET /pub/ HTTP/1.1\r\n"
HOST = b"Host: HOST\r\nAccept: application/json\r\n"
SMUGGLED = b"GET /pub/smuggled HTTP/1.1\r\nHost: HOST\r\n\r\n"
"""Follows every attack: whoever takes the attack's end for elsewhere serves it."""


@dataclass(frozen=True)
class Case:
    name: str
    attack: bytes
    twin: bytes
    status: int | tuple[int, ...] = 400
    tail: bytes = SMUGGLED


def get(*fields: bytes, start: bytes = START, host: bytes = HOST) -> bytes:
    return start + host + b"".join(each + b"\r\n" for each in fields) + b"\r\n"


def post(body: bytes, *fields: bytes, path: bytes = b"/pub/") -> bytes:
    return get(*fields, start=b"POST %b HTTP/1.1\r\n" % path) + body


def each(cases: list[Case]) -> pytest.MarkDecorator:
    assert len({case.name for case in cases}) == len(cases)
    return pytest.mark.parametrize("case", cases, ids=lambda case: case.name)


def is_refused(fronted: Fronted, data: bytes, status: int | tuple[int, ...] = 400) -> dict[str, object]:
    """The four promises: the status, a problem that echoes nothing, the close, one coded line and nothing upstream."""
    with fronted.raw() as raw:
        raw.send(fronted.fill(data))
        answer = raw.answer()
        problem = is_a_problem(answer, (status,) if isinstance(status, int) else status)
        assert answer.values("connection") == [b"close"]
        assert raw.is_closed(), "the gateway answered and did not close"
    lines = fronted.logged("rejected")
    assert [(line["code"], line["reference"]) for line in lines] == [(problem["code"], problem["reference"])]
    fronted.nothing_was_forwarded()
    return problem


def is_a_problem(answer: Answered, statuses: tuple[int, ...]) -> dict[str, object]:
    """RFC 9457, in our own words only."""
    assert answer.status in statuses, (answer.status, answer.body[:300])
    assert answer.values("content-type") == [b"application/problem+json"]
    problem = answer.problem
    assert set(problem) <= {"type", "title", "status", "code", "reference"}
    assert problem["status"] == answer.status
    assert problem["code"]
    assert problem["reference"]
    return problem


def is_served(fronted: Fronted, data: bytes, method: str = "GET") -> Answered:
    """Answered, and forwarded as exactly one request."""
    with fronted.raw() as raw:
        return is_served_on(raw, fronted, data, method)


def is_served_on(raw: Raw, fronted: Fronted, data: bytes, method: str = "GET") -> Answered:
    before = len(fronted.canary.seen)
    answer = raw.send(fronted.fill(data)).answer(method)
    assert answer.status == 200, (answer.status, answer.body[:300])
    assert not fronted.logged("rejected")
    assert len(fronted.canary.seen) == before + 1
    assert not fronted.canary.mangled
    return answer
