"""The shape of `household:` and `childcare:`, where CAF and MSA are asked."""

from typing import Annotated, Literal

from pydantic import Field

from gateway.config.common_models import Part, Secret, Url

_SIRET = r"^[0-9]{14}$"


class QuotasModel(Part):
    """What API Particulier accepts from this address and token; by default what it publishes."""

    franceconnect_per_minute: Annotated[int, Field(ge=1, le=100_000)] = Field(
        30, description="calls with a FranceConnect token, from this address"
    )
    franceconnect_per_hour: Annotated[int, Field(ge=1, le=1_000_000)] = Field(600, description="the same, in an hour")
    token_per_second: Annotated[int, Field(ge=1, le=10_000)] = Field(
        20, description="calls with the habilitation's own token: identity and number mode"
    )
    address_per_minute: Annotated[int, Field(ge=1, le=1_000_000)] = Field(1000, description="all calls together")
    place_s: Annotated[int, Field(ge=60, le=900)] = Field(
        180, description="seconds that a place is held for a person at FranceConnect"
    )
    waiting_at_most: Annotated[int, Field(ge=0, le=1_000_000)] = Field(20_000, description="people in the line")


class ApiParticulierModel(Part):
    """CAF and MSA through API Particulier."""

    environment: Annotated[Literal["staging", "production", "custom"], Field(description="`custom` needs a `base_url`")]
    mode: Literal["franceconnect", "identity", "number"] = Field(
        "franceconnect", description="how the file is found, unless the policy says otherwise; see below"
    )
    token: Secret | None = Field(None, description="of the habilitation; identity and number modes only")
    base_url: Url | None = Field(None, description="of `custom`: scheme and host, https except on loopback")
    recipient: Annotated[str, Field(pattern=_SIRET)] | None = Field(
        None, description="SIRET of who is entitled to the data, never its vendor's; without it, the authority's"
    )
    ca_file: str | None = Field(None, description="authorities in PEM believed instead of the system's")
    quotas: QuotasModel = Field(
        default_factory=lambda: QuotasModel.model_validate({}), description="calls that are accepted of you"
    )


class HouseholdModel(Part):
    """Quotient familial, composition, address."""

    api_particulier: Annotated[ApiParticulierModel, Field(description="where it is asked, and as whom")]


class ChildcareApiModel(Part):
    """What differs from `household.api_particulier`; each key that is left out is that one's."""

    environment: Literal["staging", "production", "custom"] | None = Field(
        None, description="needed where there is no `household:`"
    )
    mode: Literal["franceconnect", "identity"] | None = Field(None, description="there is no number for it")
    token: Secret | None = Field(None, description="identity mode only; one habilitation may cover both sources")
    base_url: Url | None = Field(None, description="of `custom`: scheme and host, https except on loopback")
    recipient: Annotated[str, Field(pattern=_SIRET)] | None = Field(
        None, description="SIRET of who is entitled to the data, never its vendor's"
    )
    ca_file: str | None = Field(None, description="authorities in PEM believed instead of the system's")


class ChildcareModel(Part):
    """«Participation familiale EAJE»: what a nursery's tariff is computed from."""

    api_particulier: ChildcareApiModel = Field(
        default_factory=lambda: ChildcareApiModel.model_validate({}), description="what differs from the household's"
    )
