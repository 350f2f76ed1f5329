"""pydantic's findings in our words, with the line of each."""

import copy
import difflib
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from pydantic import BaseModel, ValidationError

from gateway.config.yaml_source import Path_, Source

Model = TypeVar("Model", bound=BaseModel)

UNKNOWN_KEY = "extra_forbidden"

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
    "secret_type": "{env: NAME} or {file: PATH}, one of the two",
}

_FORMS = {
    r"^(/|https://)": "begin it with / or https://",
    r"^https?://": "begin it with https://",
    r"^/": "begin it with /",
    r"^/.*[^/]$": "begin it with /, and end it without: /app",
    r"^[A-Z]+(-[A-Z]+)*$": "capital letters: GET",
    r"^[0-9]{14}$": "14 digits, between quotes",
    r"^[^@\s<>\x00-\x1f]+@[^@\s<>\x00-\x1f]+$": "an e-mail address",
    r"^([^@\s]+@[^@\s]+|https://\S+)$": "an e-mail address, or one that begins with https://",
    r"^/[!-\"$-~]*$": "begin it with /, without spaces: /health",
    r"^[!#-\[\]-~]+$": "ASCII, without spaces, quotes and backslashes",
    r"^[1-9][0-9]?$": "a number of children, from 1 to 99",
}
"""Pattern → what to write, where nothing is written of the key."""

_OTHER_BRANCHES = frozenset({"string_type", "list_type", "model_type", "dict_type", "upstream_type", "literal_error"})
"""What a branch says of a value that is meant for another."""


class Finding(NamedTuple):
    """One thing that pydantic says."""

    place: Path_
    """Keys and indices of the file: without the names of the branches that pydantic tried."""
    kind: str
    context: Mapping[str, Any]
    message: str
    of_key: bool
    """Whether a key of a mapping is meant, not its value."""


def findings_of(error: ValidationError, data: Any) -> list[Finding]:
    """Each mistake once: of a value that fits no branch of a choice, what the branch says that followed it deepest."""
    seen: dict[Path_, Finding] = {}
    for each in error.errors(include_url=False, include_input=False):
        place = _place(each["loc"], data, missing=each["type"] == "missing")
        of_key = each["loc"][-1:] == ("[key]",)
        seen.setdefault(place, Finding(place, each["type"], each.get("ctx", {}), each["msg"], of_key))
    followed = {place[:depth] for place in seen for depth in range(len(place))}
    return [each for place, each in seen.items() if each.kind not in _OTHER_BRANCHES or place not in followed]


def _place(location: tuple[str | int, ...], data: Any, *, missing: bool) -> Path_:
    place: list[str | int] = []
    at: Any = data
    for depth, part in enumerate(location, 1):
        if _holds(at, part):
            at = at[part]
        elif not missing or depth < len(location):
            continue
        place.append(part)
    return tuple(place)


def _holds(at: Any, part: str | int) -> bool:
    return part in at if isinstance(at, Mapping) else isinstance(at, list) and isinstance(part, int)


def shaped(source: Source, model: type[Model]) -> Model | None:
    """The file's values as a model, as far as they make one; what is wrong is said in `source`."""
    if source.data is None:
        return None
    try:
        return model.model_validate(source.data)
    except ValidationError as error:
        found = error
    for finding in findings_of(found, source.data):
        _say(source, model, finding)
    try:
        # Without the keys that nobody knows, the rest may be whole: then it is checked further, all at once.
        return model.model_validate(without_unknown(source.data, found))
    except ValidationError:
        return None


def without_unknown(data: Any, error: ValidationError) -> Any:
    """A copy of a file's values without the keys that nobody knows."""
    kept = copy.deepcopy(data)
    for finding in findings_of(error, data):
        if finding.kind == UNKNOWN_KEY and finding.place:
            holder = kept
            for part in finding.place[:-1]:
                holder = holder[part]
            holder.pop(finding.place[-1], None)
    return kept


def suggestion(wrong: str, known: Sequence[str]) -> str:
    """«did you mean …» when something is near, else the list when it is short.

    Of names with dots, what the known ones share with the wrong one before the last dot makes nothing near.
    """
    family = wrong.rpartition(".")[0]
    alike = [name for name in known if family and name.rpartition(".")[0] == family]
    ends = {name.rpartition(".")[2]: name for name in alike}
    near = difflib.get_close_matches(wrong.rpartition(".")[2], ends, n=1, cutoff=0.55)
    found = [ends[end] for end in near] or ([] if alike else difflib.get_close_matches(wrong, known, n=1, cutoff=0.6))
    if found:
        return f"did you mean `{found[0]}`?"
    listed = alike or known
    return "known: " + ", ".join(sorted(listed)) if 0 < len(listed) <= 40 else ""


def _say(source: Source, model: type[BaseModel], finding: Finding) -> None:
    place, kind = finding.place, finding.kind
    name = _name(place)
    if kind == UNKNOWN_KEY:
        source.say(place, f"{name} is not a key that is known here", suggestion(str(place[-1]), _keys(model, place)))
    elif kind == "missing":
        source.say(place[:-1], f"{name} is missing", f"add `{place[-1]}:`")
    elif kind == "nothing":
        source.say(place, f"{name} is left empty", "write its value, or take the key out")
    elif kind == "too_short":
        told = _description(model, place)
        source.say(place, f"{name} is empty", "write an entry, or take the key out" + (f": {told}" if told else ""))
    elif kind == "string_too_short":
        source.say(place, f"{name} is empty", _description(model, place) or "write its text, or take the key out")
    else:
        source.say(place, *_wrong_value(source, model, finding, name))


def _name(place: Path_) -> str:
    if place and isinstance(place[-1], int):
        return f"entry {place[-1] + 1} of {_name(place[:-1])}"
    return f"`{place[-1]}`" if place else "the file"


def _wrong_value(source: Source, model: type[BaseModel], finding: Finding, name: str) -> tuple[str, str]:
    """What is wrong with it, and what to write."""
    place, kind, context = finding.place, finding.kind, finding.context
    told = _description(model, place)
    if kind == "literal_error":
        return f"{name} must be one of {context['expected']}", _near(source, finding)
    if kind in _KINDS:
        in_seconds = "in seconds, such as 1800" if name.endswith("_s`") else ""
        return f"{name} must be {_KINDS[kind]}", in_seconds or told
    if kind == "string_pattern_mismatch":
        form = _FORMS.get(context["pattern"]) or ("" if told else f"it must match {context['pattern']}")
        return f"{name} does not have the expected form", "; ".join(filter(None, (form, told)))
    return f"{name}: {finding.message.lower()}", ""


def _near(source: Source, finding: Finding) -> str:
    """The choice that was meant; what was written is never said, since it may be a secret in the wrong place."""
    written: Any = source.data
    for part in finding.place[: -1 if finding.of_key else None]:
        written = written[part]
    if finding.of_key:
        written = finding.place[-1]
    choices = re.findall(r"'([^']*)'", finding.context["expected"])
    near = difflib.get_close_matches(str(written), choices, n=1, cutoff=0.6)
    return f"did you mean `{near[0]}`?" if near else ""


def _keys(model: type[BaseModel], place: Path_) -> list[str]:
    """The keys that the mapping around an unknown one may have."""
    nodes, definitions = _nodes(model, place[:-1])
    return sorted(
        {key for node in nodes for each in _branches(node, definitions) for key in each.get("properties", {})}
    )


def _description(model: type[BaseModel], place: Path_) -> str:
    """What is written of the key, for editors and for here; empty when nothing is."""
    nodes, _ = _nodes(model, place)
    return next((str(node["description"]) for node in nodes if "description" in node), "")


def _nodes(model: type[BaseModel], place: Path_) -> tuple[list[Any], Any]:
    """The parts of the model's schema that stand at a place, and the definitions that they refer to."""
    schema: Any = model.model_json_schema(by_alias=True)
    definitions = schema.get("$defs", {})
    nodes = [schema]
    for part in place:
        branches = [branch for node in nodes for branch in _branches(node, definitions)]
        nodes = [child for branch in branches for child in _children(branch, part)]
    return nodes, definitions


def _children(node: Any, part: str | int) -> list[Any]:
    if isinstance(part, int):
        return [node["items"]] if "items" in node else []
    found = node.get("properties", {}).get(part) or node.get("additionalProperties")
    return [found] if isinstance(found, dict) else []


def _branches(node: Any, definitions: Any) -> list[Any]:
    node = _resolved(node, definitions)
    choices = node.get("anyOf") or node.get("oneOf") or [node]
    return [each for branch in choices for each in _branches(branch, definitions)] if choices != [node] else [node]


def _resolved(node: Any, definitions: Any) -> Any:
    return definitions[node["$ref"].rpartition("/")[2]] if "$ref" in node else node
