"""`gateway keys make | list | rotate`: the keys that sign. A private key is written to a file, and never shown."""

import argparse
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from gateway.adapters.keys import KeyType, generate_pem, load_signing_keys
from gateway.config.gateway_file import load
from gateway.config.yaml_source import read_yaml


def register(subcommands: Any) -> None:
    command: argparse.ArgumentParser = subcommands.add_parser("keys", help="make, list or rotate the keys that sign")
    what = command.add_subparsers(dest="what", required=True, metavar="WHAT")
    make: argparse.ArgumentParser = what.add_parser("make", help="write a new private key")
    make.add_argument("out", type=Path, metavar="FILE", help="a new file in PEM, for its owner alone")
    listed: argparse.ArgumentParser = what.add_parser("list", help="say which keys sign and verify")
    rotate: argparse.ArgumentParser = what.add_parser("rotate", help="write the next key, and say what to do with it")
    rotate.add_argument("--out", type=Path, metavar="FILE", help="by default beside the present one")
    for each in (make, rotate):
        each.add_argument(
            "--type", choices=[str(kind) for kind in KeyType], help="by default ed25519, or as the present one"
        )
    for each in (listed, rotate):
        each.add_argument("--config", type=Path, default=Path("gateway.yaml"), metavar="FILE")
    command.set_defaults(run=run, parser=command)


def run(arguments: argparse.Namespace) -> int:
    """0; ConfigError (1) when the configuration is wrong; 2 when the file cannot be made."""
    return {"make": _make, "list": _list, "rotate": _rotate}[arguments.what](arguments)


def _make(arguments: argparse.Namespace) -> int:
    kid = _written(arguments, arguments.out, KeyType(arguments.type or KeyType.ED25519))
    print(f"{arguments.out}: kid {kid}\nwrite in gateway.yaml:\n  signing:\n    key: {{file: {arguments.out}}}")
    return 0


def _list(arguments: argparse.Namespace) -> int:
    for jwk, role in _keys(arguments.config):
        print(f"{jwk['kid']}  {jwk['alg']:<6} {role}")
    return 0


def _keys(config: Path) -> list[tuple[dict[str, str], str]]:
    """The published halves, the one that signs first."""
    signing = load(config, os.environ).signing
    published = load_signing_keys(signing.key_pem, signing.previous).jwks["keys"]
    return [(jwk, "verifies" if place else "signs") for place, jwk in enumerate(published)]


def _rotate(arguments: argparse.Namespace) -> int:
    """Nothing is changed but one new file: the operator edits, checks and reloads."""
    present, _ = _keys(arguments.config)[0]
    written = read_yaml(arguments.config, str(arguments.config)).data["signing"]
    kind = KeyType(arguments.type) if arguments.type else KeyType.of(present["alg"])
    out = arguments.out or _beside(arguments, written["key"])
    kid = _written(arguments, arguments.config.parent / out, kind)
    print(_steps(out, kid, present["kid"], [written["key"], *written.get("previous", [])]))
    return 0


def _beside(arguments: argparse.Namespace, present: Mapping[str, str]) -> Path:
    """The first of signing-2.pem, signing-3.pem … that is not there; as gateway.yaml would write it."""
    if "file" not in present:
        _refuse(arguments, "the present key is not in a file: name the new one with --out")
    old = Path(present["file"])
    stem, _, number = old.stem.rpartition("-")
    stem, number = (stem, number) if stem and number.isdigit() else (old.stem, "1")
    return old.with_name(f"{stem}-{int(number) + 1}{old.suffix}")


def _steps(out: Path, kid: str, old_kid: str, others: list[Mapping[str, str]]) -> str:
    previous = ", ".join("{" + ", ".join(f"{kind}: {where}" for kind, where in each.items()) + "}" for each in others)
    return (
        f"{out}: kid {kid}, not in use yet\n"
        f"1. in gateway.yaml:\n"
        f"     signing:\n       key: {{file: {out}}}\n       previous: [{previous}]\n"
        f"2. gateway check, then SIGHUP (a restart, when the key was an {{env: …}})\n"
        f"3. after a day, when no cache of /_gateway/keys is older, remove {old_kid} from `previous`"
    )


def _written(arguments: argparse.Namespace, path: Path, kind: KeyType) -> str:
    """Make the file, which must be new, readable by its owner alone; its `kid`."""
    pem = generate_pem(kind)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        _refuse(arguments, f"{path} is there already: a key is never written over")
    except OSError as error:
        _refuse(arguments, f"{path} cannot be made: {error.strerror}")
    with os.fdopen(descriptor, "wb") as file:
        file.write(pem)
        file.flush()
        os.fsync(file.fileno())
    return load_signing_keys(pem, ()).signer.kid


def _refuse(arguments: argparse.Namespace, why: str) -> NoReturn:
    parser: argparse.ArgumentParser = arguments.parser
    parser.error(why)
