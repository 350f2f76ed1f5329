"""`gateway match FILE.json`: the name comparison, for a support desk. Codes only, never a name."""

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gateway.core.claims import to_identity
from gateway.core.errors import LoginFailed
from gateway.core.matching import match
from gateway.core.model import Acr, Identity, MatchResult, Person, VerifiedClaims
from gateway.core.names import civil_person, person_from_full_name

_SHAPE = (
    'write {"franceconnect": {…claims}, "allocataires": [{"nom_naissance", "nom_usage", "prenoms", "date_naissance"}]}'
)


def register(subcommands: Any) -> None:
    command: argparse.ArgumentParser = subcommands.add_parser("match", help="compare names as the gateway does")
    command.add_argument("file", help="a JSON object or a list of them; - is standard input")
    command.add_argument("--json", action="store_true", help="one JSON line each")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """0 whatever the outcome; 2 for a file that cannot be read as described."""
    try:
        results = [_result(item, number) for number, item in enumerate(_items(arguments.file), start=1)]
    except ValueError as error:
        print(f"{arguments.file}: {error}\n  hint: {_SHAPE}", file=sys.stderr)
        return 2
    for number, result in enumerate(results, start=1):
        print(_json(result) if arguments.json else _words(number, result))
    return 0


def _items(file: str) -> list[Any]:
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
        data = json.loads(text)
    except OSError as error:
        raise ValueError(f"cannot be read ({type(error).__name__})") from None
    except ValueError:
        raise ValueError("is not JSON") from None
    return data if isinstance(data, list) else [data]


def _result(item: Any, number: int) -> MatchResult:
    if not isinstance(item, Mapping) or not isinstance(item.get("franceconnect"), Mapping):
        raise ValueError(f"item {number}: `franceconnect` must be an object of claims")
    adults = item.get("allocataires")
    if not isinstance(adults, list):
        raise ValueError(f"item {number}: `allocataires` must be a list")
    return match(_identity(item["franceconnect"], number), [_person(each, number) for each in adults])


def _identity(claims: Mapping[str, Any], number: int) -> Identity:
    known = VerifiedClaims({"sub": "support-desk", **{name: value for name, value in claims.items() if name != "sub"}})
    try:
        return to_identity(known, provider="franceconnect", acr=Acr.EIDAS1, authenticated_at=0)
    except LoginFailed as error:
        raise ValueError(f"item {number}: `franceconnect` has a claim that cannot be read ({error.code})") from None


def _person(raw: Any, number: int) -> Person:
    if not isinstance(raw, Mapping):
        raise ValueError(f"item {number}: each of `allocataires` must be an object")
    texts = {name: value for name, value in raw.items() if value is None or isinstance(value, str)}
    if len(texts) != len(raw):
        raise ValueError(f"item {number}: the values of `allocataires` must be text or null")
    try:
        if texts.get("nomPrenom"):
            return person_from_full_name(texts["nomPrenom"] or "", texts.get("dateDeNaissance"))
        return civil_person(
            birth_name=texts.get("nom_naissance"),
            usage_name=texts.get("nom_usage"),
            given_names=texts.get("prenoms"),
            birthdate=texts.get("date_naissance"),
        )
    except ValueError:
        raise ValueError(f"item {number}: `date_naissance` must be 1984-02-17, with 00 for what is unknown") from None


def _words(number: int, result: MatchResult) -> str:
    who = "" if result.adult is None else f", adult {result.adult}"
    return f"{number}: {result.outcome}{who}: {', '.join(result.reasons)}"


def _json(result: MatchResult) -> str:
    return json.dumps({"outcome": result.outcome, "adult": result.adult, "reasons": list(result.reasons)})
