"""What `gateway check` refuses of policies: what would let everybody in, cannot be read, or leads nowhere."""

import os
import re
import shutil
from pathlib import Path

import pytest

from gateway.cli import main
from tests.shipped import change, shipped_at
from tests.world import secrets


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shipped_at(tmp_path, monkeypatch, secrets())
    return tmp_path


def _problems(capsys: pytest.CaptureFixture[str]) -> list[tuple[str, str]]:
    """(FILE:LINE: what, hint) of each."""
    assert main(["check"]) == 1
    said = capsys.readouterr().err.rstrip().split("\n")
    assert "Traceback" not in "\n".join(said)
    found: list[tuple[str, str]] = []
    for line in said:
        if line.startswith("  hint: "):
            found[-1] = (found[-1][0], line.removeprefix("  hint: "))
        else:
            found.append((line, ""))
    return found


@pytest.fixture
def cantine(folder: Path) -> Path:
    return folder / "policies" / "cantine.yaml"


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("allow: {any: []}", "`any` is empty"),
        ("allow: {all: []}", "`all` is empty"),
        ("allow: {none: []}", "`none` is empty"),
        ("allow: {any: [identity.age: {at_least: 18}], all: []}", "`all` is empty"),
        ("allow: {}", "`allow` has no condition"),
        ("allow:", "`allow` is left empty"),
        ("allow: {all:}", "`all` is left empty"),
        ("login:", "`login` is left empty"),
        ("login: {providers: []}", "`providers` is empty"),
    ],
)
def test_what_is_empty_lets_nobody_in(
    cantine: Path, capsys: pytest.CaptureFixture[str], written: str, said: str
) -> None:
    text = cantine.read_text(encoding="utf-8")
    if written.startswith("login"):
        text = re.sub(r"^login:.*\n", "", text, flags=re.MULTILINE)
    cantine.write_text(f"{text}{written}\n", encoding="utf-8")
    ((problem, hint),) = _problems(capsys)
    assert problem == f"policies/cantine.yaml:{len(text.splitlines()) + 1}: {said}"
    assert hint


def test_a_condition_that_is_there_is_right(cantine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cantine.write_text(cantine.read_text(encoding="utf-8") + "allow: {any: [identity.age: {at_least: 18}]}\n", "utf-8")
    assert main(["check"]) == 0
    assert "localhost/cantine/" in capsys.readouterr().out


def _folder(path: Path) -> None:
    path.mkdir()


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _dangling(path: Path) -> None:
    path.symlink_to("nobody@nowhere.1234")


def _locked(path: Path) -> None:
    path.write_text("purpose: x\n", "utf-8")
    path.chmod(0)


@pytest.mark.parametrize("make", [_folder, _pipe, _dangling, _locked])
def test_a_policy_that_cannot_be_opened_is_a_problem_like_any_other(
    folder: Path, cantine: Path, capsys: pytest.CaptureFixture[str], make: object
) -> None:
    if make is _locked and os.geteuid() == 0:
        pytest.skip("the superuser opens everything")
    assert callable(make)
    make(folder / "policies" / "x.yaml")
    change(cantine, "brackets.name", "brackets.nom")
    first, second = _problems(capsys)
    assert "`brackets.nom` is not a fact" in first[0]
    assert second[0].startswith("policies/x.yaml:0: cannot be read: ")
    assert second[1]
    for command in (["explain", "GET", "/"], ["register"], ["doctor"], ["test"]):
        assert main(command) == 1
        assert "policies/x.yaml:0: cannot be read: " in capsys.readouterr().err


def test_a_policy_that_the_gateway_s_user_may_not_read_is_said(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    read = Path.read_bytes

    def refused(path: Path) -> bytes:
        if path.name == "famille.yaml":
            raise PermissionError(13, "Permission denied")
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", refused)
    ((problem, hint),) = _problems(capsys)
    assert problem == "policies/famille.yaml:0: cannot be read: this user may not"
    assert "the right to read it" in hint


def test_a_hidden_file_is_an_editor_s_and_no_policy(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "GET", "/"]) == 0
    before = capsys.readouterr().out
    _dangling(folder / "policies" / ".#cantine.yaml")
    (folder / "policies" / ".old.yaml").write_text("nonsense: [", "utf-8")
    assert main(["check"]) == 0
    capsys.readouterr()
    assert main(["explain", "GET", "/"]) == 0
    assert capsys.readouterr().out == before


def test_the_folder_of_policies_may_be_the_problem(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(folder / "policies")
    (folder / "policies").write_text("", "utf-8")
    problems = _problems(capsys)
    assert problems[-1][0] == "policies:0: cannot be read: Not a directory"


def test_a_policy_whose_name_ends_in_yml_is_found_in_the_hint(
    folder: Path, cantine: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cantine.rename(folder / "policies" / "cantine.yml")
    ((problem, hint),) = _problems(capsys)
    assert "there is no policy `cantine`" in problem
    assert hint == "a name must end in `.yaml`: rename policies/cantine.yml to policies/cantine.yaml"


@pytest.mark.parametrize("nested", ["[" * 3000 + "]" * 3000, "{a: " * 3000 + "}" * 3000, "[" * 3000])
def test_a_maze_is_a_problem(folder: Path, capsys: pytest.CaptureFixture[str], nested: str) -> None:
    (folder / "policies" / "x.yaml").write_text(f"purpose: x\nallow: {nested}\n", "utf-8")
    ((problem, _),) = _problems(capsys)
    assert problem == "policies/x.yaml:2: is nested too deeply"


@pytest.mark.parametrize(
    ("url", "said", "line"),
    [
        ("/cantine/", "`url` is localhost/cantine/ itself, which policy `cantine` protects", True),
        ("/cantine", "`url` is localhost/cantine/ itself, which policy `cantine` protects", True),
        ("/famille/", "`url` is localhost/famille/ itself, which policy `famille` protects", True),
        ("/_gateway/mes-donnees", "`url` is one of the gateway's own pages", True),
        ("/a/../b", "`url` cannot be asked for safely (path_dot_segment)", True),
        ("//ailleurs.example/", "`url` cannot be asked for safely (path_double_slash)", True),
    ],
)
def test_what_can_be_no_alternative_is_said_where_it_is_written(
    cantine: Path, capsys: pytest.CaptureFixture[str], url: str, said: str, line: bool
) -> None:
    change(cantine, "url: /cantine/justificatif", f"url: {url}")
    number = next(n for n, text in enumerate(cantine.read_text(encoding="utf-8").splitlines(), 1) if "url:" in text)
    for _ in range(3):
        ((problem, hint),) = _problems(capsys)
        assert problem == f"policies/cantine.yaml:{number}: {said}"
        assert hint
    assert main(["explain", "GET", "/cantine/"]) == 1
    assert said in capsys.readouterr().err


def test_an_alternative_never_opens_a_route_by_a_slash_more(
    folder: Path, cantine: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`/cantine/` would be public with all that is below, as the route `/cantine` covers it."""
    change(folder / "gateway.yaml", "path: /cantine/,", "path: /cantine,")
    change(cantine, "url: /cantine/justificatif", "url: /cantine/")
    ((problem, _),) = _problems(capsys)
    assert "`url` is localhost/cantine itself, which policy `cantine` protects" in problem


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("/cantine/justificatif#formulaire", "localhost/cantine/justificatif is public: it is the alternative of"),
        (
            "/famille/justificatif",
            "the alternative of policy `cantine`, and policy `famille` protects what is around it",
        ),
        ("/nulle/part", "no route serves localhost/nulle/part, an alternative of policy `cantine`"),
        ("https://ailleurs.example/cantine/", None),
    ],
)
def test_what_an_alternative_opens_or_does_not_is_noted(
    folder: Path, cantine: Path, capsys: pytest.CaptureFixture[str], url: str, said: str | None
) -> None:
    gateway = folder / "gateway.yaml"
    if url == "/nulle/part":
        text = gateway.read_text(encoding="utf-8")
        gateway.write_text(re.sub(r"^  - \{path: /,.*\n", "", text, flags=re.MULTILINE), "utf-8")
    change(cantine, "url: /cantine/justificatif", f"url: {url}")
    assert main(["check"]) == 0
    out = capsys.readouterr().out
    if said is None:
        assert "of policy `cantine`" not in out
    else:
        assert said in out


def test_an_absolute_address_of_ours_is_read_as_a_path(
    folder: Path, cantine: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change(folder / "gateway.yaml", "path: /cantine/,", "host: enfance.ville.fr, path: /cantine/,")
    change(cantine, "url: /cantine/justificatif", "url: https://enfance.ville.fr/cantine/")
    ((problem, _),) = _problems(capsys)
    assert "is enfance.ville.fr/cantine/ itself" in problem


MISSING = ("purpose", "legal_basis", "retention", "alternative")


def test_all_that_a_policy_lacks_is_said_at_once(cantine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cantine.write_text("login: {acr: eidas1}\n", "utf-8")
    assert [problem for problem, _ in _problems(capsys)] == [
        f"policies/cantine.yaml:1: `{key}` is missing" for key in sorted(MISSING)
    ]


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        ("allow: {al: [identity.age: {at_least: 18}]}", "`al` is not a key that is known here"),
        ("refused: {text: {fr: Non, frr: Non}}", "`frr` is not a key that is known here"),
        ("inject: {X-A: 5}", "`X-A` must be text"),
        ("encoding: utf8", "`encoding` must be one of"),
    ],
)
def test_a_mistake_of_shape_hides_nothing_that_a_policy_lacks(
    cantine: Path, capsys: pytest.CaptureFixture[str], extra: str, said: str
) -> None:
    cantine.write_text(f"login: {{acr: eidas1}}\n{extra}\n", "utf-8")
    found = [problem for problem, _ in _problems(capsys)]
    assert len(found) == 5
    assert any(each.startswith(f"policies/cantine.yaml:2: {said}") for each in found)
    for key in MISSING:
        assert f"policies/cantine.yaml:1: `{key}` is missing" in found


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("login: {acr: eidas1}", "login: {acr: eidas9}"),
        ("when_missing: alternative", "when_missing: altrenative"),
        ("when_missing: alternative", "when_missing: {defalt: deny}"),
        ("url: /cantine/justificatif", "url: 5"),
        ("valid_from: 2026-09-01", "valid_from: demain"),
        ("legal_basis: ", "base_légale: 5 # "),
        ("  X-Usager-Nom: identity.birth_name", "  X-Usager-Nom: 5"),
    ],
)
def test_of_a_part_whose_shape_is_wrong_nothing_else_follows(
    cantine: Path, capsys: pytest.CaptureFixture[str], before: str, after: str
) -> None:
    change(cantine, before, after)
    assert len(_problems(capsys)) == 1


def test_a_source_that_gateway_yaml_lacks_is_said_once(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    gateway = folder / "gateway.yaml"
    gateway.write_text(re.sub(r"^childcare:.*\n", "", gateway.read_text(encoding="utf-8"), flags=re.MULTILINE), "utf-8")
    ((problem, hint),) = _problems(capsys)
    assert problem.endswith(": needs `childcare:` in gateway.yaml")
    assert "add `childcare: {}` there" in hint


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (
            "X-Usager-Nom: identity.birth_name",
            'X-A: {const: "a\\u0007b"}',
            "the constant of `X-A` cannot be sent in utf-8 (value_control_character)",
        ),
        (
            "X-Usager-Nom: identity.birth_name",
            'X-A: {const: " a"}',
            "the constant of `X-A` cannot be sent in utf-8 (value_outer_space)",
        ),
        (
            "up_to: 400, name: T1",
            'up_to: 400, name: "T\\u0007"',
            "the bracket 'T\\x07' cannot be sent in utf-8 (value_control_character)",
        ),
    ],
)
def test_what_no_header_could_carry_is_refused_at_the_start(
    cantine: Path, capsys: pytest.CaptureFixture[str], before: str, after: str, said: str
) -> None:
    change(cantine, before, after)
    number = next(n for n, text in enumerate(cantine.read_text(encoding="utf-8").splitlines(), 1) if after in text)
    ((problem, hint),) = _problems(capsys)
    assert problem == f"policies/cantine.yaml:{number}: {said}"
    assert "take out" in hint


@pytest.mark.parametrize(("encoding", "right"), [("latin-1", False), ("utf-8", True), ("percent", True)])
def test_an_encoding_must_have_the_letters_of_what_is_written(
    folder: Path, cantine: Path, capsys: pytest.CaptureFixture[str], encoding: str, right: bool
) -> None:
    change(cantine, "X-Usager-Nom: identity.birth_name", "X-A: {const: œuf}\n  X-B: {const: été}")
    assert main(["check"]) == 0
    capsys.readouterr()
    gateway = folder / "gateway.yaml"
    change(gateway, "policy: cantine}", f"policy: cantine, encoding: {encoding}}}")
    assert main(["check"]) == (0 if right else 1)
    error = capsys.readouterr().err
    assert ("of policy `cantine` cannot be sent in latin-1 (value_not_latin1)" in error) is not right
    assert ("X-B" in error) is False
    change(gateway, f", encoding: {encoding}", "")
    change(cantine, "encoding: utf-8", f"encoding: {encoding}")
    assert main(["check"]) == (0 if right else 1)
    error = capsys.readouterr().err
    assert ("the constant of `X-A` cannot be sent in latin-1 (value_not_latin1)" in error) is not right


@pytest.mark.parametrize(
    "header",
    [
        "X-Forwarded-For",
        "X-Forwarded-Prefix",
        "Forwarded",
        "Host",
        "Via",
        "X-Gateway-Decision",
        "Traceparent",
        "Content-Length",
    ],
)
def test_what_the_gateway_says_itself_is_not_injected(
    cantine: Path, capsys: pytest.CaptureFixture[str], header: str
) -> None:
    change(cantine, "X-Usager-Nom:", f"{header}:")
    ((problem, _),) = _problems(capsys)
    assert problem.endswith(f": `{header}` has a meaning of its own")


@pytest.mark.parametrize("header", ["X-Forward-Nom", "Remote-User", "X-Passerelle-Decision"])
def test_a_name_of_one_s_own_is_injected(cantine: Path, header: str) -> None:
    change(cantine, "X-Usager-Nom:", f"{header}:")
    assert main(["check"]) == 0


def test_a_tariff_that_is_not_in_force_yet_is_noted(cantine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = "note: policy `cantine` has no `brackets` before 2096-09-01: until then its status is not_available"
    change(cantine, "valid_from: 2026", "valid_from: 2096")
    assert main(["check"]) == 0
    assert said not in capsys.readouterr().out
    change(cantine, "valid_from: 2025", "valid_from: 2097")
    assert main(["check"]) == 0
    assert said in capsys.readouterr().out


def test_a_day_with_an_hour_is_no_day(cantine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    change(cantine, "valid_from: 2026-09-01", "valid_from: 2026-09-01T00:00:00Z")
    ((problem, _),) = _problems(capsys)
    assert problem.endswith("`valid_from` must be a date such as 2026-09-01")
