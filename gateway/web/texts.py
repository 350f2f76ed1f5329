"""What people read, in French, one place. Plain words, no accusation, never which trait differed."""

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.core.model import HouseholdStatus

FACT_LABELS: Mapping[str, str] = {
    "identity.sub": "un identifiant propre à ce service",
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
}

FUNDS: Mapping[str, str] = {"cnaf": "la CAF (allocations familiales)", "msa": "la MSA (régime agricole)"}

MONTHS = (
    "janvier février mars avril mai juin juillet août septembre octobre novembre décembre".split()  # noqa: SIM905
)


@dataclass(frozen=True, slots=True)
class Message:
    """What happened, then what it means and what to do."""

    title: str
    body: str


ALTERNATIVE: Mapping[HouseholdStatus, Message] = {
    HouseholdStatus.NOT_FOUND: Message(
        "Aucun dossier trouvé à votre nom",
        "La CAF et la MSA n’ont pas trouvé de dossier à votre nom. C’est fréquent, par exemple sans aide de la CAF. "
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
        "Le délai pour interroger la CAF est dépassé. Recommencez, ou continuez autrement.",
    ),
    HouseholdStatus.DECLINED: Message(
        "Vous préférez fournir un justificatif",
        "C’est noté : rien n’est transmis par la CAF ou la MSA à ce service.",
    ),
}

_CROWDED = Message(
    "Trop de demandes en ce moment",
    "La CAF et la MSA limitent le nombre de demandes, et votre tour est passé avant votre retour. "
    "Ce n’est pas de votre fait, et aucune donnée n’a été transmise. "
    "Vous pouvez recommencer, ou continuer autrement dès maintenant.",
)

UNAVAILABLE_BECAUSE: Mapping[str, Message] = {
    "household_waived": Message(
        "Vous avez continué sans attendre",
        "La CAF et la MSA n’ont pas été interrogées : aucune donnée n’a été transmise. "
        "Vous pouvez recommencer plus tard, ou continuer autrement dès maintenant.",
    ),
    "api_particulier_quota": _CROWDED,
    "api_particulier_closed": _CROWDED,
}
"""By the code of the enquiry; any other reason is an outage."""

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

UPSTREAM_DOWN = Message(
    "Cette page ne répond pas pour le moment",
    "Le service que vous demandez est momentanément indisponible. Réessayez dans quelques minutes.",
)

REFUSED = Message(
    "Accès non autorisé",
    "Les conditions d’accès à ce service ne sont pas remplies. Si vous pensez que c’est une erreur, contactez-nous.",
)

REJECTED: Mapping[int, Message] = {
    400: Message(
        "Demande non comprise", "L’adresse ou la demande n’est pas valable. Vérifiez le lien, puis réessayez."
    ),
    403: Message(
        "Formulaire expiré", "Pour votre sécurité, ce formulaire n’est plus valable. Revenez en arrière et réessayez."
    ),
    404: Message("Page introuvable", "Il n’y a pas de page à cette adresse. Vérifiez le lien."),
    405: Message("Action impossible ici", "Cette page n’accepte pas cette action."),
    413: Message("Envoi trop volumineux", "Le fichier ou le formulaire dépasse la taille acceptée."),
    421: Message("Adresse inconnue", "Ce nom de site n’est pas servi ici. Vérifiez le lien."),
    429: Message("Trop d’essais", "Vous avez fait plusieurs essais. Attendez un peu, ou continuez autrement."),
}


def month(iso: str) -> str:
    """`2026-05` → «mai 2026»."""
    year, number = iso.split("-")
    return f"{MONTHS[int(number) - 1]} {year}"
