"""`disputes:` in gateway.yaml, `gateway disputes`, and what `gateway explain` says of a dispute."""

import asyncio
import hashlib
import os
import shutil
import time
from pathlib import Path

import pytest

from gateway.adapters.disputes.assembly import open_disputes
from gateway.adapters.keys import generate_pem
from gateway.cli import main
from gateway.cli.fixture import read_fixture
from gateway.config.gateway_file import load
from gateway.core.disputes import Dispute, State
from gateway.core.errors import ConfigError
from gateway.core.model import Need
from tests.builders import ANGELA, TODAY
from tests.shipped import without_disputes
from tests.world import ROOT

PERSON = "{identity: {birth_name: DUBOIS, given_names: Angela}, household: {family_quotient: 648, fund: cnaf}"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "gateway.yaml").write_text(without_disputes(), encoding="utf-8")
    shutil.copytree(ROOT / "policies", tmp_path / "policies")
    for name in ("FC_CLIENT_ID", "FC_CLIENT_SECRET", "SESSION_SECRET", "DISPUTES_KEY", "API_PARTICULIER_TOKEN"):
        monkeypatch.setenv(name, hashlib.sha256(name.encode()).hexdigest())
    monkeypatch.setenv("SIGNING_KEY", generate_pem().decode())
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _write(folder: Path, disputes: str, **changes: str) -> None:
    path = folder / "gateway.yaml"
    text = path.read_text(encoding="utf-8").replace("sessions:\n", f"disputes: {disputes}\n\nsessions:\n", 1)
    for before, after in changes.items():
        text = text.replace(before, after)
    path.write_text(text, encoding="utf-8")


def test_disputes_go_beside_the_sessions_when_nothing_else_is_said(folder: Path) -> None:
    _write(folder, "{key: {env: DISPUTES_KEY}}")
    disputes = load(folder / "gateway.yaml", os.environ).disputes
    assert disputes is not None
    assert disputes.store == f"sqlite:{folder}/var/disputes.db"
    assert disputes.retention_s == 365 * 86_400


@pytest.mark.parametrize(
    ("disputes", "said"),
    [
        ("{}", "`key`"),
        ("{key: {env: NOT_SET}}", "variable NOT_SET is not there"),
        ("{key: {env: DISPUTES_KEY}, store: 'redis://x'}", "`store` is not a store"),
        ("{key: {env: DISPUTES_KEY}, retention_days: 5000}", "1096"),
        ("{key: {env: DISPUTES_KEY}, answer_within_days: 60}", "30"),
        ("{key: {env: DISPUTES_KEY}, agents: {provider: proconect, allow: [x]}}", "no provider of `identity`"),
        ("{key: {env: DISPUTES_KEY}, agents: {provider: franceconnect, allow: [x]}}", "never for agents"),
        ("{key: {env: DISPUTES_KEY}, agents: {provider: franceconnect, allow: []}}", "allow"),
        ("{key: {env: DISPUTES_KEY}, notify: {webhook: {url: 'http://x.example/', secret: {env: DISPUTES_KEY}}}}", "plain http"),
        ("{key: {env: DISPUTES_KEY}, notify: {email: {host: mail.example, tls: none, from: a@b.example, to: c@d.example}}}", "unsealed"),
        ("{key: {env: DISPUTES_KEY}, notify: {email: {host: m.example, from: a@b.example, to: c@d.example, username: u}}}", "go together"),
        ("{key: {env: DISPUTES_KEY}, notify: {email: {host: m.example, from: 'a b', to: c@d.example}}}", "from"),
        ('{key: {env: DISPUTES_KEY}, notify: {email: {host: m.example, from: a@d.example, to: "c@d.example\\r\\nBcc: e@f.example"}}}', "to"),
        ("{key: {env: DISPUTES_KEY}, notify: {email: {host: m.example, from: a@d.example, to: c@d.example, username: é, password: {env: DISPUTES_KEY}}}}", "a mail login cannot carry"),
        ("{key: {env: DISPUTES_KEY}, notify: {email: {host: m.example, from: a@d.example, to: c@d.example, ca_file: no.pem}}}", "the file of `ca_file` is not there"),
    ],
)  # fmt: skip
def test_a_mistake_in_disputes_is_explained(
    folder: Path, capsys: pytest.CaptureFixture[str], disputes: str, said: str
) -> None:
    _write(folder, disputes)
    assert main(["check"]) == 1
    assert said in capsys.readouterr().err


def test_disputes_in_memory_are_for_one_worker(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _write(folder, "{key: {env: DISPUTES_KEY}, store: 'memory:'}\nworkers: 2")
    assert main(["check"]) == 1
    assert "`memory:` disputes" in capsys.readouterr().err


def test_in_production_disputes_outlive_a_restart_and_their_key_is_one(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISPUTES_KEY", "short")
    _write(
        folder,
        "{key: {env: DISPUTES_KEY}, store: 'memory:'}",
        **{
            "http://localhost:8000": "https://services.ville.example",
            "http://127.0.0.1:8102": "https://api.ville.example",
        },
    )
    assert main(["check"]) == 1
    error = capsys.readouterr().err
    assert "kept in memory, and this is production" in error
    assert "the key is shorter than 32 bytes" in error


def test_check_says_what_a_person_would_meet(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check"]) == 0
    assert "withheld for their session only" in capsys.readouterr().out
    _write(folder, "{key: {env: DISPUTES_KEY}}")
    assert main(["check"]) == 0
    out = capsys.readouterr().out
    assert "policy `cantine`: who has given an agent a document still meets the alternative" in out
    assert "gateway disputes settle" in out


def test_the_store_of_disputes_takes_a_restart(folder: Path) -> None:
    before = load(folder / "gateway.yaml", os.environ)
    _write(folder, "{key: {env: DISPUTES_KEY}}")
    assert before.needs_restart(load(folder / "gateway.yaml", os.environ)) == ("disputes.store",)


# --- gateway disputes


def _opened(folder: Path, *disputes: Dispute) -> None:
    async def write() -> None:
        async with open_disputes(load(folder / "gateway.yaml", os.environ)) as store:
            for each in disputes:
                await store.open(ANGELA, each)

    asyncio.run(write())


CONTEST = Dispute("K7QM-2F4D", Need.QUOTIENT, "", int(time.time()), text="Mots", name="DUBOIS Angela", contact="06")
OBJECTION = Dispute("K7QM-2F4F", None, "cantine", int(time.time()) + 1, name="DUBOIS Angela")


def test_the_operator_lists_reads_and_settles(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _write(folder, "{key: {env: DISPUTES_KEY}}")
    _opened(folder, CONTEST, OBJECTION)
    assert main(["disputes", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["K7QM-2F4D", "K7QM-2F4F"]
    assert lines[0].endswith("open               contest quotient")
    assert lines[1].endswith("objection cantine")
    assert "DUBOIS" not in "".join(lines)
    assert main(["disputes", "show", "K7QM-2F4D"]) == 0
    shown = capsys.readouterr().out
    assert "DUBOIS Angela" in shown
    assert "Mots" in shown
    assert main(["disputes", "settle", "K7QM-2F4D", "settled"]) == 0
    capsys.readouterr()
    assert main(["disputes", "list"]) == 0
    assert "K7QM-2F4D" not in capsys.readouterr().out
    assert main(["disputes", "list", "--all"]) == 0
    assert "K7QM-2F4D" in capsys.readouterr().out


def test_what_cannot_follow_is_said(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _write(folder, "{key: {env: DISPUTES_KEY}}")
    _opened(folder, CONTEST, OBJECTION)
    assert main(["disputes", "settle", "K7QM-2F4F", "rejected"]) == 1
    assert "what may follow: document_provided, verified_by_agent" in capsys.readouterr().err
    assert main(["disputes", "settle", "AAAA-AAAA", "settled"]) == 1
    assert "nothing has the reference" in capsys.readouterr().err
    assert main(["disputes", "show", "AAAA-AAAA"]) == 1


def test_without_a_store_there_is_nothing_to_list(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["disputes", "list"]) == 1
    assert "no dispute store" in capsys.readouterr().err


def test_another_key_is_said_and_nothing_is_listed(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _write(folder, "{key: {env: DISPUTES_KEY}}")
    _opened(folder, CONTEST)
    monkeypatch.setenv("DISPUTES_KEY", "e" * 64)
    assert main(["disputes", "show", "K7QM-2F4D"]) == 1
    assert "dispute_key_changed" in capsys.readouterr().err


def test_every_answer_but_open_can_be_written(folder: Path) -> None:
    with pytest.raises(SystemExit):
        main(["disputes", "settle", "K7QM-2F4D", str(State.OPEN)])


# --- gateway explain


def _explain(folder: Path, capsys: pytest.CaptureFixture[str], path: str, said: str) -> str:
    (folder / "person.yaml").write_text(PERSON + said + "}", encoding="utf-8")
    assert main(["explain", "GET", path, "--as", "person.yaml", "--date", "2026-11-24"]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("said", "status"),
    [
        (", disputes: {quotient: contested}", "contested"),
        (", disputes: {quotient: document_provided}", "document_provided"),
        (", disputes: {quotient: verified_by_agent}", "verified_by_agent"),
        (", objections: {cantine: declined}", "declined"),
        (", disputes: unknown", "unavailable"),
    ],
)
def test_explain_says_what_was_said_and_what_follows(
    folder: Path, capsys: pytest.CaptureFixture[str], said: str, status: str
) -> None:
    out = _explain(folder, capsys, "/cantine/", said)
    assert f"household: {status}" in out
    assert "decision:  alternative" in out
    assert "said:      " in out
    assert "T2" not in out


def test_explain_sends_a_settled_value(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = _explain(folder, capsys, "/cantine/", ", disputes: {quotient: settled, address: contested}")
    assert "header:    X-Caf-Statut: settled" in out
    assert "header:    X-Caf-Tranche: T2" in out


@pytest.mark.parametrize(
    ("said", "hint"),
    [
        (", disputes: {quotien: contested}", "is no datum"),
        (", disputes: {quotient: verified}", "cannot be `verified`"),
        (", objections: {cantine: settled}", "cannot be `settled`"),
        (", objections: [cantine]", "must be a mapping"),
    ],
)
def test_a_fixture_that_says_it_wrongly_is_explained(folder: Path, said: str, hint: str) -> None:
    (folder / "person.yaml").write_text(PERSON + said + "}", encoding="utf-8")
    with pytest.raises(ConfigError, match=hint):
        read_fixture(folder / "person.yaml", TODAY)
