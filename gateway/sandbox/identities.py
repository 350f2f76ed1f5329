"""People who can sign in at the sandbox: fictitious citizens of FranceConnect's own public test set."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files

MATCHING = "test"
MISMATCHING = "thomas"
UNKNOWN = "caractères_spéciaux"
PARENT = "sans_nom_dusage"


@dataclass(frozen=True, slots=True)
class SandboxIdentity:
    login: str
    label: str
    """What it demonstrates, in French."""
    claims: Mapping[str, object] = field(repr=False)
    """As FranceConnect returns them, corrected by the civil register."""
    error: str | None = None
    """The code of the page on which FranceConnect keeps this person."""


@cache
def identities() -> Mapping[str, SandboxIdentity]:
    raw = (files("gateway.sandbox") / "data" / "identities.json").read_text(encoding="utf-8")
    return {
        each["login"]: SandboxIdentity(each["login"], each["label"], each["claims"], each.get("error"))
        for each in json.loads(raw)
    }
