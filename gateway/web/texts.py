"""What people read, in French, one place. Plain words, no accusation, never which trait differed."""

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.core.model import HouseholdStatus, Need
from gateway.core.rules import Text

FACT_LABELS: Mapping[str, str] = {
    "identity.sub": "un identifiant propre à ce site",
    "identity.birth_name": "votre nom de naissance",
    "identity.usage_name": "votre nom d’usage",
    "identity.given_names": "vos prénoms",
    "identity.first_given_name": "votre premier prénom",
    "identity.birthdate": "votre date de naissance",
    "identity.age": "votre âge",
    "identity.gender": "votre sexe",
    "identity.birthplace": "votre commune de naissance",
    "identity.birthcountry": "votre pays de naissance",
    "identity.email": "votre adresse électronique",
    "household.fund": "l’organisme qui a répondu (CAF ou MSA)",
    "household.family_quotient": "votre quotient familial",
    "household.reference_month": "le mois du quotient familial",
    "household.computed_month": "le mois de calcul du quotient familial",
    "household.address": "votre adresse",
    "household.address.lines": "votre adresse (rue)",
    "household.address.postal_code": "votre code postal",
    "household.address.city": "votre commune",
    "household.address.insee_code": "le code de votre commune",
    "household.adults": "les noms des adultes du dossier",
    "household.children": "les noms et dates de naissance des enfants",
    "household.children.count": "le nombre d’enfants",
    "household.children.age": "l’âge des enfants",
    "household.obtained_at": "la date de cette consultation",
    "brackets.name": "votre tranche de tarif",
    "brackets.valid_from": "la date d’effet du tarif",
    "childcare.annual_resources": "vos ressources annuelles",
    "childcare.resources_year": "l’année de ces ressources",
    "childcare.dependent_children": "le nombre d’enfants à charge",
    "childcare.aeeh_children": "le nombre d’enfants pour lesquels vous recevez l’AEEH",
    "childcare.address": "votre adresse",
    "childcare.address.lines": "votre adresse (rue)",
    "childcare.address.postal_code": "votre code postal",
    "childcare.address.city": "votre commune",
    "childcare.address.insee_code": "le code de votre commune",
    "childcare.adults": "les noms des adultes du dossier",
    "childcare.children": "les noms et dates de naissance des enfants",
    "childcare.children.count": "le nombre d’enfants",
    "childcare.children.age": "l’âge des enfants",
    "childcare.obtained_at": "la date de cette consultation",
    "childcare.estimated_hourly_rate": "votre participation par heure (estimation, sous réserve du contrat)",
    "childcare.scale_valid_from": "la date d’effet du barème",
}

_RESULT = "le résultat de la demande (dossier trouvé, ou non)"

RECEIVED_LABELS: Mapping[str, str] = {
    **FACT_LABELS,
    "household.status": _RESULT,
    "childcare.status": _RESULT,
    "identity.acr": "le niveau de garantie de votre identification",
    "identity.authenticated_at": "l’heure de votre identification",
    "identity.provider": "le nom du service d’identification",
}
"""What a service receives: the values, and what is said of them. That no file was found tells something of a person."""

STATUS_WORDS: Mapping[HouseholdStatus, str] = {
    HouseholdStatus.VERIFIED: "dossier trouvé, à votre nom",
    HouseholdStatus.SETTLED: "dossier trouvé, confirmé par un agent",
    HouseholdStatus.IDENTITY_UNVERIFIED: "dossier trouvé, identité non vérifiée",
    HouseholdStatus.NOT_FOUND: "aucun dossier trouvé",
    HouseholdStatus.MISMATCH: "aucun lien établi avec un dossier",
    HouseholdStatus.PENDING_REVIEW: "à vérifier par un agent",
    HouseholdStatus.NOT_AVAILABLE: "information non disponible",
    HouseholdStatus.UNAVAILABLE: "pas de réponse de la CAF ou de la MSA",
    HouseholdStatus.NOT_AUTHENTICATED: "identification expirée",
    HouseholdStatus.DECLINED: "vous préférez fournir un justificatif",
    HouseholdStatus.CONTESTED: "information contestée",
    HouseholdStatus.DOCUMENT_PROVIDED: "justificatif reçu",
    HouseholdStatus.VERIFIED_BY_AGENT: "situation vérifiée par un agent",
    HouseholdStatus.NOT_ASKED: "non demandé",
}
"""What the application reads as a code."""

IDENTIFIER = "Identifiant"
FIXED = "Une mention fixe"
SIGNATURE = "La signature"
"""It says who signed in, to whoever checks it (`sign: jwt`)."""

ATTACHED_LABELS: Mapping[str, str] = {
    "gateway.policy": "le nom de la règle appliquée",
    "gateway.policy_version": "la version de cette règle",
    "gateway.decision_id": "la référence de la demande",
}
ONE_EACH = "une nouvelle à chaque demande"

SCOPE_LABELS: Mapping[str, str] = {
    "family_name": FACT_LABELS["identity.birth_name"],
    "given_name": FACT_LABELS["identity.given_names"],
    "birthdate": FACT_LABELS["identity.birthdate"],
    "gender": FACT_LABELS["identity.gender"],
    "birthplace": FACT_LABELS["identity.birthplace"],
    "birthcountry": FACT_LABELS["identity.birthcountry"],
    "preferred_username": FACT_LABELS["identity.usage_name"],
    "email": FACT_LABELS["identity.email"],
}
"""What an identity provider is asked for, by OpenID scope; `identite_pivot` is the first six."""

RETENTIONS: Mapping[str, str] = {"session": "le temps de votre visite, puis tout est effacé"}
"""Words of a policy's `retention` that a person would not understand."""

ACCESSIBILITY_STATES = ("non évaluée", "non conforme", "partiellement conforme", "totalement conforme")
"""Nobody has looked yet, then the three words of the law."""

FUNDS: Mapping[str, str] = {"cnaf": "la CAF (allocations familiales)", "msa": "la MSA (régime agricole)"}

EITHER_FUND = "la CAF ou la MSA"
"""A nursery's file does not say which of the two answered."""

UNITS: Mapping[str, str] = {
    "childcare.annual_resources": "%(amount)s € par an",
    "childcare.estimated_hourly_rate": "%(amount)s € par heure",
}
"""How an amount is written, by fact."""

GENDERS: Mapping[str, str] = {"female": "féminin", "male": "masculin"}
PROVIDER = "Fournisseur d’identité"
LEVEL = "Niveau de garantie"
PAIRWISE = "Identifiant auprès de ce fournisseur"
INSEE_CODE = "%(amount)s (code de l’Insee)"

SENT_UNSEEN = "transmis au service sans être affiché ici"
"""In place of a value, to somebody whom nobody has identified."""

ALTERNATIVE_DETAILS: Mapping[str, str] = {
    "documents": "Ce qu’il faut envoyer",
    "how": "Comment",
    "delay": "Délai de réponse",
    "meanwhile": "En attendant",
}
"""What a policy says of its path without FranceConnect."""

RETROACTIVE = "Correction du tarif depuis le début"
IS_RETROACTIVE: Mapping[bool, str] = {
    True: "oui, dès que votre justificatif est traité",
    False: "non, à partir de la décision seulement",
}

ANY_QUOTIENT = "quel que soit le quotient"
UP_TO = "jusqu’à %(high)s €"
BETWEEN = "de %(low)s à %(high)s €"
ABOVE = "plus de %(low)s €"
ZERO_IS_ABSENT = "Un quotient de 0 compte comme absent : aucune tranche n’est calculée."

ANY_CHILDREN = "quel que soit le nombre d’enfants"
ONE_CHILD = "1 enfant"
CHILDREN = "%(low)s enfants"
CHILDREN_BETWEEN = "de %(low)s à %(high)s enfants"
CHILDREN_FROM = "%(low)s enfants ou plus"

MONTHS = (
    "janvier février mars avril mai juin juillet août septembre octobre novembre décembre".split()  # noqa: SIM905
)


@dataclass(frozen=True, slots=True)
class Message:
    """What happened, then what it means and what to do."""

    title: str
    body: str | Text
    """A policy’s own words, or ours."""


CONTESTED = Message(
    "Vous avez contesté cette information",
    "Elle n’est plus transmise à aucun service, jusqu’à la réponse d’un agent. Vous pouvez continuer autrement.",
)

DOCUMENT_PROVIDED = Message(
    "Votre justificatif a été reçu",
    "Un agent l’a reçu : rien n’est transmis par la CAF ou la MSA à ce service.",
)

VERIFIED_BY_AGENT = Message(
    "Un agent a vérifié votre situation",
    "Sa réponse remplace les données de la CAF ou de la MSA : rien n’est transmis à ce service.",
)

ALTERNATIVE: Mapping[HouseholdStatus, Message] = {
    HouseholdStatus.NOT_FOUND: Message(
        "Aucun dossier trouvé à votre nom",
        "Aucun dossier CAF ou MSA n’a été trouvé à votre nom. C’est fréquent si vous n’avez qu’un enfant ou aucune "
        "aide. Si votre enfant est rattaché au dossier de l’autre parent, l’autre parent peut se connecter. "
        "Aucune donnée n’a été transmise.",
    ),
    HouseholdStatus.MISMATCH: Message(
        "Nous n’avons pas pu faire le lien avec un dossier",
        "Nous n’avons pas pu relier votre identité FranceConnect au dossier trouvé. Aucune donnée n’a été transmise, "
        "et ce n’est pas forcément une erreur de votre part.",
    ),
    HouseholdStatus.PENDING_REVIEW: Message(
        "Une vérification par un agent est nécessaire",
        "Nous n’avons pas pu confirmer seuls que le dossier trouvé est le vôtre. Aucune donnée n’a été transmise.",
    ),
    HouseholdStatus.NOT_AVAILABLE: Message(
        "Information non disponible",
        "La CAF ou la MSA n’a pas, pour vous et pour ce mois, l’information demandée. Aucune donnée n’a été transmise.",
    ),
    HouseholdStatus.UNAVAILABLE: Message(
        "Le service de la CAF ne répond pas",
        "Ce n’est pas de votre fait. Vous pouvez réessayer dans quelques minutes, "
        "ou continuer autrement dès maintenant.",
    ),
    HouseholdStatus.NOT_AUTHENTICATED: Message(
        "Votre identification a expiré",
        "La session FranceConnect a expiré avant que la CAF ait pu répondre. Recommencez, ou continuez autrement.",
    ),
    HouseholdStatus.DECLINED: Message(
        "Vous préférez fournir un justificatif",
        "C’est noté : rien n’est transmis par la CAF ou la MSA à ce service.",
    ),
    HouseholdStatus.CONTESTED: CONTESTED,
    HouseholdStatus.DOCUMENT_PROVIDED: DOCUMENT_PROVIDED,
    HouseholdStatus.VERIFIED_BY_AGENT: VERIFIED_BY_AGENT,
}

BY_WORD = frozenset({HouseholdStatus.CONTESTED, HouseholdStatus.DOCUMENT_PROVIDED, HouseholdStatus.VERIFIED_BY_AGENT})
"""What «Mes données» can change, and a new login cannot."""

DATA: Mapping[Need, str] = {
    Need.QUOTIENT: "Quotient familial",
    Need.ADDRESS: "Adresse",
    Need.CHILDREN: "Enfants",
    Need.ADULTS: "Adultes du dossier",
    Need.CHILDCARE_PARAMETERS: "Ressources et enfants à charge (crèche)",
    Need.CHILDCARE_ADDRESS: "Adresse (crèche)",
    Need.CHILDCARE_CHILDREN: "Enfants (crèche)",
    Need.CHILDCARE_ADULTS: "Adultes du dossier (crèche)",
}
"""What can be contested, by name."""

OTHER_ALTERNATIVE = Message(
    "Nous ne pouvons pas transmettre cette information",
    "Aucune donnée n’a été transmise. Vous pouvez continuer autrement.",
)

LOGIN_FAILED = Message(
    "La connexion avec FranceConnect n’a pas abouti",
    "Vous pouvez recommencer, ou continuer autrement : FranceConnect n’est jamais obligatoire.",
)

PROVIDER_DOWN = Message(
    "FranceConnect ne répond pas pour le moment",
    "Ce n’est pas de votre fait. Réessayez dans quelques minutes, ou continuez autrement dès maintenant.",
)

LOGINS_TOO_MANY = Message(
    "Beaucoup de connexions en peu de temps",
    "Trop de connexions ont été demandées depuis votre réseau. Attendez une minute, puis recommencez, "
    "ou continuez autrement dès maintenant.",
)

STORE_DOWN = Message(
    "Le service est momentanément indisponible",
    "Ce n’est pas de votre fait. Réessayez dans quelques minutes.",
)

STORE_FULL = Message(
    "Trop de personnes se connectent en ce moment",
    "Votre demande n’a pas été enregistrée ; rien d’autre n’est perdu. Réessayez dans quelques minutes.",
)

UPSTREAM_DOWN = Message(
    "Cette page ne répond pas pour le moment",
    "Le service que vous demandez est momentanément indisponible. Réessayez dans quelques minutes.",
)

REFUSED = Message(
    "Accès non autorisé",
    "Les conditions d’accès à ce service ne sont pas remplies. Si vous pensez que c’est une erreur, contactez-nous.",
)

SIGN_IN_FIRST = Message(
    "Identifiez-vous pour continuer",
    "Pour savoir si ce service vous est ouvert, il faut vous identifier. Vous pouvez le faire maintenant.",
)
"""A condition of the service is unknown because nobody is signed in."""


def month(iso: str) -> str:
    """`2026-05` → «mai 2026»."""
    year, number = iso.split("-")
    return f"{MONTHS[int(number) - 1]} {year}"
