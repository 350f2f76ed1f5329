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
    assert canteen["donnees_transmises"] == [
        "nom de naissance",
        "prénoms",
        "résultat de la demande (dossier trouvé, ou non)",
        "tranche de tarif",
    ]
    assert canteen["sources"] == ["FranceConnect", "CAF ou MSA, par API Particulier"]
    assert canteen["destinataires"] == ["localhost/cantine/ (Ville de Lormont-sur-Mer)"]
    assert canteen["conservation"][:2] == [
        "par le service : la durée de la session",
        "par la passerelle : 30 min sans activité, 8 h au plus",
    ]
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


PARTIES = """authority:
  processors:
    - {name: Hébergeur Exemple SAS, role: hébergement}
    - {name: Exemple Mail Inc., role: messagerie, country: US, safeguards: clauses contractuelles types}
  recipients:
    - {name: Trésor public, role: facturation, policies: [cantine]}
"""


def _with_parties(folder: Path, parties: str) -> str:
    """A copy of the shipped configuration that names others, and its path."""
    shutil.copytree(ROOT / "policies", folder / "policies")
    config = folder / "gateway.yaml"
    text = (ROOT / "gateway.yaml").read_text(encoding="utf-8")
    before, there, after = text.partition("\n  siret: ")
    assert there
    config.write_text(before + "\n" + parties.partition("\n")[2].rstrip() + there + after, encoding="utf-8")
    return str(config)


def test_processors_and_outside_recipients_are_in_the_entries_that_they_concern(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    config = _with_parties(tmp_path, PARTIES)
    assert main(["register", "--config", config, "--format", "json"]) == 0
    entries = json.loads(capsys.readouterr().out)["traitements"]
    for entry in entries:
        canteen = entry["politique"].startswith("cantine@")
        assert entry["sous_traitants"] == [
            "Hébergeur Exemple SAS : hébergement (FR)",
            "Exemple Mail Inc. : messagerie (US)",
        ]
        assert entry["organismes_externes"] == (["Trésor public : facturation (FR)"] if canteen else "aucun")
        assert entry["transferts"] == ["Exemple Mail Inc., US : clauses contractuelles types"]
    assert main(["register", "--config", config]) == 0
    text = capsys.readouterr().out
    assert "- **Sous-traitants** :\n  - Hébergeur Exemple SAS : hébergement (FR)\n" in text
    assert "- **Transferts hors de l’Union européenne** :\n  - Exemple Mail Inc., US" in text


def test_what_nobody_said_is_to_be_completed_and_an_empty_list_says_none(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    silent = json.loads(written(capsys, "--format", "json"))["traitements"][0]
    assert silent["sous_traitants"] == "à compléter (`authority.processors`)"
    assert silent["organismes_externes"] == "à compléter (`authority.recipients`)"
    config = _with_parties(tmp_path, "authority:\n  processors: []\n  recipients: []\n")
    assert main(["register", "--config", config, "--format", "json"]) == 0
    empty = json.loads(capsys.readouterr().out)["traitements"][0]
    assert (empty["sous_traitants"], empty["organismes_externes"]) == ("aucun", "aucun")
    assert empty["transferts"] == "aucun par la passerelle"


def test_data_abroad_without_safeguards_and_a_policy_that_is_not_there_are_refused_with_their_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    parties = PARTIES.replace(", safeguards: clauses contractuelles types", "").replace("[cantine]", "[cantin]")
    config = _with_parties(tmp_path, parties)
    start = 1 + Path(config).read_text(encoding="utf-8").split("\n").index("  processors:")
    assert main(["register", "--config", config]) == 1
    said = capsys.readouterr().err
    assert f"gateway.yaml:{start + 2}: `US` is outside the European Union" in said
    assert f"gateway.yaml:{start + 4}: there is no policy `cantin`" in said
    assert "did you mean `cantine`?" in said
