"""A copy of one's data (RGPD art. 15): as a file, and as a page to print."""

import json
from datetime import UTC, datetime

from starlette.responses import Response

from gateway.core.facts import timestamp
from gateway.core.model import Session
from gateway.web.exchange import Exchange, own_url
from gateway.web.my_data import delivered, kept_for, obtained, said_by
from gateway.web.own_identity import identity_lines
from gateway.web.review import Line, day
from gateway.web.services import Services
from gateway.web.texts import month


async def download(services: Services, exchange: Exchange) -> Response:
    """JSON, as an attachment: the names of its keys are those of the page."""
    session = exchange.session
    if session is None:
        return exchange.pages.redirect(own_url("login"))
    made_on = datetime.fromtimestamp(services.clock(), UTC).strftime("%Y-%m-%d")
    content = json.dumps(await _copy(services, session), ensure_ascii=False, indent=2).encode("utf-8")
    response = exchange.pages.data({})
    response.body = content
    response.headers["content-length"] = str(len(content))
    response.headers["content-disposition"] = f'attachment; filename="mes-donnees-{made_on}.json"'
    return response


async def _copy(services: Services, session: Session) -> dict[str, object]:
    who = session.identity
    return {
        "autorite": services.settings.authority.name,
        "delegue_a_la_protection_des_donnees": services.settings.authority.dpo,
        "etabli_le": timestamp(services.now),
        "identite": _identity(session) if who else None,
        "donnees": [
            {
                "donnee": each.label,
                "source": each.source,
                "obtenue_le": each.on,
                "valeurs": {line.label: list(line.items) or _plain(line) for line in each.lines},
                "valeurs_non_affichees": each.hidden or None,
            }
            for each in obtained(services, session)
        ],
        "transmissions": [
            {"service": each.service, "donnees": ", ".join(each.labels), "le": each.on} for each in delivered(session)
        ],
        "demandes": [
            {"objet": each.label, "etat": each.state, "le": each.on or None, "reference": each.reference or None}
            for each in await said_by(services, session)
        ],
        "textes_des_contestations": [
            {"reference": each.reference, "texte": each.text, "contact": each.contact, "nom": each.name}
            for each in await kept_for(services, session)
        ],
    }


def _plain(line: Line) -> str:
    """Without what only a page needs: a number for another program, a month in words."""
    if line.kind == "month":
        return month(line.text)
    return line.text.replace(".", ",") if line.kind == "number" else line.text


def _identity(session: Session) -> dict[str, object]:
    who = session.identity
    if who is None:
        return {}
    parts = {
        "fournisseur": who.provider,
        "niveau": str(who.acr),
        "identifiant": who.sub,
        "nom_de_naissance": who.birth_name,
        "nom_d_usage": who.usage_name,
        "prenoms": list(who.given_names),
        "date_de_naissance": None if who.birthdate is None else str(who.birthdate),
        "sexe": who.gender,
        "commune_de_naissance": who.birthplace,
        "pays_de_naissance": who.birthcountry,
        "adresse_electronique": who.email,
    }
    return {name: part for name, part in parts.items() if part}


async def printable(services: Services, exchange: Exchange) -> Response:
    session = exchange.session
    if session is None:
        return exchange.pages.redirect(own_url("login"))
    return exchange.pages.page(
        "my_copy",
        identity=identity_lines(services, session),
        obtained=list(obtained(services, session)),
        deliveries=delivered(session),
        said=await said_by(services, session),
        on=day(services.now),
    )
