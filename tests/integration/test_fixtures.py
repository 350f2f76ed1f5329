"""`explain` and `test` say what the service would do, to the person that is written and to what it would send."""

import re
import shutil
from pathlib import Path

import pytest

from gateway.cli import main
from tests.world import ROOT

DAY = ["--date", "2026-11-26"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copy(ROOT / "gateway.yaml", tmp_path)
    shutil.copytree(ROOT / "policies", tmp_path / "policies")
    policy = tmp_path / "policies" / "cantine.yaml"
    more = (
        "  X-Moment: identity.authenticated_at\n  X-Obtenu: household.obtained_at\n  X-Ages: household.children.age\n"
        "  X-Adresse: household.address\n  X-Courriel: identity.email\n"
    )
    text = policy.read_text(encoding="utf-8").replace("encoding: utf-8", f"{more}encoding: utf-8")
    policy.write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _explained(
    folder: Path, capsys: pytest.CaptureFixture[str], fixture: str, *more: str, target: str = "/cantine/"
) -> tuple[int, str]:
    (folder / "person.yaml").write_text(fixture, encoding="utf-8")
    status = main(["explain", "GET", target, "--as", "person.yaml", *(more or DAY)])
    captured = capsys.readouterr()
    return status, captured.out + captured.err


@pytest.mark.parametrize(
    "written",
    [
        '"2026-11-26T09:30:00Z"',
        "2026-11-26T09:30:00Z",
        "2026-11-26 10:30:00+01:00",
        "1795685400",
        "2026-11-26T09:30:00",
    ],
)
def test_the_moments_of_a_fixture_are_read(folder: Path, capsys: pytest.CaptureFixture[str], written: str) -> None:
    fixture = (
        f"identity: {{authenticated_at: {written}}}\nhousehold: {{family_quotient: 648, obtained_at: {written}}}\n"
    )
    _, said = _explained(folder, capsys, fixture)
    assert "header:    X-Moment: 2026-11-26T09:30:00Z" in said
    assert "header:    X-Obtenu: 2026-11-26T09:30:00Z" in said


def test_a_day_alone_is_its_first_moment(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, said = _explained(folder, capsys, "identity: {authenticated_at: 2026-11-26}\nhousehold: {family_quotient: 1}\n")
    assert "header:    X-Moment: 2026-11-26T00:00:00Z" in said


def test_a_moment_that_is_not_written_is_an_absent_header(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, said = _explained(folder, capsys, "identity: {birth_name: DUBOIS}\nhousehold: {family_quotient: 648}\n")
    assert "header:    X-Usager-Nom: DUBOIS" in said
    assert "X-Moment" not in said
    assert "X-Obtenu" not in said


def test_a_child_may_be_written_by_its_age(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fixture = "identity: {age: 40}\nhousehold: {family_quotient: 1, children: [{age: 4}, {birthdate: 2015-02-03}]}\n"
    assert "header:    X-Ages: 4 11" in _explained(folder, capsys, fixture)[1]


WRONG = {
    "identity": {
        "authenticated_at": ["demain", "-5", "true"],
        "age": ["-1", "4.5", "douze"],
        "birthdate": ["1962", "1962-13-01"],
        "acr": ["eidas9"],
        "birth_name": ["5", '""'],
        "given_names": ["5", "[5]"],
        "email": ["[a]"],
    },
    "household": {
        "fund": ["CAF", "caf", "5"],
        "family_quotient": ["-1", "648.5", "beaucoup", "true"],
        "reference_month": ["2026-13", "5", "mai"],
        "computed_month": ["2026-00"],
        "status": ["verifed"],
        "adults": ["5", "[{nom: A}]", "[{birth_name: 5}]"],
        "children": ["{age: 4}", "[{agee: 4}]", "[{age: quatre}]", "[4]"],
        "children.count": ["-1", "deux"],
        "children.age": ["4", "[quatre]", "[-1]"],
        "address": ["rue", "{rue: x}", "{lines: 12 rue}", "{postal_code: 75001}"],
        "address.postal_code": ["75001"],
        "obtained_at": ["hier"],
        "quotient": ["5"],
    },
    "childcare": {"annual_resources": ["-1", "1.5"], "resources_year": ["deux"], "estimated_hourly_rate": ["1"]},
}
ALL_WRONG = [(part, key, value) for part, keys in WRONG.items() for key, values in keys.items() for value in values]


@pytest.mark.parametrize(("part", "key", "value"), ALL_WRONG)
def test_a_wrong_value_is_said_with_its_line_and_key(
    folder: Path, capsys: pytest.CaptureFixture[str], part: str, key: str, value: str
) -> None:
    status, said = _explained(folder, capsys, f"{part}:\n  {key}: {value}\n")
    assert status == 1
    assert re.match(rf"person\.yaml:2: `{part}\.{re.escape(key)}", said), said
    assert "Error" not in said
    assert len(re.findall(r"^person\.yaml:", said, re.MULTILINE)) == 1
    assert "\n  hint: " in said


def test_every_wrong_value_is_said_at_once(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [
        f"{part}:\n" + "".join(f"  {key}: {values[0]}\n" for key, values in keys.items())
        for part, keys in WRONG.items()
    ]
    status, said = _explained(folder, capsys, "".join(lines))
    assert status == 1
    assert len(re.findall(r"^person\.yaml:\d+: ", said, re.MULTILINE)) == sum(map(len, WRONG.values()))


@pytest.mark.parametrize(
    "right",
    [
        "identity: {age: 0, birthdate: 1962-00-00, acr: eidas3, given_names: [Jean Paul, Marie]}",
        "household: {fund: msa, family_quotient: 0, reference_month: 2026-12, children.count: 0, adults: []}",
        "household: {family_quotient: null, address: null, children.age: [4, null]}",
        "household: {address.lines: [12 rue X], address: {city: Lormont}}",
    ],
)
def test_what_the_gateway_could_have_read_is_right(
    folder: Path, capsys: pytest.CaptureFixture[str], right: str
) -> None:
    assert _explained(folder, capsys, f"{right}\n")[0] == 0


BELL = 'identity: {birth_name: "A\\u001b[31mB"}\nhousehold: {family_quotient: 648}\n'


def test_a_value_that_no_header_carries_is_refused_as_in_service(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, said = _explained(folder, capsys, BELL)
    assert status == 2
    assert "refused:   value_control_character (HTTP 502), the value of X-Usager-Nom" in said
    assert "\x1b" not in said
    long = f"identity: {{email: {'a' * 256}}}\nhousehold: {{family_quotient: 648}}\n"
    assert "assertion_claim_too_long (HTTP 502), the value of X-Courriel" in _explained(folder, capsys, long)[1]


def test_a_test_expects_the_refusal(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "policies" / "tests" / "bell.yaml").write_text(BELL, "utf-8")
    (folder / "policies" / "tests" / "cantine.yaml").write_text(
        "date: 2026-11-26\ntests:\n"
        "  - name: refused\n    request: GET /cantine/\n    as: bell.yaml\n"
        "    expect: {decision: refused, reason: value_control_character}\n"
        "  - name: allowed\n    request: GET /cantine/\n    as: bell.yaml\n    expect: {decision: allow}\n",
        "utf-8",
    )
    assert main(["test", "policies/tests/cantine.yaml"]) == 1
    out = capsys.readouterr().out
    assert "ok   policies/tests/cantine.yaml:3 refused" in out
    assert "decision: refused, expected allow" in out
    assert "\x1b" not in out


@pytest.mark.parametrize(
    ("target", "status", "said"),
    [
        ("/_gateway/mes-donnees", 0, "own page: /_gateway/mes-donnees (the gateway answers itself, on every host"),
        ("/_gateway/health/live", 0, "own page: /_gateway/health/live (the gateway answers itself, whatever the Host)"),
        ("http://10.0.0.7:9/_gateway/health/ready", 0, "whatever the Host"),
        ("http://10.0.0.7/_gateway/keys", 2, "refused: host_unknown (HTTP 421)"),
        ("http://localhost:9/cantine/", 2, "refused: host_unknown (HTTP 421)"),
        ("/_gateway/nulle-part", 2, "refused: own_page_unknown (HTTP 404)"),
        ("http://[nulle-part/", 2, "refused: host_malformed (HTTP 400)"),
        ("/cantine/" + "a" * 8183, 0, "route:     localhost/cantine/"),
        ("/cantine/" + "a" * 8184, 2, "refused: target_too_long (HTTP 414)"),
    ],
)
def test_explain_says_what_the_service_does(
    folder: Path, capsys: pytest.CaptureFixture[str], target: str, status: int, said: str
) -> None:
    fixture = "identity: {birth_name: DUBOIS}\nhousehold: {family_quotient: 648}\n"
    found = _explained(folder, capsys, fixture, target=target)
    assert (found[0], said in found[1]) == (status, True), found[1]


def test_explain_says_that_no_tariff_is_in_force(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fixture = "identity: {birth_name: DUBOIS}\nhousehold: {family_quotient: 648}\n"
    _, said = _explained(folder, capsys, fixture, "--date", "2025-08-31")
    assert "household: not_available" in said
    assert "brackets:  none before 2025-09-01" in said
    _, said = _explained(folder, capsys, fixture, "--date", "2025-09-01")
    assert "brackets:" not in said
