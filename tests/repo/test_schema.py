"""`gateway schema` accepts what `gateway check` accepts, by a validator that we did not write, and says each key."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from gateway.cli.schema import _MODELS, schema_of
from tests.world import ROOT

SHIPPED = [
    ("gateway", ROOT / "gateway.yaml"),
    *(("policy", path) for path in sorted((ROOT / "policies").glob("*.yaml"))),
    *(("tests", path) for path in sorted((ROOT / "policies" / "tests").glob("*.yaml"))),
]
POLICY = "purpose: x\nlogin: {}\nlegal_basis: x\nretention: session\nalternative: {url: /a, text: x}\n"


class _AsEditorsRead(yaml.SafeLoader):
    """YAML 1.2 as the language server has it: a date is text."""


_AsEditorsRead.add_constructor("tag:yaml.org,2002:timestamp", lambda _, node: str(node.value))


def read(text: str) -> Any:
    """Values as JSON has them: a key is text too."""
    return _with_text_keys(yaml.load(text, Loader=_AsEditorsRead))


def _with_text_keys(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _with_text_keys(each) for key, each in value.items()}
    return [_with_text_keys(each) for each in value] if isinstance(value, list) else value


def errors(name: str, text: str) -> list[str]:
    validator = Draft202012Validator(schema_of(_MODELS[name]), format_checker=Draft202012Validator.FORMAT_CHECKER)
    return [error.message for error in validator.iter_errors(read(text))]


@pytest.mark.parametrize("name", sorted(_MODELS))
def test_the_schema_is_one(name: str) -> None:
    Draft202012Validator.check_schema(schema_of(_MODELS[name]))


@pytest.mark.parametrize(("name", "path"), SHIPPED, ids=lambda value: getattr(value, "name", value))
def test_the_shipped_files_are_valid(name: str, path: Path) -> None:
    assert errors(name, path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("policy", "injct: {}"),
        ("policy", "inject: {X-Nom: identity.birthname}"),
        ("policy", "inject: {X-Chemin: request.path}"),
        ("policy", "inject: {X-Nom: [identity.birth_name]}"),
        ("policy", "allow: {all: [{identity.age: {atleast: 18}}]}"),
        ("policy", "allow: {all: [{gateway.policy: {is: a}}]}"),
        ("policy", "brackets: {council_decision: x, valid_from: soon, table: [{name: T1}]}"),
        ("policy", "household: {when_missing: {contestd: deny, default: deny}}"),
        ("policy", "encoding: utf8"),
        ("gateway", "workers: many"),
        ("gateway", "limits: {head_s: 0}"),
    ],
)
def test_a_mistake_is_underlined(name: str, more: str) -> None:
    right = POLICY if name == "policy" else (ROOT / "gateway.yaml").read_text(encoding="utf-8")
    assert errors(name, right) == []
    assert len(errors(name, f"{right}\n{more}\n")) == 1


def test_the_french_keys_are_known_to_editors_too() -> None:
    french = "finalité: x\nbase_légale: x\ndurée_conservation: session\nlogin: {}\nalternative: {url: /a, text: x}\n"
    assert errors("policy", french) == []
    assert errors("policy", french.replace("finalité: x\n", "")) != []
    assert errors("policy", french + "purpose: x\n") != []


def _keys(name: str) -> list[tuple[str, dict[str, Any]]]:
    schema = schema_of(_MODELS[name])
    parts = {name: schema, **schema["$defs"]}
    return [(f"{part}.{key}", value) for part, of in parts.items() for key, value in of.get("properties", {}).items()]


@pytest.mark.parametrize(
    ("key", "value"), [pytest.param(key, value, id=key) for name in ("gateway", "policy") for key, value in _keys(name)]
)
def test_an_editor_shows_a_sentence_for_the_key(key: str, value: dict[str, Any]) -> None:
    assert value.get("description"), key
