"""The shape of one entry of `identity:`. What each profile makes of it is in docs/openid.md."""

from typing import Annotated, Literal

from pydantic import Field

from gateway.config.common_models import Names, Part, Secret, Url

Level = Literal["eidas1", "eidas2", "eidas3"]

IdentityFact = Literal[
    "birth_name", "usage_name", "given_names", "birthdate", "gender", "birthplace", "birthcountry", "email"
]


class ButtonModel(Part):
    """The official pair of pictures, for who prefers them to the official style sheet."""

    image: Annotated[str, Field(min_length=1, description="SVG or PNG file with the whole button on it")]
    image_hover: Annotated[str, Field(min_length=1, description="the same, under the pointer")]


class ProviderModel(Part):
    """One identity provider. The keys `franceconnect`, `franceconnect_plus` and `proconnect` imply their profile."""

    profile: Literal["keycloak", "generic"] | None = Field(None, description="needed under any other name")
    environment: Literal["sandbox", "production", "custom"] | None = Field(
        None, description="needed for FranceConnect and ProConnect; any other provider is custom"
    )
    client_id: Annotated[Secret, Field(description="the one that the provider gave: {env: NAME} or {file: PATH}")]
    client_secret: Secret | None = Field(None, description="unless client_auth is private_key_jwt")
    client_auth: Literal["client_secret_basic", "client_secret_post", "private_key_jwt"] | None = Field(
        None, description="how the gateway says who it is; by default as the profile does"
    )
    client_key: Secret | None = Field(None, description="of private_key_jwt: P-256 or RSA private key in PEM")
    signing_alg: Literal["ES256", "RS256"] | None = Field(
        None, description="the one declared to the provider; ES256 for FranceConnect, else RS256"
    )
    issuer: Url | None = Field(
        None, description="of `custom`: the provider's issuer, letter by letter; https except on loopback"
    )
    authorization_endpoint: Url | None = Field(None, description="of `custom`; without it, from the issuer's metadata")
    token_endpoint: Url | None = Field(None, description="of `custom`; without it, from the issuer's metadata")
    userinfo_endpoint: Url | None = Field(None, description="of `custom`; without it, from the issuer's metadata")
    jwks_uri: Url | None = Field(None, description="of `custom`; without it, from the issuer's metadata")
    end_session_endpoint: Url | None = Field(None, description="of `custom`; without it, from the issuer's metadata")
    ca_file: str | None = Field(None, description="authorities in PEM believed instead of the system's")
    encryption_key: Secret | None = Field(None, description="FranceConnect+ only: the key that opens its tokens")
    label: Names | None = Field(None, description="what the button says after «S’identifier avec»")
    about: Url | None = Field(None, description="address that explains what it is")
    userinfo: Literal["json", "signed", "id_token"] | None = Field(None, description="where claims are read; json")
    bearer: Literal["header", "body"] = Field("header", description="how userinfo receives the access token")
    acr_map: dict[str, Level] | None = Field(
        None, description="the provider's acr: level; `absent` is what a token without an acr is worth"
    )
    scopes: list[Annotated[str, Field(pattern=r"^[!#-\[\]-~]+$", max_length=200)]] = Field(
        [], description="asked at each login, besides those that policies need"
    )
    claims: dict[IdentityFact, Names] = Field({}, description="identity fact: the provider's claim")
    civil_status: Literal["verified"] | None = Field(
        None, description="you vouch that its identities were checked against the civil register"
    )
    email: Literal["verified", "as_given"] = Field("verified", description="verified: needs email_verified: true")
    callback_iss: Literal["required", "announced"] = Field(
        "announced", description="whether an answer without `iss` is refused always, or where the metadata announce it"
    )
    recheck_s: Annotated[int, Field(ge=60, le=86_400)] | None = Field(
        None, description="how often a refresh token asks whether the provider's session still holds"
    )
    button: ButtonModel | None = Field(None, description="instead of the official style sheet")
