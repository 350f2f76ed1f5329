"""What a person reads when their request was not taken: what happened, then what to do."""

from collections.abc import Mapping

from gateway.web.texts import Message

REJECTED: Mapping[int, Message] = {
    400: Message(
        "Demande non comprise", "L’adresse ou la demande n’est pas valable. Vérifiez le lien, puis réessayez."
    ),
    403: Message(
        "Demande refusée",
        "Ce site n’a pas pu traiter cette demande. Réessayez plus tard ; si cela dure, prévenez le service et "
        "donnez-lui la référence.",
    ),
    404: Message("Page introuvable", "Il n’y a pas de page à cette adresse. Vérifiez le lien."),
    405: Message("Action impossible ici", "Cette page n’accepte pas cette action. Revenez à la page précédente."),
    413: Message(
        "Envoi trop volumineux",
        "Le fichier ou le formulaire dépasse la taille acceptée. Revenez à la page précédente et envoyez un fichier "
        "moins lourd, par exemple une photo moins grande.",
    ),
    414: Message(
        "Adresse trop longue",
        "L’adresse de cette page est trop longue pour être traitée. Si vous avez rempli un formulaire, revenez à la "
        "page précédente et écrivez un texte plus court.",
    ),
    415: Message(
        "Format non accepté", "Ce formulaire a été envoyé sous une forme que ce site n’accepte pas. Remplissez-le ici."
    ),
    421: Message("Adresse inconnue", "Ce nom de site n’est pas servi ici. Vérifiez le lien."),
    429: Message("Trop d’essais", "Vous avez fait plusieurs essais. Attendez un peu, ou continuez autrement."),
    431: Message(
        "Demande trop lourde",
        "Votre navigateur a envoyé trop d’informations avec cette demande. Effacez les cookies de ce site, "
        "puis réessayez.",
    ),
    501: Message("Action impossible ici", "Ce site ne sait pas faire ce que votre navigateur demande."),
}
"""By status; any other is said as 400 is."""

FORM_EXPIRED = Message(
    "Formulaire expiré",
    "Pour votre sécurité, ce formulaire n’est plus valable. Revenez à la page précédente, actualisez-la, "
    "puis réessayez.",
)
"""A form that comes from elsewhere, from another session, or too late."""

SESSION_OVER = Message(
    "Votre session est terminée",
    "Vous n’êtes plus identifié : votre session a été fermée, ou elle a trop duré. Recommencez pour revenir à la page "
    "que vous demandiez.",
)
"""A page that only makes sense during a session, opened without one."""
