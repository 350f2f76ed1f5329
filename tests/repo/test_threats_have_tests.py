"""docs/threat-model.md names tests that are there, and every file of attacks is named."""

import re

from tests.world import ROOT

_PAGE = (ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8")


def test_every_test_that_the_threat_model_names_is_there() -> None:
    named = re.findall(r"`([a-z0-9]+/(?:test_\w+\.py)?)`", _PAGE)
    assert len(named) > 30
    assert [name for name in named if not (ROOT / "tests" / name).exists()] == []


def test_every_file_of_attacks_answers_a_threat() -> None:
    files = {path.name for path in (ROOT / "tests" / "attack").glob("test_*.py")}
    assert {name for name in files if f"`attack/{name}`" not in _PAGE} == set()
