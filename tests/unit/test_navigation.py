"""Who looks at the answer: a person, or a program."""

import pytest

from gateway.core.http1.request import read_request
from gateway.web.snapshot import snapshot_of

HTML, ANY, DATA = (
    (b"accept", b"text/html,application/xhtml+xml,*/*;q=0.8"),
    (b"accept", b"*/*"),
    (b"accept", b"application/json"),
)
NAVIGATE = (b"sec-fetch-mode", b"navigate")
_PREFLIGHT = [(b"origin", b"https://x.example"), (b"access-control-request-method", b"POST")]


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
        pytest.param("HEAD", [HTML], True, id="a link checker"),
        pytest.param("OPTIONS", [ANY, *_PREFLIGHT], False, id="a CORS preflight"),
        pytest.param("OPTIONS", [HTML, (b"sec-fetch-mode", b"navigate")], False, id="OPTIONS that claims to navigate"),
        pytest.param("GET", [HTML, NAVIGATE, (b"sec-fetch-dest", b"document")], True, id="a document"),
        pytest.param("GET", [HTML, NAVIGATE, (b"sec-fetch-dest", b"iframe")], False, id="a frame"),
        pytest.param("GET", [HTML, NAVIGATE, (b"sec-fetch-dest", b"embed")], False, id="an embedded document"),
        pytest.param("POST", [HTML, NAVIGATE, (b"sec-fetch-dest", b"iframe")], False, id="a form in a frame"),
        pytest.param("GET", [HTML, NAVIGATE, (b"x-requested-with", b"fr.ville.app")], True, id="an Android web view"),
        pytest.param("GET", [HTML, (b"x-requested-with", b"fr.ville.app")], True, id="an old Android web view"),
        pytest.param("GET", [HTML, NAVIGATE, (b"sec-purpose", b"prefetch")], False, id="a prefetch"),
        pytest.param("GET", [HTML, NAVIGATE, (b"sec-purpose", b"prefetch;prerender")], False, id="a prerender"),
        pytest.param("GET", [HTML, NAVIGATE, (b"purpose", b"prefetch")], False, id="an older prefetch"),
        pytest.param("GET", [HTML, (b"x-moz", b"prefetch")], False, id="Firefox's link prefetch"),
        pytest.param("GET", [HTML, (b"x-purpose", b"preview")], False, id="Safari's top sites"),
        pytest.param("GET", [(b"accept", b"image/png,image/*;q=0.8,*/*;q=0.5")], False, id="an old browser's image"),
        pytest.param("GET", [(b"accept", b"text/css,*/*;q=0.1")], False, id="an old browser's style sheet"),
        pytest.param("GET", [(b"accept", b"text/event-stream")], False, id="an event source"),
        pytest.param("GET", [ANY, (b"origin", b"https://x.example")], False, id="an old browser's CORS request"),
        pytest.param("GET", [ANY, (b"service-worker", b"script")], False, id="an old browser's service worker"),
        pytest.param("GET", [ANY, (b"sec-fetch-mode", b"same-origin")], False, id="a service worker"),
        pytest.param("GET", [HTML, NAVIGATE, NAVIGATE], True, id="a mode said twice, read as not said"),
        pytest.param("GET", [HTML, (b"sec-fetch-mode", b"websocket")], False, id="a mode of no page"),
    ],
)
def test_a_person_gets_a_page_and_a_program_a_problem(
    method: str, headers: list[tuple[bytes, bytes]], person: bool
) -> None:
    lines = [f"{method} / HTTP/1.1".encode(), b"Host: ville.example", *(b"%b: %b" % header for header in headers)]
    snapshot = snapshot_of(read_request(b"\r\n".join(lines)), "127.0.0.1")
    assert snapshot.is_navigation is person
