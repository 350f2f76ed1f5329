"""docs/http.md says each code that a client can be refused with."""

import re

import pytest

from tests.world import ROOT

_READERS = (
    *(f"core/http1/{name}.py" for name in ("request", "fields", "chunked")),
    *(f"web/server/{name}.py" for name in ("connection", "front")),
    *(f"web/{name}.py" for name in ("websocket", "bodies", "forward_auth")),
)
_RAISED = re.compile(r'(?:Malformed|RequestRejected|refuse)\((?:\*\()?\(?"([a-z0-9_]+)"')


def _codes() -> list[str]:
    sources = [(ROOT / "gateway" / name).read_text(encoding="utf-8") for name in _READERS]
    return sorted({code for source in sources for code in _RAISED.findall(source)})


@pytest.mark.parametrize("code", _codes())
def test_a_refusal_s_code_is_in_the_page(code: str) -> None:
    assert f"`{code}`" in (ROOT / "docs" / "http.md").read_text(encoding="utf-8")


def test_the_codes_are_found_where_they_are_raised() -> None:
    assert {"head_line_end", "host_missing", "body_timeout", "websocket_origin"} <= set(_codes())
