"""The tables of keys in docs/configuration.md, made from what `gateway schema` says.

    python -m tests.configuration     writes them anew between their marks

A mark is `<!-- keys: RouteModel -->`, and `<!-- end -->` after the table.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from gateway.config.gateway_models import GatewayModel
from gateway.config.policy_models import PolicyModel
from tests.world import ROOT

PAGE = ROOT / "docs" / "configuration.md"

_MARKED = re.compile(r"(<!-- keys: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
_HEAD = "| key | takes | default | what |\n|---|---|---|---|\n"
_SECRET = {"#/$defs/Env", "#/$defs/File"}
_PLURALS = {"a secret": "secrets", "a mapping": "mappings", "keys below": "mappings, keys below"}


def parts() -> dict[str, dict[str, Any]]:
    """Each mapping that the two files are made of, by the name of its model."""
    schemas = {model.__name__: model.model_json_schema(by_alias=True) for model in (GatewayModel, PolicyModel)}
    return schemas | {name: part for schema in schemas.values() for name, part in schema["$defs"].items()}


def rendered(page: str) -> str:
    """The page with each table of keys as the schema has it."""
    known = parts()
    return _MARKED.sub(lambda found: found[1] + _HEAD + "".join(rows(known[found[2]])) + found[3], page)


def marked(page: str) -> list[str]:
    return [name for _, name, _ in _MARKED.findall(page)]


def rows(part: dict[str, Any]) -> Iterator[str]:
    for key, node in part["properties"].items():
        cells = (f"`{key}`", takes(node), default(key, node, part), node["description"])
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def default(key: str, node: dict[str, Any], part: dict[str, Any]) -> str:
    if key in part.get("required", ()):
        return "**required**"
    value = None if "minItems" in node else node.get("default", "below")
    if value in (None, "below"):
        return "–" if value is None else value
    return f"`{value if isinstance(value, str) else json.dumps(value)}`"


def takes(node: dict[str, Any]) -> str:
    """In words: the choices, the bounds, or the kind."""
    branches = [each for each in node.get("anyOf", node.get("oneOf", [node])) if each.get("type") != "null"]
    if {each.get("$ref") for each in branches} == _SECRET:
        return "a secret"
    return ", or ".join(dict.fromkeys(_kind(each) for each in branches))


def _kind(node: dict[str, Any]) -> str:
    if "$ref" in node:
        return "`{fr, en}`" if node["$ref"].endswith("/TextModel") else "keys below"
    if "anyOf" in node or "oneOf" in node:
        return takes(node)
    if choices := node.get("enum", [node["const"]] if "const" in node else []):
        return "a fact" if len(choices) > 20 else " ".join(f"`{each}`" for each in choices)
    if node["type"] == "array":
        return f"a list of {_PLURALS.get(each := takes(node['items']), each)}"
    return {"object": "a mapping", "boolean": "`true` `false`"}.get(node["type"]) or _scalar(node)


def _scalar(node: dict[str, Any]) -> str:
    if node["type"] == "string":
        longest = f" of {node['maxLength']:,} at most" if "maxLength" in node else ""
        return "a date" if node.get("format") == "date" else f"text{longest}"
    low, high = node.get("minimum"), node.get("maximum")
    if high is None:
        return "a whole number" if low is None else f"{low} or more"
    return f"{low:,} to {high:,}" if low is not None else f"more than 0, to {high:,}"


if __name__ == "__main__":
    PAGE.write_text(rendered(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
