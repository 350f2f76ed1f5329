"""«Participation familiale EAJE» (v3) → `Household` with its childcare parameters. Strict, as its sibling."""

from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from gateway.adapters.household_payload import as_object, integer, known, object_or_none, parse, v3_file
from gateway.core.model import Absent, Childcare, Household, HouseholdStatus

_PARIS = ZoneInfo("Europe/Paris")
_PARAMETERS = "parametres_calcul_participation_familiale"
_BLOCKS = frozenset({_PARAMETERS, "allocataires", "enfants", "adresse"})

_RESOURCES_AT_MOST = 99_999_999
_CHILDREN_AT_MOST = 50


def parse_childcare(body: bytes, now: float) -> Household | Absent:
    """All three parameters or nothing: one that is null is a file without an answer. `PayloadRefused` as elsewhere.

    `now` in Unix seconds.
    """
    year = datetime.fromtimestamp(now, _PARIS).year
    return parse(body, lambda payload: _file(payload, year))


def _file(payload: Mapping[str, object], year: int) -> Household | Absent:
    data = known(as_object(payload.get("data")), _BLOCKS)
    if _PARAMETERS not in data:
        return Household(**v3_file(data))
    parameters = _parameters(object_or_none(data[_PARAMETERS]) or {}, year)
    if None in (parameters.annual_resources, parameters.dependent_children, parameters.aeeh_children):
        return Absent(HouseholdStatus.NOT_AVAILABLE, "childcare_incomplete")
    return Household(**v3_file(data), childcare=parameters)


def _parameters(given: Mapping[str, object], this_year: int) -> Childcare:
    resources = object_or_none(given.get("base_ressources_annuelles")) or {}
    return Childcare(
        annual_resources=_count(resources.get("valeur"), _RESOURCES_AT_MOST),
        resources_year=_year(resources.get("annee_calcul"), this_year),
        dependent_children=_count(given.get("nombre_enfants_a_charge"), _CHILDREN_AT_MOST),
        aeeh_children=_count(given.get("nombre_enfants_beneficiaire_aeeh"), _CHILDREN_AT_MOST),
    )


def _count(value: object, most: int) -> int | None:
    return None if value is None else integer(value, 0, most)


def _year(value: object, this_year: int) -> int | None:
    """Resources are those of a past year. MSA writes the current one (a known defect): then the year is not known.

    The answer does not say which of CAF and MSA gave it, so the year itself is what tells.
    """
    year = None if value is None else integer(value, 0, 2999)
    return year if year is not None and 1900 <= year < this_year else None
