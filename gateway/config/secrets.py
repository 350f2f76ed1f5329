"""`{env: NAME}` and `{file: PATH}`: the only two ways to write a secret."""

from collections.abc import Mapping
from pathlib import Path

from gateway.config.common_models import Env, File
from gateway.config.yaml_source import Path_, Source

STRONG_BYTES = 32
STRONG_HINT = "openssl rand -hex 32"

_ABSENT = {
    "variable": "set it before starting the gateway",
    "file": "make it, or correct the path, which is relative to the folder of this configuration",
}

_KNOWN = (b"changeme", b"secret", b"password", b"default", b"example", b"sandbox", b"demo", b"0123456789")


class Secrets:
    """Reads secrets and says what is wrong with them; never what they are."""

    def __init__(self, source: Source, environ: Mapping[str, str], folder: Path, *, required: bool) -> None:
        self._source = source
        self._environ = environ
        self._folder = folder
        self.required = required
        """False: nothing is read, stand-ins are given."""

    def __call__(self, named: object, place: Path_) -> bytes:
        """The secret, without its final line end; a stand-in when secrets are not required (`explain`)."""
        if not self.required:
            return b"not-read"
        if isinstance(named, Env):
            value = self._environ.get(named.env)
            return self._found(value.encode("utf-8") if value is not None else None, f"variable {named.env}", place)
        assert isinstance(named, File)  # noqa: S101 - the model allows nothing else
        try:
            raw: bytes | None = (self._folder / named.file).read_bytes()
        except FileNotFoundError:
            raw = None
        except OSError:
            hint = "let the gateway's user read it: chmod 640 with its group, or 600 with its user as the owner"
            self._source.say(place, f"the file {named.file} is there and cannot be read", hint)
            return b""
        return self._found(raw, f"file {named.file}", place)

    def _found(self, raw: bytes | None, where: str, place: Path_) -> bytes:
        if raw is None:
            self._source.say(place, f"the {where} is not there", _ABSENT[where.partition(" ")[0]])
            return b""
        if not raw.strip():
            self._source.say(place, f"the {where} is empty", "an empty secret protects nothing")
        return raw.rstrip(b"\r\n")


def weakness(secret: bytes) -> str:
    """Why a secret is no secret; empty when it is one."""
    if len(secret) < STRONG_BYTES:
        return f"is shorter than {STRONG_BYTES} bytes"
    if len(set(secret)) < 8 or any(word in secret.lower() for word in _KNOWN):
        return "is a known default or easily guessed"
    return ""
