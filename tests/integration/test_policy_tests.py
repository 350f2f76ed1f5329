"""`gateway test`: what an operator expects of a policy, and what is said when it is otherwise."""

import re
import shutil
from pathlib import Path

import pytest

from gateway.cli import main
from tests.world import ROOT

PERSON = "{identity: {birth_name: DUBOIS}, household: {family_quotient: 648}}"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copy(ROOT / "gateway.yaml", tmp_path)
    shutil.copytree(ROOT / "policies", tmp_path / "policies")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _written(folder: Path, *tests: str) -> None:
    text = "date: 2026-11-26\ntests:\n" + "".join(f"  - {each}\n" for each in tests)
    (folder / "policies" / "tests" / "cantine.yaml").write_text(text, encoding="utf-8")


def _case(expect: str, *, request: str = "GET /cantine/", more: str = f", as: {PERSON}") -> str:
    return f"{{name: a case, request: {request}{more}, expect: {expect}}}"


def test_the_shipped_tests_pass_without_a_secret(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["test"]) == 0
    out = capsys.readouterr().out
    assert re.search(r"^[1-9]\d* tests, 0 failed$", out, re.MULTILINE)
    assert "FAIL" not in out


def test_a_policy_that_changes_fails_its_tests(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    policy = folder / "policies" / "cantine.yaml"
    text = policy.read_text(encoding="utf-8")
    policy.write_text(text.replace("  X-Caf-Tranche:", "  X-Caf-Quotient: household.family_quotient\n  X-Caf-Tranche:"))
    assert main(["test"]) == 1
    out = capsys.readouterr().out
    assert "x-caf-quotient: sent, and not expected" in out
    assert "FAIL policies/tests/cantine.yaml:4 a parent whose file is hers" in out
    assert "7 tests, 1 failed" in out


@pytest.mark.parametrize(
    ("case", "said"),
    [
        (_case("{decision: deny}"), "decision: allow, expected deny"),
        (_case("{decision: allow, reason: public}"), "reason: allowed, expected public"),
        (_case("{decision: allow, status: settled}"), "status: verified, expected settled"),
        (_case("{decision: allow, headers: {X-Caf-Tranche: T1}}"), "X-Caf-Tranche: T2, expected T1"),
        (_case("{decision: allow, headers: {X-Caf-Tranche: null}}"), "X-Caf-Tranche: T2, expected absent"),
        (_case("{decision: allow, headers: {X-Autre: a}}"), "X-Autre: absent, expected a"),
        (_case("{decision: allow, way_out: /x}"), "way_out: none, expected /x"),
        (_case("{decision: redirect, way_out: /x/}", request="GET /cantine"), "way_out: /cantine/, expected /x/"),
        (_case("{decision: refused, reason: x}", request="GET /../x"), "reason: path_dot_segment, expected x"),
        (_case("{decision: authenticate, status: verified}", more=""), "status: none, expected verified"),
        (_case("{decision: ask, reason: public}", more=f", as: {PERSON}, reviewed: false"), "reason: review_needed"),
    ],
)
def test_what_is_otherwise_is_said(folder: Path, capsys: pytest.CaptureFixture[str], case: str, said: str) -> None:
    _written(folder, case)
    assert main(["test"]) == 1
    out = capsys.readouterr().out
    assert said in out
    assert "1 tests, 1 failed" in out


@pytest.mark.parametrize(
    "case",
    [
        _case("{decision: allow, headers: {x-caf-tranche: T2, X-Autre: null}}"),
        _case("{decision: allow, headers: {X-Caf-Tranche: T3}}", more=f", as: {PERSON.replace('648', '800')}, date: 2026-08-31"),
        _case("{decision: redirect, way_out: /cantine/}", request="GET /cantine"),
        _case("{decision: refused, reason: path_dot_segment}", request="GET /../x"),
        _case("{decision: authenticate}", more=", as: ../../nobody.yaml"),
    ],
)  # fmt: skip
def test_what_is_as_expected_passes(folder: Path, capsys: pytest.CaptureFixture[str], case: str) -> None:
    (folder / "nobody.yaml").write_text("{}", encoding="utf-8")
    _written(folder, case)
    assert main(["test", "policies/tests/cantine.yaml"]) == 0, capsys.readouterr().out


def test_every_mistake_in_test_files_is_said_at_once_with_its_line(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _written(
        folder,
        _case("{decision: alow}"),
        _case("{decision: allow, statut: verified}"),
        _case("{decision: allow}", request="cantine"),
    )
    fixture = "{identity: {nom: DUBOIS}, household: {family_quotien: 648}}"
    (folder / "policies" / "tests" / "other.yaml").write_text(
        "tests:\n  - name: one\n    request: GET /\n"
        "    as:\n      identity: {birth_name: DUBOIS}\n      household: {family_quotien: 648}\n"
        "    expect: {decision: allow}\n"
        "  - {name: two, request: GET /, as: wrong.yml, expect: {decision: allow}}\n",
        encoding="utf-8",
    )
    (folder / "policies" / "tests" / "wrong.yml").write_text(fixture, encoding="utf-8")
    assert main(["test"]) == 1
    error = capsys.readouterr().err
    for said in (
        "cantine.yaml:3: `decision` must be one of",
        "cantine.yaml:4: `statut` is not a key",
        "did you mean `status`?",
        "cantine.yaml:5: `request` does not have",
        "other.yaml:6: `household.family_quotien` is not a fact",
        "did you mean `family_quotient`?",
        "wrong.yml:1: `identity.nom` is not a fact",
    ):
        assert said in error, error


def test_no_test_is_not_a_success(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(folder / "policies" / "tests")
    assert main(["test"]) == 2
    assert "no test was found" in capsys.readouterr().out


def test_a_fixture_says_what_a_number_alone_gave_and_what_was_obtained_by_name(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    alone = "purpose: Essai\nhousehold: {mode: number, match: none, review: false}\ninject: {X-Qf: household.family_quotient}\n"
    (folder / "policies" / "numero.yaml").write_text(alone, encoding="utf-8")
    config = folder / "gateway.yaml"
    text = config.read_text(encoding="utf-8").replace(
        "mode: franceconnect ", "mode: franceconnect\n    token: {env: T} "
    )
    config.write_text(text + "  - {path: /num/, upstream: http://127.0.0.1:8103, policy: numero}\n", encoding="utf-8")
    typed = PERSON.replace("{family", "{status: identity_unverified, family")
    _written(
        folder,
        _case("{decision: allow, headers: {X-Qf: 648}}", request="GET /num/", more=f", as: {typed}"),
        _case("{decision: ask}", request="GET /num/"),
        _case("{decision: allow}"),
        _case("{decision: authenticate}", more=f", as: {typed}"),
    )
    assert main(["test"]) == 0, capsys.readouterr().out
