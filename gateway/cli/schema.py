"""`gateway schema`: the JSON Schema that editors complete and check YAML with."""

import argparse
import json
from typing import Any

from pydantic import BaseModel

from gateway.config.expectations import ExpectationsModel
from gateway.config.gateway_models import GatewayModel
from gateway.config.policy_models import ENGLISH, PolicyModel

_MODELS: dict[str, type[BaseModel]] = {"gateway": GatewayModel, "policy": PolicyModel, "tests": ExpectationsModel}


def _as_written(node: Any) -> Any:
    """A key that may be left out is not written empty: neither `null` nor a list of nothing is offered."""
    if isinstance(node, list):
        return [_as_written(each) for each in node]
    if not isinstance(node, dict):
        return node
    if node.get("default", "") is None:
        branches = [each for each in node["anyOf"] if each != {"type": "null"}]
        node = {key: value for key, value in node.items() if key not in {"default", "anyOf"}}
        node |= branches[0] if len(branches) == 1 else {"anyOf": branches}
    if node.get("default") == [] and "minItems" in node:
        node = {key: value for key, value in node.items() if key != "default"}
    return {key: _as_written(value) for key, value in node.items()}


def _add_french(schema: dict[str, Any]) -> None:
    """What a key may be called too; of `purpose` one name is there."""
    required = [name for name in schema["required"] if name in ENGLISH.values()]
    schema["required"] = [name for name in schema["required"] if name not in required]
    schema["allOf"] = [
        {"oneOf": [{"required": [each]} for each in (name, *(k for k, v in ENGLISH.items() if v == name))]}
        for name in required
    ]
    schema["properties"] |= {french: schema["properties"][name] for french, name in ENGLISH.items()}


def register(subcommands: Any) -> None:
    command: argparse.ArgumentParser = subcommands.add_parser("schema", help="print the JSON Schema of a file")
    command.add_argument("file", nargs="?", choices=sorted(_MODELS), default="gateway")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    schema = _as_written(_MODELS[arguments.file].model_json_schema(by_alias=True))
    if arguments.file == "policy":
        _add_french(schema)
    draft = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    print(json.dumps(draft | schema, indent=2, ensure_ascii=False))
    return 0
