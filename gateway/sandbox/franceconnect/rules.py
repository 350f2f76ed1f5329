"""What FranceConnect accepts: a closed list of parameters, and the scopes that open claims."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

PIVOT = ("given_name", "given_name_array", "family_name", "birthdate", "gender", "birthplace", "birthcountry")

CLAIMS_OF: Mapping[str, tuple[str, ...]] = {
    "openid": (),
    "profile": ("given_name", "given_name_array", "family_name", "birthdate", "gender", "preferred_username"),
    "birth": ("birthplace", "birthcountry"),
    "identite_pivot": PIVOT,
    "given_name": ("given_name", "given_name_array"),
    "family_name": ("family_name",),
    "gender": ("gender",),
    "birthdate": ("birthdate",),
    "birthplace": ("birthplace",),
    "birthcountry": ("birthcountry",),
    "preferred_username": ("preferred_username",),
    "email": ("email",),
    "idp_birthdate": ("idp_birthdate",),
    "cnaf_quotient_familial": (),
    "cnaf_allocataires": (),
    "cnaf_enfants": (),
    "cnaf_adresse": (),
    **{
        f"cnav_participation_familiale_eaje_{block}": ()
        for block in ("allocataires", "enfants", "adresse", "parametres_calcul")
    },
}

REQUIRED = frozenset({"client_id", "redirect_uri", "response_type", "scope", "state", "nonce", "acr_values"})
OPTIONAL = frozenset({"prompt", "claims", "idp_hint", "ui_locales"})
LOGOUT = frozenset({"id_token_hint", "post_logout_redirect_uri", "state", "client_id", "logout_hint", "ui_locales"})
NONCE_AT_LEAST = 22


@dataclass(frozen=True, slots=True)
class SandboxClient:
    """A service provider as it is registered."""

    client_id: str
    client_secret: str = field(repr=False)
    redirect_uris: tuple[str, ...]
    post_logout_redirect_uris: tuple[str, ...]
    name: str = "Service de démonstration"
    scopes: frozenset[str] = frozenset(CLAIMS_OF)
    """What the habilitation grants; the sandbox grants everything, production does not."""
    signing_alg: str = "ES256"
    jwks: Mapping[str, Any] | None = field(default=None, repr=False)
    """Its public keys: it authenticates with `private_key_jwt`, and its secret counts for nothing."""


def once_each(raw: bytes) -> dict[str, str] | None:
    """Parameters of a query or a form; None when one is repeated or the text is malformed."""
    try:
        pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, errors="strict")
    except ValueError:
        return None
    parameters = dict(pairs)
    return parameters if len(parameters) == len(pairs) else None


def is_acceptable(parameters: Mapping[str, str] | None) -> bool:
    """The validator before everything: what fails here is Y030007, on FranceConnect's own page."""
    if parameters is None or not REQUIRED <= parameters.keys() <= REQUIRED | OPTIONAL:
        return False
    if any(not parameters[name] for name in REQUIRED) or "openid" not in parameters["scope"].split():
        return False
    prompt = parameters.get("prompt")
    if prompt is not None and not {"login", "consent"} & set(prompt.split()):
        return False
    if prompt is not None and {"none", "select_account"} & set(prompt.split()):
        return False
    if not _is_url(parameters["redirect_uri"]) or requested_claims(parameters) is None:
        return False
    return len(parameters["nonce"]) >= NONCE_AT_LEAST


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname)


def requested_claims(parameters: Mapping[str, str]) -> Mapping[str, object] | None:
    """What `claims` asks of the ID token; None when it is not a JSON object."""
    try:
        claims = json.loads(parameters.get("claims", "{}"))
    except ValueError:
        return None
    if not isinstance(claims, dict):
        return None
    asked = claims.get("id_token")
    return asked if isinstance(asked, dict) else {}


def lowest_acr(values: str) -> str:
    """FranceConnect takes the lowest of the levels that it knows, and its own default for the others."""
    known = sorted(value for value in values.split() if value in {"eidas1", "eidas2", "eidas3"})
    return known[0] if known else "eidas1"


def granted_claims(scopes: frozenset[str], claims: Mapping[str, object]) -> dict[str, object]:
    """The claims that scopes open, in the provider's own order; one without a value is absent."""
    opened = {claim for scope in scopes for claim in CLAIMS_OF.get(scope, ())}
    return {name: value for name, value in claims.items() if name in opened}
