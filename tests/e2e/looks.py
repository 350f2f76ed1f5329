"""In which looks a page of ours is judged, and the browser that shows it so."""

import os
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, BrowserContext

from tests.e2e.chromium import NEEDS_CHROMIUM
from tests.e2e.judges import installed

FULL = os.environ.get("PAGES") == "full"

JUDGED = [
    *NEEDS_CHROMIUM,
    # The full matrix is asked for by name: it fails without its judges, and is never green because it was left out.
    pytest.mark.skipif(
        not installed() and not os.environ.get("CI") and not FULL,
        reason="NOT TESTED: npm ci in tests/pages_tools",
    ),
]

# WCAG 1.4.12, as a person's own style sheet would set it.
SPACING = "* { line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important } p { margin-bottom: 2em !important }"
TWICE = "html { font-size: 200% !important }"


@dataclass(frozen=True)
class Look:
    scheme: str = "light"
    size: tuple[int, int] = (320, 640)
    sheet: str = ""
    forced: bool = False

    def __str__(self) -> str:
        extra = {TWICE: " twice the text", SPACING: " spaced"}.get(self.sheet, "") + (
            " forced colours" if self.forced else ""
        )
        return f"{self.scheme} {self.size[0]}{extra}"


USUAL = Look()

LOOKS = (
    [Look(scheme, size) for scheme in ("light", "dark") for size in ((320, 640), (1280, 900))]
    + [
        Look(sheet=TWICE, size=(640, 480)),
        Look(sheet=SPACING),
        Look(sheet=SPACING, size=(1280, 900)),
        Look("dark", forced=True),
    ]
    if FULL
    else [USUAL]
)


def context_of(browser: Browser, look: Look = USUAL, *, language: str = "fr-FR", script: bool = True) -> BrowserContext:
    """With `script`, a judge can run in the page; the page itself has none, and its policy lets none run."""
    context = browser.new_context(
        java_script_enabled=script,
        viewport={"width": look.size[0], "height": look.size[1]},
        color_scheme=look.scheme,  # type: ignore[arg-type]
        locale=language,
        # A judge must not measure a colour half way between two.
        reduced_motion="reduce",
    )
    context.set_default_timeout(15_000)
    return context
