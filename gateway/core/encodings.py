"""A fact's value → the text of a header → its bytes. What the encoding cannot carry is refused, never repaired."""

import base64
import json
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from urllib.parse import quote

from gateway.core.errors import ValueRefused
from gateway.core.model import PartialDate
from gateway.core.rules import Encoding

_ATTR_CHAR = "!#$&+^`|"
"""What RFC 8187 §3.2.1 leaves as it is, besides the unreserved characters."""


def render(value: object) -> str:
    """Write a value as text: lists joined by one space, dates in ISO 8601, structures as compact JSON."""
    if isinstance(value, list | tuple) and not any(isinstance(item, list | tuple | dict) for item in value):
        return " ".join(_scalar(item) for item in value)
    if not isinstance(value, list | tuple | dict):
        return _scalar(value)
    for leaf in leaves(value):
        # JSON would escape a control character, and the encodings would no longer see it.
        _refuse_controls(leaf)
    return json.dumps(plain(value), ensure_ascii=False, separators=(",", ":"))


def encode(text: str, encoding: Encoding) -> bytes:
    """The field value (RFC 9110 §5.5); `ValueRefused` with `value_…` when it cannot be carried as it is."""
    text = unicodedata.normalize("NFC", text)
    if not text:
        raise ValueRefused("value_empty")
    _refuse_controls(text)
    return _ENCODERS[encoding](text)


def plain(value: object) -> object:
    """The value as JSON has it: scalars, lists and dicts, text in NFC."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value if isinstance(value, bool | int) else unicodedata.normalize("NFC", _scalar(value))


def leaves(value: object) -> Iterator[str]:
    """Every text within a value, names of members included."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield str(key)
            yield from leaves(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from leaves(item)
    else:
        yield _scalar(value)


def _scalar(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | PartialDate):
        return str(value)
    if isinstance(value, date):
        return value.isoformat()
    raise ValueRefused("value_not_renderable")


def _refuse_controls(text: str) -> None:
    for character in text:
        category = unicodedata.category(character)
        if category == "Cc":
            raise ValueRefused("value_control_character")
        if category == "Cs":
            raise ValueRefused("value_not_unicode")


def _raw(text: str, charset: str) -> bytes:
    if text != text.strip(" "):
        # RFC 9110 §5.5: recipients drop spaces at the ends.
        raise ValueRefused("value_outer_space")
    try:
        return text.encode(charset)
    except UnicodeEncodeError:
        raise ValueRefused("value_not_latin1") from None


_ENCODERS: Mapping[Encoding, Callable[[str], bytes]] = {
    Encoding.UTF_8: lambda text: _raw(text, "utf-8"),
    Encoding.LATIN_1: lambda text: _raw(text, "latin-1"),
    Encoding.PERCENT: lambda text: quote(text, safe="").encode("ascii"),
    Encoding.BASE64: lambda text: base64.b64encode(text.encode("utf-8")),
    Encoding.RFC8187: lambda text: b"UTF-8''" + quote(text, safe=_ATTR_CHAR).encode("ascii"),
}
