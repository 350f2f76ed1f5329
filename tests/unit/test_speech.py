"""What a sentence becomes: another language, the authority's words, values filled in and never HTML by accident."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest
from markupsafe import Markup, escape

from gateway.core.rules import Text
from gateway.web.speech import Speech

ENGLISH = Speech("en", {"Pour : %(what)s": "For: %(what)s", "vos prénoms": "your given names", "et": "and", "mai": "May",
                        "100 %% sûr": "100%% sure", "%(num)s heure": "%(num)s hour", "%(num)s heures": "%(num)s hours"})  # fmt: skip
FRENCH = Speech("fr", {"Continuer": "Poursuivre"})


def test_a_sentence_is_said_in_the_language_or_left_as_it_is() -> None:
    assert ENGLISH.say("Pour : %(what)s", what="lunch") == "For: lunch"
    assert ENGLISH.say("inconnu") == "inconnu"
    assert FRENCH.say("Continuer") == "Poursuivre"


def test_a_label_may_begin_a_line() -> None:
    assert ENGLISH.say("Vos prénoms") == "Your given names"


def test_french_keeps_its_signs_on_the_line() -> None:
    assert FRENCH.say("Vraiment ? « Oui » : non") == "Vraiment\u202f? «\u00a0Oui\u00a0»\u00a0: non"
    assert FRENCH.told(Text("Vraiment ?")) == "Vraiment\u202f?"
    assert ENGLISH.say("Vraiment ?") == "Vraiment ?"


def test_french_has_curved_apostrophes_and_keeps_numbers_of_laws_whole() -> None:
    assert FRENCH.told(Text("mission d'intérêt public, l'\"été\"")) == 'mission d’intérêt public, l\'"été"'
    assert ENGLISH.told(Text("", "the town's")) == "the town's"
    assert FRENCH.say("articles L. 311-3-1 et R. 311, n° 37") == "articles L.\u00a0311-3-1 et R.\u00a0311, n°\u00a037"


@pytest.mark.parametrize(
    ("written", "french", "english"),
    [
        ("26/05/2026", "26 mai 2026", "26 May 2026"),
        ("PIERRE DUPONT, 01/05/2018", "PIERRE DUPONT, 1er mai 2018", "PIERRE DUPONT, 1 May 2018"),
        ("2026-05-14 n° 37", "14 mai 2026 n°\u00a037", "14 May 2026 n° 37"),
        ("2020-00-00", "2020-00-00", "2020-00-00"),
        ("31/02/2020", "31/02/2020", "31/02/2020"),
        ("1234-56-789", "1234-56-789", "1234-56-789"),
        ("", "", ""),
    ],
)
def test_a_date_of_numbers_is_said_in_words_when_it_is_one(written: str, french: str, english: str) -> None:
    assert (FRENCH.dated(written), ENGLISH.dated(written)) == (french, english)


def test_a_percent_sign_is_written_twice() -> None:
    assert ENGLISH.say("100 %% sûr") == "100% sure"
    assert FRENCH.say("50 % de moins") == "50\u00a0% de moins"
    assert FRENCH.say("%(rate)s %% du total", rate=3) == "3\u00a0% du total"


def test_markup_among_the_values_escapes_the_rest() -> None:
    said = ENGLISH.say("Pour : %(what)s", what=Markup("<b>1</b>"))
    assert said == Markup("For: <b>1</b>")
    assert escape(ENGLISH.say("Pour : %(what)s", what="<script>")) == "For: &lt;script&gt;"


@pytest.mark.parametrize(
    ("number", "french", "english"), [(0, "0 heure", "0 hours"), (1, "1 heure", "1 hour"), (2, "2 heures", "2 hours")]
)
def test_each_language_counts_in_its_way(number: int, french: str, english: str) -> None:
    assert Speech("fr", {}).say_several("%(num)s heure", "%(num)s heures", number) == french
    assert ENGLISH.say_several("%(num)s heure", "%(num)s heures", number) == english


def test_what_a_policy_says_in_french_alone_is_marked_as_french() -> None:
    assert ENGLISH.told(Text("Cantine <midi>")) == Markup('<span lang="fr">Cantine &lt;midi&gt;</span>')
    assert ENGLISH.told("Cantine") == Markup('<span lang="fr">Cantine</span>')
    assert ENGLISH.told(Text("Cantine", "Lunch")) == "Lunch"
    assert ENGLISH.told("vos prénoms") == "your given names"
    assert ENGLISH.told("") == ""
    assert FRENCH.told(Text("Cantine", "Lunch")) == "Cantine"


def test_lists_and_dates_are_of_the_language() -> None:
    assert ENGLISH.listed(["vos prénoms", "b", "c"]) == "your given names, b and c"
    assert FRENCH.listed(["a", "b"]) == "a et b"
    assert (FRENCH.listed(["a"]), FRENCH.listed([])) == ("a", "")
    assert ENGLISH.month("2026-05") == "May 2026"
    assert FRENCH.date(date(2026, 5, 1)) == "1er mai 2026"
    assert ENGLISH.date(date(2026, 5, 1)) == "1 May 2026"
    assert FRENCH.day(0) == "1er janvier 1970"


@pytest.mark.parametrize(
    ("number", "french", "english"),
    [
        ("0", "0", "0"),
        ("648", "648", "648"),
        ("2550", "2\u202f550", "2,550"),
        ("38400", "38\u202f400", "38,400"),
        ("1234567", "1\u202f234\u202f567", "1,234,567"),
        ("1.32", "1,32", "1.32"),
        ("765,77", "765,77", "765.77"),
        ("1234.50", "1\u202f234,50", "1,234.50"),
        ("0,0619 %", "0,0619\u00a0%", "0.0619%"),
        ("", "", ""),
        ("T2", "T2", "T2"),
    ],
)
def test_an_amount_is_written_as_its_language_does(number: str, french: str, english: str) -> None:
    assert (FRENCH.amount(number), ENGLISH.amount(number)) == (french, english)


def test_a_moment_is_said_with_its_day_when_that_is_another_one() -> None:
    then = datetime(2026, 5, 3, 9, 5, tzinfo=ZoneInfo("Europe/Paris"))
    assert (FRENCH.moment(then, then.date()), ENGLISH.moment(then, then.date())) == ("9 h 05", "09:05")
    assert FRENCH.moment(then, date(2026, 5, 2)) == "9 h 05, 3 mai"
    assert ENGLISH.moment(then, date(2026, 5, 2)) == "09:05, 3 May"


def test_an_amount_and_its_sign_stay_on_one_line() -> None:
    assert FRENCH.say("%(amount)s € par an", amount="12") == "12\u00a0€ par an"
