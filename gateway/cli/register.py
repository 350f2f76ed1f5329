"""`gateway register`: the record of processing activities (RGPD, article 30), from the policies, in French."""

import argparse
import json
import os
import re
from pathlib import Path
from typing import Any

from gateway.config.gateway_file import load
from gateway.core.rules import Policy, SignatureForm
from gateway.settings import Authority, DisputeSettings, Party, Settings
from gateway.web.information import announced
from gateway.web.legal import LOG_MONTHS, announced_policies, routes_of

_TITLES = {
    "finalite": "Finalité",
    "base_legale": "Base légale",
    "responsable": "Responsable de traitement",
    "dpo": "Délégué à la protection des données",
    "personnes": "Catégories de personnes",
    "donnees_identite": "Données d’identité demandées",
    "donnees_foyer": "Données demandées à la CAF ou à la MSA",
    "donnees_transmises": "Données transmises au service",
    "rapprochement": "Rapprochement d’identité",
    "sources": "Sources",
    "destinataires": "Destinataires internes",
    "organismes_externes": "Organismes externes destinataires",
    "sous_traitants": "Sous-traitants",
    "conservation": "Durée de conservation",
    "decision_automatisee": "Décision automatisée",
    "alternative": "Parcours sans FranceConnect",
    "transferts": "Transferts hors de l’Union européenne",
    "securite": "Mesures de sécurité",
    "textes": "Textes",
    "politique": "Politique (nom et version)",
}
"""Key in JSON → heading in Markdown, in the order of both."""

_ARTICLE = re.compile(r"^(?:votre |vos |une? |les? |la |l’)")

_WORDS: dict[str | None, str] = {None: "à compléter", "session": "la durée de la session"}

_SIGNED = {
    SignatureForm.JWT: "requêtes vers le service signées (JWT)",
    SignatureForm.HMAC: "requêtes vers le service signées (HMAC)",
    SignatureForm.RFC9421: "requêtes vers le service signées (RFC 9421)",
}


def register(subcommands: Any) -> None:
    command: argparse.ArgumentParser = subcommands.add_parser(
        "register", help="write the record of processing activities (RGPD article 30)"
    )
    command.add_argument("--config", type=Path, default=Path("gateway.yaml"), metavar="FILE")
    command.add_argument("--format", choices=("markdown", "json"), default="markdown")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """One entry for each policy that handles somebody's data, one for disputes; no secret needs to be there."""
    settings = load(arguments.config, os.environ, secrets_required=False)
    entries = [entry(settings, policy) for policy in announced_policies(settings)]
    if settings.disputes is not None:
        entries.append(entry_of_disputes(settings, settings.disputes))
    if arguments.format == "json":
        print(json.dumps({"version": 1, "traitements": entries}, ensure_ascii=False, indent=2))
    else:
        print(markdown(settings, entries))
    return 0


def entry(settings: Settings, policy: Policy) -> dict[str, Any]:
    """What article 30(1) asks for, and what a French authority adds; lists stay lists."""
    told = announced(policy)
    authority = settings.authority
    return {
        "finalite": policy.purpose,
        "base_legale": policy.legal_basis or "à compléter",
        "responsable": f"{authority.name}, SIRET {authority.siret}",
        "dpo": authority.dpo,
        "personnes": _people(policy),
        "donnees_identite": _without_article(told["asked"]),
        "donnees_foyer": _without_article(told["sources"]),
        "donnees_transmises": _without_article(told["received"]),
        "rapprochement": _matching(told),
        "sources": _sources(settings, policy),
        "destinataires": [f"{route.host}{route.path} ({authority.name})" for route in routes_of(settings, policy)],
        "conservation": _retention(settings, policy),
        "decision_automatisee": _automated(policy),
        "alternative": policy.alternative.text.fr if policy.alternative else "",
        **parties(authority, policy.name),
        "securite": _security(settings, policy),
        "textes": _laws(policy),
        "politique": policy.tag,
    }


def entry_of_disputes(settings: Settings, disputes: DisputeSettings) -> dict[str, Any]:
    """Keeping and answering disputes is an activity of its own: it outlives the session, and agents read it."""
    authority, days = settings.authority, disputes.retention_s // 86_400
    answering = "les agents désignés" if disputes.agents_provider else "les personnes qui exploitent la passerelle"
    return dict.fromkeys(_TITLES, "") | {
        "finalite": "Contestations et oppositions : les recevoir, suspendre la transmission, y répondre",
        "base_legale": "obligation légale (RGPD, articles 16, 18 et 21)",
        "responsable": f"{authority.name}, SIRET {authority.siret}",
        "dpo": authority.dpo,
        "personnes": ["usagers qui contestent une donnée ou préfèrent un justificatif", "agents qui répondent"],
        "donnees_identite": ["nom de naissance", "premier prénom", "coordonnées et texte que l’usager écrit"],
        "sources": ["l’usager", "FranceConnect pour le nom"],
        "destinataires": [f"{answering} ({authority.name})", *_told(disputes)],
        "conservation": [
            f"jusqu’à la réponse, puis {days} jours ; dix ans au plus sans réponse",
            "traces des actes des agents, sous pseudonyme : 36 mois, par qui exploite la passerelle",
        ],
        **parties(authority, ""),
        "securite": [
            "chiffrées avec la clé `disputes.key` ; retrouvées par une empreinte de l’identifiant",
            "aucune valeur de la CAF ou de la MSA n’est conservée avec la demande",
            "agents identifiés par leur fournisseur, sur une liste ; chaque acte laisse une trace",
        ],
    }


def parties(authority: Authority, policy: str) -> dict[str, str | list[str]]:
    """Who else has a hand in the data, and what of it leaves the Union; without a policy, those named for all."""
    processors, recipients = _of(authority.processors, policy), _of(authority.recipients, policy)
    abroad = [each for each in (*(processors or ()), *(recipients or ())) if each.outside]
    unsaid = "à compléter (`authority.{}`)"
    return {
        "organismes_externes": unsaid.format("recipients") if recipients is None else _named(recipients),
        "sous_traitants": unsaid.format("processors") if processors is None else _named(processors),
        "transferts": [f"{each.name}, {each.country} : {each.safeguards}" for each in abroad]
        or "aucun par la passerelle",
    }


def _of(written: tuple[Party, ...] | None, policy: str) -> list[Party] | None:
    return None if written is None else [each for each in written if not each.policies or policy in each.policies]


def _named(found: list[Party]) -> str | list[str]:
    return [f"{each.name} : {each.role} ({each.country})" for each in found] or "aucun"


def _told(disputes: DisputeSettings) -> list[str]:
    ways = [("courriel", disputes.email), ("appel signé", disputes.webhook)]
    return [f"le service, par {way} : la référence, sans nom ni valeur" for way, chosen in ways if chosen is not None]


def _without_article(labels: list[str]) -> list[str]:
    """Pages say «votre nom»; a register says «nom»."""
    return [_ARTICLE.sub("", label) for label in labels]


def _people(policy: Policy) -> list[str]:
    people = ["usagers du service"]
    if any(lookup.rule.match for lookup in policy.lookups):
        people.append("adultes du dossier CAF ou MSA de l’usager")
    if any(".children" in fact for lookup in policy.lookups for fact in lookup.needs.fields):
        people.append("enfants du dossier CAF ou MSA de l’usager")
    return people


def _matching(told: dict[str, Any]) -> str:
    if not told["compares"]:
        return ""
    kept = "effacés aussitôt après" if told["drops_names"] else "transmis au service"
    return f"noms et dates de naissance des adultes du dossier comparés à l’identité de l’usager, puis {kept}"


def _sources(settings: Settings, policy: Policy) -> list[str]:
    sources = [each.shown_as for each in settings.providers_for(policy)] if policy.login else []
    return sources + (["CAF ou MSA, par API Particulier"] if policy.lookups else [])


def _retention(settings: Settings, policy: Policy) -> list[str]:
    sessions = settings.sessions
    return [
        f"par le service : {_WORDS.get(policy.retention, policy.retention)}",
        f"par la passerelle : {_lasting(sessions.idle_s)} sans activité, {_lasting(sessions.absolute_s)} au plus",
        f"journal technique et lignes de décision, sans nom ni valeur : {LOG_MONTHS} mois au plus (CNIL)",
    ]


def _lasting(seconds: int) -> str:
    """`1800` → «30 min», `28800` → «8 h»."""
    return f"{seconds // 3600} h" if seconds % 3600 == 0 else f"{seconds // 60} min"


def _automated(policy: Policy) -> str:
    if not policy.schedules:
        return "estimation de la participation, sous réserve du contrat" if policy.scales else ""
    tables = ", ".join(
        f"délibération {each.council_decision} en vigueur le {each.valid_from.strftime('%d/%m/%Y')}"
        for each in policy.schedules
    )
    return f"tranche calculée d’après le quotient familial ({tables}) ; un agent réexamine sur demande"


def _security(settings: Settings, policy: Policy) -> list[str]:
    forms = {route.sign for route in routes_of(settings, policy)}
    return [
        "données de session chiffrées ; le navigateur n’a qu’un identifiant signé",
        *(said for form, said in _SIGNED.items() if form in forms),
        "en-têtes d’identité reçus du client retirés sur toutes les routes",
        "données limitées à celles de la politique ; refus par défaut",
        "journaux sans nom, numéro, adresse, quotient ni jeton",
        *(["comparaison de noms avant tout usage d’une donnée de la CAF ou de la MSA"] if policy.lookups else []),
    ]


def _laws(policy: Policy) -> list[str]:
    laws = ["arrêté du 4 juillet 2013 (téléservices des collectivités)"]
    if policy.login is not None:
        laws.append("arrêté du 8 novembre 2018 (FranceConnect)")
    if policy.lookups:
        laws.append("code des relations entre le public et l’administration, article L114-8")
    return laws


def markdown(settings: Settings, entries: list[dict[str, Any]]) -> str:
    lines = [f"# Registre des activités de traitement – {settings.authority.name}", ""]
    lines += [f"Établi d’après la configuration de {settings.public_url}.", ""]
    for each in entries:
        lines += [f"## {each['finalite']}", ""]
        for key, title in _TITLES.items():
            if each[key]:
                lines += _part(title, each[key])
        lines.append("")
    return "\n".join(lines).rstrip()


def _part(title: str, value: str | list[str]) -> list[str]:
    if isinstance(value, str):
        return [f"- **{title}** : {value}"]
    return [f"- **{title}** :", *(f"  - {each}" for each in value)]
