"""What pages look like: our sheet under the authority's colours, the official button's own sheet, pictures."""

import hashlib
from functools import cache
from importlib.resources import files

from gateway.settings import Authority
from gateway.web.theme import custom_properties

_STATIC = files("gateway.web") / "static"
_SHEET = (_STATIC / "style.css").read_text(encoding="utf-8")

OFFICIAL_BUTTON = (_STATIC / "franceconnect" / "connect.standalone.css").read_bytes()
"""`standalone/component/connect/connect.standalone.css` of @gouvfr/dsfr, byte for byte (see the NOTICE beside it)."""


@cache
def sheet(colour: str) -> bytes:
    return (custom_properties(colour) + _SHEET).encode()


def version(authority: Authority) -> str:
    """What the addresses of all these carry, so that a new look is seen at once."""
    logo = authority.logo.content if authority.logo else b""
    return hashlib.sha256(sheet(authority.colour) + OFFICIAL_BUTTON + logo).hexdigest()[:10]
