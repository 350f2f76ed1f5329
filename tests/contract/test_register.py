"""`gateway register`: what article 30 asks for, from the shipped policies."""

import json
import shutil
from pathlib import Path

import pytest

from gateway.cli import main
from gateway.config.gateway_file import load
from tests.shipped import without_disputes

ROOT = Path(__file__).resolve().parents[2]
CONFIG = str(ROOT / "gateway.yaml")


def written(capsys: pytest.CaptureFixture[str], *more: str) -> str:
    assert main(["register", "--config", CONFIG, *more]) == 0
    return capsys.readouterr().out


def test_each_policy_that_handles_data_has_an_entry_and_no_other(capsys: pytest.CaptureFixture[str]) -> None:
    entries = json.loads(written(capsys, "--format", "json"))["traitements"]
    settings = load(Path(CONFIG), {}, secrets_required=False)
    routed = {route.policy.tag for route in settings.routes if route.policy.needs_session}
    of_policies = [entry["politique"] for entry in entries if entry["politique"]]
    assert set(of_policies) == routed
    assert len(of_policies) == len(routed) >= 3


def test_keeping_and_answering_disputes_has_an_entry_where_they_are_kept(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (disputes,) = (
        each for each in json.loads(written(capsys, "--format", "json"))["traitements"] if not each["politique"]
    )
    assert "nom de naissance" in disputes["donnees_identite"]
    assert disputes["destinataires"] == ["les agents désignés (Ville de Lormont-sur-Mer)"]
    assert disputes["conservation"][0].startswith("jusqu’à la réponse, puis 365 jours")
    shutil.copytree(ROOT / "policies", tmp_path / "policies")
    (tmp_path / "gateway.yaml").write_text(without_disputes(), encoding="utf-8")
    assert main(["register", "--config", str(tmp_path / "gateway.yaml"), "--format", "json"]) == 0
    assert all(each["politique"] for each in json.loads(capsys.readouterr().out)["traitements"])


def test_an_entry_says_what_article_30_asks_for(capsys: pytest.CaptureFixture[str]) -> None:
    entries = json.loads(written(capsys, "--format", "json"))["traitements"]
    canteen = next(entry for entry in entries if entry["politique"].startswith("cantine@"))
    assert canteen["finalite"] == "Calcul du tarif de la restauration scolaire"
    assert canteen["base_legale"] == "mission d'intérêt public"
    assert canteen["responsable"] == "Ville de Lormont-sur-Mer, SIRET 13002526500013"
    assert canteen["dpo"] == "dpo@ville.example"
    assert canteen["personnes"] == ["usagers du service", "adultes du dossier CAF ou MSA de l’usager"]
    assert canteen["donnees_foyer"] == ["quotient familial"]
    assert canteen["donnees_transmises"] == ["nom de naissance", "prénoms", "tranche de tarif"]
    assert canteen["sources"] == ["FranceConnect", "CAF ou MSA, par API Particulier"]
    assert canteen["destinataires"] == ["localhost/cantine/ (Ville de Lormont-sur-Mer)"]
    assert canteen["conservation"][0] == "par le service : la durée de la session"
    assert "délibération 2026-06-14 n° 37 en vigueur le 01/09/2026" in canteen["decision_automatisee"]
    assert "requêtes vers le service signées (JWT)" in canteen["securite"]


def test_a_policy_without_caf_names_no_household(capsys: pytest.CaptureFixture[str]) -> None:
    entries = json.loads(written(capsys, "--format", "json"))["traitements"]
    account = next(entry for entry in entries if entry["politique"].startswith("signed-in@"))
    assert account["personnes"] == ["usagers du service"]
    assert (account["donnees_foyer"], account["rapprochement"], account["decision_automatisee"]) == ([], "", "")
    assert account["sources"] == ["FranceConnect"]


def test_markdown_has_the_same_entries(capsys: pytest.CaptureFixture[str]) -> None:
    text = written(capsys)
    assert text.startswith("# Registre des activités de traitement – Ville de Lormont-sur-Mer\n")
    assert text.count("\n## ") == len(json.loads(written(capsys, "--format", "json"))["traitements"])
    assert "- **Catégories de personnes** :\n  - usagers du service\n" in text


def test_the_sentences_are_written_as_a_catalogue(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["texts", "--language", "en"]) == 0
    text = capsys.readouterr().out
    assert '"Language: en\\n"' in text
    assert '#. I would rather send a document\nmsgid "Je préfère fournir un justificatif"\nmsgstr ""\n' in text
