"""What «Installing for production» ships and says: the unit, the container, the commands."""

import configparser
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from gateway.cli.workers import KILL_S
from tests.proxies import require
from tests.world import ROOT

UNIT = ROOT / "examples" / "systemd" / "passerelle.service"
IN_OPT = "/opt/passerelle/bin/gateway"
EXPOSED_AT_MOST = 20
"""Tenths of what `systemd-analyze security` counts, whose best is 0 and whose worst is 100."""


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """With the program of this checkout, for systemd looks for it."""
    here = Path(sys.executable).with_name("gateway")
    path = tmp_path / UNIT.name
    path.write_text(UNIT.read_text(encoding="utf-8").replace(IN_OPT, str(here)), encoding="utf-8")
    return path


def _judged(*arguments: str) -> str:
    """What systemd-analyze has to say of our unit."""
    require("systemd-analyze")
    done = subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return "\n".join(line for line in done.stderr.splitlines() if UNIT.name in line)


def test_systemd_takes_every_line_of_the_unit(unit: Path) -> None:
    assert _judged("verify", "--man=no", str(unit)) == ""


def test_the_unit_leaves_the_gateway_little_to_reach(unit: Path) -> None:
    _judged("security", "--offline=true", f"--threshold={EXPOSED_AT_MOST}", str(unit))


def test_the_unit_lets_requests_under_way_end() -> None:
    service = configparser.RawConfigParser(strict=False)
    service.read_string(UNIT.read_text(encoding="utf-8"))
    assert service.getint("Service", "TimeoutStopSec") > KILL_S
    assert service.get("Service", "KillMode") == "mixed"


def test_the_container_gets_its_time_and_writes_where_it_may() -> None:
    text = (ROOT / "examples" / "container" / "compose.yaml").read_text(encoding="utf-8")
    service = yaml.safe_load(text)["services"]["passerelle"]
    assert int(service["stop_grace_period"].removesuffix("s")) > KILL_S
    assert (service["read_only"], service["tmpfs"], "var:/app/var" in service["volumes"]) == (True, ["/tmp"], True)


def test_the_image_holds_no_configuration_that_serve_would_take() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert re.findall(r"^COPY (?:gateway\.yaml|policies) (\S+)$", dockerfile, re.MULTILINE) == [
        "/opt/gateway/demo/",
        "/opt/gateway/demo/policies",
    ]
    script = (ROOT / "scripts" / "image").read_text(encoding="utf-8")
    assert "--config /opt/gateway/demo/gateway.yaml" in script


@pytest.mark.slow
def test_the_commands_of_the_documentation_install_a_gateway(tmp_path: Path) -> None:
    section = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8").partition("## Installing for production")[2]
    commands = re.findall(r"^    (python3 -m venv .*|/opt/\S+/pip install .*|ln -sfn .*)$", section, re.MULTILINE)
    assert len(commands) == 4
    checkout, opt = tmp_path / "checkout", tmp_path / "opt"
    opt.mkdir()
    shutil.copytree(ROOT, checkout, ignore=shutil.ignore_patterns(".*", "var", "node_modules", "tests", "bench"))
    for command in commands:
        subprocess.run(command.replace("/opt/", f"{opt}/").split(), cwd=checkout, check=True, timeout=300)
    installed = IN_OPT.replace("/opt/", f"{opt}/")
    said = subprocess.run([installed, "serve"], cwd=opt, capture_output=True, text=True, check=False, timeout=60)
    assert (said.returncode, "there is no such file" in said.stderr) == (1, True)
