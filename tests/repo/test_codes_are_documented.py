"""Each code that the gateway can say is in a page of docs/, and docs/errors.md names none that is not said."""

import ast
import re

import pytest

from gateway.core.decision import Reason
from tests.world import ROOT

_RAISERS = {"RequestRejected": 0, "LoginFailed": 0, "ValueRefused": 0, "DependencyFailed": 1, "Malformed": 0}
_CODE = re.compile(r"[a-z]+(?:_[a-z0-9]+)+")
_PAGES = sorted((ROOT / "docs").glob("*.md"))
_SOURCES = [path for path in sorted((ROOT / "gateway").rglob("*.py")) if "sandbox" not in path.parts]


def _constants(node: ast.expr) -> list[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node.value]
    return _constants(node.body) + _constants(node.orelse) if isinstance(node, ast.IfExp) else []


def _said(call: ast.Call) -> list[str]:
    name = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
    place = _RAISERS.get(name, len(call.args))
    found = [code for argument in call.args[place : place + 1] for code in _constants(argument)]
    return found + [code for each in call.keywords if each.arg == "code" for code in _constants(each.value)]


def _codes() -> list[str]:
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in _SOURCES]
    calls = (node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call))
    return sorted({code for call in calls for code in _said(call) if code})


@pytest.mark.parametrize("code", _codes())
def test_a_code_is_in_a_page(code: str) -> None:
    assert any(f"`{code}`" in page.read_text(encoding="utf-8") for page in _PAGES)


@pytest.mark.parametrize("reason", Reason)
def test_a_reason_of_a_decision_is_in_the_page_of_codes(reason: Reason) -> None:
    assert f"`{reason}`" in (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")


def test_the_codes_are_found_where_they_are_raised() -> None:
    some = {"host_unknown", "path_no_slash", "claim_malformed", "provider_timeout", "value_empty", "status_line"}
    assert some <= set(_codes())
    assert len(_codes()) > 120


def test_the_page_of_codes_names_none_that_nothing_says() -> None:
    page = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    written = {
        code for row in rows for code in re.findall(r"`([a-z0-9_]+)`", row.split("|")[1]) if _CODE.fullmatch(code)
    }
    sources = "\n".join(path.read_text(encoding="utf-8") for path in _SOURCES)
    unknown = {code for code in written if f'"{code}"' not in sources and not _made(code, sources)}
    assert unknown == set()


def _made(code: str, sources: str) -> bool:
    """`path_semicolon` is said as `path_{each}`: its last part stands alone in the code."""
    first, _, rest = code.partition("_")
    return bool(re.search(rf'f"{first}_\{{', sources)) and f'"{rest}"' in sources
