"""Numéro d'allocataire and code postal as a person types them."""

import re

from gateway.core.model import CafNumber

_NUMBER = re.compile(r"[0-9]{1,7}")
_POSTAL_CODE = re.compile(r"[0-9A-Z]{5}")


def faults(number: str, postal_code: str) -> tuple[str, ...]:
    """The code of each field that has not the form of one, never what was typed; spaces are forgiven."""
    read = _read(number, postal_code)
    found = []
    if not _NUMBER.fullmatch(read.number):
        found.append("number_malformed")
    if not _POSTAL_CODE.fullmatch(read.postal_code):
        found.append("postal_code_malformed")
    return tuple(found)


def parse_caf_number(number: str, postal_code: str) -> CafNumber:
    """What was typed, without its spaces; ValueError with the first of its `faults`."""
    for code in faults(number, postal_code):
        raise ValueError(code)
    return _read(number, postal_code)


def _read(number: str, postal_code: str) -> CafNumber:
    return CafNumber("".join(number.split()), "".join(postal_code.split()).upper())
