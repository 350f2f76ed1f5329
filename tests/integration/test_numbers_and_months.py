"""Numbers and months as their language writes them, on pages; headers and files stay plain."""

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from gateway.sandbox.identities import MATCHING, PARENT
from tests.world import World, running


@pytest.fixture
def world(tmp_path: Path, lane: None) -> Iterator[World]:
    with running(tmp_path) as started:
        yield started


def test_a_thousand_has_a_narrow_space_in_french_and_a_comma_in_english(world: World) -> None:
    parent = world.person()
    french = world.sign_in(parent, "/famille/", MATCHING).response.text
    assert "<dd>2\u202f550</dd>" in french
    english = parent.visit("/_gateway/review?return_to=/famille/&lang=en").response.text
    assert "<dd>2,550</dd>" in english


def test_a_month_and_a_fund_are_said_in_english_on_english_pages(world: World) -> None:
    parent = world.person()
    french = world.sign_in(parent, "/famille/", MATCHING).text
    assert "février 2024" in french
    english = parent.visit("/_gateway/review?return_to=/famille/&lang=en").text
    assert "February 2024" in english
    assert "février" not in english
    assert "CAF (family allowances)" in english
    mine = parent.visit("/_gateway/mes-donnees?lang=en").text
    assert "February 2024" in mine
    assert "février" not in mine


def test_what_was_sent_and_when_is_said_in_the_language_of_the_page(world: World) -> None:
    parent = world.person()
    parent.press(world.sign_in(parent, "/famille/", MATCHING), "Continuer")
    today = datetime.fromtimestamp(world.clock(), ZoneInfo("Europe/Paris"))
    for address in ("/_gateway/mes-donnees", "/_gateway/mes-donnees/imprimer"):
        french = parent.visit(f"{address}?lang=fr").text
        assert "votre quotient familial" in french
        assert f"{today.day} " in french
        assert f"{today:%d/%m/%Y}" not in french
        english = parent.visit(f"{address}?lang=en").text
        assert "your family quotient" in english
        assert "votre quotient familial" not in english
        assert f"{today.day} {today:%B %Y}" in english
    assert f"{today:%d/%m/%Y}" in parent.client.get("/_gateway/mes-donnees/copie").text


def test_an_address_is_written_as_on_an_envelope(world: World) -> None:
    review = world.sign_in(world.person(), "/famille/", MATCHING).response.text
    assert re.search(r"<li>\d{5} [A-Z]+</li>", review)


def test_what_the_application_and_a_program_read_has_no_space(world: World) -> None:
    parent = world.person()
    world.sign_in(parent, "/creche/", PARENT)
    told = parent.press(parent.visit("/_gateway/review?return_to=/creche/"), "Continuer").response.text
    assert "<td>38400</td>" in told
    assert "\u202f" not in told
    assert "\u202f" not in parent.client.get("/_gateway/mes-donnees/copie").text


def test_the_notice_writes_its_figures_in_both_languages(world: World) -> None:
    person = world.person()
    french = person.visit("/_gateway/calcul/creche").response.text
    english = person.visit("/_gateway/calcul/creche?lang=en").response.text
    for written in ("765,77\u00a0€", "7\u202f000\u00a0€", "0,0619\u00a0%", "0,0310\u00a0%"):
        assert written in french
    for written in ("€765.77", "€7,000", "0.0619%"):
        assert written in english
