"""What people and agents read of disputes, in French."""

from collections.abc import Mapping

from gateway.core.disputes import State
from gateway.web.texts import Message

STATES: Mapping[tuple[bool, State], str] = {
    (True, State.OPEN): "Contestation enregistrée : cette donnée n’est plus transmise",
    (True, State.SETTLED): "Un agent a répondu : la donnée est exacte, elle est de nouveau transmise",
    (True, State.CORRECTED): "Un agent a répondu : la donnée a été corrigée, elle sera demandée de nouveau",
    (True, State.DOCUMENT_PROVIDED): "Un agent a reçu votre justificatif : cette donnée n’est plus transmise",
    (True, State.VERIFIED_BY_AGENT): "Un agent a vérifié votre situation : cette donnée n’est plus transmise",
    (True, State.REJECTED): "Un agent a répondu : la contestation n’est pas retenue, la donnée est transmise",
    (False, State.OPEN): "Vous préférez fournir un justificatif : rien n’est transmis à ce service",
    (False, State.DOCUMENT_PROVIDED): "Un agent a reçu votre justificatif : rien n’est transmis à ce service",
    (False, State.VERIFIED_BY_AGENT): "Un agent a vérifié votre situation : rien n’est transmis à ce service",
}
"""By whether it is a contest, and its state."""

CONTESTED_HERE = "Contestée : cette donnée n’est plus transmise, jusqu’à la fin de votre session"
DECLINED_HERE = "Vous préférez fournir un justificatif : rien n’est transmis, jusqu’à la fin de votre session"
NOT_SHOWN = "La valeur n’est pas affichée : rien n’a montré que ce dossier est le vôtre."

CONTEST = "Contestation"
OBJECTION = "Opposition"

AGENT_STATES: Mapping[State, str] = {
    State.OPEN: "à traiter",
    State.SETTLED: "donnée exacte",
    State.CORRECTED: "donnée corrigée par la CAF ou la MSA",
    State.DOCUMENT_PROVIDED: "justificatif reçu",
    State.VERIFIED_BY_AGENT: "situation vérifiée",
    State.REJECTED: "contestation non retenue",
}

OUTCOMES: Mapping[State, str] = {
    State.SETTLED: "La donnée est exacte : elle est de nouveau transmise",
    State.CORRECTED: "La CAF ou la MSA a corrigé la donnée : elle sera demandée de nouveau, puis transmise",
    State.DOCUMENT_PROVIDED: "La personne a fourni un justificatif : la donnée n’est pas transmise",
    State.VERIFIED_BY_AGENT: "J’ai vérifié la situation autrement : la donnée n’est pas transmise",
    State.REJECTED: "La contestation n’est pas retenue : la donnée est de nouveau transmise",
}

CHOOSE = "Choisissez une réponse : rien n’a encore été enregistré."

AGENT_PROVIDERS: Mapping[str, str] = {"proconnect": "ProConnect"}

AGENT_LOGIN_FAILED = Message(
    "L’identification n’a pas abouti", "Recommencez. Si cela se reproduit, donnez cette référence à l’administrateur."
)

ALREADY_ANSWERED = Message(
    "Cette demande a déjà reçu une réponse",
    "Quelqu’un y a répondu avant vous, la personne l’a retirée, ou cette réponse n’est plus possible. "
    "Rien n’a été changé.",
)
