"""What people read when a login or a form did not go the usual way. Plain words, one thing to do."""

from collections.abc import Mapping

from gateway.web.texts import Message

COOKIES_REFUSED = Message(
    "Votre navigateur n’a pas gardé notre cookie",
    "Sans ce cookie, ce site ne peut pas vous reconnaître au retour. Autorisez les cookies pour ce site, "
    "ou utilisez un autre navigateur, puis recommencez.",
)

TOO_WEAK = Message(
    "Ce service demande une identification plus forte",
    "Le compte que vous avez choisi ne suffit pas. Recommencez avec un autre compte, ou continuez autrement. "
    "Ce que vous aviez déjà ouvert le reste.",
)

LOOP = Message(
    "Vous êtes identifié, mais votre navigateur ne le garde pas",
    "Vous venez de vous identifier plusieurs fois pour la même page. Autorisez les cookies pour ce site, "
    "fermez ses autres onglets ou essayez un autre navigateur. Appuyez sur Continuer pour essayer la page.",
)

IN_VAIN = Message(
    "Cette identification ne suffit pas pour ce service",
    "Vous êtes identifié, mais ce service demande davantage que ce qui a été reçu. Recommencer peut aider une fois. "
    "Sinon, continuez autrement, ou contactez-nous avec la référence.",
)

FORM_GONE = Message(
    "Ce formulaire n’est plus en attente",
    "Il a déjà été envoyé, ou le délai est dépassé. Il n’a pas été envoyé une seconde fois. Vérifiez avant de le "
    "remplir à nouveau.",
)

FORM_OF_ANOTHER = Message(
    "Ce formulaire n’a pas été envoyé",
    "Il a été rempli par une autre personne que celle qui vient de s’identifier. Il est effacé.",
)

NOT_KEPT: Mapping[str, str] = {
    "form_too_large": "Ce formulaire est trop grand pour être gardé pendant que vous vous identifiez.",
    "form_from_elsewhere": "Ce formulaire vient d’un autre site : pour votre sécurité, il n’est pas gardé.",
}
"""Why a form was not kept, where a person can make something of it."""

WHY: Mapping[str, str] = {
    "acr_too_low": "Ce service demande une identification plus forte que la vôtre.",
    "provider_not_accepted": "Ce service n’accepte pas la façon dont vous vous êtes identifié.",
    "scopes_missing": "Ce service a besoin en plus de :",
}
"""Why one who is already signed in is asked again."""

ASKED_AGAIN = "Ce service doit consulter vos données une nouvelle fois."
