"""What the identity provider said of the person, in words for that person."""

from gateway.core.model import Session
from gateway.web import texts
from gateway.web.information import provider_label
from gateway.web.review import Line, written_date
from gateway.web.services import Services

_CODES = frozenset({"identity.birthplace", "identity.birthcountry"})


def identity_lines(services: Services, session: Session) -> list[Line]:
    who = session.identity
    if who is None:
        return []
    provider = provider_label(services, who.provider)
    told = (
        ("identity.birth_name", who.birth_name),
        ("identity.usage_name", who.usage_name),
        ("identity.given_names", " ".join(who.given_names)),
        ("identity.birthdate", written_date(str(who.birthdate)) if who.birthdate else None),
        ("identity.gender", who.gender),
        ("identity.birthplace", who.birthplace),
        ("identity.birthcountry", who.birthcountry),
        ("identity.email", who.email),
    )
    return [
        *[_line(fact, text) for fact, text in told if text],
        Line(texts.PROVIDER, provider),
        Line(texts.LEVEL, str(who.acr)),
        Line(texts.PAIRWISE, who.sub),
    ]


def _line(fact: str, text: str) -> Line:
    label = texts.FACT_LABELS[fact]
    said = texts.GENDERS.get(text, "") if fact == "identity.gender" else texts.INSEE_CODE if fact in _CODES else ""
    return Line(label[:1].upper() + label[1:], text, unit=said, kind="day" if fact == "identity.birthdate" else "")
