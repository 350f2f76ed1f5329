"""What the models of both files are made of: strict parts, secrets by name, addresses, texts."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Strict = ConfigDict(extra="forbid", strict=True, frozen=True)

Names = Annotated[str, Field(min_length=1, max_length=200)]
Url = Annotated[str, Field(pattern=r"^https?://", max_length=1024)]
FilePath = Annotated[str, Field(min_length=1)]
Seconds = Annotated[float, Field(gt=0, le=86_400, strict=False)]
Address = Annotated[str, Field(pattern=r"^(unix:.+|.+:[0-9]{1,5})$", description="HOST:PORT, or unix:PATH of a socket")]


class Part(BaseModel):
    model_config = Strict


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


Secret = Annotated[Env | File, Field(description="{env: NAME} or {file: PATH}; a secret is never written here")]
