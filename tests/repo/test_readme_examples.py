"""What the README shows must work as shown."""

import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

_MAKES_THE_FOLDER = 'export PATH="$PWD/.venv/bin:$PATH"\n'


def _commands(section: str) -> str:
    """What stands in indented blocks outside the YAML, in order."""
    shown = re.sub(r"```yaml\n.*?```", "", section, flags=re.DOTALL)
    return "\n".join(line.strip() for line in shown.split("\n") if re.match(r"(?: {4}| {7})\S", line))


def test_the_first_route_of_the_readme_works_command_by_command(tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    section = readme.split("## A first real route in five minutes")[1].split("\n## ")[0]
    policy, gateway = (textwrap.dedent(block) for block in re.findall(r"```yaml\n(.*?)```", section, re.DOTALL))
    made, rest = _commands(section).split(_MAKES_THE_FOLDER)[1].split("\n", 1)
    script = "\n".join(
        [
            'set -eu; gateway() { "$PYTHON" -m gateway "$@"; }',
            made,
            'cp "$HOME/cantine.yaml" policies/; cp "$HOME/gateway.yaml" .',
            rest,
            "gateway check",
        ]
    )
    (tmp_path / "cantine.yaml").write_text(policy, encoding="utf-8")
    (tmp_path / "gateway.yaml").write_text(gateway, encoding="utf-8")
    known = {"HOME": str(tmp_path), "PYTHON": sys.executable, "PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]}
    ran = subprocess.run(["bash", "-c", script], env=known, capture_output=True, text=True, timeout=120, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "header:    X-Caf-Tranche: T1\n" in ran.stdout
    assert "services.ville.fr/cantine/ -> http://127.0.0.1:8081" in ran.stdout
    assert (tmp_path / "ville" / "secrets" / "fc_client_secret").stat().st_mode & 0o077 == 0
