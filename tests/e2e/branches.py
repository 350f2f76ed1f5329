"""The table of branches: each by the act that causes it, what the person reads, the way on, what the application is told."""

from dataclasses import dataclass

from gateway.sandbox.identities import MATCHING, MISMATCHING, PARENT, UNKNOWN
from tests.agents import MY_DATA
from tests.e2e.acts import (
    FOREIGN,
    GUARDIAN,
    LIGATURE,
    NULL_QUOTIENT,
    OTHER_ADULT,
    OTHER_ORDER,
    PROVIDER_DOWN,
    SPECIAL,
    Act,
    address_alone,
    after_api,
    again,
    alternate_custody,
    answered,
    api_stopped,
    at,
    contests,
    corrected,
    corrected_again,
    declines,
    document_for_objection,
    error,
    forgets,
    form_outlives_the_session,
    franceconnect_down,
    kept_by_franceconnect,
    kept_when_wrong,
    leaves,
    line,
    nobody_is_remembered,
    numbered,
    objects,
    opening,
    pressing,
    says_that_it_fails,
    special_situation,
    token_endpoint_down,
    too_often,
    turn_comes,
    turns_back,
    under_way,
    way_out,
    without_waiting,
    works_again,
    zero,
)
from tests.e2e.driving import FRANCECONNECT, WAY_OUT

MSA, INCOMPLETE = "test_ELSA", "avec_nom_dusage"

REVIEW = "Je relis avant de transmettre"
APPLICATION = "Application métier"
LOGIN = "S’identifier"
CAF_DOWN = "Le service de la CAF ne répond pas"
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


SUITE, VILLE, CHOIX, LIBRE = "/quotient-suite/", "/ville-suite/", "/choix/", "/libre/"
_MINE = "Revenir à mes données"
_LEAVE = "Se déconnecter"

FOUND = (
    Branch("verified", at("/relu/"), REVIEW, "Continuer", "/relu/", (SUITE, "verified"), "2550"),
    Branch("second adult of a couple", at("/relu/", PARENT, claims=OTHER_ADULT), REVIEW, "Continuer", "/relu/", (SUITE, "verified"), "2550"),
    Branch("MSA", at("/relu/", MSA), REVIEW, "Continuer", "/relu/", (SUITE, "verified"), "2550", ("MSA (régime agricole)",)),
    Branch("a quotient of nought is a value", zero, REVIEW, "Continuer", "/relu/", (SUITE, "verified"), "0"),
    Branch("nursery", at("/creche/", PARENT), REVIEW, "Continuer", "/creche/", ("/bebe-suite/", "verified"), "38400", ("estimation, sous réserve du contrat", "Un enfant à naître peut ne pas être compté")),
    Branch("number of one's own without FranceConnect", numbered("/numero/", "4400101", "44100", ""), REVIEW, "Continuer", "/numero/", ("/numero/", "identity_unverified"), "600", late=True),
    Branch("number typed wrongly is kept", kept_when_wrong, "Votre numéro d’allocataire", "Continuer", "/_gateway/review", ("/numero/", "identity_unverified"), "600", after=pressing("Continuer"), late=True),
)  # fmt: skip

NOT_FOUND = (
    Branch("no file", at("/quotient/", UNKNOWN), "Aucun dossier trouvé à votre nom", WAY_OUT, way_out("quotient"), (SUITE, "not_found"), says=("C’est fréquent", "l’autre parent")),
    Branch("quotient not computed", after_api(200, NULL_QUOTIENT, at("/quotient/")), "Pas de quotient familial à jour", WAY_OUT, way_out("quotient"), (SUITE, "not_available"), says=("déclarez vos ressources",)),
    Branch("somebody else's file", at("/quotient/", MISMATCHING), "Nous n’avons pas pu faire le lien avec un dossier", WAY_OUT, way_out("quotient"), (SUITE, "mismatch"), says=("Aucune donnée n’a été transmise",)),
    Branch("a doubt", at("/quotient/", claims=OTHER_ORDER), "Une vérification par un agent est nécessaire", WAY_OUT, way_out("quotient"), (SUITE, "pending_review"), says=("5 jours ouvrés",)),
    Branch("the other parent's child", at("/age/"), "Le dossier trouvé est le vôtre, sans l’enfant attendu", WAY_OUT, way_out("age"), ("/age-suite/", "pending_review"), says=("l’autre parent peut se connecter", "En résidence alternée", "Un enfant à naître")),
    Branch("guardian of children of other names", after_api(200, GUARDIAN, at("/age/")), APPLICATION, "", "/age/", ("/age-suite/", "verified"), "430"),
    Branch("a name with letters that the register does not take", at("/identite/", claims=LIGATURE), "Aucun dossier trouvé à votre nom", WAY_OUT, way_out("identite"), ("/identite-suite/", "not_found")),
    Branch("alternate custody: two parents, two quotients", alternate_custody, APPLICATION, "", "/age/", ("/age-suite/", "verified"), "912"),
    Branch("identity of another country", at("/quotient/", claims=FOREIGN), "La CAF ne peut pas être interrogée avec cette identité", WAY_OUT, way_out("quotient"), (SUITE, "not_available")),
    Branch("nobody, or several, in the register", after_api(422, error(b"35560"), at("/identite/")), "Nous n’avons pas pu vous identifier avec certitude", WAY_OUT, way_out("identite"), ("/identite-suite/", "not_found")),
    Branch("nursery: a parameter is missing", at("/bebe/", INCOMPLETE), "Information non disponible", WAY_OUT, way_out("bebe"), ("/bebe-suite/", "not_available"), says=("toutes les informations nécessaires au calcul",)),
    Branch("nursery: a special situation, nobody signs in", special_situation, APPLICATION, "", SPECIAL, (SPECIAL, "not_asked")),
    Branch("nursery: a special situation, after a file that is not complete", at("/situation/", INCOMPLETE), "Information non disponible", "Ma situation est particulière", SPECIAL, (SPECIAL, "not_asked")),
    Branch("nursery: somebody else's file", at("/creche/"), "Nous n’avons pas pu faire le lien avec un dossier", WAY_OUT, "/creche/justificatif", ("/bebe-suite/", "mismatch")),
    Branch("unknown number", numbered("/avecnom/", "9999999"), "Ce numéro n’est pas reconnu", WAY_OUT, way_out("avecnom"), ("/avecnom-suite/", "not_found")),
    Branch("somebody else's number", numbered("/avecnom/", "4400101", "44100"), "Ce numéro n’est pas reconnu", "Recommencer", "/_gateway/allocataire", ("/avecnom-suite/", "not_found")),
    Branch("too many numbers", too_often, "Trop d’essais", WAY_OUT, way_out("numero")),
    Branch("account linked to another identity", at("/lie/"), "Accès non autorisé", "Continuer", "/contact", says=("déjà associé à une autre identité",)),
    Branch("conditions not met", at("/reserve/"), "Accès non autorisé", "Continuer", "/contact", says=("Réservé aux aînés",)),
)  # fmt: skip

TROUBLE = (
    Branch("API Particulier stopped", api_stopped, CAF_DOWN, WAY_OUT, way_out("quotient"), (SUITE, "unavailable"), says=("Ce n’est pas de votre fait",), crowd=True),
    Branch("CAF's own service out of time", after_api(504, error(b"37002"), at("/quotient/")), CAF_DOWN, WAY_OUT, way_out("quotient"), (SUITE, "unavailable"), crowd=True),
    Branch("CAF's own service answers what nobody understands", after_api(502, error(b"37999"), at("/quotient/"), lasts=True), CAF_DOWN, WAY_OUT, way_out("quotient"), (SUITE, "unavailable")),
    Branch("the gateway's own token refused", after_api(401, error(b"00103"), at("/identite/"), lasts=True), CAF_DOWN, WAY_OUT, way_out("identite"), ("/identite-suite/", "unavailable"), crowd=True),
    Branch("habilitation refused", after_api(403, error(b"00100"), at("/quotient/"), lasts=True), CAF_DOWN, WAY_OUT, way_out("quotient"), (SUITE, "unavailable"), crowd=True),
    Branch("quota spent all the same", after_api(429, error(b"00429"), at("/quotient/")), CAF_DOWN, WAY_OUT, way_out("quotient"), (SUITE, "unavailable"), crowd=True),
    Branch("the same request under way, then done", under_way(1), APPLICATION, "", "/quotient/", (SUITE, "verified"), "2550"),
    Branch("the same request under way", under_way(3), "Une demande est déjà en cours", WAY_OUT, way_out("quotient"), (SUITE, "unavailable"), says=("Attendez une minute", "aucune donnée")),
    Branch("FranceConnect's token expired", after_api(401, error(b"50002"), at("/quotient/")), "Votre identification a expiré", "Recommencer", "/_gateway/login", (SUITE, "not_authenticated"), after=again),
    Branch("a place in the line", line, "Votre place dans la file d’attente", "Continuer", "/_gateway/waiting", after=turn_comes, says=("Vous êtes en position 1",), crowd=True),
    Branch("without waiting", without_waiting, "Vous avez continué sans attendre", WAY_OUT, way_out("quotient"), (SUITE, "unavailable"), crowd=True),
    Branch("FranceConnect's tokens cannot be had", token_endpoint_down, PROVIDER_DOWN, WAY_OUT, way_out("quotient"), (LIBRE, "unavailable"), crowd=True),
    Branch("FranceConnect down", franceconnect_down, LOGIN, WAY_OUT, way_out("quotient"), (LIBRE, "unavailable"), crowd=True),
    Branch("FranceConnect says that it fails", kept_by_franceconnect("E010011"), PROVIDER_DOWN, WAY_OUT, way_out("quotient"), (LIBRE, "unavailable")),
    Branch("FranceConnect said that it fails, then the page again", says_that_it_fails, LOGIN, WAY_OUT, way_out("quotient"), (LIBRE, "unavailable")),
    Branch("FranceConnect works again", works_again, APPLICATION, "", LIBRE, (LIBRE, "not_asked")),
    Branch("FranceConnect turned away from", turns_back, NOT_COMPLETED, "Recommencer", "/_gateway/login", (LIBRE, "not_authenticated"), after=again),
    Branch("FranceConnect cannot certify", kept_by_franceconnect("Y180001"), NOT_COMPLETED, WAY_OUT, way_out("quotient"), (LIBRE, "not_authenticated")),
    Branch("without FranceConnect", opening("/quotient/"), LOGIN, WAY_OUT, way_out("quotient"), (way_out("quotient"), ""), late=True),
    Branch("optional login not used", opening(LIBRE), APPLICATION, "", LIBRE, (LIBRE, "not_authenticated")),
    Branch("optional login after another service", at("/quotient/", MATCHING, opening(LIBRE)), APPLICATION, "", LIBRE, (LIBRE, "not_asked")),
    Branch("a form outlives the session", form_outlives_the_session, "Vous étiez en train d’envoyer un formulaire", "Envoyer", "/compte/justificatif"),
    Branch("shared computer", leaves, "Vous êtes déconnecté", "", "/_gateway/logged-out", after=nobody_is_remembered),
)  # fmt: skip

SAID = (
    Branch("declined at the review", at("/choix/", MATCHING, declines), APPLICATION, "Envoyer", way_out("choix"), (CHOIX, "declined")),
    Branch("declined, then the page again", at("/relu/", MATCHING, declines, opening("/relu/")), "Vous préférez fournir un justificatif", WAY_OUT, way_out("relu")),
    Branch("objection", at("/choix/", MATCHING, objects), "Votre choix est enregistré", _MINE, MY_DATA, (CHOIX, "declined"), says=("Référence",)),
    Branch("document provided for an objection", at("/choix/", MATCHING, document_for_objection), "Mes données", _LEAVE, "/_gateway/logout", (CHOIX, "document_provided"), says=("Un agent a reçu votre justificatif",)),
    Branch("contested", at("/quotient/", MATCHING, contests), "Votre contestation est enregistrée", _MINE, MY_DATA, (SUITE, "contested"), says=("Référence", "Un agent vous répondra au plus tard le", "caf.fr", "msa.fr")),
    Branch("contested, then the page again", at("/quotient/", MATCHING, contests, opening("/quotient/")), "Vous avez contesté cette information", WAY_OUT, way_out("quotient"), (SUITE, "contested")),
    Branch("the address alone contested", address_alone, "Votre contestation est enregistrée", _MINE, MY_DATA, (VILLE, "contested")),
    Branch("settled", answered("settled"), "Mes données", _LEAVE, "/_gateway/logout", (SUITE, "settled"), "2550", ("la donnée est exacte",)),
    Branch("rejected", answered("rejected"), "Mes données", _LEAVE, "/_gateway/logout", (SUITE, "verified"), "2550", ("la contestation n’est pas retenue",)),
    Branch("document provided", answered("document_provided"), "Mes données", _LEAVE, "/_gateway/logout", (SUITE, "document_provided"), says=("Un agent a reçu votre justificatif",)),
    Branch("verified by an agent", answered("verified_by_agent"), "Mes données", _LEAVE, "/_gateway/logout", (SUITE, "verified_by_agent"), says=("Un agent a vérifié votre situation",)),
    Branch("corrected by CAF", corrected, LOGIN, FRANCECONNECT, "", (SUITE, "settled"), "321", after=corrected_again, late=True),
    Branch("forgotten", forgets, "Mes données", _LEAVE, "/_gateway/logout", says=("Aucune donnée de la CAF",)),
)  # fmt: skip

BRANCHES = (*FOUND, *NOT_FOUND, *TROUBLE, *SAID)
