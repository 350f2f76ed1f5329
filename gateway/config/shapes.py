"""pydantic's findings in our words, with the line of each."""

import copy
import difflib
import re
from collections.abc import Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from gateway.config.yaml_source import Path_, Source

Model = TypeVar("Model", bound=BaseModel)

_KINDS = {
    "string_type": "text, between quotes if it looks like a number or a date",
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "date_type": "a date such as 2026-09-01",
    "list_type": "a list",
    "model_type": "a mapping",
    "dict_type": "a mapping",
    "upstream_type": "one URL, or a list of URLs or of {url, weight}",
}

_OTHER_BRANCHES = frozenset({"string_type", "list_type", "model_type", "dict_type", "upstream_type"})
"""What a branch says of a value that is meant for another."""


def shaped(source: Source, model: type[Model]) -> Model | None:
    """The file's values as a model, as far as they make one; what is wrong is said in `source`."""
    if source.data is None:
        return None
    try:
        return model.model_validate(source.data)
    except ValidationError as error:
        found = error
    for finding in _without_union_noise(found.errors(include_url=False, include_input=False)):
        _say(source, model, finding)
    try:
        # Without the keys that nobody knows, the rest may be whole: then it is checked further, all at once.
        return model.model_validate(without_unknown(source.data, found))
    except ValidationError:
        return None


def without_unknown(data: Any, error: ValidationError) -> Any:
    """A copy of a file's values without the keys that nobody knows."""
    kept = copy.deepcopy(data)
    for finding in error.errors(include_url=False, include_input=False):
        place = _place(finding["loc"])
        if finding["type"] == "extra_forbidden" and place:
            holder = kept
            for part in place[:-1]:
                holder = holder[part]
            holder.pop(place[-1], None)
    return kept


def suggestion(wrong: str, known: Sequence[str]) -> str:
    """«did you mean …» when something is near, else the list when it is short."""
    near = difflib.get_close_matches(wrong, known, n=1, cutoff=0.6)
    if near:
        return f"did you mean `{near[0]}`?"
    return "known: " + ", ".join(sorted(known)) if 0 < len(known) <= 40 else ""


def _without_union_noise(findings: Sequence[Any]) -> list[Any]:
    """A value that fits no branch of a choice is one mistake, said once, and as deep as a branch could follow it."""
    seen: dict[Path_, Any] = {}
    for finding in findings:
        seen.setdefault(_place(finding["loc"]), finding)
    followed = {place[:depth] for place in seen for depth in range(len(place))}
    return [
        finding for place, finding in seen.items() if finding["type"] not in _OTHER_BRANCHES or place not in followed
    ]


def _place(location: tuple[str | int, ...]) -> Path_:
    """Keys and indices only: pydantic adds the names of the branches that it tried."""
    return tuple(
        part
        for part in location
        if isinstance(part, int) or not (part[:1].isupper() or "[" in part or part in {"str", "int"})
    )


def _say(source: Source, model: type[BaseModel], finding: Any) -> None:
    place, kind, context = _place(finding["loc"]), finding["type"], finding.get("ctx", {})
    name = f"`{place[-1]}`" if place else "the file"
    if kind == "extra_forbidden":
        source.say(
            place, f"{name} is not a key that is known here", suggestion(str(place[-1]), _keys(model, finding["loc"]))
        )
    elif kind == "missing":
        source.say(place[:-1], f"{name} is missing", f"add `{place[-1]}:`")
    elif kind == "literal_error":
        source.say(place, f"{name} must be one of {context['expected']}", _near(source, place, context["expected"]))
    elif kind in _KINDS:
        in_seconds = "in seconds, such as 1800" if name.endswith("_s`") else ""
        source.say(place, f"{name} must be {_KINDS[kind]}", in_seconds or _hint(model, finding, place))
    elif kind == "string_pattern_mismatch":
        wanted = _hint(model, finding, place) or f"it must match {context['pattern']}"
        source.say(place, f"{name} does not have the expected form", wanted)
    else:
        source.say(place, f"{name}: {finding['msg'].lower()}", "")


def _hint(model: type[BaseModel], finding: Any, place: Path_) -> str:
    """What is written of the branch that was followed, or else of the key."""
    return _description(model, finding["loc"]) or _description(model, place)


def _near(source: Source, place: Path_, expected: str) -> str:
    """The choice that was meant; what was written is never said, since it may be a secret in the wrong place."""
    written: Any = source.data
    try:
        for part in place:
            written = written[part]
    except (LookupError, TypeError):
        return ""  # under a name that reads like one of pydantic's branches
    near = difflib.get_close_matches(str(written), re.findall(r"'([^']*)'", expected), n=1, cutoff=0.6)
    return f"did you mean `{near[0]}`?" if near else ""


def _keys(model: type[BaseModel], location: tuple[str | int, ...]) -> list[str]:
    """The keys that the mapping around an unknown one may have."""
    nodes, definitions = _nodes(model, location[:-1])
    return sorted(
        {key for node in nodes for each in _branches(node, definitions) for key in each.get("properties", {})}
    )


def _description(model: type[BaseModel], location: tuple[str | int, ...]) -> str:
    """What is written of the key, for editors and for here; empty when nothing is."""
    nodes, _ = _nodes(model, location)
    return next((str(node["description"]) for node in nodes if "description" in node), "")


def _nodes(model: type[BaseModel], location: tuple[str | int, ...]) -> tuple[list[Any], Any]:
    """The parts of the model's schema that stand at a place, and the definitions that they refer to."""
    schema: Any = model.model_json_schema(by_alias=True)
    definitions = schema.get("$defs", {})
    nodes = [schema]
    for part in location:
        branches = [branch for node in nodes for branch in _branches(node, definitions)]
        nodes = [child for branch in branches for child in _children(branch, part)]
    return nodes, definitions


def _children(node: Any, part: str | int) -> list[Any]:
    if isinstance(part, int):
        return [node["items"]] if "items" in node else []
    found = node.get("properties", {}).get(part) or node.get("additionalProperties")
    if isinstance(found, dict):
        return [found]
    return [node]


def _branches(node: Any, definitions: Any) -> list[Any]:
    node = _resolved(node, definitions)
    return [each for branch in node.get("anyOf", [node]) for each in [_resolved(branch, definitions)]]


def _resolved(node: Any, definitions: Any) -> Any:
    return definitions[node["$ref"].rpartition("/")[2]] if "$ref" in node else node
