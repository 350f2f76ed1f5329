"""`gateway match`: codes for a support desk."""

import io
import json
from pathlib import Path

import pytest

from gateway.cli import main

ITEM = {
    "franceconnect": {"given_name": "Angela Claire", "family_name": "DUBOIS", "birthdate": "1962-08-24"},
    "allocataires": [
        {"nom_naissance": "DUBOIS", "nom_usage": None, "prenoms": "ANGELA", "date_naissance": "1962-08-24"},
    ],
}
OTHER = {**ITEM, "allocataires": [{"nom_naissance": "BROWN", "prenoms": "ANGELA", "date_naissance": "1962-08-24"}]}
OLD = {**ITEM, "allocataires": [{"nomPrenom": "ANGELA DUBOIS", "dateDeNaissance": "24081962"}]}


def _run(tmp_path: Path, item: object, *options: str) -> int:
    file = tmp_path / "case.json"
    file.write_text(json.dumps(item), encoding="utf-8")
    return main(["match", str(file), *options])


def test_one_object_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(tmp_path, ITEM) == 0
    assert capsys.readouterr().out == "1: match, adult 0: surname.equal, given_names.prefix, birthdate.equal\n"


def test_a_list_is_a_line_each_and_a_mismatch_ends_well_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(tmp_path, [ITEM, OTHER, OLD], "--json") == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["outcome"], line["adult"]) for line in lines] == [("match", 0), ("mismatch", None), ("match", 0)]
    assert lines[0]["reasons"] == ["surname.equal", "given_names.prefix", "birthdate.equal"]


def test_standard_input_is_read(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(ITEM)))
    assert main(["match", "-"]) == 0
    assert capsys.readouterr().out.startswith("1: match")


@pytest.mark.parametrize(
    ("item", "said"),
    [
        ({}, "item 1: `franceconnect`"),
        ([ITEM, {"franceconnect": {}}], "item 2: `allocataires`"),
        ({**ITEM, "allocataires": ["DUBOIS"]}, "`allocataires` must be an object"),
        ({**ITEM, "allocataires": [{"nom_naissance": 7}]}, "text or null"),
        ({**ITEM, "allocataires": [{"nom_naissance": "DUBOIS", "date_naissance": "24/08"}]}, "date_naissance"),
        ({**ITEM, "franceconnect": {"family_name": ["DUBOIS"]}}, "claim_malformed"),
    ],
)
def test_a_malformed_file_says_which_item_and_never_a_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], item: object, said: str
) -> None:
    assert _run(tmp_path, item) == 2
    error = capsys.readouterr().err
    assert said in error.replace("each of ", "")
    assert "DUBOIS" not in error
    assert "hint:" in error


def test_a_missing_file_and_what_is_not_json_are_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["match", str(tmp_path / "none.json")]) == 2
    (tmp_path / "bad.json").write_text("{", encoding="utf-8")
    assert main(["match", str(tmp_path / "bad.json")]) == 2
    assert "not JSON" in capsys.readouterr().err
