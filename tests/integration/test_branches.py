"""Each branch where CAF or MSA gives no value, by the act that causes it: its words, its status, its way on."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.core.model import HouseholdStatus
from gateway.sandbox.identities import MATCHING, MISMATCHING, PARENT, UNKNOWN
from tests.browser import Page, Person, shows
from tests.world import World, running

MSA, INCOMPLETE = "test_ELSA", "avec_nom_dusage"
SECOND = "nom_composé"

JSON = {"accept": "application/json", "sec-fetch-mode": "cors"}

ALTERNATIVE = """
alternative:
  url: /creche/justificatif
  text: {fr: Déposer une attestation}
  documents: {fr: une attestation de moins de 3 mois}
  how: {fr: "par courrier, ou au guichet, 1 place de la Mairie"}
  delay: {fr: 5 jours ouvrés}
  meanwhile: {fr: le tarif le plus haut s'applique}
  retroactive: true
"""
HEAD = """
purpose: Essai
legal_basis: mission d'intérêt public
retention: session
login: {acr: eidas1}
"""
QUOTIENT = "inject: {X-Caf-Statut: household.status, X-Caf-Quotient: household.family_quotient}\n"
TOKEN = {"mode: franceconnect ": "mode: franceconnect\n    token: {env: API_PARTICULIER_TOKEN} "}
FILES: dict[str, Any] = {
    "changes": TOKEN,
    "policies": {
        "quotient": HEAD + ALTERNATIVE + "household: {review: false, when_missing: alternative}\n" + QUOTIENT,
        "suite": HEAD + ALTERNATIVE + "household: {review: false, when_missing: forward}\n" + QUOTIENT,
        "identite": HEAD + ALTERNATIVE + "household: {mode: identity, review: false}\n" + QUOTIENT,
        "age": HEAD + ALTERNATIVE + "household: {review: false, child_age: {between: [3, 11]}}\n" + QUOTIENT,
        "creche-identite": HEAD
        + ALTERNATIVE
        + "childcare: {mode: identity, review: false}\n"
        + "inject: {X-Creche-Statut: childcare.status, X-Creche-Ressources: childcare.annual_resources}\n",
        "deux": HEAD
        + ALTERNATIVE
        + "household: {review: true}\nchildcare: {review: true}\n"
        + "inject: {X-Caf-Quotient: household.family_quotient, X-Creche-Ressources: childcare.annual_resources}\n",
    },
    "routes": "".join(
        f'  - {{path: /{name}/, upstream: "UPSTREAM", policy: {name}}}\n'
        for name in ("quotient", "suite", "identite", "age", "creche-identite", "deux")
    ),
}

DETAILS = (
    "une attestation de moins de 3 mois",
    "1 place de la Mairie",
    "5 jours ouvrés",
    "le tarif le plus haut",
    "oui",
)


@pytest.fixture
def caf(tmp_path: Path) -> Any:
    with running(tmp_path, **FILES) as world:
        yield world


def _says(page: Page, *words: str) -> None:
    assert page.status == 403
    for word in words:
        assert word in page.text, page.text
    for detail in DETAILS:
        assert detail in page.text, detail
    assert "Référence" in page.text
    assert any("Je préfère fournir un justificatif" in label for label, _ in page.links)


def _told(person: Person, path: str) -> dict[str, str]:
    """What the application received, in the headers that the policies name."""
    headers: dict[str, str] = person.client.get(path, headers=JSON).json()["headers"]
    return {name: value for name, value in headers.items() if name.startswith(("x-caf", "x-creche"))}


def _status(world: World, policy: str) -> str:
    lines = world.audited(policy, 1)
    return str(lines[-1]["household_status"])


def test_a_person_without_a_file_reads_that_it_is_frequent(caf: World) -> None:
    person = caf.person()
    page = caf.sign_in(person, "/quotient/", UNKNOWN)
    _says(page, "Aucun dossier CAF ou MSA n’a été trouvé à votre nom", "C’est fréquent", "l’autre parent")
    caf.audited("quotient", 2)
    assert _status(caf, "quotient") == "not_found"


def test_with_forward_the_application_reads_the_status_and_no_value(caf: World) -> None:
    person = caf.person()
    caf.sign_in(person, "/suite/", UNKNOWN)
    assert _told(person, "/suite/") == {"x-caf-statut": "not_found"}


def test_a_quotient_that_caf_could_not_compute_is_not_available_and_nought_is_a_value(caf: World) -> None:
    person = caf.person()
    answer = b'{"data":{"quotient_familial":{"fournisseur":"CNAF","valeur":null,"annee":2026,"mois":9},"allocataires":[{"nom_naissance":"DUBOIS","prenoms":"ANGELA CLAIRE LOUISE","date_naissance":"1962-08-24"}]}}'
    caf.api.faults.next_status, caf.api.faults.next_body = 200, answer
    page = caf.sign_in(person, "/quotient/", MATCHING)
    _says(page, "n’a pas de quotient familial à jour pour vous", "déclarez vos ressources")
    caf.audited("quotient", 2)
    assert _status(caf, "quotient") == "not_available"
    other = caf.person()
    caf.api.faults.quotient = 0
    caf.sign_in(other, "/quotient/", MATCHING)
    assert _told(other, "/quotient/") == {"x-caf-statut": "verified", "x-caf-quotient": "0"}


def test_a_file_at_msa_is_verified_with_its_source(caf: World) -> None:
    person = caf.person()
    review = caf.sign_in(person, "/famille/", MSA)
    assert "MSA (régime agricole)" in review.text
    person.press(review, "Continuer")
    told = _told(person, "/famille/")
    assert (told["x-caf-statut"], told["x-caf-source"]) == ("verified", "msa")


def test_the_second_adult_of_a_couple_gets_their_own_file_and_no_name_of_the_first(caf: World) -> None:
    person = caf.person()

    def the_other(claims: dict[str, Any]) -> dict[str, Any]:
        return claims | {
            "family_name": "DURAND",
            "given_name": "Angela Louise",
            "given_name_array": ["Angela", "Louise"],
            "birthdate": "1963-10-12",
            "gender": "female",
        }

    caf.franceconnect.faults.userinfo = the_other
    caf.sign_in(person, "/quotient/", PARENT)
    assert _told(person, "/quotient/")["x-caf-statut"] == "verified"
    ours = "".join(answer.text for answer in person.seen if str(answer.url).startswith(caf.url))
    assert "PAUL" not in ours


def test_somebody_elses_file_names_no_trait_and_shows_no_value(caf: World) -> None:
    person = caf.person()
    page = caf.sign_in(person, "/quotient/", MISMATCHING)
    _says(page, "Nous n’avons pas pu relier votre identité", "Aucune donnée n’a été transmise")
    caf.audited("quotient", 2)
    assert _status(caf, "quotient") == "mismatch"


def test_a_doubtful_match_waits_for_an_agent(caf: World) -> None:
    caf.franceconnect.faults.userinfo = lambda claims: (
        claims
        | {
            "given_name": "Claire Angela Louise",
            "given_name_array": ["Claire", "Angela", "Louise"],
        }
    )
    person = caf.person()
    page = caf.sign_in(person, "/quotient/", MATCHING)
    _says(page, "Une vérification par un agent est nécessaire", "5 jours ouvrés")
    caf.audited("quotient", 2)
    assert _status(caf, "quotient") == "pending_review"


@pytest.mark.parametrize("status", [502, 504, 429, 401, 403])
def test_an_outage_a_quota_and_a_habilitation_read_the_same_to_a_person(caf: World, status: int) -> None:
    error = b'{"errors":[{"code":"00100","title":"t","detail":"d","source":null,"meta":{}}]}'
    path = "/quotient/"
    if status == 401:
        # In FranceConnect mode a 401 without the pivot is the only one that no login repairs.
        error = error.replace(b"00100", b"51503")
    caf.api.faults.next_status, caf.api.faults.next_body, caf.api.faults.lasts = status, error, True
    person = caf.person()
    page = caf.sign_in(person, path, MATCHING)
    _says(page, "Le service de la CAF ne répond pas", "Ce n’est pas de votre fait")
    assert "habilitation" not in page.text
    caf.audited("quotient", 2)
    assert _status(caf, "quotient") == "unavailable"
    assert ("household_trouble" in caf.logs.getvalue()) == (status in {401, 403, 429})


@pytest.mark.slow
def test_a_quota_that_is_spent_for_the_canteen_is_spent_for_the_nursery(caf: World) -> None:
    """Thirty people in a minute at one address, then the thirty-first: nobody is asked about twice."""
    token, path = "x" * 43, "/v3/dss/quotient_familial/france_connect?recipient=13002526500013"
    base = caf.settings.household.base_url if caf.settings.household else ""
    with httpx.Client(base_url=base, trust_env=False) as others:
        others.headers["authorization"] = f"Bearer {token}"
        assert [others.get(path).status_code for _ in range(31)][-1] == 429
    page = caf.sign_in(caf.person(), "/quotient/", MATCHING)
    assert "Le service de la CAF ne répond pas" in page.text
    calls = caf.api.calls
    page = caf.sign_in(caf.person(), "/creche/", PARENT)
    assert "Le service de la CAF ne répond pas" in page.text
    assert caf.api.calls == calls


def test_an_expired_token_of_franceconnect_asks_to_begin_again(caf: World) -> None:
    caf.api.faults.next_status = 401
    caf.api.faults.next_body = b'{"errors":[{"code":"50002","title":"t","detail":"d","source":null,"meta":{}}]}'
    person = caf.person()
    page = caf.sign_in(person, "/quotient/", MATCHING)
    _says(page, "La session FranceConnect a expiré")
    again = person.press(page, "Recommencer")
    assert again.path.startswith("/_gateway/login")


def test_an_identity_that_no_register_knows_is_not_blamed_on_its_person(caf: World) -> None:
    """422 of `identite`: nobody, or several."""
    caf.api.faults.next_status = 422
    caf.api.faults.next_body = b'{"errors":[{"code":"35560","title":"t","detail":"d","source":null,"meta":{}}]}'
    person = caf.person()
    page = caf.sign_in(person, "/identite/", MATCHING)
    _says(page, "Nous n’avons pas pu vous identifier avec certitude")
    caf.audited("identite", 2)
    assert _status(caf, "identite") == "not_found"


def _foreign(claims: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in claims.items() if name not in {"birthcountry", "birthplace"}}


@pytest.mark.parametrize("path", ["/quotient/", "/identite/", "/creche/"])
def test_an_identity_of_another_country_is_not_available_and_caf_is_not_called(caf: World, path: str) -> None:
    caf.franceconnect.faults.userinfo = _foreign
    person = caf.person()
    page = caf.sign_in(person, path, MATCHING)
    assert "La CAF ne peut pas être interrogée avec cette identité" in page.text
    assert page.status == 403
    policy = path.strip("/")
    caf.audited(policy, 2)
    assert _status(caf, policy) == "not_available"
    assert caf.api.calls == 0


def test_a_child_who_is_not_in_the_file_is_an_agents_work(caf: World) -> None:
    person = caf.person()
    page = caf.sign_in(person, "/age/", MATCHING)
    _says(page, "Le dossier trouvé est le vôtre, sans l’enfant attendu", "l’autre parent peut se connecter")
    line = caf.audited("age", 2)[-1]
    assert (line["household_status"], line["reason"]) == ("pending_review", "child_not_listed")
    parent = caf.person()
    caf.sign_in(parent, "/age/", PARENT)
    assert _told(parent, "/age/")["x-caf-statut"] == "verified"
    ours = "".join(answer.text for answer in parent.seen if str(answer.url).startswith(caf.url))
    assert not shows(ours, "2018")


def test_a_nursery_without_one_of_the_parameters_gets_none_of_them(caf: World) -> None:
    person = caf.person()
    page = caf.sign_in(person, "/creche/", INCOMPLETE)
    assert page.status == 403
    assert "ne peut pas fournir toutes les informations nécessaires au calcul" in page.text
    assert "avis d&#39;imposition" in page.response.text or "avis d’imposition" in page.text
    assert "le tarif plafond s’applique" in page.text
    caf.audited("creche", 2)
    assert _status(caf, "creche") == "not_available"


def test_a_nursery_receives_the_three_parameters_and_an_estimate_once_they_are_reviewed(caf: World) -> None:
    person = caf.person()
    review = caf.sign_in(person, "/creche/", PARENT)
    for said in ("38400 € par an", "2024", "1,32 € par heure", "estimation, sous réserve du contrat"):
        assert said in review.text, said
    assert sum(label.startswith("Ce n’est pas exact") for label, _ in review.links) == 1
    person.press(review, "Continuer")
    told = _told(person, "/creche/")
    assert {name: value for name, value in told.items() if not name.endswith("obtenu-le")} == {
        "x-caf-creche-statut": "verified",
        "x-caf-creche-ressources": "38400",
        "x-caf-creche-annee": "2024",
        "x-caf-creche-enfants": "3",
        "x-caf-creche-enfants-aeeh": "0",
        "x-caf-creche-estimation": "1.32",
    }
    assert person.client.get("/creche/", headers=JSON).json()["signature"] == "valid"


def test_the_year_that_msa_writes_is_neither_shown_nor_sent(caf: World) -> None:
    person = caf.person()
    review = caf.sign_in(person, "/creche/", MSA)
    assert "année de ces ressources" not in review.text
    person.press(review, "Continuer")
    told = _told(person, "/creche/")
    assert "x-caf-creche-annee" not in told
    assert (told["x-caf-creche-ressources"], told["x-caf-creche-enfants-aeeh"]) == ("21600", "1")


def test_a_nursery_s_file_of_somebody_else_is_a_mismatch(caf: World) -> None:
    """The public payload of this identity bears another birth date."""
    person = caf.person()
    page = caf.sign_in(person, "/creche/", MATCHING)
    assert (page.status, "98342" in page.text) == (403, False)
    caf.audited("creche", 2)
    assert _status(caf, "creche") == "mismatch"


def test_a_canteen_s_data_do_not_serve_the_nursery_nor_the_other_way_round(caf: World) -> None:
    person = caf.person()
    person.press(caf.sign_in(person, "/cantine/", PARENT), "Continuer")
    calls = caf.api.calls
    info = person.visit("/creche/")
    assert info.path.startswith("/_gateway/login")
    review = person.press(person.press(info, "S’identifier avec"), "Continuer vers")
    assert review.path.startswith("/_gateway/review")
    assert caf.api.calls == calls + 1
    assert "x-caf-tranche" in _told(person, "/cantine/")


def test_one_policy_may_ask_both_in_one_login(caf: World) -> None:
    person = caf.person()
    review = caf.sign_in(person, "/deux/", PARENT)
    assert caf.api.calls == 2
    assert sum(label.startswith("Ce n’est pas exact") for label, _ in review.links) == 2
    person.press(review, "Continuer")
    assert set(_told(person, "/deux/")) == {"x-caf-quotient", "x-creche-ressources"}


def test_one_policy_refuses_for_either_source(caf: World) -> None:
    """The household is hers, the nursery's file is not: nothing leaves, neither value nor file."""
    person = caf.person()
    page = caf.sign_in(person, "/deux/", MATCHING)
    assert page.status == 403
    assert "Nous n’avons pas pu relier" in page.text
    line = caf.audited("deux", 2)[-1]
    assert (line["outcome"], line["household_status"]) == ("alternative", "mismatch")


def test_a_nursery_may_be_asked_by_identity(caf: World) -> None:
    person = caf.person()
    page = caf.sign_in(person, "/creche-identite/", MATCHING)
    _says(page, "Aucun dossier CAF ou MSA")
    person.press(page, "Recommencer")

    def alexis(claims: dict[str, Any]) -> dict[str, Any]:
        return claims | {
            "family_name": "LEFEBVRE",
            "given_name": "Alexis",
            "given_name_array": ["Alexis"],
            "birthdate": "1982-12-27",
            "gender": "female",
            "birthplace": "08480",
        }

    caf.franceconnect.faults.userinfo = alexis
    other = caf.person()
    caf.sign_in(other, "/creche-identite/", MATCHING)
    assert _told(other, "/creche-identite/") == {"x-creche-statut": "verified", "x-creche-ressources": "40923"}


def test_the_statuses_that_data_cause_are_all_here() -> None:
    """The rest is said by a person or an agent."""
    here = Path(__file__).read_text(encoding="utf-8")
    for status in ("verified", "not_found", "not_available", "mismatch", "pending_review", "unavailable"):
        assert f'"{HouseholdStatus(status)}"' in here
