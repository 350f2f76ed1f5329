"""Who judges a page: axe-core for accessibility, html-validate for HTML. Neither is ours."""

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

TOOLS = Path(__file__).resolve().parents[1] / "pages_tools"

_AXE = TOOLS / "node_modules" / "axe-core" / "axe.min.js"

WCAG_21_AA = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]


def installed() -> bool:
    return _AXE.is_file()


def axe(page: Page, *, without: Sequence[str] = ()) -> list[str]:
    """What breaks WCAG 2.1 AA or a best practice, and what axe cannot settle, one line each: rule, element, why.

    It cannot see the ground of the official button through its logo; a test of its own measures that contrast.
    """
    if not page.evaluate("typeof axe === 'object'"):
        page.evaluate(_AXE.read_text(encoding="utf-8"))
    found: dict[str, Any] = page.evaluate(
        "([tags, without]) => axe.run(document, {runOnly: {type: 'tag', values: tags},"
        " rules: Object.fromEntries(without.map(name => [name, {enabled: false}]))})",
        [[*WCAG_21_AA, "best-practice"], list(without)],
    )
    assert found["passes"], "axe looked at nothing"
    return [
        f"{rule['id']}: {node['html'][:160]} — {node['failureSummary']}"
        for kind in ("violations", "incomplete")
        for rule in found[kind]
        for node in rule["nodes"]
        if not (kind == "incomplete" and rule["id"] == "color-contrast" and 'class="fr-connect__' in node["html"])
    ]


def invalid_html(files: Sequence[Path]) -> list[str]:
    """What html-validate refuses, one line each."""
    command = ["node", str(TOOLS / "node_modules" / "html-validate" / "bin" / "html-validate.mjs"), "--formatter", "json",
               "--config", str(TOOLS / ".htmlvalidate.json"), *map(str, files)]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=TOOLS, timeout=120)
    assert done.returncode in {0, 1}, done.stderr
    results: list[dict[str, Any]] = json.loads(done.stdout)
    return [
        f"{Path(result['filePath']).name}:{message['line']}: {message['ruleId']}: {message['message']}"
        for result in results
        for message in result["messages"]
    ]
