"""`gateway schema`: the JSON Schema that editors complete and check YAML with."""

import argparse
import json
from typing import Any

from pydantic import BaseModel

from gateway.config.expectations import ExpectationsModel
from gateway.config.gateway_models import GatewayModel
from gateway.config.policy_models import PolicyModel

_MODELS: dict[str, type[BaseModel]] = {"gateway": GatewayModel, "policy": PolicyModel, "tests": ExpectationsModel}


def register(subcommands: Any) -> None:
    command: argparse.ArgumentParser = subcommands.add_parser("schema", help="print the JSON Schema of a file")
    command.add_argument("file", nargs="?", choices=sorted(_MODELS), default="gateway")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    schema = _MODELS[arguments.file].model_json_schema(by_alias=True)
    draft = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    print(json.dumps(draft | schema, indent=2, ensure_ascii=False))
    return 0
