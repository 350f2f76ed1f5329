"""Every page of ours, in a real Chromium: accessible, valid, light, alone.

One look of each page here; `PAGES=full` (in `make verify`) takes light and dark, narrow and wide, both languages,
twice the size of the text, wider spacing, forced colours, paper, and the keyboard alone. The way to a page is gone
once in each language, and every look is then taken of that one page.
"""

import gzip
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
    # The full matrix is asked for by name: it fails without its judges, and is never green because it was left out.
    pytest.mark.skipif(
        not installed() and not os.environ.get("CI") and os.environ.get("PAGES") != "full",
        reason="NOT TESTED: npm ci in tests/pages_tools",
    ),
]

FULL = os.environ.get("PAGES") == "full"

LANGUAGES = ("fr-FR", "en-GB") if FULL else ("fr-FR",)

COMPRESSED_BYTES = 30 * 1024

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


@contextmanager
def arrived(
    worlds: dict[bool, World],
    browser: Browser,
    place: Place,
    language: str = "fr-FR",
    size: tuple[int, int] = (320, 640),
) -> Iterator[Page]:
    """At the place for good: a press may only begin a chain of redirects, and a page that renews itself must stay."""
    context = context_of(browser, Look(size=size), language=language)
    page = context.new_page()
    statuses: list[int] = []
    page.on("response", lambda answer: statuses.append(answer.status) if _is_page(answer) else None)
    place.way(worlds[place.office], page)
    origin = worlds[place.office].url
    page.wait_for_url(lambda url: url.startswith(origin))
    page.locator("main#contenu").wait_for()
    page.wait_for_load_state("networkidle")
    assert statuses[-1] == place.answers, (page.url, statuses)
    page.route(
        "**/*", lambda route: route.abort("aborted") if route.request.is_navigation_request() else route.continue_()
    )
    yield page
    context.close()


def _is_page(answer: Response) -> bool:
    return answer.request.is_navigation_request()


def put_on(page: Page, look: Look) -> None:
    page.set_viewport_size({"width": look.size[0], "height": look.size[1]})
    page.emulate_media(color_scheme=look.scheme, forced_colors="active" if look.forced else "none")  # type: ignore[arg-type]
    # Constructed sheets are no inline style: the page's own policy lets a person's styles through.
    page.evaluate(
        "text => { const own = new CSSStyleSheet(); own.replaceSync(text); document.adoptedStyleSheets = [own] }",
        look.sheet,
    )


@pytest.fixture(scope="module")
def visit(worlds: dict[bool, World], browser: Browser) -> Callable[[Place], Visit]:
    @cache
    def visited(place: Place) -> Visit:
        context = context_of(browser, script=False)
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


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("place", PAGES, ids=each)
def test_axe_finds_nothing_in_any_look(
    worlds: dict[bool, World], browser: Browser, place: Place, language: str
) -> None:
    found: list[str] = []
    with arrived(worlds, browser, place, language) as page:
        assert page.locator("html").get_attribute("lang") == language[:2]
        for look in LOOKS:
            put_on(page, look)
            # Forced colours are the person's own: axe would judge the page's, which are not shown.
            said = axe(page, without=["color-contrast"] if look.forced else [])
            wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            found += [f"{look}: {line}" for line in said]
            found += [f"{look}: {wide} px do not fit"] if wide > 0 else []
    assert found == [], "\n".join(found)


CONTROLS = """() => [...document.querySelectorAll('.button, button, input:not([type=hidden]), textarea, select')].map(at => {
  at.focus();
  const style = getComputedStyle(at), box = at.getBoundingClientRect();
  const ground = [...function* () { for (let up = at.parentElement; up; up = up.parentElement) yield up }()]
    .map(up => getComputedStyle(up).backgroundColor).find(colour => !/, 0\\)$/.test(colour));
  return {
    what: at.outerHTML.slice(0, 120), width: box.width, height: box.height,
    drawn: ['checkbox', 'radio'].includes(at.type) || !!at.querySelector('img')
      || style.borderTopStyle !== 'none' && parseFloat(style.borderTopWidth) >= 1 && style.borderTopColor !== ground,
    outlined: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2 && style.outlineColor !== ground,
  };
})"""


@pytest.mark.parametrize("place", PAGES, ids=each)
def test_forced_colours_and_paper_lose_nothing(worlds: dict[bool, World], browser: Browser, place: Place) -> None:
    with arrived(worlds, browser, place) as page:
        read = page.locator("main").inner_text()
        page.keyboard.press("Tab")
        page.emulate_media(forced_colors="active", color_scheme="dark")
        lost = [
            each
            for each in page.evaluate(CONTROLS)
            if not (each["drawn"] and each["outlined"] and each["height"] >= 20)
        ]
        assert lost == []
        assert page.locator("main").inner_text() == read
        page.emulate_media(forced_colors="none", color_scheme="dark", media="print")
        assert page.locator("main").inner_text() == read
        # A browser may print with the colours of its dark window: letters stay dark on white paper.
        colours = page.evaluate(
            "[...document.querySelectorAll('main, main p, main dd, main h1')].map(at => getComputedStyle(at).color)"
        )
        light = [each for each in colours if contrast(_hex(each), "#ffffff") < 4.5]
        assert light == []


def _hex(colour: str) -> str:
    """`rgb(28, 35, 41)` → `#1c2329`."""
    return "#" + "".join(f"{int(each):02x}" for each in re.findall(r"[0-9]+", colour)[:3])


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
        "waiting",
        "waiting-by-hand",
    }


STOPS = """[...document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea, summary')].filter(
  at => at.type !== 'radio' || at === (document.querySelector(`[name="${at.name}"]:checked`) || document.querySelector(`[name="${at.name}"]`))
)"""
"""Where Tab stops: at one of the radios of one name, whose others the arrows reach."""

REACHED = f"""() => {{
  const at = document.activeElement, style = getComputedStyle(at);
  return [{STOPS}.indexOf(at), style.outlineStyle, parseFloat(style.outlineWidth)];
}}"""


@pytest.mark.parametrize("place", PAGES if FULL else PAGES[:1], ids=each)
def test_the_keyboard_alone_reaches_everything_in_order_and_shows_where_it_is(
    worlds: dict[bool, World], browser: Browser, place: Place
) -> None:
    with arrived(worlds, browser, place, size=(1280, 900)) as page:
        count = page.evaluate(f"({STOPS}).length")
        page.keyboard.press("Tab")
        if page.evaluate(f"{STOPS}.indexOf(document.activeElement)") != 0:
            # An error has the focus: back to the top of the page, with keys as well.
            page.locator("a.skip").focus()
            page.keyboard.press("Tab")
            page.keyboard.press("Shift+Tab")
        reached = [page.evaluate(REACHED)]
        for _ in range(count - 1):
            page.keyboard.press("Tab")
            reached.append(page.evaluate(REACHED))
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
    context = context_of(browser)
    page = context.new_page()
    page.goto(world.url + "/_gateway/login?return_to=/cantine/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "contenu"
    context.close()


def test_what_is_wrong_with_a_field_stands_between_its_format_and_the_field(world: World, browser: Browser) -> None:
    context = context_of(browser)
    page = context.new_page()
    typed_wrongly(world, page)
    for name in ("number", "postal_code"):
        boxes = [page.locator(f"#{each}").bounding_box() for each in (f"{name}-format", f"{name}-erreur", name)]
        ends = [(box["y"], box["y"] + box["height"]) for box in boxes if box is not None]
        assert len(ends) == 3
        assert all(end <= begin + 1 for (_, end), (begin, _) in pairwise(ends)), ends
    context.close()


def test_an_error_takes_the_focus_to_its_summary_and_each_line_of_it_to_its_field(
    world: World, browser: Browser
) -> None:
    context = context_of(browser)
    page = context.new_page()
    typed_wrongly(world, page)
    summary = page.locator("div.error")
    summary.wait_for()
    page.wait_for_function("document.activeElement.matches('div.error')")
    assert page.title().startswith("Erreur")
    for name in ("number", "postal_code"):
        summary.locator(f'a[href="#{name}"]').press("Enter")
        assert page.evaluate("document.activeElement.id") == name
        assert page.locator(f"#{name}").get_attribute("aria-describedby") == f"{name}-format {name}-erreur"
        assert page.locator(f"#{name}").get_attribute("aria-invalid") == "true"
    context.close()
