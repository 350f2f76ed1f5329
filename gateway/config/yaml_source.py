"""YAML text → plain values that remember their lines. What YAML would settle in silence is refused."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import yaml
from yaml.events import CollectionEndEvent, CollectionStartEvent
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from gateway.config.yaml_words import syntax_problem
from gateway.core.errors import Problem

Path_ = tuple[str | int, ...]

BYTES_AT_MOST = 1_000_000
DEPTH_AT_MOST = 20


@dataclass(slots=True)
class Source:
    """One file: its values, the line of each, and what is wrong so far."""

    file: str
    raw: bytes = b""
    data: Any = None
    lines: dict[Path_, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    doubtful: set[str] = field(default_factory=set)
    """Top-level keys of which nothing more can be said: their shape is wrong, and a stand-in is read instead."""

    def line(self, path: Path_) -> int:
        """The line of a value, or of the nearest thing that holds it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def say(self, path: Path_, message: str, hint: str = "") -> None:
        if not path or path[0] not in self.doubtful:
            self.problems.append(Problem(self.file, self.line(path), message, hint))


def read_yaml(path: Path, shown: str, *, piped: bool = False) -> Source:
    """Read a file; whatever is wrong is in `problems`, and `data` is None when nothing could be read.

    `piped`: what a shell hands over is read too; elsewhere a pipe would be waited for, for ever.
    """
    source = Source(shown)
    try:
        if not piped and path.exists() and not path.is_file():
            raise OSError("no file")
        source.raw = path.read_bytes()
        if len(source.raw) > BYTES_AT_MOST:
            raise ValueError("longer than 1 MB")
        text = source.raw.decode("utf-8")
        _look_through(text, source)
        node = None if source.problems else yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        source.problems.append(syntax_problem(error, shown))
    except (OSError, ValueError) as error:
        source.problems.append(_unread(error, shown))
    else:
        if node is None and not source.problems:
            source.problems.append(Problem(shown, 0, "is empty", "begin with the example in README.md"))
        elif node is not None:
            source.data = _build(node, (), source)
    return source


def _look_through(text: str, source: Source) -> None:
    """What is written in one place and meant in another is read wrongly by a person in a hurry; so is a maze."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        line = event.start_mark.line + 1 if event.start_mark else 0
        if getattr(event, "anchor", None):
            source.problems.append(
                Problem(source.file, line, "anchors and aliases are not read here", "write it out twice")
            )
        depth += isinstance(event, CollectionStartEvent) - isinstance(event, CollectionEndEvent)
        if depth > DEPTH_AT_MOST:
            hint = f"{DEPTH_AT_MOST} mappings and lists in one another are enough"
            source.problems.append(Problem(source.file, line, "is nested too deeply", hint))
            return


def _unread(error: Exception, shown: str) -> Problem:
    if isinstance(error, UnicodeDecodeError):
        line = error.object[: error.start].count(b"\n") + 1
        return Problem(
            shown, line, "cannot be read: a letter here is not UTF-8", "save the file as UTF-8 in your editor"
        )
    if isinstance(error, FileNotFoundError):
        return Problem(shown, 0, "cannot be read: there is no such file", "write a UTF-8 YAML file there")
    if isinstance(error, PermissionError):
        return Problem(shown, 0, "cannot be read: this user may not", "give the gateway's user the right to read it")
    if isinstance(error, OSError):
        return Problem(shown, 0, "cannot be read: it is no file", "write a UTF-8 YAML file there")
    return Problem(shown, 0, f"cannot be read: {error}", "write a UTF-8 YAML file there")


def _build(node: Node, path: Path_, source: Source) -> Any:
    source.lines[path] = node.start_mark.line + 1
    if isinstance(node, MappingNode):
        return _mapping(node, path, source)
    if isinstance(node, SequenceNode):
        return [_build(item, (*path, index), source) for index, item in enumerate(node.value)]
    return _scalar(node, path, source)


def _mapping(node: MappingNode, path: Path_, source: Source) -> Mapping[str, Any]:
    built: dict[str, Any] = {}
    first: dict[str, int] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, ScalarNode) or key_node.tag == "tag:yaml.org,2002:merge":
            source.problems.append(
                Problem(source.file, line, "a key must be plain text", "write the keys out, without `<<`")
            )
            continue
        key = key_node.value
        if key in built:
            hint = f"first written on line {first[key]}; keep one"
            source.problems.append(Problem(source.file, line, f"`{key}` is written twice", hint))
            continue
        first[key] = line
        built[key] = _build(value_node, (*path, key), source)
        source.lines[(*path, key)] = line
    return built


def _scalar(node: Node, path: Path_, source: Source) -> Any:
    kind = node.tag.removeprefix("tag:yaml.org,2002:")
    try:
        if kind == "timestamp" and isinstance(node, ScalarNode):
            return _timestamp(node)
        return yaml.constructor.SafeConstructor.yaml_constructors[node.tag](yaml.SafeLoader(""), node)
    except (KeyError, ValueError, TypeError, yaml.YAMLError):
        source.say(path, f"`{node.tag}` is not a kind of value that is read here", "put text between quotes")
        return None


def _timestamp(node: ScalarNode) -> date | str:
    """A day or a moment; as it is written when it is neither, such as the `1962-00-00` of a partial date."""
    try:
        if len(node.value) == len("2026-09-01"):
            return date.fromisoformat(node.value)
        moment: date = yaml.constructor.SafeConstructor.construct_yaml_timestamp(yaml.SafeLoader(""), node)
    except ValueError:
        return str(node.value)
    return moment
