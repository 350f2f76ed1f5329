"""Numéro d'allocataire and code postal as a person types them."""

import re

from gateway.core.model import CafNumber

_NUMBER = re.compile(r"[0-9]{1,7}")
_POSTAL_CODE = re.compile(r"[0-9A-Z]{5}")


def parse_caf_number(number: str, postal_code: str) -> CafNumber:
    """Spaces are forgiven; anything else out of shape is ValueError (its code, never what was typed)."""
    digits = "".join(number.split())
    code = "".join(postal_code.split()).upper()
    if not _NUMBER.fullmatch(digits):
        raise ValueError("number_malformed")
    if not _POSTAL_CODE.fullmatch(code):
        raise ValueError("postal_code_malformed")
    return CafNumber(digits, code)
