"""Which words a person reads when a source has no value to give: one place for all the branches."""

from gateway.core.decision import Alternative, Reason
from gateway.core.household import view
from gateway.core.model import HouseholdStatus, Session, Source
from gateway.core.rules import Lookup, Mode, Policy, Text, WayOut
from gateway.web import texts
from gateway.web.line_texts import UNAVAILABLE_BECAUSE
from gateway.web.texts import Message

_QUOTIENT = frozenset({"household.family_quotient", "brackets.name", "brackets.valid_from"})


NOT_COMPUTED = Message(
    "Pas de quotient familial à jour",
    "La CAF ou la MSA n’a pas de quotient familial à jour pour vous. Pour qu’elle le calcule, déclarez vos ressources "
    "sur caf.fr ou msa.fr, dans « Mon compte ». Aucune donnée n’a été transmise.",
)
"""`not_available` where the quotient itself is wanted."""

CHILDCARE_INCOMPLETE = Message(
    "Information non disponible",
    "La CAF ou la MSA ne peut pas fournir toutes les informations nécessaires au calcul. Aucune donnée n’a été "
    "transmise.",
)
"""`not_available` for a nursery: all the parameters or none."""

NOT_IDENTIFIED = Message(
    "Nous n’avons pas pu vous identifier avec certitude",
    "Les organismes sociaux n’ont pas pu vous retrouver avec certitude à partir de votre état civil. "
    "Aucune donnée n’a été transmise.",
)
"""`not_found` when it is the person, and not the file, that was not found."""

FOREIGN_IDENTITY = Message(
    "La CAF ne peut pas être interrogée avec cette identité",
    "Vous êtes bien connecté, mais l’identité reçue ne permet pas de chercher un dossier à la CAF ou à la MSA : elle "
    "ne précise pas votre lieu de naissance. Aucune donnée n’a été transmise.",
)
"""`not_available` for an identity of another European country."""

CHILD_NOT_LISTED = Message(
    "Le dossier trouvé est le vôtre, sans l’enfant attendu",
    "Si l’enfant est rattaché à un autre dossier, l’autre parent peut se connecter, ou vous pouvez fournir un "
    "justificatif. En résidence alternée, il figure sur vos deux dossiers seulement si le partage des allocations est "
    "déclaré. Un enfant à naître, une naissance ou un changement récent peut ne pas encore y figurer : un agent le "
    "vérifiera. Aucune donnée n’a été transmise.",
)
"""`pending_review` when no child of the file has the age that the policy asks."""

NUMBER_UNKNOWN = Message(
    "Ce numéro n’est pas reconnu",
    "Vérifiez le numéro et le code postal, puis réessayez, ou fournissez une attestation. "
    "Aucune donnée n’a été transmise.",
)
"""Number mode: the same words for an unknown number and for somebody else's."""


def message_for(policy: Policy, decision: Alternative, session: Session | None) -> Message:
    """What happened, in words that never say which trait differed nor whose file was found."""
    lookup = next((each for each in policy.lookups if each.source is decision.source), None)
    if decision.reason is Reason.CHILD_NOT_LISTED:
        return CHILD_NOT_LISTED
    if lookup is not None and decision.status is HouseholdStatus.NOT_FOUND:
        return _not_found(lookup, session)
    if lookup is not None and decision.status is HouseholdStatus.NOT_AVAILABLE:
        return _not_available(lookup, session)
    if lookup is not None and decision.status is HouseholdStatus.UNAVAILABLE:
        return _unavailable(lookup, session)
    return texts.ALTERNATIVE.get(decision.status, texts.OTHER_ALTERNATIVE)


def _unavailable(lookup: Lookup, session: Session | None) -> Message:
    """A line that was not waited for, or a quota that is spent, is no outage."""
    known = [reason for reason in _reasons(lookup, session) if reason in UNAVAILABLE_BECAUSE]
    return UNAVAILABLE_BECAUSE[known[0]] if known else texts.ALTERNATIVE[HouseholdStatus.UNAVAILABLE]


def _not_found(lookup: Lookup, session: Session | None) -> Message:
    if lookup.rule.mode is Mode.NUMBER:
        return NUMBER_UNKNOWN
    if any(reason.startswith("api_particulier_422") for reason in _reasons(lookup, session)):
        return NOT_IDENTIFIED
    return texts.ALTERNATIVE[HouseholdStatus.NOT_FOUND]


def _not_available(lookup: Lookup, session: Session | None) -> Message:
    if any(reason.startswith("identity_") for reason in _reasons(lookup, session)):
        return FOREIGN_IDENTITY
    if lookup.source is Source.CHILDCARE:
        return CHILDCARE_INCOMPLETE
    if not _QUOTIENT.isdisjoint(lookup.wanted):
        return NOT_COMPUTED
    return texts.ALTERNATIVE[HouseholdStatus.NOT_AVAILABLE]


def _reasons(lookup: Lookup, session: Session | None) -> tuple[str, ...]:
    records = session.household if session is not None else ()
    return view(records, lookup).reasons


def details(way_out: WayOut | None) -> list[tuple[str, str | Text]]:
    """What a person must know to take the path without FranceConnect, as far as the policy says it."""
    if way_out is None:
        return []
    said: list[tuple[str, str | Text | None]] = [
        (label, getattr(way_out, name)) for name, label in texts.ALTERNATIVE_DETAILS.items()
    ]
    if way_out.retroactive is not None:
        said.append((texts.RETROACTIVE, texts.IS_RETROACTIVE[way_out.retroactive]))
    return [(label, text) for label, text in said if text is not None]
