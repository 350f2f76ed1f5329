"""`gateway schema`: the JSON Schema that editors complete and check YAML with."""

import argparse
import json
from typing import Any

from pydantic import AliasChoices, BaseModel

from gateway.config.expectations import ExpectationsModel
from gateway.config.gateway_models import GatewayModel
from gateway.config.policy_models import PolicyModel

_MODELS: dict[str, type[BaseModel]] = {"gateway": GatewayModel, "policy": PolicyModel, "tests": ExpectationsModel}


def register(subcommands: Any) -> None:
    command: argparse.ArgumentParser = subcommands.add_parser("schema", help="print the JSON Schema of a file")
    command.add_argument("file", nargs="?", choices=sorted(_MODELS), default="gateway")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    print(json.dumps(schema_of(_MODELS[arguments.file]), indent=2, ensure_ascii=False))
    return 0


def schema_of(model: type[BaseModel]) -> dict[str, Any]:
    """What editors are given: the model's own schema, and the French names of its keys."""
    schema: dict[str, Any] = _as_written(_without_titles(model.model_json_schema(by_alias=True)))
    for field in model.model_fields.values():
        if isinstance(field.validation_alias, AliasChoices):
            _add_french(schema, [str(name) for name in field.validation_alias.choices])
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | schema


def _without_titles(node: Any) -> Any:
    """Our keys are their own titles; `Idle S` and `SigningModel` say nothing more to who writes them."""
    if isinstance(node, dict):
        return {key: _without_titles(each) for key, each in node.items() if key != "title"}
    return [_without_titles(each) for each in node] if isinstance(node, list) else node


def _as_written(node: Any) -> Any:
    """A key that may be left out is not written empty: neither `null` nor a list of nothing is offered."""
    if isinstance(node, list):
        return [_as_written(each) for each in node]
    if not isinstance(node, dict):
        return node
    if node.get("default", "") is None:
        branches = [each for each in node["anyOf"] if each != {"type": "null"}]
        node = {key: value for key, value in node.items() if key not in {"default", "anyOf"}}
        node = (branches[0] if len(branches) == 1 else {"anyOf": branches}) | node
    if node.get("default") == [] and "minItems" in node:
        node = {key: value for key, value in node.items() if key != "default"}
    return {key: _as_written(value) for key, value in node.items()}


def _add_french(schema: dict[str, Any], names: list[str]) -> None:
    key, *french = names
    for name in french:
        schema["properties"][name] = schema["properties"][key] | {"description": f"`{key}`, in French"}
    if key in schema["required"]:
        schema["required"].remove(key)
        schema["oneOf"] = [{"required": [name]} for name in names]
