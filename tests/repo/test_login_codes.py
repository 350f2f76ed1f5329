"""docs/login.md says each code of a login or of a form that waits."""

import re

import pytest

from gateway.core.decision import Reason
from tests.world import ROOT

_MODULES = ("callback", "login", "loops", "kept_forms", "resume")
_SAID = re.compile(
    r'(?:code="|code = "|LoginFailed\("|return "(?=form_)|_unknown\([^)]*, ")([a-z_]+)"|, "(login_loop)"'
)
_ELSEWHERE = {"provider_unknown", "login_attempts"}
"""An internal contradiction; and what docs/operations.md tells."""


def _codes() -> set[str]:
    sources = [(ROOT / "gateway" / "web" / f"{name}.py").read_text(encoding="utf-8") for name in _MODULES]
    return {one or other for source in sources for one, other in _SAID.findall(source)} - _ELSEWHERE


@pytest.mark.parametrize("code", sorted(_codes()))
def test_a_code_of_a_login_is_in_the_page(code: str) -> None:
    assert f"`{code}`" in (ROOT / "docs" / "login.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("reason", [Reason.ACR_TOO_LOW, Reason.PROVIDER_NOT_ACCEPTED, Reason.SCOPES_MISSING])
def test_a_login_in_vain_is_in_the_page(reason: Reason) -> None:
    assert f"`login_in_vain_{reason}`" in (ROOT / "docs" / "login.md").read_text(encoding="utf-8")


def test_the_codes_are_found_where_they_are_said() -> None:
    found = {
        "login_cookie_missing",
        "state_unknown",
        "cookies_refused",
        "login_loop",
        "handoff_unknown",
        "login_ended_meanwhile",
    }
    assert (
        found | {"form_too_large", "form_from_elsewhere", "form_type", "forms_too_many", "form_gone", "form_person"}
        == _codes()
    )
