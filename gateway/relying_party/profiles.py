"""What each kind of provider does, as data. Nothing elsewhere asks which provider it is talking to.

FranceConnect and ProConnect refuse every authorization parameter outside a closed list, PKCE included, although their
metadata advertise it. Sources: the providers' own documentation, OpenID Connect Core 1.0, RFC 7636, RFC 9207.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from gateway.core.model import Acr


class AskAcr(StrEnum):
    """How a level is asked for."""

    ONE = "one"
    """`acr_values` with one value: FranceConnect takes the lowest of several."""
    VALUES = "values"
    """`acr_values` with every value that is enough; left out when the map names none."""
    CLAIM = "claim"
    """The `claims` parameter, essential (Core §5.5.1.1)."""


class ClientAuth(StrEnum):
    """How we authenticate at the token endpoint (Core §9)."""

    BASIC = "client_secret_basic"
    POST = "client_secret_post"
    PRIVATE_KEY_JWT = "private_key_jwt"


class Userinfo(StrEnum):
    """Where the claims of a person are read."""

    SIGNED = "signed"
    """A JWT from the userinfo endpoint; JSON is refused."""
    JSON = "json"
    """JSON from the userinfo endpoint, believed for the TLS connection it came through; a JWT is refused."""
    ID_TOKEN = "id_token"  # noqa: S105 - the name of a token, not one
    """The ID token; the userinfo endpoint is not called."""

    @property
    def calls_the_endpoint(self) -> bool:
        return self is not Userinfo.ID_TOKEN


ABSENT = "absent"
"""In `acr_map`: what an ID token without an acr is worth."""

EVERY_LEVEL = {str(acr): acr for acr in Acr}

CLAIM_NAMES: Mapping[str, str] = {
    "birth_name": "family_name",
    "usage_name": "preferred_username",
    "given_names": "given_name",
    "birthdate": "birthdate",
    "gender": "gender",
    "birthplace": "birthplace",
    "birthcountry": "birthcountry",
    "email": "email",
}
"""Identity fact → the claim that FranceConnect gives it in; `core.claims` reads these."""

_PROFILE = ("family_name", "given_name", "birthdate", "gender", "preferred_username", "identite_pivot")
_STANDARD_SCOPES = dict.fromkeys(_PROFILE, "profile") | {"email": "email"}

_FC_PATHS = {
    "authorization_endpoint": "/authorize",
    "token_endpoint": "/token",
    "userinfo_endpoint": "/userinfo",
    "jwks_uri": "/jwks",
    "end_session_endpoint": "/session/end",
}


@dataclass(frozen=True, slots=True)
class Profile:
    """One kind of provider. What an operator may change has its key in `identity:`; the rest is fixed here."""

    label: str
    about: str
    """Address of «Qu’est-ce que … ?»; empty: no such link."""
    pkce: bool
    """S256 at each login, or never: metadata are not asked."""
    iss_always: bool
    """The callback always names its issuer; else when the metadata announce it (RFC 9207 §2.3)."""
    ask_acr: AskAcr
    acr: Mapping[str, Acr]
    """The provider's acr → ours. What is not in it is refused."""
    client_auth: ClientAuth
    signing_alg: str
    userinfo: Userinfo
    signed_expires: bool = False
    """A signed userinfo says when it ends."""
    sealed: bool = False
    """Its tokens come encrypted for us."""
    scopes: Mapping[str, str] | None = None
    """Scope that a policy needs → the provider's; what is missing is not asked. None: the same names."""
    claims: Mapping[str, str] | None = None
    """Identity fact → the provider's claim. None: FranceConnect's own names (`CLAIM_NAMES`)."""
    civil_status: bool = False
    """Its identities are checked against the civil register: a household may be compared with them."""
    opens_data: bool = False
    """Its access token is FranceConnect's: the only kind that ever leaves for API Particulier."""
    offline_consent: bool = False
    """`offline_access` goes with `prompt=consent`; servers ignore or refuse it otherwise (Core §11)."""
    email_as_given: bool = True
    """False: an address counts only with `email_verified: true`."""
    logout_client_id: bool = False
    """The logout request names the client too."""
    issuers: Mapping[str, str] | None = None
    """`environment` → issuer; None: the operator writes it."""
    paths: Mapping[str, str] | None = None
    """Endpoints below a named environment's issuer: a start never depends on discovery there."""

    @property
    def levels(self) -> frozenset[Acr]:
        return frozenset(self.acr.values())


_FRANCECONNECT = Profile(
    label="FranceConnect",
    about="https://franceconnect.gouv.fr/",
    pkce=False,
    iss_always=True,
    ask_acr=AskAcr.ONE,
    acr=EVERY_LEVEL,
    client_auth=ClientAuth.POST,
    signing_alg="ES256",
    userinfo=Userinfo.SIGNED,
    signed_expires=True,
    civil_status=True,
    opens_data=True,
    issuers={
        "production": "https://oidc.franceconnect.gouv.fr/api/v2",
        "sandbox": "https://fcp-low.sbx.dev-franceconnect.fr/api/v2",
    },
    paths=_FC_PATHS,
)

_FRANCECONNECT_PLUS = Profile(
    label="FranceConnect+",
    about="https://franceconnect.gouv.fr/france-connect-plus",
    pkce=False,
    iss_always=True,
    ask_acr=AskAcr.ONE,
    acr={"eidas2": Acr.EIDAS2, "eidas3": Acr.EIDAS3},
    client_auth=ClientAuth.POST,
    signing_alg="ES256",
    userinfo=Userinfo.SIGNED,
    signed_expires=True,
    sealed=True,
    civil_status=True,
    opens_data=True,
    issuers={
        "production": "https://auth.franceconnect.gouv.fr/api/v2",
        "sandbox": "https://auth.integ01.dev-franceconnect.fr/api/v2",
    },
    paths=_FC_PATHS,
)

_PROCONNECT = Profile(
    label="ProConnect",
    about="https://www.proconnect.gouv.fr/",
    pkce=False,
    iss_always=True,
    ask_acr=AskAcr.CLAIM,
    # `eidas0` is self-declared: worth nothing here unless the operator says so in `acr_map`.
    acr=EVERY_LEVEL | {"eidas1-mfa": Acr.EIDAS1},
    client_auth=ClientAuth.POST,
    signing_alg="RS256",
    userinfo=Userinfo.SIGNED,
    scopes={"given_name": "given_name", "preferred_username": "usual_name", "email": "email"},
    claims={"usage_name": "usual_name", "given_names": "given_name", "email": "email"},
    issuers={
        "production": "https://auth.agentconnect.gouv.fr/api/v2",
        "sandbox": "https://fca.integ01.dev-agentconnect.fr/api/v2",
    },
    paths=_FC_PATHS,
)

_STANDARD = Profile(
    label="",
    about="",
    pkce=True,
    iss_always=False,
    ask_acr=AskAcr.VALUES,
    acr={},
    client_auth=ClientAuth.BASIC,
    signing_alg="RS256",
    userinfo=Userinfo.JSON,
    scopes=_STANDARD_SCOPES,
    # A family name of OpenID Connect is the one a person goes by; their login name is no name at all.
    claims={
        "usage_name": "family_name",
        "given_names": "given_name",
        "birthdate": "birthdate",
        "gender": "gender",
        "email": "email",
    },
    offline_consent=True,
    email_as_given=False,
    logout_client_id=True,
)

PROFILES: Mapping[str, Profile] = {
    "franceconnect": _FRANCECONNECT,
    "franceconnect_plus": _FRANCECONNECT_PLUS,
    "proconnect": _PROCONNECT,
    "keycloak": _STANDARD,
    "generic": _STANDARD,
}

NAMED = ("franceconnect", "franceconnect_plus", "proconnect")
"""Keys of `identity:` that imply their profile."""

GIVEN_LEVELS: Mapping[str, frozenset[Acr]] = {
    "franceconnect": frozenset({Acr.EIDAS1}),
    "franceconnect_plus": frozenset({Acr.EIDAS2, Acr.EIDAS3}),
    "proconnect": frozenset(Acr),
}
"""What the named environments can give; with `custom` the operator is believed."""
