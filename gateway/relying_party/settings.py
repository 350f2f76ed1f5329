"""One provider, as the operator wrote it and as its profile completes it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gateway.core.model import Acr
from gateway.jose import Pinned
from gateway.relying_party.profiles import CLAIM_NAMES, PROFILES, ClientAuth, Profile, Userinfo


@dataclass(frozen=True, slots=True)
class ProviderSettings:
    """One provider, as the operator wrote it."""

    name: str
    profile: str
    """A key of `profiles.PROFILES`."""
    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    signing_alg: str
    """ES256 or RS256: the one declared to the provider, never one that a token or a document names."""
    redirect_uri: str
    post_logout_redirect_uri: str
    authorization_endpoint: str | None = None
    """Endpoints left out are read from the issuer's metadata, on first use."""
    token_endpoint: str | None = None
    userinfo_endpoint: str | None = None
    jwks_uri: str | None = None
    end_session_endpoint: str | None = None
    ca_file: Path | None = None
    encryption_key_pem: bytes | None = field(default=None, repr=False)
    """FranceConnect+: opens its tokens."""
    client_auth: ClientAuth | None = None
    """None, here and below: what the profile says."""
    client_key_pem: bytes | None = field(default=None, repr=False)
    """Signs client assertions (`private_key_jwt`)."""
    userinfo: Userinfo | None = None
    bearer_in_body: bool = False
    """The access token goes to the userinfo endpoint in a form (RFC 6750 §2.2), for a provider that wants it so."""
    acr_map: Mapping[str, Acr] = field(default_factory=dict)
    """Added to the profile's."""
    acr_absent: Acr | None = None
    """What an ID token without an acr is worth; None: nothing."""
    scopes: tuple[str, ...] = ()
    """Asked at each login besides those that policies need."""
    claims: Mapping[str, str] = field(default_factory=dict)
    """Identity fact → claim; added to the profile's."""
    civil_status: bool = False
    """The operator vouches that this provider passes on identities checked against the civil register."""
    email_as_given: bool = False
    iss_required: bool = False
    """The callback must name its issuer whatever the metadata say."""
    recheck_s: int | None = None
    """How often a refresh token asks whether the provider's session still holds; None: never."""
    label: str = ""
    about: str = ""

    @property
    def rules(self) -> Profile:
        return PROFILES[self.profile]

    @property
    def pinned(self) -> Pinned:
        return Pinned(self.signing_alg, self.rules.sealed, self.encryption_key_pem)

    @property
    def auth(self) -> ClientAuth:
        return self.client_auth or self.rules.client_auth

    @property
    def reads(self) -> Userinfo:
        return self.userinfo or self.rules.userinfo

    @property
    def levels(self) -> Mapping[str, Acr]:
        return {**self.rules.acr, **self.acr_map}

    @property
    def claim_names(self) -> Mapping[str, str]:
        return {**(CLAIM_NAMES if self.rules.claims is None else self.rules.claims), **self.claims}

    @property
    def vouches(self) -> bool:
        """Whether a household may be compared with the identities it gives."""
        return self.rules.civil_status or self.civil_status

    @property
    def shown_as(self) -> str:
        return self.label or self.rules.label or self.name


@dataclass(frozen=True, slots=True)
class Endpoints:
    authorization: str
    token: str
    userinfo: str
    """Empty when the provider has none."""
    jwks: str
    end_session: str | None
    names_itself: bool = False
    """The metadata announce that a callback always carries `iss` (RFC 9207 §3)."""
