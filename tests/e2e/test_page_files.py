"""What each page of ours is made of, in a real Chromium: valid HTML, nothing from elsewhere, light."""

import gzip
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Response

from tests.e2e.judges import invalid_html
from tests.e2e.looks import JUDGED, context_of
from tests.e2e.pages import PAGES, Place
from tests.world import World

pytestmark = JUDGED

COMPRESSED_BYTES = 30 * 1024


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


def test_every_page_is_valid_html(visit: Callable[[Place], Visit], tmp_path: Path) -> None:
    # Together: the judge takes longer to start than to read a page.
    written = [tmp_path / f"{place.name}.html" for place in PAGES]
    for file, place in zip(written, PAGES, strict=True):
        file.write_text(visit(place).html, encoding="utf-8")
    found = invalid_html(written)
    assert found == [], "\n".join(found)


@pytest.mark.parametrize("place", PAGES, ids=str)
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


@pytest.mark.parametrize("place", PAGES, ids=str)
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
