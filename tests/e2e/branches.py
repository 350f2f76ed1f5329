"""The table of branches: each by the act that causes it, what the person reads, the way on, what the application is told."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Page, expect

from gateway.sandbox.identities import MATCHING, MISMATCHING, PARENT, UNKNOWN
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

MSA, INCOMPLETE = "test_ELSA", "avec_nom_dusage"

REVIEW = "Je relis avant de transmettre"
APPLICATION = "Application métier"
LOGIN = "S’identifier"
CAF_DOWN = "Le service de la CAF ne répond pas"
PROVIDER_DOWN = "FranceConnect ne répond pas pour le moment"
NOT_COMPLETED = "La connexion avec FranceConnect n’a pas abouti"


@dataclass(frozen=True, slots=True)
class Branch:
    name: str
    act: Act
    title: str
    """The heading of the page where the act ends."""
    action: str
    """What the person presses there to end the task; empty where there is nothing left to do."""
    arrives: str
    """Where that leads."""
    told: tuple[str, str] | None = None
    """A page of the application, and the status that it receives there; an empty one is no status header."""
    value: str = ""
    """The value that it receives with it."""
    says: tuple[str, ...] = ()
    """More that the page must say."""
    after: Act | None = None
    """What remains to be done after the action."""
    late: bool = False
    """The application is told at the end, and not before."""
    crowd: bool = False
    """In the town where CAF may be asked once a minute."""


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
    return lambda town, page: page.goto(town.url + path) and None


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
FOREIGN = {"birthcountry": None, "birthplace": None}


def way_out(policy: str) -> str:
    return f"/autrement/{policy}/justificatif"


def _zero(town: Town, page: Page) -> None:
    town.world.api.faults.quotient = 0
    sign_in(town, page, "/relu/")


def _api_stopped(town: Town, page: Page) -> None:
    town.parts.api.stop()
    sign_in(town, page, "/quotient/")


def _token_endpoint_down(town: Town, page: Page) -> None:
    town.world.franceconnect.faults.token_status = 503
    sign_in(town, page, "/quotient/")


def _button_is_marked(town: Town, page: Page) -> None:
    """FranceConnect has just failed somebody: the page of the next says so, and the way without it comes first."""
    del town
    expect(page.get_by_text(PROVIDER_DOWN)).to_be_visible()
    way = page.get_by_role("link", name=WAY_OUT).bounding_box()
    button = page.get_by_role("button", name=FRANCECONNECT).bounding_box()
    assert way is not None
    assert button is not None
    assert way["y"] < button["y"]


def _franceconnect_down(town: Town, page: Page) -> None:
    _token_endpoint_down(town, page)
    press(page, "Recommencer")
    _button_is_marked(town, page)


def _turns_back(town: Town, page: Page) -> None:
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


def _again(town: Town, page: Page) -> None:
    """«Recommencer» led to the login: it leads back to the page first asked for."""
    through(page, MATCHING)
    page.wait_for_url(town.url + "/quotient/")
    assert rows(page)["X-Caf-Quotient"] == "2550"


def _line(town: Town, page: Page) -> None:
    """Somebody else uses the only call of this minute."""
    town.world.sign_in(town.world.person(), "/quotient/", MATCHING)
    page.goto(town.url + "/quotient/")
    press(page, FRANCECONNECT)


def _turn_comes(town: Town, page: Page) -> None:
    town.later(65)
    press(page, "Continuer")
    expect(page.get_by_role("heading", level=1)).to_have_text("C’est votre tour")
    press(page, "Continuer")
    page.locator(f'button[value="{MATCHING}"]').click()
    page.get_by_role("button", name="Continuer vers").click()
    assert rows(page)["X-Caf-Quotient"] == "2550"


def _without_waiting(town: Town, page: Page) -> None:
    _line(town, page)
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


def _kept_when_wrong(town: Town, page: Page) -> None:
    numbered("/numero/", "12A", "330", login="")(town, page)
    assert page.get_by_label("Numéro d’allocataire CAF").input_value() == "12A"
    assert page.get_by_label("Code postal de votre domicile").input_value() == "330"
    page.get_by_label("Numéro d’allocataire CAF").fill("4400101")
    page.get_by_label("Code postal de votre domicile").fill("44100")


def _too_often(town: Town, page: Page) -> None:
    for _ in range(6):
        page.goto(town.url + "/_gateway/allocataire?return_to=/numero/")
        typed(page, "9999999", "33000")
    assert page.get_by_label("Numéro d’allocataire CAF").input_value() == "9999999"


def _contests(town: Town, page: Page) -> None:
    contest(town, page)


def answered(outcome: str) -> Act:
    """The person contests, an agent answers, the person reads the answer."""

    def act(town: Town, page: Page) -> None:
        sign_in(town, page, "/quotient/")
        agent_answers(town, page, contest(town, page), outcome)
        page.goto(town.url + MY_DATA)

    return act


def _corrected(town: Town, page: Page) -> None:
    sign_in(town, page, "/quotient/")
    reference = contest(town, page)
    town.world.api.faults.quotient = 321
    town.later(1)
    agent_answers(town, page, reference, "corrected")
    page.goto(town.url + "/quotient/")


def _corrected_again(town: Town, page: Page) -> None:
    page.get_by_role("button", name="Continuer vers").click()
    assert rows(page)["X-Caf-Quotient"] == "321"


def _address_alone(town: Town, page: Page) -> None:
    sign_in(town, page, "/quotient/")
    sign_in(town, page, "/ville/")
    contest(town, page, "Adresse")
    own = page.context.new_page()
    own.goto(town.url + "/quotient/")
    assert rows(own)["X-Caf-Quotient"] == "2550"
    own.close()


def _objects(town: Town, page: Page) -> None:
    object_to(town, page, "choix")


def _document_for_objection(town: Town, page: Page) -> None:
    agent_answers(town, page, object_to(town, page, "choix"), "document_provided")
    page.goto(town.url + MY_DATA)


def _declines(town: Town, page: Page) -> None:
    press(page, WAY_OUT)
    page.wait_for_url("**/justificatif")


def _form_outlives_the_session(town: Town, page: Page) -> None:
    sign_in(town, page, "/compte/justificatif")
    page.get_by_label("Attestation").set_input_files(
        {"name": "attestation.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.4 essai"}
    )
    town.later(1900)
    # The gateway looks at a session again within the second.
    until(lambda: page.context.request.get(town.url + "/compte/", headers=PROGRAM).status == 401)
    press(page, "Envoyer")
    through(page, MATCHING)


def _leaves(town: Town, page: Page) -> None:
    sign_in(town, page, "/compte/")
    page.goto(town.url + "/_gateway/logout")
    press(page, "Se déconnecter")
    page.wait_for_url("**/_gateway/logged-out**")


def _nobody_is_remembered(town: Town, page: Page) -> None:
    """Neither here nor at FranceConnect, nor by the browser's way back."""
    page.go_back()
    assert "DUBOIS" not in page.content()
    page.goto(town.url + "/compte/")
    press(page, FRANCECONNECT)
    page.locator(f'button[value="{MATCHING}"]').wait_for()


def _forgets(town: Town, page: Page) -> None:
    sign_in(town, page, "/quotient/")
    page.goto(town.url + MY_DATA)
    press(page, "Oublier ces données")


SUITE, VILLE, CHOIX, LIBRE = "/quotient-suite/", "/ville-suite/", "/choix/", "/libre/"
_MINE = "Revenir à mes données"
_LEAVE = "Se déconnecter"

FOUND = (
    Branch("verified", at("/relu/"), REVIEW, "Continuer", "/relu/", (SUITE, "verified"), "2550"),
    Branch("second adult of a couple", at("/relu/", PARENT, claims=OTHER_ADULT), REVIEW, "Continuer", "/relu/", (SUITE, "verified"), "2550"),
    Branch("MSA", at("/relu/", MSA), REVIEW, "Continuer", "/relu/", (SUITE, "verified"), "2550", ("MSA (régime agricole)",)),
    Branch("a quotient of nought is a value", _zero, REVIEW, "Continuer", "/relu/", (SUITE, "verified"), "0"),
    Branch("nursery", at("/creche/", PARENT), REVIEW, "Continuer", "/creche/", ("/bebe-suite/", "verified"), "38400", ("estimation, sous réserve du contrat",)),
    Branch("number of one's own without FranceConnect", numbered("/numero/", "4400101", "44100", ""), REVIEW, "Continuer", "/numero/", ("/numero/", "identity_unverified"), "600", late=True),
    Branch("number typed wrongly is kept", _kept_when_wrong, "Votre numéro d’allocataire", "Continuer", "/_gateway/review", ("/numero/", "identity_unverified"), "600", after=pressing("Continuer"), late=True),
)  # fmt: skip

NOT_FOUND = (
    Branch("no file", at("/quotient/", UNKNOWN), "Aucun dossier trouvé à votre nom", WAY_OUT, way_out("quotient"), (SUITE, "not_found"), says=("C’est fréquent", "l’autre parent")),
    Branch("quotient not computed", after_api(200, NULL_QUOTIENT, at("/quotient/")), "Pas de quotient familial à jour", WAY_OUT, way_out("quotient"), (SUITE, "not_available"), says=("déclarez vos ressources",)),
    Branch("somebody else's file", at("/quotient/", MISMATCHING), "Nous n’avons pas pu faire le lien avec un dossier", WAY_OUT, way_out("quotient"), (SUITE, "mismatch"), says=("Aucune donnée n’a été transmise",)),
    Branch("a doubt", at("/quotient/", claims=OTHER_ORDER), "Une vérification par un agent est nécessaire", WAY_OUT, way_out("quotient"), (SUITE, "pending_review"), says=("5 jours ouvrés",)),
    Branch("the other parent's child", at("/age/"), "Le dossier trouvé est le vôtre, sans l’enfant attendu", WAY_OUT, way_out("age"), ("/age-suite/", "pending_review"), says=("l’autre parent peut se connecter",)),
    Branch("identity of another country", at("/quotient/", claims=FOREIGN), "La CAF ne peut pas être interrogée avec cette identité", WAY_OUT, way_out("quotient"), (SUITE, "not_available")),
    Branch("nobody, or several, in the register", after_api(422, error(b"35560"), at("/identite/")), "Nous n’avons pas pu vous identifier avec certitude", WAY_OUT, way_out("identite"), ("/identite-suite/", "not_found")),
    Branch("nursery: a parameter is missing", at("/bebe/", INCOMPLETE), "Information non disponible", WAY_OUT, way_out("bebe"), ("/bebe-suite/", "not_available"), says=("toutes les informations nécessaires au calcul",)),
    Branch("nursery: somebody else's file", at("/creche/"), "Nous n’avons pas pu faire le lien avec un dossier", WAY_OUT, "/creche/justificatif", ("/bebe-suite/", "mismatch")),
    Branch("unknown number", numbered("/avecnom/", "9999999"), "Ce numéro n’est pas reconnu", WAY_OUT, way_out("avecnom"), ("/avecnom-suite/", "not_found")),
    Branch("somebody else's number", numbered("/avecnom/", "4400101", "44100"), "Ce numéro n’est pas reconnu", "Recommencer", "/_gateway/allocataire", ("/avecnom-suite/", "not_found")),
    Branch("too many numbers", _too_often, "Trop d’essais", WAY_OUT, way_out("numero")),
    Branch("conditions not met", at("/reserve/"), "Accès non autorisé", "Continuer", "/contact", says=("Réservé aux aînés",)),
)  # fmt: skip

TROUBLE = (
    Branch("API Particulier stopped", _api_stopped, CAF_DOWN, WAY_OUT, way_out("quotient"), (SUITE, "unavailable"), says=("Ce n’est pas de votre fait",), crowd=True),
    Branch("habilitation refused", after_api(403, error(b"00100"), at("/quotient/"), lasts=True), CAF_DOWN, WAY_OUT, way_out("quotient"), (SUITE, "unavailable"), crowd=True),
    Branch("quota spent all the same", after_api(429, error(b"00429"), at("/quotient/")), CAF_DOWN, WAY_OUT, way_out("quotient"), (SUITE, "unavailable"), crowd=True),
    Branch("FranceConnect's token expired", after_api(401, error(b"50002"), at("/quotient/")), "Votre identification a expiré", "Recommencer", "/_gateway/login", (SUITE, "not_authenticated"), after=_again),
    Branch("a place in the line", _line, "Votre place dans la file d’attente", "Continuer", "/_gateway/waiting", after=_turn_comes, says=("Vous êtes en position 1",), crowd=True),
    Branch("without waiting", _without_waiting, "Vous avez continué sans attendre", WAY_OUT, way_out("quotient"), (SUITE, "unavailable"), crowd=True),
    Branch("FranceConnect's tokens cannot be had", _token_endpoint_down, PROVIDER_DOWN, WAY_OUT, way_out("quotient"), (LIBRE, "not_authenticated"), crowd=True),
    Branch("FranceConnect down", _franceconnect_down, LOGIN, WAY_OUT, way_out("quotient"), (LIBRE, "not_authenticated"), crowd=True),
    Branch("FranceConnect says that it fails", kept_by_franceconnect("E010011"), PROVIDER_DOWN, WAY_OUT, way_out("quotient"), (LIBRE, "not_authenticated")),
    Branch("FranceConnect turned away from", _turns_back, NOT_COMPLETED, "Recommencer", "/_gateway/login", (LIBRE, "not_authenticated"), after=_again),
    Branch("FranceConnect cannot certify", kept_by_franceconnect("Y180001"), NOT_COMPLETED, WAY_OUT, way_out("quotient"), (LIBRE, "not_authenticated")),
    Branch("without FranceConnect", opening("/quotient/"), LOGIN, WAY_OUT, way_out("quotient"), (way_out("quotient"), ""), late=True),
    Branch("optional login not used", opening(LIBRE), APPLICATION, "", LIBRE, (LIBRE, "not_authenticated")),
    Branch("optional login after another service", at("/quotient/", MATCHING, opening(LIBRE)), APPLICATION, "", LIBRE, (LIBRE, "not_asked")),
    Branch("a form outlives the session", _form_outlives_the_session, "Vous étiez en train d’envoyer un formulaire", "Envoyer", "/compte/justificatif"),
    Branch("shared computer", _leaves, "Vous êtes déconnecté", "", "/_gateway/logged-out", after=_nobody_is_remembered),
)  # fmt: skip

SAID = (
    Branch("declined at the review", at("/choix/", MATCHING, _declines), APPLICATION, "Envoyer", way_out("choix"), (CHOIX, "declined")),
    Branch("declined, then the page again", at("/relu/", MATCHING, _declines, opening("/relu/")), "Vous préférez fournir un justificatif", WAY_OUT, way_out("relu")),
    Branch("objection", at("/choix/", MATCHING, _objects), "Votre choix est enregistré", _MINE, MY_DATA, (CHOIX, "declined"), says=("Référence",)),
    Branch("document provided for an objection", at("/choix/", MATCHING, _document_for_objection), "Mes données", _LEAVE, "/_gateway/logout", (CHOIX, "document_provided"), says=("Un agent a reçu votre justificatif",)),
    Branch("contested", at("/quotient/", MATCHING, _contests), "Votre contestation est enregistrée", _MINE, MY_DATA, (SUITE, "contested"), says=("Référence", "Un agent vous répondra au plus tard le", "caf.fr", "msa.fr")),
    Branch("contested, then the page again", at("/quotient/", MATCHING, _contests, opening("/quotient/")), "Vous avez contesté cette information", WAY_OUT, way_out("quotient"), (SUITE, "contested")),
    Branch("the address alone contested", _address_alone, "Votre contestation est enregistrée", _MINE, MY_DATA, (VILLE, "contested")),
    Branch("settled", answered("settled"), "Mes données", _LEAVE, "/_gateway/logout", (SUITE, "settled"), "2550", ("la donnée est exacte",)),
    Branch("rejected", answered("rejected"), "Mes données", _LEAVE, "/_gateway/logout", (SUITE, "verified"), "2550", ("la contestation n’est pas retenue",)),
    Branch("document provided", answered("document_provided"), "Mes données", _LEAVE, "/_gateway/logout", (SUITE, "document_provided"), says=("Un agent a reçu votre justificatif",)),
    Branch("verified by an agent", answered("verified_by_agent"), "Mes données", _LEAVE, "/_gateway/logout", (SUITE, "verified_by_agent"), says=("Un agent a vérifié votre situation",)),
    Branch("corrected by CAF", _corrected, LOGIN, FRANCECONNECT, "", (SUITE, "settled"), "321", after=_corrected_again, late=True),
    Branch("forgotten", _forgets, "Mes données", _LEAVE, "/_gateway/logout", says=("Aucune donnée de la CAF",)),
)  # fmt: skip

BRANCHES = (*FOUND, *NOT_FOUND, *TROUBLE, *SAID)
