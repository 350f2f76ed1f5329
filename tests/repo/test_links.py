"""Links between the pages lead somewhere, and every page can be found from README."""

import re
from pathlib import Path

import pytest

from tests.world import ROOT

_PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "bench").glob("*.md")])
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def _text(page: Path) -> str:
    """Without what stands in blocks of code."""
    return re.sub(r"^( *)```.*?^\1```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


def _links(page: Path) -> list[tuple[Path, str]]:
    """The files of this repository that a page names, each with its anchor."""
    own = [each for each in _LINK.findall(_text(page)) if "://" not in each and not each.startswith("mailto:")]
    parts = [each.partition("#") for each in own]
    return [((page.parent / path).resolve() if path else page, anchor) for path, _, anchor in parts]


def _anchors(page: Path) -> set[str]:
    """As GitHub and most others make them of headings."""
    headings = re.findall(r"^#+ (.+)$", _text(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_each_link_of_a_page_leads_somewhere(page: Path) -> None:
    for target, anchor in _links(page):
        assert target.exists(), f"{page.name} names {target}"
        assert not anchor or anchor in _anchors(target), f"{page.name} names #{anchor} of {target.name}"


@pytest.mark.parametrize("index", ["README.md", "docs/README.md"])
def test_every_page_of_the_documentation_is_in_both_indexes(index: str) -> None:
    named = {target for target, _ in _links(ROOT / index)}
    missing = [each.name for each in (ROOT / "docs").glob("*.md") if each.name != "README.md" and each not in named]
    assert missing == []
    assert ROOT / "docs" / "decisions" in named
