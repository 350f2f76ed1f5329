"""The shape of `gateway.yaml`: what editors complete, and what `gateway check` refuses."""

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag, field_validator
from pydantic_core import PydanticCustomError

Strict = ConfigDict(extra="forbid", strict=True, frozen=True)

Names = Annotated[str, Field(min_length=1, max_length=200)]
Url = Annotated[str, Field(pattern=r"^https?://", max_length=1024)]
_EMAIL = r"^[^@\s<>\x00-\x1f]+@[^@\s<>\x00-\x1f]+$"
Seconds = Annotated[float, Field(gt=0, le=86_400, strict=False)]


class Part(BaseModel):
    model_config = Strict

    @field_validator("*", mode="before")
    @classmethod
    def _refuse_nothing(cls, written: object) -> object:
        """A key without a value is a sentence that was never finished: no choice is read into it."""
        if written is None:
            raise PydanticCustomError("nothing", "nothing is written")
        return written


class Env(Part):
    env: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", description="name of the environment variable")]


class File(Part):
    file: Annotated[str, Field(min_length=1, description="path of the file; relative to this file's folder")]


def _kind_of_secret(written: Any) -> str | None:
    """The one key that is there; neither or both is one mistake, said once."""
    if not isinstance(written, dict):
        return type(written).__name__.lower()
    kinds = [kind for kind in ("env", "file") if kind in written]
    return kinds[0] if len(kinds) == 1 else None


Secret = Annotated[
    Annotated[Env, Tag("env")] | Annotated[File, Tag("file")],
    Discriminator(_kind_of_secret, custom_error_type="secret_type", custom_error_message="{env: NAME} or {file: PATH}"),
    Field(description="{env: NAME} or {file: PATH}; a secret is never written here"),
]


class AccessibilityModel(Part):
    """What the accessibility statement says, once an audit was made; without one it says that there was none."""

    state: Literal["non conforme", "partiellement conforme", "totalement conforme"] | None = None
    rate: Annotated[int, Field(ge=0, le=100, description="per cent of the RGAA criteria that apply")] | None = None
    audited_on: date | None = None
    audited_by: Names | None = None
    contact: Annotated[str, Field(pattern=r"^([^@\s]+@[^@\s]+|https://\S+)$")] | None = None
    known_issues: list[Names] = []


class PartyModel(Part):
    """Somebody else who has a hand in the data, for the register."""

    name: Names
    role: Annotated[Names, Field(description="what they do with it, in French: hébergement, facturation …")]
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$", description="where the data is: FR, DE, US …")] = "FR"
    safeguards: Annotated[Names, Field(description="outside the European Union: what protects it there")] | None = None
    policies: Annotated[list[Names], Field(description="those concerned; all when left out")] = []


class AuthorityModel(Part):
    """The local authority, as its pages and API Particulier name it."""

    name: Names
    siret: Annotated[str, Field(pattern=r"^[0-9]{14}$", description="14 digits, between quotes")]
    dpo: Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+$", description="e-mail of the data-protection officer")]
    logo: str | None = Field(None, description="SVG or PNG file shown on pages; relative to this file's folder")
    colour: Annotated[str, Field(pattern=r"^#[0-9a-fA-F]{6}$", description="buttons and links; 4.5 to 1 on white")] = (
        "#0b4f6c"
    )
    accessibility: AccessibilityModel = Field(default_factory=lambda: AccessibilityModel.model_validate({}))
    processors: Annotated[list[PartyModel], Field(description="sous-traitants; [] says that there are none")] | None = (
        None
    )
    recipients: (
        Annotated[list[PartyModel], Field(description="bodies outside the authority that receive data")] | None
    ) = None


class ButtonModel(Part):
    """The official pair of pictures, for who prefers them to the official style sheet."""

    image: Annotated[str, Field(min_length=1, description="SVG or PNG file with the whole button on it")]
    image_hover: Annotated[str, Field(min_length=1, description="the same, under the pointer")]


Level = Literal["eidas1", "eidas2", "eidas3"]

IdentityFact = Literal[
    "birth_name", "usage_name", "given_names", "birthdate", "gender", "birthplace", "birthcountry", "email"
]


class ProviderModel(Part):
    """One identity provider. The keys `franceconnect`, `franceconnect_plus` and `proconnect` imply their profile."""

    profile: Literal["keycloak", "generic"] | None = Field(None, description="needed under any other name")
    environment: Literal["sandbox", "production", "custom"] | None = Field(
        None, description="needed for FranceConnect and ProConnect; any other provider is custom"
    )
    client_id: Secret
    client_secret: Secret | None = Field(None, description="unless client_auth is private_key_jwt")
    client_auth: Literal["client_secret_basic", "client_secret_post", "private_key_jwt"] | None = None
    client_key: Secret | None = Field(None, description="of private_key_jwt: P-256 or RSA private key in PEM")
    signing_alg: Literal["ES256", "RS256"] | None = Field(
        None, description="the one declared to the provider; ES256 for FranceConnect, else RS256"
    )
    issuer: Url | None = None
    authorization_endpoint: Url | None = None
    token_endpoint: Url | None = None
    userinfo_endpoint: Url | None = None
    jwks_uri: Url | None = None
    end_session_endpoint: Url | None = None
    ca_file: str | None = None
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
    callback_iss: Literal["required", "announced"] = "announced"
    recheck_s: Annotated[int, Field(ge=60, le=86_400)] | None = Field(
        None, description="how often a refresh token asks whether the provider's session still holds"
    )
    button: ButtonModel | None = Field(None, description="instead of the official style sheet")


class QuotasModel(Part):
    """What API Particulier accepts from this address and token; by default what it publishes."""

    franceconnect_per_minute: Annotated[int, Field(ge=1, le=100_000)] = 30
    franceconnect_per_hour: Annotated[int, Field(ge=1, le=1_000_000)] = 600
    token_per_second: Annotated[int, Field(ge=1, le=10_000)] = 20
    address_per_minute: Annotated[int, Field(ge=1, le=1_000_000, description="all calls together")] = 1000
    place_s: Annotated[int, Field(ge=60, le=900, description="a place is held for a person at FranceConnect")] = 180
    waiting_at_most: Annotated[int, Field(ge=0, le=1_000_000, description="people in the line")] = 20_000


class ApiParticulierModel(Part):
    """CAF and MSA through API Particulier."""

    environment: Literal["staging", "production", "custom"]
    mode: Literal["franceconnect", "identity", "number"] = "franceconnect"
    token: Secret | None = Field(None, description="identity and number modes only")
    base_url: Url | None = None
    recipient: Annotated[str, Field(pattern=r"^[0-9]{14}$")] | None = None
    ca_file: str | None = None
    quotas: QuotasModel = Field(default_factory=lambda: QuotasModel.model_validate({}))


class HouseholdModel(Part):
    api_particulier: ApiParticulierModel


class ChildcareApiModel(Part):
    """What differs from `household.api_particulier`; each key that is left out is that one's."""

    environment: Literal["staging", "production", "custom"] | None = None
    mode: Literal["franceconnect", "identity"] | None = None
    token: Secret | None = Field(None, description="identity mode only; one habilitation may cover both sources")
    base_url: Url | None = None
    recipient: Annotated[str, Field(pattern=r"^[0-9]{14}$")] | None = None
    ca_file: str | None = None


class ChildcareModel(Part):
    """«Participation familiale EAJE»: what a nursery's tariff is computed from."""

    api_particulier: ChildcareApiModel = Field(default_factory=lambda: ChildcareApiModel.model_validate({}))


class SessionsModel(Part):
    """Where sessions live, and for how long."""

    store: Annotated[
        str,
        Field(
            description="memory: | sqlite:PATH | redis://HOST:PORT/DB | redis+sentinel://HOST:PORT,…/SERVICE/DB | "
            "redis+cluster://HOST:PORT,… ; rediss for TLS; Valkey too; no password here"
        ),
    ] = "memory:"
    username: Annotated[str, Field(min_length=1, description="Redis ACL user")] | None = None
    password: Secret | None = Field(None, description="of Redis")
    sentinel_username: Annotated[str, Field(min_length=1, description="ACL user of the sentinels")] | None = None
    sentinel_password: Secret | None = Field(None, description="of the sentinels, when they have one")
    ca_file: Annotated[str, Field(min_length=1, description="authority of rediss:// in PEM")] | None = None
    client_cert: Annotated[str, Field(min_length=1)] | None = None
    client_key: Annotated[str, Field(min_length=1)] | None = None
    idle_s: Annotated[int, Field(ge=60, le=86_400)] = 1800
    absolute_s: Annotated[int, Field(ge=60, le=86_400)] = 28_800
    secrets: Annotated[list[Secret], Field(min_length=1, description="newest last")]


class SigningModel(Part):
    """The key that signs assertions."""

    key: Secret
    previous: list[Secret] = []


class LimitsModel(Part):
    header_fields: Annotated[int, Field(ge=1, le=1000)] = 100
    head_bytes: Annotated[int, Field(ge=1024, le=1_048_576)] = 32_768
    target_bytes: Annotated[int, Field(ge=256, le=65_536)] = 8_192
    head_s: Seconds = 10
    idle_s: Seconds = 30
    kept_post_bytes: Annotated[
        int, Field(ge=0, le=4_194_304, description="of a form that a login interrupts; 0 keeps none")
    ] = 262_144
    logins_per_minute_per_address: Annotated[int, Field(ge=1, le=100_000)] | None = Field(
        None, description="departures for a provider from one address; omitted: not counted"
    )


Address = Annotated[str, Field(pattern=r"^(unix:.+|.+:[0-9]{1,5})$", description="HOST:PORT, or unix:PATH of a socket")]


class AdminModel(Part):
    """Where Prometheus asks; never reachable from outside."""

    listen: Address


class TimeoutsModel(Part):
    connect_s: Seconds = 5
    header_s: Seconds = 60
    idle_s: Seconds = 30
    total_s: Seconds | None = None


class UpstreamModel(Part):
    """One of several upstreams, and its share of the requests."""

    url: Annotated[str, Field(min_length=1, max_length=1024)]
    weight: Annotated[int, Field(ge=1, le=1000)] = 1


def _as_list(written: object) -> object:
    """One URL is a list of one; a URL alone in a list has the weight 1."""
    entries = written if isinstance(written, list) else [written]
    if not all(isinstance(entry, str | dict) for entry in entries) or isinstance(written, dict):
        raise PydanticCustomError("upstream_type", "one URL or a list")
    return [{"url": entry} if isinstance(entry, str) else entry for entry in entries]


Upstreams = Annotated[
    list[UpstreamModel],
    Field(min_length=1, max_length=100, description="http://HOST:PORT, https://HOST or unix:PATH; several share"),
    BeforeValidator(_as_list, json_schema_input_type=str | list[str | UpstreamModel]),
]


class TlsModel(Part):
    """How `https` upstreams are spoken to; PEM files, relative to this file's folder."""

    ca_file: Annotated[str, Field(min_length=1, description="authorities believed instead of the system's")] | None = (
        None
    )
    client_cert: Annotated[str, Field(min_length=1)] | None = None
    client_key: Annotated[str, Field(min_length=1)] | None = None
    server_name: (
        Annotated[str, Field(min_length=1, max_length=253, description="SNI, and the name in the certificate")] | None
    ) = None


class HealthModel(Part):
    """How upstreams are asked whether they are well."""

    path: Annotated[str, Field(pattern=r"^/[!-\"$-~]*$", max_length=1024)]
    every_s: Annotated[float, Field(ge=1, le=3600, strict=False)] = 10


class RouteModel(Part):
    """One path of one host, and the application behind it."""

    path: Annotated[str, Field(pattern=r"^/")]
    upstream: Upstreams
    policy: Names
    host: str | None = None
    methods: list[Annotated[str, Field(pattern=r"^[A-Z]+(-[A-Z]+)*$")]] | None = None
    name: Names | None = None
    audience: Names | None = None
    sign: Literal["jwt", "none", "hmac", "rfc9421"] = "jwt"
    secret: Secret | None = Field(None, description="of `sign: hmac`: shared with the application, 32 bytes or more")
    encoding: Literal["utf-8", "latin-1", "percent", "base64", "rfc8187"] | None = None
    body: Literal["digest", "unbound"] = "digest"
    digest_max_bytes: Annotated[int, Field(ge=0, le=100_000_000)] = 1_000_000
    preserve_host: bool = True
    strip_prefix: Annotated[str, Field(pattern=r"^/.*[^/]$")] | None = None
    add_prefix: Annotated[str, Field(pattern=r"^/.*[^/]$")] | None = None
    websocket: bool = False
    timeouts: TimeoutsModel = Field(default_factory=lambda: TimeoutsModel.model_validate({}))
    max_body_bytes: Annotated[int, Field(ge=0)] | None = None
    allow_in_path: list[Literal["semicolon", "encoded_slash"]] = []
    tls: TlsModel | None = None
    health: HealthModel | None = None


class EmailModel(Part):
    """The mail server that carries word of a dispute."""

    host: Names
    port: Annotated[int, Field(ge=1, le=65_535)] = 587
    tls: Literal["starttls", "implicit", "none"] = "starttls"
    sender: Annotated[str, Field(pattern=_EMAIL, alias="from")]
    to: Annotated[str, Field(pattern=_EMAIL)]
    username: Names | None = None
    password: Secret | None = None
    ca_file: Annotated[str, Field(min_length=1, description="authorities believed instead of the system's")] | None = (
        None
    )


class WebhookModel(Part):
    """An address of the service that receives word of a dispute."""

    url: Url
    secret: Annotated[Secret, Field(description="signs each call; shared with who receives it")]


class NotifyModel(Part):
    """Who is told, with the reference and no value. One of the two, or both."""

    email: EmailModel | None = None
    webhook: WebhookModel | None = None


class AgentsModel(Part):
    """Who may answer."""

    provider: Annotated[Names, Field(description="a name in `identity:`, such as proconnect")]
    allow: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=255)]],
        Field(min_length=1, description="`sub` of each agent, as the provider gives it; never an e-mail"),
    ]


class DisputesModel(Part):
    """Contests and objections, kept beyond the session."""

    key: Annotated[Secret, Field(description="finds and opens them; another key finds none")]
    store: Annotated[str, Field(min_length=1)] | None = Field(
        None, description="memory: | sqlite:PATH; by default beside the sessions"
    )
    retention_days: Annotated[int, Field(ge=1, le=1096, description="after the answer")] = 365
    answer_within_days: Annotated[int, Field(ge=1, le=30, description="told to the person; a month at most")] = 30
    notify: NotifyModel | None = None
    agents: AgentsModel | None = None


class GatewayModel(Part):
    """gateway.yaml"""

    public_url: Annotated[
        Url,
        Field(description="what the browser sees, such as https://services.ville.fr; FranceConnect's callback host"),
    ]
    authority: AuthorityModel
    listen: Address = "127.0.0.1:8000"
    trusted_proxies: Annotated[
        list[str],
        Field(description="addresses believed, and `unix` for who connects through the socket; empty: nobody"),
    ] = []
    workers: Annotated[int | Literal["auto"], Field(description="processes; auto: one a core")] = 1
    admin: AdminModel | None = Field(None, description="a listener of its own for /metrics; omitted: none")
    disputes: DisputesModel | None = None
    identity: Annotated[dict[str, ProviderModel], Field(min_length=1)]
    household: HouseholdModel | None = None
    childcare: ChildcareModel | None = Field(None, description="`{}`: asked where and as the household is")
    sessions: SessionsModel
    signing: SigningModel
    limits: LimitsModel = Field(default_factory=lambda: LimitsModel.model_validate({}))
    routes: Annotated[list[RouteModel], Field(min_length=1)]
