"""The acts that cause the branches: what a person, an agent or a failing server does."""

import json
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, expect

from gateway.sandbox.identities import MATCHING, PARENT
from tests.agents import MY_DATA
from tests.e2e.driving import (
    FRANCECONNECT,
    WAY_OUT,
    agent_answers,
    contest,
    object_to,
    press,
    rows,
    sign_in,
    through,
    typed,
)
from tests.e2e.town import Town
from tests.processes import until

Act = Callable[[Town, Page], None]

PROVIDER_DOWN = "FranceConnect ne répond pas pour le moment"


def at(path: str, login: str = MATCHING, *acts: Act, claims: dict[str, Any] | None = None) -> Act:
    """Log in on the way to `path`, then the acts; `claims` are what FranceConnect says otherwise of this person."""

    def act(town: Town, page: Page) -> None:
        if claims is not None:
            town.world.franceconnect.faults.userinfo = lambda usual: {
                name: value for name, value in (usual | claims).items() if value is not None
            }
        sign_in(town, page, path, login)
        for each in acts:
            each(town, page)

    return act


def after_api(status: int, body: bytes, then: Act, *, lasts: bool = False) -> Act:
    """API Particulier answers so."""

    def act(town: Town, page: Page) -> None:
        faults = town.world.api.faults
        faults.next_status, faults.next_body, faults.lasts = status, body, lasts
        then(town, page)

    return act


def opening(path: str) -> Act:
    def act(town: Town, page: Page) -> None:
        page.goto(town.url + path)

    return act


def pressing(*names: str) -> Act:
    def act(town: Town, page: Page) -> None:
        for name in names:
            press(page, name)

    return act


def error(code: bytes) -> bytes:
    return b'{"errors":[{"code":"%b","title":"t","detail":"d","source":null,"meta":{}}]}' % code


NULL_QUOTIENT = (
    b'{"data":{"quotient_familial":{"fournisseur":"CNAF","valeur":null,"annee":2026,"mois":9},"allocataires":'
    b'[{"nom_naissance":"DUBOIS","prenoms":"ANGELA CLAIRE LOUISE","date_naissance":"1962-08-24"}]}}'
)
OTHER_ADULT = {"family_name": "DURAND", "given_name": "Angela Louise", "given_name_array": ["Angela", "Louise"],
               "birthdate": "1963-10-12", "gender": "female"}  # fmt: skip
OTHER_ORDER = {"given_name": "Claire Angela Louise", "given_name_array": ["Claire", "Angela", "Louise"]}
PROGRAM = {"accept": "application/json", "sec-fetch-mode": "cors"}
LIGATURE = {"family_name": "DUBŒUF", "given_name": "Zoé’l", "given_name_array": ["Zoé’l"]}
"""API Particulier refuses «œ» and «’» (422, 00366): nobody is blamed for their name, it is written otherwise before."""
FOREIGN = {"birthcountry": None, "birthplace": None}


def way_out(policy: str) -> str:
    return f"/autrement/{policy}/justificatif"


SPECIAL = "/situation/particuliere"


def special_situation(town: Town, page: Page) -> None:
    """No call would be of use: the choice stands on the page before FranceConnect."""
    page.goto(town.url + "/situation/")
    expect(page.get_by_text("le tarif plancher s’applique")).to_be_visible()
    calls = town.world.api.calls
    press(page, "Ma situation est particulière")
    assert rows(page)["X-Caf-Statut"] == "not_asked"
    assert town.world.api.calls == calls


def under_way(times: int) -> Act:
    """API Particulier answers 409 while the same request of somebody else is under way: waited for, never doubled."""

    def act(town: Town, page: Page) -> None:
        api = town.world.api
        before, slept = api.calls, len(town.world.slept)
        api.faults.busy = times
        sign_in(town, page, "/quotient/")
        page.get_by_role("heading", level=1).wait_for()
        assert api.calls - before == min(times + 1, 3)
        assert all(0.5 <= pause_s <= 2 for pause_s in town.world.slept[slept:])

    return act


def _custody_file(quotient: int, name: str, given: str, born: str) -> bytes:
    """A file of one parent, with the child whose benefits both share."""
    adult = {"nom_naissance": name, "prenoms": given, "date_naissance": born}
    child = {"nom_naissance": "DUBOIS", "prenoms": "LOUNA", "date_naissance": "2019-03-02"}
    value = {"fournisseur": "CNAF", "valeur": quotient, "annee": 2026, "mois": 9}
    return json.dumps({"data": {"quotient_familial": value, "allocataires": [adult], "enfants": [child]}}).encode(
        "utf-8"
    )


GUARDIAN = json.dumps(
    {
        "data": {
            "quotient_familial": {"fournisseur": "CNAF", "valeur": 430, "annee": 2026, "mois": 9},
            "allocataires": [
                {"nom_naissance": "DUBOIS", "prenoms": "ANGELA CLAIRE LOUISE", "date_naissance": "1962-08-24"}
            ],
            "enfants": [
                {"nom_naissance": "ROLLAND", "prenoms": "MATHIS", "date_naissance": "2017-06-03"},
                {"nom_naissance": "SAYDOU", "prenoms": "ADAM", "date_naissance": "2018-01-28"},
            ],
        }
    }
).encode("utf-8")
"""Whose name a child bears is nobody's test."""
MOTHER = _custody_file(648, "DUBOIS", "ANGELA CLAIRE LOUISE", "1962-08-24")
FATHER = _custody_file(912, "DUPONT", "PAUL LOUIS", "1962-08-24")


def alternate_custody(town: Town, page: Page) -> None:
    """Each parent signs in, on the family's own machine or another: two quotients, two subjects, never one of both."""
    after_api(200, MOTHER, at("/age/"))(town, page)
    hers = rows(page)
    assert hers["X-Caf-Quotient"] == "648"
    browser = page.context.browser
    assert browser is not None
    away = browser.new_context(locale="fr-FR")
    his_page = away.new_page()
    after_api(200, FATHER, at("/age/", PARENT))(town, his_page)
    assert rows(his_page)["X-Caf-Quotient"] == "912"
    page.reload()
    assert rows(page)["X-Caf-Quotient"] == "648"
    away.close()
    leaves_from(town, page)
    after_api(200, FATHER, at("/age/", PARENT))(town, page)
    assert "LOUNA" not in page.content()
    told = [json.loads(line.partition(": ")[2]) for line in town.received.headers if "assertion: {" in line]
    each = {(claims["sub"], claims["dat"]["household.family_quotient"]) for claims in told if "sub" in claims}
    assert len({subject for subject, _ in each}) == 2
    assert sorted(quotient for _, quotient in each) == [648, 912]


def zero(town: Town, page: Page) -> None:
    town.world.api.faults.quotient = 0
    sign_in(town, page, "/relu/")


def api_stopped(town: Town, page: Page) -> None:
    town.parts.api.stop()
    sign_in(town, page, "/quotient/")


def token_endpoint_down(town: Town, page: Page) -> None:
    town.world.franceconnect.faults.token_status = 503
    sign_in(town, page, "/quotient/")


def button_is_marked(town: Town, page: Page) -> None:
    """FranceConnect has just failed somebody: the page of the next says so, and the way without it comes first."""
    del town
    expect(page.get_by_text(PROVIDER_DOWN)).to_be_visible()
    way = page.get_by_role("link", name=WAY_OUT).bounding_box()
    button = page.get_by_role("button", name=FRANCECONNECT).bounding_box()
    assert way is not None
    assert button is not None
    assert way["y"] < button["y"]


def franceconnect_down(town: Town, page: Page) -> None:
    token_endpoint_down(town, page)
    press(page, "Recommencer")
    button_is_marked(town, page)


def says_that_it_fails(town: Town, page: Page) -> None:
    """What came by this browser's own address marks the button for it, and for nobody else."""
    kept_by_franceconnect("E010011")(town, page)
    press(page, "Recommencer")
    button_is_marked(town, page)
    assert PROVIDER_DOWN not in town.world.person().visit("/quotient/").text


def works_again(town: Town, page: Page) -> None:
    """Down, told so; then a login that holds takes the mark away, and the way out leaves nothing of it."""
    token_endpoint_down(town, page)
    town.world.franceconnect.faults.token_status = 200
    press(page, "Recommencer")
    through(page, MATCHING)
    rows(page)
    leaves_from(town, page)
    own = page.context.new_page()
    own.goto(town.url + "/libre/")
    assert rows(own)["X-Caf-Statut"] == "not_authenticated"
    own.close()
    sign_in(town, page, "/quotient/")
    page.goto(town.url + "/libre/")


def turns_back(town: Town, page: Page) -> None:
    page.goto(town.url + "/quotient/")
    press(page, FRANCECONNECT)
    page.get_by_role("link", name="Revenir à").click()


def kept_by_franceconnect(login: str) -> Act:
    """FranceConnect does not let this person through, and offers to go back."""

    def act(town: Town, page: Page) -> None:
        page.goto(town.url + "/quotient/")
        press(page, FRANCECONNECT)
        page.locator(f'button[value="{login}"]').click()
        page.get_by_role("link", name="Revenir à").click()

    return act


def again(town: Town, page: Page) -> None:
    """«Recommencer» led to the login: it leads back to the page first asked for."""
    through(page, MATCHING)
    page.wait_for_url(town.url + "/quotient/")
    assert rows(page)["X-Caf-Quotient"] == "2550"


def line(town: Town, page: Page) -> None:
    """Somebody else uses the only call of this minute."""
    town.world.sign_in(town.world.person(), "/quotient/", MATCHING)
    page.goto(town.url + "/quotient/")
    press(page, FRANCECONNECT)


def turn_comes(town: Town, page: Page) -> None:
    town.later(65)
    press(page, "Continuer")
    expect(page.get_by_role("heading", level=1)).to_have_text("C’est votre tour")
    press(page, "Continuer")
    page.locator(f'button[value="{MATCHING}"]').click()
    page.get_by_role("button", name="Continuer vers").click()
    assert rows(page)["X-Caf-Quotient"] == "2550"


def without_waiting(town: Town, page: Page) -> None:
    line(town, page)
    press(page, "Continuer sans attendre")
    page.locator(f'button[value="{MATCHING}"]').click()
    page.get_by_role("button", name="Continuer vers").click()


def numbered(path: str, number: str, postal_code: str = "33000", login: str = MATCHING) -> Act:
    """A number typed, by somebody signed in unless `login` is empty."""

    def act(town: Town, page: Page) -> None:
        if login:
            sign_in(town, page, path, login)
        else:
            page.goto(town.url + path)
        typed(page, number, postal_code)

    return act


def kept_when_wrong(town: Town, page: Page) -> None:
    numbered("/numero/", "12A", "330", login="")(town, page)
    assert page.get_by_label("Numéro d’allocataire CAF").input_value() == "12A"
    assert page.get_by_label("Code postal de votre domicile").input_value() == "330"
    page.get_by_label("Numéro d’allocataire CAF").fill("4400101")
    page.get_by_label("Code postal de votre domicile").fill("44100")


def too_often(town: Town, page: Page) -> None:
    for _ in range(6):
        page.goto(town.url + "/_gateway/allocataire?return_to=/numero/")
        typed(page, "9999999", "33000")
    assert page.get_by_label("Numéro d’allocataire CAF").input_value() == "9999999"


def contests(town: Town, page: Page) -> None:
    contest(town, page)


def answered(outcome: str) -> Act:
    """The person contests, an agent answers, the person reads the answer."""

    def act(town: Town, page: Page) -> None:
        sign_in(town, page, "/quotient/")
        agent_answers(town, page, contest(town, page), outcome)
        page.goto(town.url + MY_DATA)

    return act


def corrected(town: Town, page: Page) -> None:
    sign_in(town, page, "/quotient/")
    reference = contest(town, page)
    town.world.api.faults.quotient = 321
    town.later(1)
    agent_answers(town, page, reference, "corrected")
    page.goto(town.url + "/quotient/")


def corrected_again(town: Town, page: Page) -> None:
    page.get_by_role("button", name="Continuer vers").click()
    assert rows(page)["X-Caf-Quotient"] == "321"


def address_alone(town: Town, page: Page) -> None:
    sign_in(town, page, "/quotient/")
    sign_in(town, page, "/ville/")
    contest(town, page, "Adresse")
    own = page.context.new_page()
    own.goto(town.url + "/quotient/")
    assert rows(own)["X-Caf-Quotient"] == "2550"
    own.close()


def objects(town: Town, page: Page) -> None:
    object_to(town, page, "choix")


def document_for_objection(town: Town, page: Page) -> None:
    agent_answers(town, page, object_to(town, page, "choix"), "document_provided")
    page.goto(town.url + MY_DATA)


def declines(town: Town, page: Page) -> None:
    press(page, WAY_OUT)
    page.wait_for_url("**/justificatif")


def form_outlives_the_session(town: Town, page: Page) -> None:
    sign_in(town, page, "/compte/justificatif")
    page.get_by_label("Attestation").set_input_files(
        {"name": "attestation.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.4 essai"}
    )
    town.later(1900)
    # The gateway looks at a session again within the second.
    until(lambda: page.context.request.get(town.url + "/compte/", headers=PROGRAM).status == 401)
    press(page, "Envoyer")
    through(page, MATCHING)


def leaves(town: Town, page: Page) -> None:
    sign_in(town, page, "/compte/")
    leaves_from(town, page)


def leaves_from(town: Town, page: Page) -> None:
    page.goto(town.url + "/_gateway/logout")
    press(page, "Se déconnecter")
    page.wait_for_url("**/_gateway/logged-out**")


def nobody_is_remembered(town: Town, page: Page) -> None:
    """Neither here nor at FranceConnect, nor by the browser's way back."""
    page.go_back()
    assert "DUBOIS" not in page.content()
    page.goto(town.url + "/compte/")
    press(page, FRANCECONNECT)
    page.locator(f'button[value="{MATCHING}"]').wait_for()


def forgets(town: Town, page: Page) -> None:
    sign_in(town, page, "/quotient/")
    page.goto(town.url + MY_DATA)
    press(page, "Oublier ces données")
