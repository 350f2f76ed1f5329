"""Languages, the authority's own words and looks, and the pages that the law asks for, over the whole product."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.sandbox.identities import MATCHING, MISMATCHING
from gateway.web.cookies import Cookies
from tests.agents import agents_at
from tests.world import World, configuration, running, secrets

SVG = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 10 10"><circle r="4" cx="5" cy="5"/></svg>'

PARTIES = """
  processors:
    - {name: Hébergeur Exemple, role: héberge la passerelle, country: FR}
    - {name: Courriers Lointains, role: envoie les courriels, country: US, safeguards: clauses contractuelles types, policies: [cantine]}
  recipients: []
"""

LOOKS = {
    "  dpo: dpo@ville.example": '  dpo: dpo@ville.example\n  colour: "#5b2a86"\n  logo: logo.svg\n'
    "  accessibility: {state: partiellement conforme, rate: 87, audited_on: 2026-09-01, audited_by: Cabinet Dupont,"
    " contact: https://ville.example/contact, known_issues: [Le plan du site manque]}",
    "    signing_alg: ES256": "    button: {image: bouton.svg, image_hover: survol.svg}\n    signing_alg: ES256",
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running(tmp_path_factory.mktemp("world")) as started:
        yield started


@pytest.fixture(scope="module")
def dressed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """An authority with a logo, a colour, words of its own, an audit, and the official pictures of the button."""
    folder: Path = tmp_path_factory.mktemp("dressed")
    (folder / "logo.svg").write_bytes(SVG)
    (folder / "bouton.svg").write_bytes(SVG.replace(b"4", b"3"))
    (folder / "survol.svg").write_bytes(SVG.replace(b"4", b"2"))
    (folder / "texts").mkdir()
    (folder / "texts" / "fr.po").write_text('msgid "Se déconnecter"\nmsgstr "Quitter <le> service"\n', encoding="utf-8")
    (folder / "texts" / "en.po").write_text('msgid "Cookies"\nmsgstr "Biscuits"\n', encoding="utf-8")
    with running(folder, changes=LOOKS) as started:
        yield started


def test_a_browser_that_prefers_english_reads_english(world: World) -> None:
    page = world.person().visit("/_gateway/login?return_to=/cantine/", headers={"accept-language": "en-GB,en;q=0.9"})
    assert '<html lang="en">' in page.response.text
    assert page.response.headers["content-language"] == "en"
    assert "I would rather send a document" in page.text
    assert '<span lang="fr">Calcul du tarif de la restauration scolaire</span>' in page.response.text
    assert "set-cookie" not in page.response.headers or "gateway-language" not in page.response.headers["set-cookie"]


def test_a_link_on_the_page_changes_the_language_of_this_page_and_the_next(world: World) -> None:
    person = world.person()
    french = person.visit("/_gateway/login?return_to=/cantine/&facile=1")
    english = person.press(french, "English")
    assert (english.status, english.response.url.path) == (200, "/_gateway/login")
    assert dict(english.response.url.params) == {"return_to": "/cantine/", "facile": "1", "lang": "en"}
    assert "This page is written in short sentences." in english.text
    assert "This page does not" not in english.text
    assert '<html lang="en">' in person.visit("/_gateway/cookies").response.text
    again = person.press(person.visit("/_gateway/cookies"), "Français")
    assert '<html lang="fr">' in again.response.text


def test_a_page_shown_in_place_of_an_applications_is_returned_to(world: World) -> None:
    person = world.person()
    refused = world.sign_in(person, "/cantine/?page=2", MISMATCHING)
    english = person.press(refused, "English")
    assert english.path == "/cantine/?page=2"
    assert '<html lang="en">' in english.response.text
    assert "We could not make the link with a file" in english.text


@pytest.mark.parametrize("address", ["https://evil.example/", "//evil.example/", "/_gateway/login", ""])
def test_the_language_link_leads_nowhere_else(world: World, address: str) -> None:
    answer = world.person().client.get("/_gateway/language", params={"lang": "en", "return_to": address})
    assert (answer.status_code, answer.headers["location"]) == (303, "/_gateway/mes-donnees")


@pytest.mark.parametrize(
    "page", ["login?return_to=/cantine/", "login?return_to=/cantine/&facile=1", "donnees-personnelles"]
)
def test_that_a_file_was_found_or_not_is_among_what_the_service_receives(world: World, page: str) -> None:
    assert "le résultat de la demande (dossier trouvé, ou non)" in world.person().visit(f"/_gateway/{page}").text


def test_the_easy_version_tells_of_the_names_that_are_compared(world: World) -> None:
    text = world.person().visit("/_gateway/login?return_to=/cantine/&facile=1").text
    assert "La CAF ou la MSA dit aussi les noms des adultes de votre dossier." in text
    assert "Ces noms ne sont pas gardés." in text
    without = world.person().visit("/_gateway/login?return_to=/compte/&facile=1").text
    assert "noms des adultes" not in without


def test_an_applications_own_lang_is_not_ours(world: World) -> None:
    answer = world.person().client.get("/cantine/?lang=en", headers={"accept-language": "en"})
    assert "set-cookie" not in answer.headers or "gateway-language" not in answer.headers["set-cookie"]


def test_the_address_of_a_callback_is_on_no_page(world: World) -> None:
    page = world.person().visit("/_gateway/callback?state=unknown&code=s3cret")
    assert "s3cret" not in page.response.text
    assert "English" not in page.text


def test_the_cookies_page_names_each_cookie_that_there_is(world: World) -> None:
    text = world.person().visit("/_gateway/cookies").text
    names = {
        name.decode() for name in Cookies("http://localhost", [b"s" * 32]).names if not name.startswith(b"__Host-")
    }
    names |= {"gateway-login-", "gateway-form-", "gateway-outage-"}
    assert {name for name in names if name not in text} == set()


def test_the_personal_data_page_says_what_each_policy_does(world: World) -> None:
    text = world.person().visit("/_gateway/donnees-personnelles").text
    for expected in ("Calcul du tarif de la restauration scolaire", "Inscription scolaire et dossier famille", "Espace personnel",
                     "votre quotient familial", "mission d’intérêt public", "dpo@ville.example", "130 025 265 00013",
                     "30 minutes", "8 heures", "CNIL", "Déposer une attestation de la CAF"):  # fmt: skip
        assert expected in text
    assert "Site de la ville" not in text


def test_the_personal_data_page_says_who_else_has_access(tmp_path: Path) -> None:
    with running(tmp_path, changes={"  dpo: dpo@ville.example\n": f"  dpo: dpo@ville.example{PARTIES}"}) as told:
        text = told.person().visit("/_gateway/donnees-personnelles").text
    assert "Hébergeur Exemple (France), héberge la passerelle." in text
    assert "Courriers Lointains (US), envoie les courriels. Pour : Calcul du tarif de la restauration scolaire." in text
    assert "garanties : clauses contractuelles types." in text
    assert "Aucun." in text
    assert "Aucune donnée n’est envoyée hors de l’Union européenne" not in text


def test_nothing_is_claimed_of_parties_that_nobody_has_written(world: World) -> None:
    text = world.person().visit("/_gateway/donnees-personnelles").text
    assert text.count("Leur liste n’est pas publiée ici") == 2
    assert "Aucune donnée n’est envoyée hors de l’Union européenne" not in text


def test_all_parties_inside_the_union_is_said(tmp_path: Path) -> None:
    written = "  dpo: dpo@ville.example\n  processors: []\n  recipients: []\n"
    with running(tmp_path, changes={"  dpo: dpo@ville.example\n": written}) as told:
        text = told.person().visit("/_gateway/donnees-personnelles").text
    assert "Aucune donnée n’est envoyée hors de l’Union européenne" in text


def test_kept_disputes_are_a_processing_of_their_own(tmp_path: Path, world: World) -> None:
    """The same figures as in the register."""
    with running(tmp_path, changes=agents_at("http://127.0.0.1:9/api/v2")) as keeping:
        text = keeping.person().visit("/_gateway/donnees-personnelles").text
    assert "Jusqu’à la réponse, puis" in text
    assert "Les agents désignés pour y répondre" in text
    assert "Jusqu’à la réponse, puis" not in world.person().visit("/_gateway/donnees-personnelles").text


def test_what_is_computed_leads_to_its_notice(world: World) -> None:
    page = world.person().visit("/_gateway/donnees-personnelles")
    assert {"/_gateway/calcul/cantine", "/_gateway/calcul/creche"} <= {address for _, address in page.links}
    assert "selon un barème publié" in page.text


def test_the_accessibility_statement_claims_nothing_that_no_audit_found(world: World) -> None:
    page = world.person().visit("/_gateway/accessibilite")
    assert "Non évaluée." in page.text
    assert "Accessibilité : non évaluée" in page.text
    assert "critères du RGAA sont respectés" not in page.text


def test_an_audit_is_told_with_its_rate_its_day_and_its_author(dressed: World) -> None:
    page = dressed.person().visit("/_gateway/accessibilite")
    assert "partiellement conforme" in page.text
    assert "Contrôle du 1er septembre 2026 : 87 % des critères du RGAA sont respectés." in page.text
    assert "Réalisé par : Cabinet Dupont." in page.text
    assert "Le plan du site manque" in page.text
    assert ("https://ville.example/contact", "https://ville.example/contact") in page.links


def test_the_authoritys_words_replace_ours_and_are_text_never_html(dressed: World) -> None:
    person = dressed.person()
    dressed.sign_in(person, "/compte/", MATCHING)
    page = person.visit("/_gateway/logout")
    assert "Quitter &lt;le&gt; service" in page.response.text
    assert "Biscuits" in person.visit("/_gateway/cookies?lang=en").text


def test_the_logo_is_served_from_here_in_a_sandbox(dressed: World) -> None:
    person = dressed.person()
    assert "/_gateway/static/logo?v=" in person.visit("/_gateway/cookies").response.text
    answer = person.client.get("/_gateway/static/logo")
    assert (answer.content, answer.headers["content-type"]) == (SVG, "image/svg+xml")
    assert answer.headers["content-security-policy"] == "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_without_a_logo_there_is_none(world: World) -> None:
    person = world.person()
    assert person.client.get("/_gateway/static/logo").status_code == 404
    assert "<img" not in person.visit("/_gateway/login?return_to=/cantine/").response.text


def test_the_pair_of_pictures_replaces_the_style_sheet_of_the_button(dressed: World) -> None:
    person = dressed.person()
    page = person.visit("/_gateway/login?return_to=/cantine/")
    assert "franceconnect.css" not in page.response.text
    assert 'alt="S’identifier avec FranceConnect"' in page.response.text
    pair = [
        person.client.get("/_gateway/static/button", params={"name": "franceconnect"} | more).content
        for more in ({}, {"hover": "1"})
    ]
    assert pair == [SVG.replace(b"4", b"3"), SVG.replace(b"4", b"2")]
    assert person.client.get("/_gateway/static/button?name=nobody").status_code == 404
    dressed.sign_in(dressed.person(), "/cantine/", MATCHING)


def test_the_sheet_is_in_the_authoritys_colour(dressed: World, world: World) -> None:
    for where, colour in ((dressed, "#5b2a86"), (world, "#0b4f6c")):
        sheet = where.person().client.get("/_gateway/static/style.css").text
        assert f"--accent:{colour};" in sheet


def test_a_new_look_has_a_new_address(dressed: World, world: World) -> None:
    addresses = {
        where.person().visit("/_gateway/cookies").response.text.partition("style.css?v=")[2][:10]
        for where in (dressed, world)
    }
    assert len(addresses) == 2


@pytest.mark.parametrize(
    ("file", "text", "expected"),
    [
        ("fr.po", 'msgid "Continuerr"\nmsgstr "Suite"\n', "fr.po:1: no page says this sentence\n  hint: did you mean `Continuer`?"),
        ("fr.po", 'msgid "Demandées à %(provider)s"\nmsgstr "Chez %(fournisseur)s"\n', "fr.po:1: `%(fournisseur)s` is not filled in here\n  hint: in this sentence: %(provider)s"),
        ("en.po", '\nmsgid "Cookies"\nmsgstr "100 % cookies"\n', "en.po:2: a percent sign alone"),
        ("fr.po", 'msgid "Cookies"\nmsgstr "x"\n\nCookies = x\n', "fr.po:4: is not a catalogue (.po) in UTF-8"),
    ],
)  # fmt: skip
def test_a_wrong_catalogue_is_refused_with_its_line(tmp_path: Path, file: str, text: str, expected: str) -> None:
    from gateway.config.gateway_file import load
    from gateway.core.errors import ConfigError

    config = configuration(tmp_path, [8000, 8101, 8102, 8103])
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / file).write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as refused:
        load(config, secrets())
    assert expected in str(refused.value)
    (tmp_path / "texts" / file).write_text('msgid "Cookies"\nmsgstr "Traceurs"\n', encoding="utf-8")
    assert load(config, secrets()).texts[file[:2]]["Cookies"] == "Traceurs"
