"""policies/tests/*.yaml: what an operator expects of a policy, in the words of `gateway explain`."""

from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from gateway.config.common_models import Names, Part
from gateway.config.shapes import shaped
from gateway.config.yaml_source import Source, read_yaml
from gateway.core.model import HouseholdStatus

DecisionWord = Literal["allow", "alternative", "ask", "authenticate", "deny", "own_page", "redirect", "refused"]


class ExpectModel(Part):
    """What is not named is not looked at."""

    decision: DecisionWord
    reason: Names | None = Field(None, description="the word that `gateway explain` puts between brackets")
    status: Literal[*(str(status) for status in HouseholdStatus)] | None = None  # type: ignore[valid-type]
    headers: dict[str, str | int | float | None] = Field({}, description="header → value before encoding; null: absent")
    no_other_headers: bool = Field(False, description="true: those of `headers` and none besides")
    way_out: str | None = Field(None, description="the address that an alternative or a refusal leads to")


class CaseModel(Part):
    """One request of one person, and what must come of it."""

    name: Names
    request: Annotated[str, Field(pattern=r"^[A-Z]+ \S+$", description="GET /cantine/, or with a whole URL")]
    as_: str | dict[str, Any] | None = Field(
        None, alias="as", description="a fixture, or the path of one beside this file; omitted: nobody signed in"
    )
    on: date | None = Field(None, alias="date", description="day of the request; by default the file's")
    reviewed: bool = Field(True, description="false: the person has not confirmed yet")
    expect: ExpectModel


class ExpectationsModel(Part):
    """One file of tests."""

    on: date | None = Field(None, alias="date", description="day of the requests; by default today, in Paris")
    tests: Annotated[list[CaseModel], Field(min_length=1)]


def read_expectations(path: Path) -> tuple[Source, ExpectationsModel | None]:
    """One file; whatever is wrong is in the source."""
    source = read_yaml(path, str(path))
    return source, shaped(source, ExpectationsModel)
