"""Frozen values ↔ JSON, driven by their own annotations. Strict: what does not fit exactly is not read."""

import json
import types
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from typing import Any, NewType, TypeVar, Union, get_args, get_origin, get_type_hints

Value = TypeVar("Value")


def dump(value: object) -> bytes:
    return json.dumps(_plain(value), ensure_ascii=False, separators=(",", ":")).encode("utf-8")


def load(kind: type[Value], raw: bytes) -> Value:
    """Read what `dump` wrote; ValueError for anything else."""
    try:
        value: Value = _value(kind, json.loads(raw))
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
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _value(kind: Any, raw: Any) -> Any:
    if isinstance(kind, NewType):
        return _value(kind.__supertype__, raw)
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        return _optional(kind, raw)
    if origin in (tuple, frozenset):
        return origin(_value(get_args(kind)[0], item) for item in _expect(list, raw))
    if is_dataclass(kind):
        return _dataclass(kind, _expect(dict, raw))  # type: ignore[arg-type]
    if issubclass(kind, Enum):
        return kind(raw)
    return _expect(kind, raw)


def _optional(kind: Any, raw: Any) -> Any:
    if raw is None:
        return None
    (only,) = [each for each in get_args(kind) if each is not type(None)]
    return _value(only, raw)


def _dataclass(kind: Callable[..., Any], raw: dict[str, Any]) -> Any:
    hints = _hints(kind)
    if raw.keys() != hints.keys():
        raise ValueError("not a record of this version")
    return kind(**{name: _value(hint, raw[name]) for name, hint in hints.items()})


def _expect(kind: type, raw: Any) -> Any:
    if type(raw) is not kind:
        raise ValueError("not a record of this version")
    return raw
