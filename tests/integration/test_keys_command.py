"""`gateway keys`: files that their owner alone reads, and a rotation that keeps what was signed verifiable."""

import hashlib
import re
import stat
from pathlib import Path

import pytest

from gateway.cli import main
from gateway.config.gateway_file import load
from tests.shipped import without_disputes
from tests.world import ROOT, secrets


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    text = without_disputes().replace("key: {env: SIGNING_KEY}", "key: {file: keys/signing.pem}")
    (tmp_path / "gateway.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "policies").symlink_to(ROOT / "policies")
    (tmp_path / "keys").mkdir()
    for name, value in secrets().items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _kid(out: str) -> str:
    found = re.search(r"kid ([\w-]{43})", out)
    assert found, out
    return found[1]


@pytest.mark.parametrize(("kind", "alg"), [("ed25519", "EdDSA"), ("p256", "ES256")])
def test_a_new_key_signs_and_is_its_owner_s_alone(
    folder: Path, capsys: pytest.CaptureFixture[str], kind: str, alg: str
) -> None:
    assert main(["keys", "make", "keys/signing.pem", "--type", kind]) == 0
    kid = _kid(out := capsys.readouterr().out)
    assert "PRIVATE" not in out
    assert stat.S_IMODE((folder / "keys" / "signing.pem").stat().st_mode) == 0o600
    assert main(["keys", "list"]) == 0
    assert capsys.readouterr().out == f"{kid}  {alg:<6} signs\n"


def test_a_key_is_never_written_over(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["keys", "make", "keys/signing.pem"])
    before = hashlib.sha256((folder / "keys" / "signing.pem").read_bytes()).digest()
    for path, said in (("keys/signing.pem", "never written over"), ("nowhere/signing.pem", "cannot be made")):
        with pytest.raises(SystemExit) as ended:
            main(["keys", "make", path])
        assert ended.value.code == 2
        assert said in capsys.readouterr().err
    assert hashlib.sha256((folder / "keys" / "signing.pem").read_bytes()).digest() == before


def test_a_rotation_followed_to_the_letter_signs_with_the_new_key_and_verifies_with_both(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["keys", "make", "keys/signing.pem", "--type", "p256"])
    old = _kid(capsys.readouterr().out)
    assert main(["keys", "rotate"]) == 0
    new = _kid(out := capsys.readouterr().out)
    written = re.search(r"     signing:\n((?:       .*\n)+)", out)
    assert written
    path = folder / "gateway.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(re.sub(r"^signing:\n(?:  .*\n)+", "signing:\n" + written[1], text, flags=re.MULTILINE), "utf-8")
    assert main(["keys", "list"]) == 0
    assert capsys.readouterr().out.split("\n")[:2] == [f"{new}  ES256  signs", f"{old}  ES256  verifies"]
    assert load(path, secrets()).signing.previous == ((folder / "keys" / "signing.pem").read_bytes().strip(),)
    assert main(["keys", "rotate", "--type", "ed25519"]) == 0
    out = capsys.readouterr().out
    assert "key: {file: keys/signing-3.pem}" in out
    assert "previous: [{file: keys/signing-2.pem}, {file: keys/signing.pem}]" in out


def test_a_key_of_the_environment_needs_a_name_for_the_next_one(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = folder / "gateway.yaml"
    path.write_text(path.read_text("utf-8").replace("{file: keys/signing.pem}", "{env: SIGNING_KEY}"), "utf-8")
    with pytest.raises(SystemExit):
        main(["keys", "rotate"])
    assert "--out" in capsys.readouterr().err
    assert main(["keys", "rotate", "--out", "keys/next.pem"]) == 0
    assert "previous: [{env: SIGNING_KEY}]" in capsys.readouterr().out
