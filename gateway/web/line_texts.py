"""What people read of a line that they did not wait for, or of a quota that is spent."""

from collections.abc import Mapping

from gateway.web.texts import Message

_CROWDED = Message(
    "Trop de demandes à la fois",
    "La CAF et la MSA limitent le nombre de demandes, et votre tour est passé avant votre retour. "
    "Ce n’est pas de votre fait, et aucune donnée n’a été transmise. "
    "Vous pouvez recommencer, ou continuer autrement dès maintenant.",
)

_BUSY = Message(
    "Une demande est déjà en cours",
    "La CAF ou la MSA répond en ce moment à une autre demande de ce service, et n’en traite qu’une à la fois. "
    "Ce n’est pas de votre fait, et aucune donnée n’a été transmise. "
    "Attendez une minute et recommencez, ou continuez autrement dès maintenant.",
)

UNAVAILABLE_BECAUSE: Mapping[str, Message] = {
    "household_waived": Message(
        "Vous avez continué sans attendre",
        "La CAF et la MSA n’ont pas été interrogées : aucune donnée n’a été transmise. "
        "Vous pouvez recommencer plus tard, ou continuer autrement dès maintenant.",
    ),
    "api_particulier_quota": _CROWDED,
    "api_particulier_closed": _CROWDED,
    "api_particulier_busy": _BUSY,
    "api_particulier_409": _BUSY,
    "api_particulier_409_00015": _BUSY,
}
"""By the code of the enquiry; any other reason is an outage."""
