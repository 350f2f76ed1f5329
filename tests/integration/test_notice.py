"""The algorithmic notice, and the review: what is computed, from what, by whose decision, and where it is linked."""

import time
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from gateway.core.rules import Bracket, Scale, Schedule
from gateway.sandbox.identities import MATCHING, PARENT
from gateway.web import texts
from gateway.web.notice import Row, bracket_rule, figure, scale_rule
from tests.world import World, running

CANTINE, CRECHE = "/_gateway/calcul/cantine", "/_gateway/calcul/creche"


def test_the_rule_of_a_tariff_is_open_to_everybody_and_made_from_the_policy(world: World) -> None:
    page = world.person().visit(CANTINE)
    assert page.status == 200
    for said in (
        "traitement algorithmique",
        "L. 311-3-1",
        "R. 311-3-1-1",
        "Délibération du conseil : 14 juin 2026 n° 37.",
        "jusqu’à 400 €",
        "de 401 à 800 €",
        "plus de 800 €",
        "depuis le 1er septembre 2026",
        "Calcul du tarif de la restauration scolaire",
        "CAF ou la MSA",
        "cada.fr",
        "dpo@ville.example",
    ):
        assert said in page.text, said
    assert "12 juin 2025" not in page.text
    assert page.response.headers["cache-control"] == "no-store"


def test_the_scale_of_a_nursery_says_its_figures_their_source_and_that_it_is_an_estimate(world: World) -> None:
    page = world.person().visit(CRECHE)
    for said in (
        "sous réserve du contrat",
        "0,0619 %",
        "de 4 à 7 enfants",
        "8 enfants ou plus",
        "765,77 €",
        "7000 €",
        "Cnaf, barème national",
        "AEEH",
    ):
        assert said in page.text, said


@pytest.mark.parametrize("name", ["famille", "signed-in", "inconnue", "..", "", "cantine/suite"])
def test_a_policy_that_computes_nothing_has_no_notice(world: World, name: str) -> None:
    answer = world.person().client.get(f"/_gateway/calcul/{name}")
    assert answer.status_code in {400, 404}


def test_it_is_linked_before_the_login_and_at_the_review(world: World) -> None:
    person = world.person()
    before = person.visit("/cantine/")
    assert ("Comment est-ce calculé ?", CANTINE) in before.links
    review = world.sign_in(world.person(), "/cantine/", MATCHING)
    assert ("Comment est-ce calculé ?", CANTINE) in review.links
    assert not any("calcul" in href for _, href in world.person().visit("/famille/").links)


def test_my_data_links_to_the_rule_of_what_was_computed_and_sent(world: World) -> None:
    person = world.person()
    person.press(world.sign_in(person, "/cantine/", MATCHING), "Continuer")
    links = [href for _, href in person.visit("/_gateway/mes-donnees").links if "calcul" in href]
    assert links == [CANTINE]


def test_a_rule_to_come_is_announced(tmp_path: Path) -> None:
    with running(tmp_path) as world:
        assert "déjà votée" not in world.person().visit(CANTINE).text
        world.clock.ahead_s = datetime(2026, 6, 29, tzinfo=UTC).timestamp() - time.time()
        page = world.person().visit(CANTINE)
        assert "déjà votée à partir du 1er septembre 2026" in page.text
        assert "12 juin 2025 n° 41" in page.text


def test_one_bracket_alone_and_a_quotient_of_nought_that_does_not_count() -> None:
    rule = bracket_rule(Schedule(date(2026, 1, 1), (Bracket("T", None),), "n° 1", zero_is_a_value=False))
    assert rule is not None
    assert rule.rows == (Row(texts.ANY_QUOTIENT, "T"),)
    assert "0 compte comme absent" in rule.zero
    assert bracket_rule(None) is None


@pytest.mark.parametrize(
    ("starts", "words"),
    [
        ((1,), ("quel que soit le nombre d’enfants",)),
        ((1, 2), ("1 enfant", "2 enfants ou plus")),
        ((1, 3), ("de 1 à 2 enfants", "3 enfants ou plus")),
        ((1, 2, 3, 8), ("1 enfant", "2 enfants", "de 3 à 7 enfants", "8 enfants ou plus")),
    ],
)
def test_numbers_of_children_are_said_in_words(starts: tuple[int, ...], words: tuple[str, ...]) -> None:
    rates = tuple((start, Decimal("0.05")) for start in starts)
    rule = scale_rule(Scale(date(2026, 1, 1), "Cnaf", rates, Decimal(800), Decimal(7000)))
    assert rule is not None
    assert tuple(row.when % {"low": row.low, "high": row.high} for row in rule.rows) == words
    assert scale_rule(None) is None


@pytest.mark.parametrize(
    ("number", "written"), [("7000.0", "7000"), ("765.77", "765,77"), ("0.031", "0,031"), ("800", "800")]
)
def test_a_figure_is_written_with_a_comma(number: str, written: str) -> None:
    assert figure(Decimal(number)) == written


def test_the_review_says_who_is_known_what_leaves_from_whom_and_how_to_object(world: World) -> None:
    person = world.person()
    review = world.sign_in(person, "/famille/", PARENT)
    for said in ("Votre identité", "DUPONT", "Paul Louis", "Vérifiée par FranceConnect", "par API Particulier"):
        assert said in review.text, said
    fields = {name for form in review.forms for name in form.fields}
    assert fields == {"token", "return_to"}
    contested = [href for label, href in review.links if label.startswith("Ce n’est pas exact")]
    assert [href.partition("&datum=")[2] for href in contested] == ["quotient", "address", "children"]
    assert all(href.startswith("/_gateway/mes-donnees/contester?return_to=%2Ffamille%2F") for href in contested)
    assert review.buttons == ["Continuer", "Je préfère fournir un justificatif"]
