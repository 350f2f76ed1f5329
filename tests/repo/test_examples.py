"""The example configurations name what the shipped policies inject: a header that is missing there could be forged."""

from pathlib import Path

import pytest
import yaml

from gateway.core.headers import fold
from tests.proxies import EXAMPLES, IN_FRONT, STARTS
from tests.world import ROOT

INJECTED = sorted(
    {
        name
        for path in (ROOT / "policies").glob("*.yaml")
        for name in yaml.safe_load(path.read_text(encoding="utf-8")).get("inject", {})
    }
)
BY_BEGINNING = {"haproxy": ("X-Usager-", "X-Caf-"), "apache": ("xusager", "xcaf"), "envoy": ("xusager", "xcaf")}
"""These remove by the beginnings of names and copy whatever the answer has."""


def _text(folder: Path) -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in sorted(folder.iterdir()))


@pytest.mark.parametrize("folder", sorted(EXAMPLES.iterdir()), ids=lambda path: path.name)
@pytest.mark.parametrize("name", [*INJECTED, "X-Gateway-Assertion", "X-Gateway-Signature"])
def test_every_injected_header_stands_in_every_example(folder: Path, name: str) -> None:
    text = _text(folder)
    beginnings = BY_BEGINNING.get(folder.name, ())
    covered = any(
        fold(name).startswith(fold(each)) and each in text for each in (*beginnings, "X-Gateway-", "xgateway")
    )
    assert covered or name in text


@pytest.mark.parametrize("name", [*INJECTED, "X-Gateway-Assertion", "X-Gateway-Signature", "Cookie"])
def test_no_header_of_the_client_reaches_fastcgi_in_the_place_of_ours(name: str) -> None:
    text = (EXAMPLES / "nginx" / "passerelle-php.conf").read_text(encoding="utf-8")
    assert f" HTTP_{name.upper().replace('-', '_')} " in text


def test_every_example_can_be_run() -> None:
    assert {folder.name for folder in EXAMPLES.iterdir()} == set(STARTS)
    assert {folder.name for folder in IN_FRONT.iterdir()} <= set(STARTS)


@pytest.mark.parametrize("name", ["traefik/traefik.yaml", "traefik/passerelle.yaml", "envoy/envoy.yaml"])
def test_the_examples_in_yaml_are_yaml(name: str) -> None:
    assert yaml.safe_load((EXAMPLES / name).read_text(encoding="utf-8"))
