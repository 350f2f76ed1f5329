"""Every page of ours, in a real Chromium: accessible, valid, light, alone.

One look of each page here; `PAGES=full` (in `make verify`) takes light and dark, narrow and wide, both languages,
twice the size of the text, wider spacing, and the keyboard alone.
"""

import gzip
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Response

from gateway.core.colours import contrast
from tests.e2e.chromium import NEEDS_CHROMIUM, started
from tests.e2e.judges import axe, installed, invalid_html
from tests.e2e.pages import PAGES, Place, sites, typed_wrongly
from tests.world import World

pytestmark = [
    *NEEDS_CHROMIUM,
    pytest.mark.skipif(not installed() and not os.environ.get("CI"), reason="NOT TESTED: npm ci in tests/pages_tools"),
]

FULL = os.environ.get("PAGES") == "full"

COMPRESSED_BYTES = 30 * 1024

# WCAG 1.4.12, as a person's own style sheet would set it.
SPACING = "* { line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important } p { margin-bottom: 2em !important }"
TWICE = "html { font-size: 200% !important }"


@dataclass(frozen=True)
class Look:
    scheme: str = "light"
    size: tuple[int, int] = (320, 640)
    language: str = "fr-FR"
    sheet: str = ""
    forced: bool = False

    def __str__(self) -> str:
        extra = {TWICE: " twice the text", SPACING: " spaced"}.get(self.sheet, "") + (
            " forced colours" if self.forced else ""
        )
        return f"{self.scheme} {self.size[0]} {self.language}{extra}"


USUAL = Look()

LOOKS = (
    [
        Look(scheme, size, language)
        for scheme in ("light", "dark")
        for size in ((320, 640), (1280, 900))
        for language in ("fr-FR", "en-GB")
    ]
    + [
        Look(sheet=TWICE, size=(640, 480)),
        Look(sheet=SPACING),
        Look(sheet=SPACING, size=(1280, 900)),
        Look("dark", forced=True),
    ]
    if FULL
    else [USUAL]
)


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[bool, World]]:
    with sites(tmp_path_factory.mktemp("worlds")) as started_worlds:
        yield started_worlds


@pytest.fixture(scope="module")
def world(worlds: dict[bool, World]) -> World:
    return worlds[False]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with started() as chromium:
        yield chromium


@dataclass
class Visit:
    html: str = ""
    status: int = 0
    title: str = ""
    language: str = ""
    said: list[str] = field(default_factory=list)
    requested: list[str] = field(default_factory=list)
    loaded: dict[str, bytes] = field(default_factory=dict)
    """The page and what it needs, as they came."""


def context_of(browser: Browser, look: Look, *, script: bool = True) -> BrowserContext:
    """With `script`, a judge can run in the page; the page itself has none, and its policy lets none run."""
    context = browser.new_context(
        java_script_enabled=script,
        viewport={"width": look.size[0], "height": look.size[1]},
        color_scheme=look.scheme,  # type: ignore[arg-type]
        locale=look.language,
        forced_colors="active" if look.forced else None,
    )
    context.set_default_timeout(15_000)
    return context


def arrive(worlds: dict[bool, World], page: Page, place: Place, look: Look) -> None:
    place.way(worlds[place.office], page)
    if look.sheet:
        # Constructed sheets are no inline style: the page's own policy lets a person's styles through.
        page.evaluate(
            "text => { const own = new CSSStyleSheet(); own.replaceSync(text); document.adoptedStyleSheets = [own] }",
            look.sheet,
        )


@pytest.fixture(scope="module")
def visit(worlds: dict[bool, World], browser: Browser) -> Callable[[Place], Visit]:
    @cache
    def visited(place: Place) -> Visit:
        context = context_of(browser, USUAL, script=False)
        page = context.new_page()
        done = Visit()
        page.on("console", lambda message: done.said.append(message.text))
        answers: list[Response] = []
        page.on("response", lambda answer: answers.append(answer))
        place.way(worlds[place.office], page)
        page.wait_for_load_state("networkidle")
        last = max(number for number, answer in enumerate(answers) if answer.request.is_navigation_request())
        done.html, done.status = answers[last].text(), answers[last].status
        done.title, done.language = page.title(), page.locator("html").get_attribute("lang") or ""
        done.requested = [answer.url for answer in answers[last:]]
        done.loaded = {answer.url: answer.body() for answer in answers[last:]}
        context.close()
        return done

    return visited


def each(place: Place) -> str:
    return place.name


@pytest.mark.parametrize("look", LOOKS, ids=str)
@pytest.mark.parametrize("place", PAGES, ids=each)
def test_axe_finds_nothing(worlds: dict[bool, World], browser: Browser, place: Place, look: Look) -> None:
    context = context_of(browser, look)
    page = context.new_page()
    arrive(worlds, page, place, look)
    # Forced colours are the person's own: axe would judge the page's, which are not shown.
    found = axe(page, without=["color-contrast"] if look.forced else [])
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    context.close()
    assert found == [], "\n".join(found)
    assert wide <= 0, f"{wide} px do not fit"


@pytest.mark.parametrize("place", PAGES, ids=each)
def test_a_page_is_valid_html(visit: Callable[[Place], Visit], place: Place, tmp_path: Path) -> None:
    file = tmp_path / f"{place.name}.html"
    file.write_text(visit(place).html, encoding="utf-8")
    found = invalid_html([file])
    assert found == [], "\n".join(found)


@pytest.mark.parametrize("place", PAGES, ids=each)
def test_a_page_loads_nothing_from_elsewhere_and_breaks_no_rule_of_its_own(
    visit: Callable[[Place], Visit], worlds: dict[bool, World], place: Place
) -> None:
    seen = visit(place)
    assert {urlsplit(url).netloc for url in seen.requested if not url.startswith("data:")} == {
        urlsplit(worlds[place.office].url).netloc
    }
    assert [line for line in seen.said if "Content Security Policy" in line] == []
    assert seen.status == place.answers
    assert seen.language == "fr"


@pytest.mark.parametrize("place", PAGES, ids=each)
def test_a_page_with_all_it_needs_is_under_30_kilobytes_compressed(
    visit: Callable[[Place], Visit], place: Place
) -> None:
    parts = {
        url: len(gzip.compress(body, 6)) for url, body in visit(place).loaded.items() if not url.startswith("data:")
    }
    assert sum(parts.values()) <= COMPRESSED_BYTES, parts


def test_every_page_has_a_title_of_its_own(visit: Callable[[Place], Visit]) -> None:
    titles = {place.name: visit(place).title for place in PAGES}
    same = [name for name, title in titles.items() if list(titles.values()).count(title) > 1]
    # The same page for different policies, or before and after something was typed.
    assert set(same) <= {
        "login-identity",
        "login-caf",
        "login-caf-much",
        "login-alone",
        "login-provider-down",
        "login-not-completed",
        "callback-failed",
        "review",
        "review-nursery",
        "notice-bracket",
        "notice-nursery",
        "alternative-mismatch",
        "alternative-nursery",
        "my-data-full",
        "my-data-empty",
    }


@pytest.mark.parametrize("place", PAGES if FULL else PAGES[:1], ids=each)
def test_the_keyboard_alone_reaches_everything_in_order_and_shows_where_it_is(
    worlds: dict[bool, World], browser: Browser, place: Place
) -> None:
    context = context_of(browser, Look(size=(1280, 900)))
    page = context.new_page()
    place.way(worlds[place.office], page)
    pressable = "a[href], button, input:not([type=hidden]), select, textarea, summary"
    count = page.locator(pressable).count()
    reached = []
    for _ in range(count):
        page.keyboard.press("Tab")
        reached.append(
            page.evaluate(
                "selector => { const all = [...document.querySelectorAll(selector)], at = document.activeElement,"
                " style = getComputedStyle(at); return [all.indexOf(at), style.outlineStyle, parseFloat(style.outlineWidth)] }",
                pressable,
            )
        )
    context.close()
    assert [number for number, _, _ in reached] == list(range(count))
    assert all(style != "none" and width >= 2 for _, style, width in reached), reached


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_official_button_keeps_its_own_colours_and_letters(world: World, browser: Browser, scheme: str) -> None:
    context = context_of(browser, Look(scheme))
    page = context.new_page()
    page.goto(world.url + "/_gateway/login?return_to=/cantine/")
    background, colour, family, height = page.locator("button.fr-connect").evaluate(
        "button => { const style = getComputedStyle(button);"
        " return [style.backgroundColor, style.color, style.fontFamily, button.offsetHeight] }"
    )
    loaded = page.evaluate("document.fonts.check('16px Marianne-connect')")
    context.close()
    assert (background, colour) == ("rgb(0, 0, 145)", "rgb(245, 245, 254)")
    assert contrast("#000091", "#f5f5fe") > 13
    assert family.startswith("Marianne-connect")
    assert loaded
    assert height >= 50


def test_the_skip_link_leads_to_the_content(world: World, browser: Browser) -> None:
    context = context_of(browser, USUAL)
    page = context.new_page()
    page.goto(world.url + "/_gateway/login?return_to=/cantine/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "contenu"
    context.close()


def test_what_is_wrong_with_a_field_stands_between_its_format_and_the_field(world: World, browser: Browser) -> None:
    context = context_of(browser, USUAL)
    page = context.new_page()
    typed_wrongly(world, page)
    for name in ("number", "postal_code"):
        boxes = [page.locator(f"#{each}").bounding_box() for each in (f"{name}-format", f"{name}-erreur", name)]
        ends = [(box["y"], box["y"] + box["height"]) for box in boxes if box is not None]
        assert len(ends) == 3
        assert all(end <= begin + 1 for (_, end), (begin, _) in pairwise(ends)), ends
    context.close()
