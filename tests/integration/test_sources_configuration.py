"""`childcare:`, `scale:`, `child_age:` and the words of an alternative: what is accepted, and what is explained."""

import hashlib
import re
from decimal import Decimal
from pathlib import Path

import pytest

from gateway.adapters.keys import generate_pem
from gateway.app import build
from gateway.cli import main
from gateway.config.gateway_file import load
from gateway.core.model import Source
from gateway.core.rules import Mode, Operator, Test, Text
from gateway.settings import Settings
from tests.shipped import change, shipped_at

ENVIRON = {
    name: hashlib.sha256(name.encode()).hexdigest()
    for name in ("FC_CLIENT_ID", "FC_CLIENT_SECRET", "SESSION_SECRET", "TOKEN")
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shipped_at(tmp_path, monkeypatch, ENVIRON | {"SIGNING_KEY": generate_pem().decode()})
    return tmp_path


def _settings(folder: Path) -> Settings:
    return load(folder / "gateway.yaml", dict(ENVIRON), secrets_required=False)


def _errors(capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    assert main(["check"]) == 1
    return capsys.readouterr().err


def test_what_childcare_leaves_out_is_the_household_s(folder: Path) -> None:
    settings = _settings(folder)
    assert settings.childcare == settings.household
    assert settings.policies["creche"].rules[Source.CHILDCARE].mode is Mode.FRANCECONNECT


def test_what_childcare_says_is_its_own(folder: Path) -> None:
    own = "childcare: {api_particulier: {mode: identity, token: {env: TOKEN}, recipient: '21330063500017'}}"
    change(folder / "gateway.yaml", "childcare: {} ", own + " ")
    settings = load(folder / "gateway.yaml", {**ENVIRON, "SIGNING_KEY": generate_pem().decode()})
    assert settings.childcare is not None
    assert settings.household is not None
    assert settings.childcare.base_url == settings.household.base_url
    assert (settings.childcare.recipient, settings.household.recipient) == ("21330063500017", "13002526500013")
    assert (settings.childcare.token, settings.household.token) == (ENVIRON["TOKEN"], None)
    assert settings.policies["creche"].rules[Source.CHILDCARE].mode is Mode.IDENTITY
    build(settings)


def test_childcare_may_be_asked_without_any_household(folder: Path) -> None:
    text = (folder / "gateway.yaml").read_text(encoding="utf-8")
    api = "childcare: {api_particulier: {environment: custom, base_url: http://127.0.0.1:8102}}"
    text = re.sub(r"household:\n(  .*\n)+", "", text).replace("childcare: {} ", api + " ")
    text = re.sub(r"  - \{path: /(cantine|famille)/.*\n", "", text)
    (folder / "gateway.yaml").write_text(text, encoding="utf-8")
    for name in ("cantine", "famille"):
        (folder / "policies" / f"{name}.yaml").unlink()
    settings = _settings(folder)
    assert settings.household is None
    assert settings.childcare is not None
    assert settings.childcare.base_url == "http://127.0.0.1:8102"


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("childcare: {} ", "", "needs `childcare:` in gateway.yaml"),
        ("childcare: {} ", "childcare: {api_particulier: {mode: number}} ", "must be one of"),
        ("childcare: {} ", "childcare: {api_particulier: {mode: identity}} ", "`token` is missing"),
        ("childcare: {} ", "childcare: {api_particulier: {environment: custom}} ", "`base_url` is missing"),
        ("childcare: {} ", "childcare: {api_particulier: {base_url: http://caf.example}} ", "is plain http"),
        ("childcare: {} ", "childcare: {api: {}} ", "not a key that is known here"),
    ],
)
def test_a_mistake_about_the_second_source_is_explained(
    folder: Path, capsys: pytest.CaptureFixture[str], before: str, after: str, said: str
) -> None:
    change(folder / "gateway.yaml", before, after)
    assert said in _errors(capsys)


def test_in_production_neither_source_may_be_staging(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    change(folder / "gateway.yaml", "childcare: {} ", "childcare: {api_particulier: {environment: staging}} ")
    change(folder / "gateway.yaml", "issuer: http://127.0.0.1:8101/api/v2", "issuer: https://fc.example")
    error = _errors(capsys)
    assert error.count("API Particulier is staging, and this is production") == 2


POLICY = [
    ("childcare.annual_resources", "childcare.annual_resource", "did you mean `childcare.annual_resources`?"),
    ("  match: required\n", "  match: none\n", "must be one of"),
    ("  match: required\n", "  match: required\n  mode: number\n", "must be one of"),
    ("  match: required\n", "  match: required\n  child_age: {more: 3}\n", "is not an operator"),
    ("  match: required\n", "  match: required\n  child_age: {at_most: old}\n", "must be a whole number"),
    ("  match: required\n", "  match: required\n  child_age: {some: {at_most: 3}}\n", "is for lists"),
    ("  when_missing: alternative\n", "  when_missing: {mismatch: deny}\n", "has no `default`"),
    ("login: {acr: eidas1}\n", "", "compares names, and nobody is signed in"),
    ("rates: {1: 0.0619,", "rates: {2: 0.0619,", "begin with 1 child"),
    ("rates: {1: 0.0619,", "rates: {0: 0.0619,", "does not have the expected form"),
    ("rates: {1: 0.0619,", "rates: {1: 6.19,", "a percent between 0 and 1"),
    ("ceiling: 7000", "ceiling: 700", "`floor` is below `ceiling`"),
    ("ceiling: 7000", "ceiling: seven", "`ceiling`: input should be a valid number"),
    (
        "  - valid_from: 2024-09-01\n",
        "  - {valid_from: 2024-09-01, published: Cnaf, rates: {1: 0.06}, floor: 1, ceiling: 2}\n  - valid_from: 2024-09-01\n",
        "two scales begin on 2024-09-01",
    ),
    ("retroactive: true", "retroactive: often", "must be true or false"),
    ("retroactive: true", "retroactive: true\n  special: {text: {fr: Urgence}}", "`url` is missing"),
    ("  delay: ", "  delai: ", "not a key that is known here"),
]


@pytest.mark.parametrize(("before", "after", "said"), POLICY)
def test_a_mistake_in_a_nursery_s_policy_is_explained(
    folder: Path, capsys: pytest.CaptureFixture[str], before: str, after: str, said: str
) -> None:
    change(folder / "policies" / "creche.yaml", before, after)
    error = _errors(capsys)
    assert said in error
    assert re.search(r"creche\.yaml:\d+: ", error)


def test_an_estimate_needs_a_scale_and_a_fact_its_source(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = folder / "policies" / "creche.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(re.sub(r"scale:.*\n(  .*\n)+", "", text), encoding="utf-8")
    assert "names an estimate without `scale:`" in _errors(capsys)
    path.write_text(re.sub(r"childcare:\n(  .*\n)+", "", text), encoding="utf-8")
    assert "names CAF facts without `childcare:`" in _errors(capsys)


def test_what_a_policy_says_is_read_as_it_is_written(folder: Path) -> None:
    path = folder / "policies" / "creche.yaml"
    change(path, "  match: required\n", "  match: required\n  child_age: {at_most: 3}\n")
    policy = _settings(folder).policies["creche"]
    (scale,) = policy.scales
    assert scale.rates[0] == (1, Decimal("0.0619"))
    assert (scale.floor, scale.ceiling) == (Decimal("765.77"), Decimal("7000.0"))
    assert policy.rules[Source.CHILDCARE].child_age == Test(Operator.AT_MOST, 3)
    assert policy.alternative is not None
    assert policy.alternative.delay == Text("5 jours ouvrés")
    assert policy.alternative.retroactive is True


ANYBODY = """
purpose: Estimation du tarif
household: {mode: number, match: none, when_missing: forward}
inject: {X-Caf-Statut: household.status, X-Enfants: FACT}
"""


@pytest.mark.parametrize("fact", ["adults", "children", "address", "address.lines"])
def test_names_of_a_file_are_not_for_somebody_whom_nobody_identified(
    folder: Path, capsys: pytest.CaptureFixture[str], fact: str
) -> None:
    path = folder / "policies" / "numero.yaml"
    change(folder / "gateway.yaml", "mode: franceconnect ", "mode: franceconnect\n    token: {env: TOKEN} ")
    path.write_text(ANYBODY.replace("FACT", f"household.{fact}"), encoding="utf-8")
    assert f"`household.{fact}` with `match: none`" in _errors(capsys)
    path.write_text(ANYBODY.replace("FACT", "household.children.count"), encoding="utf-8")
    assert main(["check"]) == 0


def test_check_names_the_scopes_of_both_sources(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check"]) == 0
    out = capsys.readouterr().out
    assert "cnav_participation_familiale_eaje_allocataires cnav_participation_familiale_eaje_parametres_calcul" in out


NURSERY = """
identity: {birth_name: DUPONT, given_names: Paul Louis, birthdate: 1962-08-24}
childcare: {annual_resources: 38400, resources_year: 2024, dependent_children: 3, aeeh_children: 0}
"""


def test_explain_reads_a_nursery_s_file_and_prints_each_source(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "person.yaml").write_text(NURSERY, encoding="utf-8")
    assert main(["explain", "GET", "/creche/", "--as", "person.yaml", "--date", "2026-11-24"]) == 0
    out = capsys.readouterr().out
    assert "childcare: verified" in out
    assert "X-Caf-Creche-Estimation: 1.32" in out
    (folder / "person.yaml").write_text(NURSERY.replace("aeeh_children", "aeeh"), encoding="utf-8")
    assert main(["explain", "GET", "/creche/", "--as", "person.yaml"]) == 1
    assert "`childcare.aeeh` is not a fact" in capsys.readouterr().err
