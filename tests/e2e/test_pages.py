"""Every page of ours, in a real Chromium: accessible, whole in every look, reached with keys alone.

One look of each page here; `PAGES=full` (in `make verify`) takes light and dark, narrow and wide, both languages,
twice the size of the text, wider spacing, forced colours, paper, and the keyboard alone. The way to a page is gone
once in each language, and every look is then taken of that one page.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise

import pytest
from playwright.sync_api import Browser, Page, Response

from gateway.core.colours import contrast
from tests.e2e.judges import axe
from tests.e2e.looks import FULL, JUDGED, LOOKS, Look, context_of
from tests.e2e.pages import PAGES, Place, typed_wrongly
from tests.world import World

pytestmark = JUDGED

LANGUAGES = ("fr-FR", "en-GB") if FULL else ("fr-FR",)


@pytest.fixture(scope="module")
def world(worlds: dict[bool, World]) -> World:
    return worlds[False]


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


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("place", PAGES, ids=str)
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


@pytest.mark.parametrize("place", PAGES, ids=str)
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


STOPS = """[...document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea, summary')].filter(
  at => at.type !== 'radio' || at === (document.querySelector(`[name="${at.name}"]:checked`) || document.querySelector(`[name="${at.name}"]`))
)"""
"""Where Tab stops: at one of the radios of one name, whose others the arrows reach."""

REACHED = f"""() => {{
  const at = document.activeElement, style = getComputedStyle(at);
  return [{STOPS}.indexOf(at), style.outlineStyle, parseFloat(style.outlineWidth)];
}}"""


@pytest.mark.parametrize("place", PAGES if FULL else PAGES[:1], ids=str)
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
