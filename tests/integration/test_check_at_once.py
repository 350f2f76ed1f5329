"""`gateway check` says everything in one run: a mistake of shape in one place hides none elsewhere, and invents none."""

import re
import shutil
from pathlib import Path

import pytest

from gateway.cli import main
from tests.shipped import change, shipped_at, without_disputes
from tests.world import secrets

BAD_UPSTREAM = ('path: /famille/, upstream: "http://127.0.0.1:8103"', "path: /famille/, upstream: 127.0.0.1:8103")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shipped_at(tmp_path, monkeypatch, secrets())
    return tmp_path


def _found(capsys: pytest.CaptureFixture[str]) -> list[str]:
    assert main(["check"]) == 1
    return [line for line in capsys.readouterr().err.splitlines() if not line.startswith("  hint:")]


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("public_url: http://localhost:8000", "public_url: localhost", "`public_url` does not have"),
        ('siret: "13002526500013"', "siret: 13002526500013", "`siret` must be text"),
        ("listen: 127.0.0.1:8000", "listen: 8000", "`listen`"),
        ("trusted_proxies: []", "trusted_proxies: 10.0.0.0/8", "`trusted_proxies` must be a list"),
        ("client_id: {env: FC_CLIENT_ID}", "client_id: abc", "`client_id`"),
        ("environment: custom                      # sandbox", "environment: prod # ", "must be one of 'sandbox'"),
        ("mode: franceconnect ", "mode: france_connect ", "`mode` must be one of"),
        ("childcare: {} ", "childcare: yes ", "`childcare` must be"),
        ("idle_s: 1800", "idle_s: half an hour", "a whole number"),
        ("secrets: [{env: SESSION_SECRET}]", "secrets: []", "`secrets`"),
        ("key: {env: SIGNING_KEY}", "key: hunter2", "`key`"),
        ("sessions:\n", "workers: many\nsessions:\n", "`workers`"),
        ("sessions:\n", "limits: {kept_post_bytes: -1}\nsessions:\n", "`kept_post_bytes`"),
        ("sessions:\n", "disputes: {key: hunter2, agents: {provider: nobody, allow: [x]}}\nsessions:\n", "`key`"),
        ("path: /cantine/,", "path: [/cantine/],", "`path` must be text"),
    ],
)
def test_a_mistake_of_shape_hides_no_other_and_invents_none(
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    before: str,
    after: str,
    said: str,
) -> None:
    gateway = folder / "gateway.yaml"
    change(gateway, before, after)
    alone = _found(capsys)
    assert len(alone) == 1
    assert said in alone[0]
    change(gateway, *BAD_UPSTREAM)
    line = 1 + gateway.read_text(encoding="utf-8")[: gateway.read_text(encoding="utf-8").index("/famille/")].count("\n")
    both = _found(capsys)
    assert len(both) == 2
    assert alone[0] in both
    assert any(each.startswith(f"gateway.yaml:{line}: `upstream` must be http://") for each in both)


def test_a_broken_provider_hides_nothing_but_its_own_section(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    change(folder / "gateway.yaml", "signing_alg: ES256", "signing_alg: none")
    change(folder / "gateway.yaml", "idle_s: 1800", "idle_s: 28801")
    change(folder / "policies" / "cantine.yaml", "brackets.name", "brackets.nom")
    found = "\n".join(_found(capsys))
    for said in ("`signing_alg` must be one of", "`idle_s` is longer", "`brackets.nom` is not a fact"):
        assert said in found


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("brackets.name", "brackets.nom", "`brackets.nom` is not a fact"),
        ("X-Caf-Statut:", "Content-Type:", "meaning of its own"),
        ("{up_to: 800, name: T2}", "{up_to: 300, name: T2}", "overlaps"),
        ("encoding: utf-8", "allow: {all: [identity.agee: {at_least: 18}]}", "did you mean `identity.age`?"),
    ],
)
def test_a_mistake_of_shape_in_a_policy_hides_no_other_of_it(
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    before: str,
    after: str,
    said: str,
) -> None:
    policy = folder / "policies" / "cantine.yaml"
    change(policy, "review: true", "review: yes-please")
    assert len(_found(capsys)) == 1
    change(policy, before, after)
    assert main(["check"]) == 1
    error = capsys.readouterr().err
    assert said in error
    assert "`review` must be true or false" in error
    assert len(re.findall(r"^policies/cantine\.yaml:\d+: ", error, re.MULTILINE)) == 2


def test_one_mistake_that_two_readers_find_is_said_once(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    change(folder / "gateway.yaml", "mode: franceconnect ", "mode: identity ")
    assert len(_found(capsys)) == 1


def test_a_file_that_is_a_list_is_one_mistake(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "gateway.yaml").write_text("- a\n- b\n", encoding="utf-8")
    assert len(_found(capsys)) == 1


def test_the_configuration_that_these_tests_break_is_right(folder: Path) -> None:
    assert (folder / "gateway.yaml").read_text(encoding="utf-8") == without_disputes()
    assert main(["check"]) == 0


@pytest.mark.parametrize(
    ("before", "after", "said", "hint"),
    [
        ('  siret: "1300', '   siret: "1300', "L: YAML: a `:` that no key can have here", "as far left"),
        ("  idle_s: 1800", "\tidle_s: 1800", "L: YAML: a tab", "indent with spaces"),
        ("policy: cantine}", "policy: cantine", "L: YAML: the `{` here is never closed", "add the `}`"),
        ("trusted_proxies: []", "trusted_proxies: [", "L: YAML: the `[` here is never closed", "add the `]`"),
        ("policy: public}", "policy: 'public}", "L: YAML: the quote that begins here never ends", "an apostrophe"),
        ("dpo: dpo@", "dpo: @dpo@", "L: YAML: a value cannot begin with this sign", "between quotes"),
        ("  name: Ville", '  name: "\\Ville', "L: YAML: a backslash between double quotes", "single quotes"),
        ("  idle_s: 1800", "  idle_s: 30 minutes", "L: `idle_s` must be a whole number", "in seconds"),
        ("client_id: {env: FC_CLIENT_ID}", "client_id: abc", "L: `client_id` must be", "{env: NAME} or {file: PATH}"),
        ("{env: SIGNING_KEY}", "{file: no.pem}", "L: the file no.pem is not there", "correct the path"),
        ("{env: SIGNING_KEY}", "{file: policies}", "L: the file policies is there and cannot be read", "chmod 640"),
        ("public_url: http://localhost:8000", "public_url: ville.fr", "L: `public_url`", "https://services.ville.fr"),
        ("mode: franceconnect ", "mode: franceconect ", "L: `mode` must be one of", "did you mean `franceconnect`?"),
        ("  idle_s: 1800", "  idel_s: 1800", "L: `idel_s` is not a key", "did you mean `idle_s`?"),
        ("policy: cantine}", "policy: cantines}", "L: there is no policy `cantines`", "did you mean `cantine`?"),
    ],
)
def test_a_tired_operator_reads_where_what_and_what_to_write_in_plain_words(
    folder: Path, capsys: pytest.CaptureFixture[str], before: str, after: str, said: str, hint: str
) -> None:
    gateway = folder / "gateway.yaml"
    text = gateway.read_text(encoding="utf-8")
    line = text[: text.index(before)].count("\n") + 1
    change(gateway, before, after)
    assert main(["check"]) == 1
    answer = capsys.readouterr().err
    assert f"gateway.yaml:{said.replace('L:', f'{line}:', 1)}" in answer
    assert hint in answer
    assert not re.search(r"Error|token|scalar|mapping values|flow |NoneType|\bstr\b", answer)


def test_a_file_in_another_encoding_is_said_with_its_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    raw = (folder / "gateway.yaml").read_bytes()
    (folder / "gateway.yaml").write_bytes(raw.replace(b"Ville de Lormont", "Ville de Crécy".encode("latin-1")))
    assert main(["check"]) == 1
    assert "gateway.yaml:8: cannot be read: a letter here is not UTF-8" in capsys.readouterr().err


def test_without_a_folder_of_policies_each_route_is_told_what_to_write(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(folder / "policies")
    assert main(["check"]) == 1
    answer = capsys.readouterr().err
    assert "hint: write policies/cantine.yaml" in answer
    assert "known: \n" not in answer


def test_a_choice_below_a_name_in_capitals_is_refused_without_a_crash(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = "  Agents: {profile: keycloack, issuer: https://x.example, client_id: {env: FC_CLIENT_ID}}\nhousehold:\n"
    change(folder / "gateway.yaml", "household:\n", other)
    assert main(["check"]) == 1
    assert "`profile` must be one of 'keycloak' or 'generic'" in capsys.readouterr().err
