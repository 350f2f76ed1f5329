"""The three generations of household JSON → `Household`. Told apart by shape, read strictly, unknown keys ignored.

v3 wraps its blocks in `data`; v2 is flat and names people by `nomNaissance`; the oldest is flat with `nomPrenom`.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import NoReturn, TypedDict, TypeVar

from gateway.core.model import Address, Household, Person
from gateway.core.names import civil_person, parse_partial_date, person_from_full_name

Answer = TypeVar("Answer")

_FUNDS = {"CNAF": "cnaf", "CAF": "cnaf", "MSA": "msa"}
_POSTAL_LINE = re.compile(r"((?:0[1-9]|[1-8][0-9]|9[0-8])[0-9]{3})(?:\s+([^\W\d_].*))?")
_V3_BLOCKS = frozenset({"quotient_familial", "allocataires", "enfants", "adresse"})
_FLAT_BLOCKS = frozenset({"quotientFamilial", "allocataires", "enfants", "adresse"})
_V3_LINES = ("complement_information", "complement_information_geographique", "numero_libelle_voie", "lieu_dit")
_FLAT_LINES = (
    *("complementIdentite", "complementInformation"),
    *("complementIdentiteGeo", "complementInformationGeographique"),
    *("numeroRue", "numeroLibelleVoie"),
    "lieuDit",
)
"""The oldest name of each line, then that of v2."""

_QUOTIENT_AT_MOST = 9_999_999
_PEOPLE_AT_MOST = 100
_TEXT_AT_MOST = 1_000


class PayloadRefused(Exception):
    """The code is all there is to say: the payload itself is somebody's life."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def parse_household(body: bytes) -> Household:
    """The household that an answer holds, or `PayloadRefused`: payload_not_json, payload_errors, payload_malformed."""
    return parse(body, _household)


def parse(body: bytes, read: Callable[[Mapping[str, object]], Answer]) -> Answer:
    """What `read` makes of a JSON object that is no error; its `ValueError` is a malformed payload."""
    payload = parse_json(body)
    if not isinstance(payload, dict):
        raise PayloadRefused("payload_malformed")
    if "errors" in payload or "error" in payload:
        raise PayloadRefused("payload_errors")
    try:
        return read(payload)
    except ValueError:
        # What could not be read may be a name or a date: it is not carried along.
        raise PayloadRefused("payload_malformed") from None


def parse_json(body: bytes) -> object:
    """JSON with one reading only: UTF-8, no key twice, no NaN."""
    try:
        return json.loads(body.decode("utf-8"), object_pairs_hook=_once, parse_constant=refuse)
    except (ValueError, RecursionError):
        raise PayloadRefused("payload_not_json") from None


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    read = dict(pairs)
    return read if len(read) == len(pairs) else refuse()


def refuse(_: object = None) -> NoReturn:
    raise ValueError


def _household(payload: Mapping[str, object]) -> Household:
    if "data" in payload:
        return _v3(known(as_object(payload["data"]), _V3_BLOCKS))
    return _flat(known(payload, _FLAT_BLOCKS))


def known(blocks: Mapping[str, object], names: frozenset[str]) -> Mapping[str, object]:
    """Something that holds none of the blocks is another document, not an empty household."""
    return blocks if names & blocks.keys() else refuse()


def _v3(data: Mapping[str, object]) -> Household:
    """The product «quotient familial»."""
    quotient = object_or_none(data.get("quotient_familial")) or {}
    return Household(
        fund=_fund(quotient.get("fournisseur")),
        family_quotient=_quotient(quotient.get("valeur")),
        reference_month=_month(quotient.get("annee"), quotient.get("mois")),
        computed_month=_month(quotient.get("annee_calcul"), quotient.get("mois_calcul")),
        **v3_file(data),
    )


class File(TypedDict):
    """The blocks that both products of v3 have."""

    adults: tuple[Person, ...] | None
    children: tuple[Person, ...] | None
    address: Address | None


def v3_file(data: Mapping[str, object]) -> File:
    return File(
        adults=_people(data.get("allocataires"), _v3_person),
        children=_people(data.get("enfants"), _v3_child),
        address=_address(data.get("adresse"), _V3_LINES, "code_postal_ville"),
    )


def _v3_child(child: Mapping[str, object]) -> Person:
    """No child is compared with anybody: a date that cannot be read is one that is not known, not a file refused."""
    written = _text(child.get("date_naissance"))
    try:
        parse_partial_date(written)
    except ValueError:
        child = {**child, "date_naissance": None}
    return _v3_person(child)


def _flat(payload: Mapping[str, object]) -> Household:
    return Household(
        fund=_fund(payload.get("regime")),
        family_quotient=_quotient(payload.get("quotientFamilial")),
        reference_month=_month(payload.get("annee"), payload.get("mois")),
        computed_month=_month(payload.get("annee_calcul"), payload.get("mois_calcul")),
        adults=_people(payload.get("allocataires"), _flat_person),
        children=_people(payload.get("enfants"), _flat_person),
        address=_address(payload.get("adresse"), _FLAT_LINES, "codePostalVille"),
    )


def _v3_person(person: Mapping[str, object]) -> Person:
    return civil_person(
        birth_name=_text(person.get("nom_naissance")),
        usage_name=_text(person.get("nom_usage")),
        given_names=_text(person.get("prenoms")),
        birthdate=_text(person.get("date_naissance")),
    )


def _flat_person(person: Mapping[str, object]) -> Person:
    full_name = _text(person.get("nomPrenom"))
    if full_name is not None:
        return person_from_full_name(full_name, _text(person.get("dateDeNaissance")))
    return civil_person(
        birth_name=_text(person.get("nomNaissance")),
        # The schema says `nomUsuel`, the staging server says either.
        usage_name=_text(person.get("nomUsuel")) or _text(person.get("nomUsage")),
        given_names=_text(person.get("prenoms")),
        birthdate=_three_parts(person),
    )


def _three_parts(person: Mapping[str, object]) -> str | None:
    """The v2 date, written as the v3 one."""
    year, month, day = (_text(person.get(f"{part}DateDeNaissance")) for part in ("annee", "mois", "jour"))
    if year is None and month is None and day is None:
        return None
    return f"{year or '0000'}-{(month or '00').zfill(2)}-{(day or '00').zfill(2)}"


def _people(value: object, read: Callable[[Mapping[str, object]], Person]) -> tuple[Person, ...] | None:
    if value is None:
        return None
    if not isinstance(value, list) or len(value) > _PEOPLE_AT_MOST:
        raise ValueError
    return tuple(read(as_object(person)) for person in value)


def _address(value: object, line_names: Sequence[str], postal_name: str) -> Address | None:
    """None when nothing of it is known. The addressee's name is not read at all."""
    address = object_or_none(value) or {}
    lines = tuple(line for name in line_names if (line := _text(address.get(name))))
    last = _text(address.get(postal_name)) or ""
    country = _text(address.get("pays"))
    postal = _POSTAL_LINE.fullmatch(last)
    if postal:
        return Address(lines=lines, postal_code=postal[1], city=postal[2], country=country)
    if last:
        # A foreign or odd form stays whole: half of a guess would be a wrong city.
        lines = (*lines, last)
    return Address(lines=lines, country=country) if lines or country else None


def _fund(value: object) -> str | None:
    name = _text(value)
    return None if name is None else _FUNDS.get(name) or refuse()


def _quotient(value: object) -> int | None:
    """Null is «no quotient» and 0 is a quotient; a text, a fraction or a boolean is neither."""
    return None if value is None else integer(value, 0, _QUOTIENT_AT_MOST)


def _month(year: object, month: object) -> str | None:
    if year is None and month is None:
        return None
    return f"{integer(year, 1900, 2999)}-{integer(month, 1, 12):02d}"


def integer(value: object, least: int, most: int) -> int:
    if type(value) is not int or not least <= value <= most:
        raise ValueError
    return value


def _text(value: object) -> str | None:
    """Blank is unknown, as null is."""
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > _TEXT_AT_MOST:
        raise ValueError
    value.encode("utf-8")  # a lone surrogate is a ValueError here, and nowhere later
    return value.strip() or None


def as_object(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else refuse()


def object_or_none(value: object) -> Mapping[str, object] | None:
    return None if value is None else as_object(value)
