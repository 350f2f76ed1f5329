"""Who looks at the answer: a person, or a program."""

import pytest

from gateway.core.http1.request import read_request
from gateway.web.http import snapshot_of

HTML, ANY, DATA = (
    (b"accept", b"text/html,application/xhtml+xml,*/*;q=0.8"),
    (b"accept", b"*/*"),
    (b"accept", b"application/json"),
)


@pytest.mark.parametrize(
    ("method", "headers", "person"),
    [
        pytest.param("GET", [HTML], True, id="a browser"),
        pytest.param("GET", [HTML, (b"sec-fetch-mode", b"navigate")], True, id="a recent browser"),
        pytest.param("POST", [HTML], True, id="a form"),
        pytest.param("GET", [ANY], True, id="curl"),
        pytest.param("GET", [], True, id="nothing said"),
        pytest.param("GET", [ANY, (b"sec-fetch-mode", b"cors")], False, id="fetch"),
        pytest.param("GET", [HTML, (b"sec-fetch-mode", b"no-cors")], False, id="an image"),
        pytest.param("GET", [HTML, (b"x-requested-with", b"XMLHttpRequest")], False, id="an old script"),
        pytest.param("GET", [DATA], False, id="a program"),
        pytest.param("POST", [ANY], False, id="a program that posts"),
        pytest.param("DELETE", [HTML], False, id="a method that no page has"),
    ],
)
def test_a_person_gets_a_page_and_a_program_a_problem(
    method: str, headers: list[tuple[bytes, bytes]], person: bool
) -> None:
    lines = [f"{method} / HTTP/1.1".encode(), b"Host: ville.example", *(b"%b: %b" % header for header in headers)]
    snapshot = snapshot_of(read_request(b"\r\n".join(lines)), "127.0.0.1")
    assert snapshot.is_navigation is person
