"""What the models of both files are made of: strict parts, secrets by name, addresses, texts."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, field_validator
from pydantic_core import PydanticCustomError

Strict = ConfigDict(extra="forbid", strict=True, frozen=True)

Names = Annotated[str, Field(min_length=1, max_length=200)]
Url = Annotated[str, Field(pattern=r"^https?://", max_length=1024)]
FilePath = Annotated[str, Field(min_length=1)]
Seconds = Annotated[float, Field(gt=0, le=86_400, strict=False)]
Address = Annotated[str, Field(pattern=r"^(unix:.+|.+:[0-9]{1,5})$", description="HOST:PORT, or unix:PATH of a socket")]


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
    file: Annotated[
        str,
        Field(
            min_length=1,
            description="path of the file, relative to this file's folder; the line feed at its end is left out",
        ),
    ]


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
