"""The shape of a policy: what a DPO reads, what editors complete."""

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AliasChoices, Field

from gateway.config.gateway_models import Names, Part
from gateway.core.facts import FACTS
from gateway.core.model import HouseholdStatus
from gateway.core.rules import Operator

Word = Literal["forward", "alternative", "deny"]


class TextModel(Part):
    fr: Annotated[str, Field(min_length=1)]
    en: str | None = None


Words = Names | TextModel
"""French, or French and English."""


class LoginModel(Part):
    """Who must be signed in."""

    acr: Literal["eidas1", "eidas2", "eidas3"] = "eidas1"
    optional: bool = False
    providers: Annotated[list[str], Field(min_length=1, description="names in `identity:`; omitted: all of them")] = []


class HouseholdPolicyModel(Part):
    """How CAF or MSA is asked, and what happens without an answer."""

    mode: Literal["franceconnect", "identity", "number"] | None = None
    match: Literal["required", "none"] = "required"
    review: bool = Field(True, description="the person sees and confirms before anything leaves")
    when_missing: Word | dict[Literal["default", *(str(s) for s in HouseholdStatus)], Word] = "alternative"  # type: ignore[valid-type]
    child_age: dict[str, Any] | None = Field(None, description="some child of the file must be so: {between: [3, 11]}")


class ChildcarePolicyModel(Part):
    """How the childcare file is asked, and what happens without an answer: as `household`, without a number."""

    mode: Literal["franceconnect", "identity"] | None = None
    match: Literal["required"] = "required"
    review: bool = True
    when_missing: Word | dict[Literal["default", *(str(s) for s in HouseholdStatus)], Word] = "alternative"  # type: ignore[valid-type]
    child_age: dict[str, Any] | None = Field(None, description="some child of the file must be so: {between: [0, 3]}")


class WayOutModel(Part):
    url: Annotated[str, Field(pattern=r"^(/|https://)")] | None = None
    text: TextModel | str


class SpecialModel(Part):
    """For whom no answer of CAF or MSA is of use; the application reads `not_asked` there."""

    url: Annotated[str, Field(pattern=r"^(/|https://)")]
    text: TextModel | str


class AlternativeModel(WayOutModel):
    """The path that needs neither FranceConnect nor CAF, and what a person must know to take it."""

    documents: TextModel | str | None = Field(None, description="what to send")
    how: TextModel | str | None = Field(None, description="upload, post, counter with its address and hours")
    delay: TextModel | str | None = Field(None, description="how long the answer takes")
    meanwhile: TextModel | str | None = Field(None, description="the tariff until then")
    retroactive: bool | None = Field(None, description="whether the tariff is then corrected from the start")
    special: SpecialModel | None = Field(None, description="a foster family, an emergency place, resources unknown")


class BracketModel(Part):
    name: Names
    up_to: Annotated[int, Field(ge=0, description="inclusive; left out on the last bracket")] | None = None


class ScheduleModel(Part):
    council_decision: Names
    valid_from: date
    table: list[BracketModel]
    source: Literal["household.family_quotient"] = Field("household.family_quotient", alias="from")
    zero: Literal["not_available", "value"] = "value"


Figure = Annotated[float, Field(gt=0, le=1_000_000, strict=False)]


def _keys_are_numbers(schema: dict[str, Any]) -> None:
    """In YAML the keys are numbers, and readers of schemas match patterns with text alone."""
    (schema["additionalProperties"],) = schema.pop("patternProperties").values()


class ScaleModel(Part):
    """The national scale of nursery contributions, from a date: CNAF publishes the figures."""

    valid_from: date
    published: Names
    rates: Annotated[
        dict[Annotated[str, Field(pattern=r"^[1-9][0-9]?$")], Figure],
        Field(
            min_length=1,
            description="from so many children: percent of monthly resources for one hour",
            json_schema_extra=_keys_are_numbers,
        ),
    ]
    floor: Annotated[Figure, Field(description="least monthly resources that count, in euros")]
    ceiling: Annotated[Figure, Field(description="most monthly resources that count, in euros")]


class ConstModel(Part):
    const: Annotated[str, Field(min_length=1, max_length=255)]


_CONDITIONS = Field(min_length=1, description="a list of conditions, such as - identity.age: {at_least: 18}")


class AllowModel(Part):
    all: Annotated[list[dict[str, dict[str, Any]]], _CONDITIONS] = []
    any: Annotated[list[dict[str, dict[str, Any]]], _CONDITIONS] | None = None
    none: Annotated[list[dict[str, dict[str, Any]]], _CONDITIONS] = []


_FRENCH = {
    "purpose": ("finalité", "finalite"),
    "legal_basis": ("base_légale", "base_legale"),
    "retention": ("durée_conservation", "duree_conservation"),
    "brackets": ("tranches",),
    "scale": ("barème", "bareme"),
}

ENGLISH = {french: name for name, others in _FRENCH.items() for french in others}
"""What a key may be called too → the key."""


def _aliased(name: str, **more: Any) -> Any:
    return Field(validation_alias=AliasChoices(name, *_FRENCH[name]), **more)


class PolicyModel(Part):
    """policies/NAME.yaml"""

    purpose: Words = _aliased("purpose", description="why: shown to people, written in the register")
    legal_basis: Words | None = _aliased("legal_basis", default=None)
    retention: Words | None = _aliased("retention", default=None)
    login: LoginModel | None = None
    household: HouseholdPolicyModel | None = None
    childcare: ChildcarePolicyModel | None = None
    alternative: AlternativeModel | None = None
    brackets: ScheduleModel | list[ScheduleModel] | None = _aliased("brackets", default=None)
    scale: ScaleModel | list[ScaleModel] | None = _aliased("scale", default=None)
    inject: dict[str, str | ConstModel] = Field({}, description="header: fact, or header: {const: text}")
    allow: AllowModel | None = None
    refused: WayOutModel | None = None
    encoding: Literal["utf-8", "latin-1", "percent", "base64", "rfc8187"] = "percent"


FACT_NAMES = tuple(FACTS)
OPERATORS = tuple(str(operator) for operator in Operator)
