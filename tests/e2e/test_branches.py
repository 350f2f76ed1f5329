"""Every branch of the journey in a real Chromium, 320 pixels and desktop, JavaScript off and on.

`make test` takes each branch in one of the four looks, in turn; `make verify` takes the others.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus, urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from gateway.core.model import HouseholdStatus
from gateway.sandbox.identities import MATCHING, PARENT, identities
from tests.e2e.branches import BRANCHES, Branch
from tests.e2e.chromium import NEEDS_CHROMIUM
from tests.e2e.driving import press, pressable, rows, sign_in
from tests.e2e.town import Town, town

pytestmark = NEEDS_CHROMIUM

STATUS, VALUE = "X-Caf-Statut", "X-Caf-Quotient"


@dataclass(frozen=True, slots=True)
class Look:
    width: int
    script: bool

    def __str__(self) -> str:
        return f"{self.width} px, JavaScript {'on' if self.script else 'off'}"


LOOKS = tuple(Look(width, script) for width in (320, 1280) for script in (False, True))


@pytest.fixture(scope="module")
def towns(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[bool, Town]]:
    """Two of them; under True the one where CAF may be asked once a minute."""
    with (
        town(tmp_path_factory.mktemp("town")) as usual,
        town(tmp_path_factory.mktemp("crowd"), quotas="franceconnect_per_minute: 1") as crowd,
    ):
        yield {False: usual, True: crowd}


def cases() -> Iterator[Any]:
    for number, branch in enumerate(BRANCHES):
        for turn, look in enumerate(LOOKS):
            slow = [] if turn == number % len(LOOKS) else [pytest.mark.slow]
            yield pytest.param(branch, look, id=f"{branch.name}: {look}", marks=slow)


@dataclass
class Recorded:
    """A browser of its own whose every exchange with the gateway is written down."""

    browser: Browser
    look: Look
    file: Path

    def __enter__(self) -> Page:
        self.context = self.browser.new_context(
            java_script_enabled=self.look.script,
            viewport={"width": self.look.width, "height": 800},
            locale="fr-FR",
            record_har_path=self.file,
            record_har_content="embed",
        )
        self.context.set_default_timeout(15_000)
        return self.context.new_page()

    def __exit__(self, *_: object) -> None:
        self.context.close()

    def _entries(self) -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = json.loads(self.file.read_text(encoding="utf-8"))["log"]["entries"]
        return entries

    def logins(self) -> set[str]:
        """The identities chosen at FranceConnect."""
        posted = [each["request"].get("postData", {}).get("text", "") for each in self._entries()]
        return {unquote_plus(text.partition("=")[2]) for text in posted if text.startswith("login=")}

    def seen_of(self, url: str) -> list[str]:
        """Every page of that site and the headers of its answers, as they came."""
        ours = [each["response"] for each in self._entries() if each["request"]["url"].startswith(url)]
        return [
            text
            for answer in ours
            if "font" not in answer["content"].get("mimeType", "")
            for text in (answer["content"].get("text", ""), json.dumps(answer["headers"], ensure_ascii=False))
        ]


def fits(page: Page) -> None:
    assert page.evaluate("document.documentElement.scrollWidth") <= page.evaluate("window.innerWidth"), page.url


@pytest.mark.parametrize(("branch", "look"), list(cases()))
def test_a_branch_is_told_and_can_be_gone_on_from(
    towns: dict[bool, Town], browser: Browser, tmp_path: Path, branch: Branch, look: Look
) -> None:
    here = towns[branch.crowd]
    here.afresh()
    recorded = Recorded(browser, look, tmp_path / "all.har")
    with recorded as page:
        _walk(here, page, branch)
    assert _names_of_others(here, recorded) == set()


def _walk(here: Town, page: Page, branch: Branch) -> None:
    branch.act(here, page)
    expect(page.get_by_role("heading", level=1)).to_have_text(branch.title)
    for words in branch.says:
        expect(page.get_by_text(words).first).to_be_visible()
    fits(page)
    if not branch.late:
        _is_told(here, page, branch)
    if branch.action:
        expect(pressable(page, branch.action)).to_be_visible()
        press(page, branch.action)
        page.get_by_role("heading", level=1).wait_for()
    if branch.arrives:
        assert urlsplit(page.url).path == branch.arrives
        assert not page.get_by_role("heading", name="Formulaire expiré").count()
    if branch.after is not None:
        branch.after(here, page)
    if branch.late:
        _is_told(here, page, branch)


def _is_told(here: Town, page: Page, branch: Branch) -> None:
    """The same browser opens a page of the application, which shows what it received."""
    if branch.told is None:
        return
    path, status = branch.told
    own = page.context.new_page()
    own.goto(here.url + path)
    told = rows(own)
    own.close()
    assert (told.get(STATUS, ""), told.get(VALUE, "")) == (status, branch.value)


def test_each_status_of_the_closed_list_is_caused_by_an_act() -> None:
    caused = {branch.told[1] for branch in BRANCHES if branch.told} - {""}
    assert caused == set(HouseholdStatus)


def test_each_branch_has_a_name_of_its_own() -> None:
    assert len({branch.name for branch in BRANCHES}) == len(BRANCHES)


# --- the spouse, the children


def _words(text: str) -> set[str]:
    return {word.upper() for word in re.findall(r"[^\W\d_]+", text)}


def _in_files() -> frozenset[str]:
    """Every name in the files that CAF and MSA hold."""
    found: set[str] = set()
    for name in ("v3_france_connect", "v3_identite", "v2_composition", "v1_numero", "eaje_france_connect"):
        text = (files("gateway.sandbox") / "data" / f"{name}.json").read_text(encoding="utf-8")
        for value in re.findall(r'"(?:nom_naissance|nom_usage|prenoms|nomPrenom)": "([^"]+)"', text):
            found |= _words(value)
    return frozenset(found - {"CNAF"})  # a name in the public test set, and the fund's own


IN_FILES = _in_files()


def _own(here: Town, logins: set[str]) -> set[str]:
    """The names of who signed in, which they may read."""
    alter = here.world.franceconnect.faults.userinfo or (lambda usual: usual)
    claims = [alter(dict(identities()[login].claims)) for login in logins]
    return {word for each in claims for name in ("family_name", "given_name", "preferred_username") for word in _words(str(each.get(name, "")))}  # fmt: skip


def _names_of_others(here: Town, recorded: Recorded) -> set[str]:
    """Names of CAF's and MSA's files, but for those of who signed in, on pages, in answers, and at the application."""
    seen = recorded.seen_of(here.url) + here.received.headers
    assert len(seen) >= 2
    # Agents and the crowd: Angela DUBOIS stands in the line, or has contested.
    own = _own(here, recorded.logins() | {MATCHING})
    return {word for text in seen for word in _words(text) & IN_FILES} - own


def test_the_names_looked_for_are_seen_where_a_policy_injects_them(
    towns: dict[bool, Town], browser: Browser, tmp_path: Path
) -> None:
    """Else their absence would prove nothing."""
    here = towns[False]
    here.afresh()
    recorded = Recorded(browser, LOOKS[0], tmp_path / "all.har")
    with recorded as page:
        sign_in(here, page, "/famille/", PARENT)
        press(page, "Continuer")
        rows(page)
    assert {"ROBERT", "HENRY"} <= _names_of_others(here, recorded)
    pages = {word for text in recorded.seen_of(here.url) for word in _words(text)}
    headers = {word for text in here.received.headers for word in _words(text)}
    assert {"PIERRE", "ROBERT", "HENRY"} <= pages & headers
