"""What people read of a line that they did not wait for, or of a quota that is spent."""

from collections.abc import Mapping

from gateway.web.texts import Message

_CROWDED = Message(
    "Trop de demandes à la fois",
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
