"""What the README shows must work as shown."""

import hashlib
import re
import textwrap
from pathlib import Path

from gateway.adapters.keys import generate_pem
from gateway.config.gateway_file import load

ROOT = Path(__file__).resolve().parents[2]


def test_the_first_route_of_the_readme_passes_the_check(tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    policy, gateway = (textwrap.dedent(block) for block in re.findall(r"```yaml\n(.*?)```", readme, re.DOTALL))
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "cantine.yaml").write_text(policy, encoding="utf-8")
    (tmp_path / "gateway.yaml").write_text(gateway.replace("/run/secrets/", ""), encoding="utf-8")
    (tmp_path / "fc_client_secret").write_text(hashlib.sha256(b"client").hexdigest() + "\n", encoding="utf-8")
    (tmp_path / "signing.pem").write_bytes(generate_pem())
    secret = hashlib.sha256(b"session").hexdigest()
    settings = load(tmp_path / "gateway.yaml", {"FC_CLIENT_ID": "id", "SESSION_SECRET": secret})
    assert [route.policy.name for route in settings.routes] == ["cantine", "cantine.alternative"]
    assert settings.providers[0].client_secret == hashlib.sha256(b"client").hexdigest()
