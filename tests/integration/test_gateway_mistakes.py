"""What `gateway check` refuses of gateway.yaml, and what its hints say to write."""

import hashlib
import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.cli import main
from tests.shipped import change, shipped_at
from tests.world import ROOT, secrets

SANDBOX = "environment: custom                      # sandbox | production, or custom with an issuer of your own"
ISSUER = "    issuer: http://127.0.0.1:8101/api/v2"
STAGING = "environment: custom                      # staging | production, or custom with a base_url"
BASE = "    base_url: http://127.0.0.1:8102"


@pytest.fixture
def gateway(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    strong = {name: hashlib.sha256(name.encode()).hexdigest() for name in secrets()}
    shipped_at(tmp_path, monkeypatch, strong | {"SIGNING_KEY": secrets()["SIGNING_KEY"]})
    return tmp_path / "gateway.yaml"


def _problems(capsys: pytest.CaptureFixture[str], *command: str) -> list[tuple[str, str]]:
    """(what, hint) of each."""
    assert main([*(command or ("check",))]) == 1
    said = capsys.readouterr().err
    return re.findall(r"^\S+:\d+: (.*)(?:\n  hint: (.*))?$", said, re.MULTILINE)


def _notes(capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["check"]) == 0
    return "\n".join(line for line in capsys.readouterr().out.splitlines() if line.startswith("note: "))


@pytest.mark.parametrize(
    ("before", "after", "hint"),
    [
        (
            "public_url: http://localhost:8000",
            "public_url: https://servicés.ville.fr",
            "write https://xn--servics-gya.ville.fr",
        ),
        ("{path: /cantine/,", "{host: Écoles.ville.fr, path: /cantine/,", "write xn--coles-9ra.ville.fr"),
    ],
)
def test_a_name_with_other_letters_is_told_as_browsers_send_it(
    gateway: Path, capsys: pytest.CaptureFixture[str], before: str, after: str, hint: str
) -> None:
    change(gateway, before, after)
    ((problem, told),) = _problems(capsys)
    assert problem.endswith("has letters that no Host can carry")
    assert told == hint


@pytest.mark.parametrize("host", ["xn--coles-9ra.ville.fr", "ecoles.ville.fr"])
def test_a_name_of_plain_letters_is_a_host(gateway: Path, host: str) -> None:
    change(gateway, "{path: /cantine/,", f"{{host: {host}, path: /cantine/,")
    assert main(["check"]) == 0


TOKEN = "    token: {env: TOKEN}\n"


@pytest.mark.parametrize(
    ("token", "production", "said"),
    [
        ("x", True, "`token` is shorter than 32 bytes"),
        ("x", False, None),
        ("é" * 40, False, "`token` holds what no Authorization header can carry"),
        ("a b" * 20, False, "`token` holds what no Authorization header can carry"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJ1aWQiOiJkZW1vIn0.c2VjcmV0", True, None),
        ("0123456789abcdef" * 2, True, None),
    ],
)
def test_a_token_of_api_particulier_is_a_secret_as_any_other(
    gateway: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    token: str,
    production: bool,
    said: str | None,
) -> None:
    monkeypatch.setenv("TOKEN", token)
    change(gateway, BASE, TOKEN + BASE)
    if production:
        change(gateway, SANDBOX, "environment: production")
        change(gateway, ISSUER, "    #")
        change(gateway, STAGING, "environment: production")
        change(gateway, BASE, "    #")
        change(gateway, "public_url: http://localhost:8000", "public_url: https://services.ville.fr")
    if said is None:
        assert main(["check"]) == 0
    else:
        assert [problem for problem, _ in _problems(capsys)] == [said]


def test_plain_http_is_said_once_in_production(gateway: Path, capsys: pytest.CaptureFixture[str]) -> None:
    change(gateway, SANDBOX, "environment: production")
    change(gateway, ISSUER, "    #")
    change(gateway, STAGING, "environment: production")
    change(gateway, BASE, "    #")
    change(gateway, "public_url: http://localhost:8000", "public_url: http://services.ville.fr")
    assert [problem for problem, _ in _problems(capsys)] == ["`public_url` is plain http"]


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (SANDBOX, "environment: sandbox", "`issuer` is fixed by `environment: sandbox`"),
        (STAGING, "environment: staging", "`base_url` is fixed by `environment: staging`"),
    ],
)
def test_a_key_without_effect_is_refused(
    gateway: Path, capsys: pytest.CaptureFixture[str], before: str, after: str, said: str
) -> None:
    other = (SANDBOX, ISSUER, "environment: sandbox") if before == STAGING else (STAGING, BASE, "environment: staging")
    change(gateway, other[0], other[2])
    change(gateway, other[1], "    #")
    change(gateway, before, after)
    assert [problem for problem, _ in _problems(capsys)] == [said]
    change(gateway, ISSUER if before == SANDBOX else BASE, "    #")
    assert main(["check"]) == 0


CLIENT = "client_id: {env: FC_CLIENT_ID}"


@pytest.mark.parametrize(
    ("before", "after", "problem", "hint"),
    [
        (
            CLIENT,
            "client_id: {env: X, file: Y}",
            "`client_id` must be {env: NAME} or {file: PATH}, one of the two",
            None,
        ),
        (CLIENT, "client_id: {evn: X}", "`client_id` must be {env: NAME} or {file: PATH}, one of the two", None),
        (CLIENT, "client_id: abc", "`client_id` must be {env: NAME} or {file: PATH}, one of the two", None),
        (CLIENT, 'client_id: {env: ""}', "`env` does not have the expected form", "name of the environment variable"),
        ("secrets: [{env: SESSION_SECRET}]", "secrets: [5]", "entry 1 of `secrets` must be {env: NAME} or", None),
        (
            "trusted_proxies: []",
            "trusted_proxies: [127.0.0.1/8]",
            "`127.0.0.1/8` is not an address",
            "write 127.0.0.0/8",
        ),
        ("trusted_proxies: []", "trusted_proxies: [here]", "`here` is not an address", "write 10.0.0.0/8, or unix"),
        (
            "listen: 127.0.0.1:8000",
            "listen: 127.0.0.1:9464\nadmin: {listen: 127.0.0.1:9464}",
            "`admin` would",
            "write 127.0.0.1:9465",
        ),
        (
            "listen: 127.0.0.1:8000",
            "listen: 127.0.0.1:8000\nadmin: {listen: 127.0.0.1:8000}",
            "`admin` would",
            "write 127.0.0.1:9464",
        ),
        ("{path: /cantine/,", "{path: cantine/,", "`path` does not have the expected form", "begin it with /"),
    ],
)
def test_a_hint_says_what_to_write(
    gateway: Path, capsys: pytest.CaptureFixture[str], before: str, after: str, problem: str, hint: str | None
) -> None:
    change(gateway, before, after)
    ((said, told),) = _problems(capsys)
    assert said.startswith(problem)
    assert told.startswith(hint or "")
    assert told


@pytest.mark.parametrize(
    ("before", "after", "problem", "hint"),
    [
        ("identity.birth_name", "identity.nom", "`identity.nom` is not a fact", "known: identity.acr, identity.age"),
        (
            "identity.birth_name",
            "identity.birth_nam",
            "`identity.birth_nam` is not a fact",
            "did you mean `identity.birth_name`?",
        ),
        (
            "{up_to: 400, name: T1}",
            "{up_to: 400, name: T1, valid_from: 2026-09-01}",
            "`valid_from` is not a key",
            "known: name, up_to",
        ),
        ("purpose: Calcul", 'purpose: "" # Calcul', "`purpose` is empty", "why: shown to people"),
        (
            "url: /cantine/justificatif",
            "url: cantine",
            "`url` does not have the expected form",
            "begin it with / or https://",
        ),
        (
            "when_missing: alternative",
            "when_missing: altrenative",
            "`when_missing` must be one of",
            "did you mean `alternative`?",
        ),
        (
            "when_missing: alternative",
            "when_missing: {defalt: deny}",
            "`defalt` must be one of",
            "did you mean `default`?",
        ),
    ],
)
def test_a_hint_for_a_policy_says_what_to_write(
    gateway: Path, capsys: pytest.CaptureFixture[str], before: str, after: str, problem: str, hint: str
) -> None:
    change(gateway.parent / "policies" / "cantine.yaml", before, after)
    ((said, told),) = _problems(capsys)
    assert said.startswith(problem)
    assert told.startswith(hint)


def test_what_is_right_and_may_not_be_meant_is_noted(gateway: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = _notes(capsys)
    assert "trusted_proxies" not in before
    assert "retention" not in before
    change(gateway, "trusted_proxies: []", "trusted_proxies: [0.0.0.0/0]")
    change(gateway.parent / "policies" / "cantine.yaml", "retention: session", "retention: 30 minuts")
    notes = _notes(capsys)
    assert "`trusted_proxies: [0.0.0.0/0]` believes whoever connects" in notes
    assert "policy `cantine`: `retention: 30 minuts` is no duration that is enforced" in notes


@pytest.mark.parametrize(
    ("listen", "hint"),
    [
        ("unix:/nonexist/x.sock", "make the folder of the socket first"),
        ("192.0.2.1:8000", "this machine has no such address"),
        ("127.0.0.1:PORT", "is another gateway running there?"),
    ],
)
def test_what_cannot_be_listened_on_is_said_with_its_line(
    gateway: Path, capsys: pytest.CaptureFixture[str], listen: str, hint: str
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        listen = listen.replace("PORT", str(taken.getsockname()[1]))
        change(gateway, "listen: 127.0.0.1:8000", f"listen: {listen}")
        line = next(n for n, text in enumerate(gateway.read_text().splitlines(), 1) if text.startswith("listen:"))
        assert main(["serve"]) == 1
    said = capsys.readouterr().err
    assert f"gateway.yaml:{line}: cannot listen on {listen}" in said
    assert f"hint: {hint}" in said


def test_the_folder_of_a_socket_of_ours_is_made(gateway: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    change(gateway, "listen: 127.0.0.1:8000", "listen: unix:var/run/g.sock")
    bound = []
    monkeypatch.setattr(
        "gateway.cli.serve.serve_alone", lambda *_: bound.append((gateway.parent / "var/run/g.sock").is_socket())
    )
    assert main(["serve"]) == 0
    assert bound == [True]


@pytest.mark.parametrize("workers", ["0", "-1", "257", "many"])
def test_a_number_of_workers_is_a_matter_of_the_command_line(capsys: pytest.CaptureFixture[str], workers: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["serve", f"--workers={workers}"])
    assert ended.value.code == 2
    assert "write a number from 1 to 256, or `auto`" in capsys.readouterr().err


@pytest.mark.parametrize("command", [["check"], ["explain", "GET", "/"], ["schema"], ["register"]])
def test_a_reader_that_has_seen_enough_ends_a_command_quietly(gateway: Path, command: list[str]) -> None:
    read, write = os.pipe()
    os.close(read)
    run = [sys.executable, "-m", "gateway", *command]
    try:
        ended = subprocess.run(
            run, stdout=write, stderr=subprocess.PIPE, check=False, env={**os.environ, "PYTHONPATH": str(ROOT)}
        )
    finally:
        os.close(write)
    assert (ended.returncode, ended.stderr) == (141, b"")


def test_the_schema_of_a_policy_knows_its_french_names(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", "policy"]) == 0
    schema = json.loads(capsys.readouterr().out)
    properties = schema["properties"]
    for french, name in (("finalité", "purpose"), ("tranches", "brackets")):
        assert properties[french]["anyOf"] == properties[name]["anyOf"]
    assert {"required": ["finalité"]} in schema["oneOf"]
    assert "purpose" not in schema["required"]
    rates = schema["$defs"]["ScaleModel"]["properties"]["rates"]
    assert "patternProperties" not in rates
    assert rates["additionalProperties"]["type"] == "number"
    assert '"null"' not in json.dumps(properties)
