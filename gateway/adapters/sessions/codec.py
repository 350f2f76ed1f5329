"""Frozen values ↔ JSON, driven by their own annotations. Strict: what does not fit exactly is not read.

Records that outlive a version of the gateway are read with `load_older`: a field added since has its default.
"""

import json
import types
from collections.abc import Callable
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from functools import cache
from typing import Any, NewType, TypeVar, Union, get_args, get_origin, get_type_hints

Value = TypeVar("Value")

Fill = Callable[[Any, dict[str, Any]], None]
"""Refuses the fields of a record of this dataclass, with a ValueError, unless they are such as may be read."""

Reader = Callable[[Any, Fill], Any]
"""What JSON gave becomes the value, or a ValueError (or what `_load` makes one of)."""


def dump(value: object) -> bytes:
    return json.dumps(_plain(value), ensure_ascii=False, separators=(",", ":")).encode("utf-8")


class UnknownFields(ValueError):
    """Fields of a newer version: to drop them would lose what they say. The text names them, and no value."""


def load(kind: type[Value], raw: bytes) -> Value:
    """Read what `dump` wrote; ValueError for anything else."""
    return _load(kind, raw, _exactly)


def load_older(kind: type[Value], raw: bytes) -> Value:
    """Read what `dump` wrote, now or before some fields with a default were there; else ValueError."""
    return _load(kind, raw, _filled)


def _load(kind: type[Value], raw: bytes, fill: Fill) -> Value:
    try:
        value: Value = _reader(kind)(json.loads(raw), fill)  # type: ignore[arg-type]
    except (TypeError, KeyError, AttributeError, RecursionError):
        raise ValueError("not a record of this version") from None
    return value


def _plain(value: object) -> object:
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, frozenset):
        return sorted(_plain(item) for item in value)  # type: ignore[type-var]
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)


@cache
def _reader(kind: Any) -> Reader:
    """Made once for each annotation: to work it out again for each value takes three times as long."""
    if isinstance(kind, NewType):
        return _reader(kind.__supertype__)
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        return _optional(kind)
    if origin in (tuple, frozenset):
        return _several(origin, _reader(get_args(kind)[0]))
    if is_dataclass(kind):
        return _dataclass(kind)  # type: ignore[arg-type]
    if issubclass(kind, Enum):
        return lambda raw, _: kind(raw)
    return lambda raw, _: _expect(kind, raw)


def _optional(kind: Any) -> Reader:
    (only,) = [each for each in get_args(kind) if each is not type(None)]
    read = _reader(only)
    return lambda raw, fill: None if raw is None else read(raw, fill)


def _several(made: Callable[[list[Any]], Any], read: Reader) -> Reader:
    return lambda raw, fill: made([read(each, fill) for each in _expect(list, raw)])


def _dataclass(kind: Callable[..., Any]) -> Reader:
    readers = {name: _reader(hint) for name, hint in _hints(kind).items()}

    def read(raw: Any, fill: Fill) -> Any:
        fill(kind, _expect(dict, raw))
        return kind(**{name: readers[name](each, fill) for name, each in raw.items()})

    return read


def _exactly(kind: Any, raw: dict[str, Any]) -> None:
    if raw.keys() != _hints(kind).keys():
        raise ValueError("not a record of this version")


def _filled(kind: Any, raw: dict[str, Any]) -> None:
    if unknown := raw.keys() - _hints(kind).keys():
        raise UnknownFields(", ".join(sorted(f"{kind.__name__}.{name}" for name in unknown)))
    needed = {each.name for each in fields(kind) if each.default is MISSING and each.default_factory is MISSING}
    if needed - raw.keys():
        raise ValueError("not a record of this version")


def _expect(kind: type, raw: Any) -> Any:
    if type(raw) is not kind:
        raise ValueError("not a record of this version")
    return raw
