"""The shape of `disputes:`."""

from typing import Annotated, Literal

from pydantic import Field

from gateway.config.common_models import FilePath, Names, Part, Secret, Url

_EMAIL = r"^[^@\s<>\x00-\x1f]+@[^@\s<>\x00-\x1f]+$"


class EmailModel(Part):
    """The mail server that carries word of a dispute."""

    host: Annotated[Names, Field(description="name of the mail server")]
    port: Annotated[int, Field(ge=1, le=65_535)] = Field(587, description="465 with `tls: implicit`")
    tls: Literal["starttls", "implicit", "none"] = Field(
        "starttls", description="mail is sealed or not sent; `none` on loopback only"
    )
    sender: Annotated[str, Field(pattern=_EMAIL, alias="from", description="address that the letter comes from")]
    to: Annotated[str, Field(pattern=_EMAIL, description="address of the service that answers")]
    username: Names | None = Field(None, description="where the server wants a login; with `password`")
    password: Secret | None = Field(None, description="with `username`")
    ca_file: FilePath | None = Field(None, description="authorities believed instead of the system's")


class WebhookModel(Part):
    """An address of the service that receives word of a dispute."""

    url: Annotated[Url, Field(description="https, or a loopback address; asked with POST")]
    secret: Annotated[Secret, Field(description="signs each call; shared with who receives it")]


class NotifyModel(Part):
    """Who is told, with the reference and no value. One of the two, or both."""

    email: EmailModel | None = Field(None, description="a letter to the service")
    webhook: WebhookModel | None = Field(None, description="a signed call to the service")


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
    retention_days: Annotated[int, Field(ge=1, le=1096)] = Field(365, description="days kept after the answer")
    answer_within_days: Annotated[int, Field(ge=1, le=30)] = Field(
        30, description="days, told to the person; a month at most"
    )
    notify: NotifyModel | None = Field(None, description="who is told; without it, agents look for themselves")
    agents: AgentsModel | None = Field(None, description="who answers on pages; without it, the command line alone")
