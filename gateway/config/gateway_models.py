"""The shape of `gateway.yaml`: what editors complete, and what `gateway check` refuses."""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from gateway.config.common_models import Address, FilePath, Names, Part, Seconds, Secret, Url
from gateway.config.dispute_models import DisputesModel
from gateway.config.provider_models import ProviderModel
from gateway.config.route_models import RouteModel
from gateway.config.source_models import ChildcareModel, HouseholdModel


class AccessibilityModel(Part):
    """What the accessibility statement says, once an audit was made; without one it says that there was none."""

    state: Literal["non conforme", "partiellement conforme", "totalement conforme"] | None = Field(
        None, description="what the audit found, in the law's words; with `rate` and `audited_on`"
    )
    rate: Annotated[int, Field(ge=0, le=100)] | None = Field(
        None, description="per cent of the RGAA criteria that apply"
    )
    audited_on: date | None = Field(None, description="day of the audit")
    audited_by: Names | None = Field(None, description="who made it")
    contact: Annotated[str, Field(pattern=r"^([^@\s]+@[^@\s]+|https://\S+)$")] | None = Field(
        None, description="an e-mail or an https address; without it, the DPO's"
    )
    known_issues: list[Names] = Field([], description="what is known not to be accessible, in French")


class PartyModel(Part):
    """Somebody else who has a hand in the data, for the register."""

    name: Annotated[Names, Field(description="as the register names it")]
    role: Annotated[Names, Field(description="what they do with it, in French: hébergement, facturation …")]
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")] = Field("FR", description="where the data is: FR, DE, US …")
    safeguards: Names | None = Field(None, description="outside the European Union: what protects it there")
    policies: list[Names] = Field([], description="those concerned; all when left out")


class AuthorityModel(Part):
    """The local authority, as its pages and API Particulier name it."""

    name: Annotated[Names, Field(description="as people read it on pages")]
    siret: Annotated[str, Field(pattern=r"^[0-9]{14}$", description="14 digits, between quotes")]
    dpo: Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+$", description="e-mail of the data-protection officer")]
    logo: str | None = Field(None, description="SVG or PNG file shown on pages; relative to this file's folder")
    colour: Annotated[str, Field(pattern=r"^#[0-9a-fA-F]{6}$")] = Field(
        "#0b4f6c", description="buttons and links; 4.5 to 1 on white"
    )
    accessibility: AccessibilityModel = Field(
        default_factory=lambda: AccessibilityModel.model_validate({}), description="of the accessibility statement"
    )
    processors: list[PartyModel] | None = Field(None, description="sous-traitants; [] says that there are none")
    recipients: list[PartyModel] | None = Field(None, description="bodies outside the authority that receive data")


class SessionsModel(Part):
    """Where sessions live, and for how long."""

    store: str = Field(
        "memory:",
        description="memory: | sqlite:PATH | redis://HOST:PORT/DB | redis+sentinel://HOST:PORT,…/SERVICE/DB | "
        "redis+cluster://HOST:PORT,… ; rediss for TLS; Valkey too; no password here",
    )
    username: Annotated[str, Field(min_length=1)] | None = Field(None, description="Redis ACL user")
    password: Secret | None = Field(None, description="of Redis")
    sentinel_username: Annotated[str, Field(min_length=1)] | None = Field(None, description="ACL user of the sentinels")
    sentinel_password: Secret | None = Field(None, description="of the sentinels, when they have one")
    ca_file: FilePath | None = Field(None, description="authority of rediss:// in PEM")
    client_cert: FilePath | None = Field(None, description="the gateway's certificate, where Redis wants one")
    client_key: FilePath | None = Field(None, description="its private key, without a password")
    idle_s: Annotated[int, Field(ge=60, le=86_400)] = Field(
        1800, description="seconds without a request after which a session ends"
    )
    absolute_s: Annotated[int, Field(ge=60, le=86_400)] = Field(
        28_800, description="seconds after the login after which it ends, used or not"
    )
    secrets: Annotated[
        list[Secret],
        Field(min_length=1, description="32 bytes or more each; newest last: all verify, the last one signs"),
    ]


class SigningModel(Part):
    """The key that signs assertions."""

    key: Annotated[
        Secret, Field(description="{file: PATH} of an Ed25519 or P-256 key in PEM; `gateway keys make` makes one")
    ]
    previous: list[Secret] = Field([], description="keys that signed before; published for as long as they are here")


class LimitsModel(Part):
    """What one client may send, and how slowly."""

    header_fields: Annotated[int, Field(ge=1, le=1000)] = Field(100, description="fields of a request; more is 431")
    head_bytes: Annotated[int, Field(ge=1024, le=1_048_576)] = Field(
        32_768, description="bytes of request line and fields; more is 431"
    )
    target_bytes: Annotated[int, Field(ge=256, le=65_536)] = Field(
        8_192, description="bytes of path and query; more is 414"
    )
    head_s: Seconds = Field(10, description="seconds for a whole head; then 408")
    idle_s: Seconds = Field(
        30, description="seconds without a byte of a body (408), without a request, or without reading"
    )
    kept_post_bytes: Annotated[int, Field(ge=0, le=4_194_304)] = Field(
        262_144, description="bytes of a form that a login interrupts; 0 keeps none"
    )
    logins_per_minute_per_address: Annotated[int, Field(ge=1, le=100_000)] | None = Field(
        None, description="departures for a provider from one address; omitted: not counted"
    )


class AdminModel(Part):
    """Where Prometheus asks; never reachable from outside."""

    listen: Address


class GatewayModel(Part):
    """gateway.yaml"""

    public_url: Annotated[
        Url,
        Field(description="what the browser sees, such as https://services.ville.fr; FranceConnect's callback host"),
    ]
    authority: Annotated[AuthorityModel, Field(description="the local authority, as pages and API Particulier name it")]
    listen: Address = "127.0.0.1:8000"
    trusted_proxies: list[str] = Field(
        [], description="addresses believed, and `unix` for who connects through the socket; empty: nobody"
    )
    forward_auth: bool = Field(
        True, description="false where the gateway carries the requests itself: nobody may ask /_gateway/auth then"
    )
    workers: int | Literal["auto"] = Field(1, description="processes, from 1 to 256; auto: one a core")
    admin: AdminModel | None = Field(None, description="a listener of its own for /metrics; omitted: none")
    identity: Annotated[
        dict[str, ProviderModel],
        Field(min_length=1, description="who people sign in with: franceconnect, proconnect, or a name of yours"),
    ]
    household: HouseholdModel | None = Field(None, description="where quotient and household are asked")
    childcare: ChildcareModel | None = Field(None, description="`{}`: asked where and as the household is")
    sessions: Annotated[SessionsModel, Field(description="where sessions live, and for how long")]
    signing: Annotated[SigningModel, Field(description="the key that signs what applications receive")]
    disputes: DisputesModel | None = Field(None, description="contests kept beyond the session; omitted: until its end")
    limits: LimitsModel = Field(
        default_factory=lambda: LimitsModel.model_validate({}), description="what one client may send"
    )
    routes: Annotated[list[RouteModel], Field(min_length=1, description="what is served, and by which application")]
