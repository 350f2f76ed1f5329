"""The shape of a policy: what a DPO reads, what editors complete."""

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AliasChoices, Field

from gateway.config.common_models import Names, Part
from gateway.core.facts import FACTS
from gateway.core.model import HouseholdStatus
from gateway.core.rules import Operator

Word = Literal["forward", "alternative", "deny"]

FACT_NAMES = tuple(FACTS)
OPERATORS = tuple(str(operator) for operator in Operator)


class TextModel(Part):
    fr: Annotated[str, Field(min_length=1, description="in French")]
    en: str | None = Field(None, description="in English; without it, the French is shown, marked as such")


Words = Names | TextModel
"""French, or French and English."""


def _one_of(names: tuple[str, ...], **more: Any) -> Any:
    """For editors alone: what else is written is refused with a better message than a schema's."""
    return Field(json_schema_extra={"propertyNames": {"enum": list(names)}, **more})


_INJECTABLE = tuple(name for name, spec in FACTS.items() if spec.injectable)
_TESTABLE = tuple(name for name, spec in FACTS.items() if spec.testable)

Fact = Annotated[str, Field(json_schema_extra={"enum": list(_INJECTABLE)})]
TestEntry = Annotated[dict[str, Any], _one_of(OPERATORS, minProperties=1, maxProperties=1)]
ConditionEntry = Annotated[dict[str, TestEntry], _one_of(_TESTABLE, minProperties=1, maxProperties=1)]


class LoginModel(Part):
    """Who must be signed in."""

    acr: Literal["eidas1", "eidas2", "eidas3"] = Field("eidas1", description="the least level that is enough")
    optional: bool = Field(False, description="true: the anonymous are served too, without identity")
    providers: Annotated[
        list[str],
        Field(min_length=1, description="names in `identity:` that are accepted; omitted: all but the agents'"),
    ] = []


class HouseholdPolicyModel(Part):
    """How CAF or MSA is asked, and what happens without an answer."""

    mode: Literal["franceconnect", "identity", "number"] | None = Field(
        None, description="without it, that of gateway.yaml"
    )
    match: Literal["required", "none"] = Field(
        "required", description="names are compared; `none` in number mode without `login` only"
    )
    review: bool = Field(True, description="the person sees and confirms before anything leaves")
    when_missing: Word | dict[Literal["default", *(str(s) for s in HouseholdStatus)], Word] = Field(  # type: ignore[valid-type]
        "alternative", description="a word, or a map from status to word with `default`"
    )
    child_age: dict[str, Any] | None = Field(None, description="some child of the file must be so: {between: [3, 11]}")


class ChildcarePolicyModel(Part):
    """How the childcare file is asked, and what happens without an answer: as `household`, without a number."""

    mode: Literal["franceconnect", "identity"] | None = Field(None, description="without it, that of gateway.yaml")
    match: Literal["required"] = Field("required", description="names are compared")
    review: bool = Field(True, description="the person sees and confirms before anything leaves")
    when_missing: Word | dict[Literal["default", *(str(s) for s in HouseholdStatus)], Word] = Field(  # type: ignore[valid-type]
        "alternative", description="a word, or a map from status to word with `default`"
    )
    child_age: dict[str, Any] | None = Field(None, description="some child of the file must be so: {between: [0, 3]}")


class WayOutModel(Part):
    """A text, and where it leads."""

    url: Annotated[str, Field(pattern=r"^(/|https://)")] | None = Field(
        None, description="a path of the same host, or an https address"
    )
    text: TextModel | str = Field(description="what the person reads")


class SpecialModel(Part):
    """For whom no answer of CAF or MSA is of use; the application reads `not_asked` there."""

    url: Annotated[str, Field(pattern=r"^(/|https://)", description="a path of the same host, or an https address")]
    text: TextModel | str = Field(description="for whom it is, and what happens there")


class AlternativeModel(WayOutModel):
    """The path that needs neither FranceConnect nor CAF, and what a person must know to take it."""

    documents: TextModel | str | None = Field(None, description="what to send")
    how: TextModel | str | None = Field(None, description="upload, post, counter with its address and hours")
    delay: TextModel | str | None = Field(None, description="how long the answer takes")
    meanwhile: TextModel | str | None = Field(None, description="the tariff until then")
    retroactive: bool | None = Field(None, description="whether the tariff is then corrected from the start")
    special: SpecialModel | None = Field(None, description="a foster family, an emergency place, resources unknown")


class BracketModel(Part):
    """One line of a tariff."""

    name: Annotated[Names, Field(description="what the application receives as `brackets.name`")]
    up_to: Annotated[int, Field(ge=0)] | None = Field(
        None, description="whole euros, inclusive; left out on the last bracket"
    )


class ScheduleModel(Part):
    """A tariff that the council voted."""

    council_decision: Annotated[Names, Field(description="date and number, as the notice says them")]
    valid_from: Annotated[date, Field(description="first day on which it counts, by the date of the request")]
    table: Annotated[list[BracketModel], Field(description="its lines, lowest first; the last one has no `up_to`")]
    source: Literal["household.family_quotient"] = Field(
        "household.family_quotient", alias="from", description="what is compared with `up_to`"
    )
    zero: Literal["not_available", "value"] = Field(
        "value", description="whether a quotient of 0 is one, or counts as `not_available`"
    )


Figure = Annotated[float, Field(gt=0, le=1_000_000, strict=False)]


def _keys_are_numbers(schema: dict[str, Any]) -> None:
    """In YAML the keys are numbers, and readers of schemas match patterns with text alone."""
    (schema["additionalProperties"],) = schema.pop("patternProperties").values()


class ScaleModel(Part):
    """The national scale of nursery contributions, from a date: CNAF publishes the figures."""

    valid_from: Annotated[date, Field(description="first day on which it counts, by the date of the request")]
    published: Annotated[Names, Field(description="where the figures come from, as the notice says it")]
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
    const: Annotated[str, Field(min_length=1, max_length=255, description="the text that is sent")]


Conditions = Annotated[list[ConditionEntry], Field(min_length=1)]


class AllowModel(Part):
    """Conditions beyond being signed in; all three together must be true."""

    all: Conditions = Field([], description="every one of these is true: - identity.age: {at_least: 18}")
    any: Conditions | None = Field(None, description="one of these is true")
    none: Conditions = Field([], description="not one of these is true")


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
    legal_basis: Words | None = _aliased(
        "legal_basis",
        default=None,
        description="RGPD, article 6: shown, and in the register; needed with `login`",
    )
    retention: Words | None = _aliased(
        "retention",
        default=None,
        description="`session`, a duration such as `30 minutes` or `PT30M`, or words; needed with `login`",
    )
    login: LoginModel | None = Field(None, description="who must be signed in; omitted: open to everybody")
    household: HouseholdPolicyModel | None = Field(None, description="quotient and household, where one is injected")
    childcare: ChildcarePolicyModel | None = Field(None, description="the nursery's parameters, where one is injected")
    alternative: AlternativeModel | None = Field(
        None, description="the way without FranceConnect; needed, with its `url`, where FranceConnect is the way in"
    )
    brackets: ScheduleModel | list[ScheduleModel] | None = _aliased(
        "brackets", default=None, description="the tariff, one or a list by `valid_from`"
    )
    scale: ScaleModel | list[ScaleModel] | None = _aliased(
        "scale", default=None, description="the nursery's scale, one or a list by `valid_from`"
    )
    inject: dict[str, Fact | ConstModel] = Field({}, description="header: fact, or header: {const: text}")
    allow: AllowModel | None = Field(None, description="conditions beyond being signed in")
    refused: WayOutModel | None = Field(None, description="what is read where `allow` is false (403)")
    encoding: Literal["utf-8", "latin-1", "percent", "base64", "rfc8187"] = Field(
        "percent", description="how a value is written in a header"
    )
