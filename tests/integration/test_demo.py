"""`gateway demo`, as `make demo` runs it: a real process, everything that it promises in its welcome."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from gateway.sandbox.identities import MATCHING
from tests.agents import contest
from tests.browser import Person
from tests.processes import START_S, stop, until
from tests.world import ROOT, bound_sockets

SHIPPED = (8000, 8101, 8102, 8103, 8104)


def _ports() -> list[int]:
    """Free a moment ago: a demo chooses none by itself."""
    sockets = bound_sockets(len(SHIPPED))
    ports: list[int] = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def _configured(folder: Path) -> tuple[Path, list[int]]:
    text, ports = (ROOT / "gateway.yaml").read_text(encoding="utf-8"), _ports()
    for shipped, port in zip(SHIPPED, ports, strict=True):
        text = re.sub(rf"\b{shipped}\b", str(port), text)
    (folder / "gateway.yaml").write_text(text, encoding="utf-8")
    shutil.copytree(ROOT / "policies", folder / "policies")
    return folder / "gateway.yaml", ports


@contextmanager
def demo(folder: Path) -> Iterator[tuple[str, str]]:
    """Its address and what it printed first."""
    config, ports = _configured(folder)
    command = [sys.executable, "-m", "gateway", "demo", "--config", str(config)]
    said = folder / "said"
    environ = {**os.environ, "TMPDIR": str(folder), "PYTHONUNBUFFERED": "1"}
    with said.open("ab") as out:
        process = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=out, stderr=subprocess.STDOUT)
    try:
        until(lambda: "Ctrl-C stops everything." in said.read_text("utf-8") or process.poll() is not None, START_S)
        yield f"http://localhost:{ports[0]}", said.read_text("utf-8")
    finally:
        stop(process)


def test_what_the_demo_promises_can_be_done(tmp_path: Path) -> None:
    with demo(tmp_path) as (url, said):
        assert said.startswith("\nThe gateway runs at"), said
        assert "Camille ESSAI                is on the list" in said
        assert "Dominique EXEMPLE            is not on the list" in said
        parent, agent, stranger = Person(url), Person(url), Person(url)
        page = parent.press(parent.visit("/cantine/"), "S’identifier avec FranceConnect")
        form = next(form for form in page.forms if MATCHING in form.fields.values() or MATCHING in str(form.buttons))
        page = parent.send(page, form, {name: value for _, name, value in form.buttons if name})
        page = parent.press(parent.press(page, "Continuer vers"), "Continuer")
        assert "Signature valide" in page.text
        assert "T3" in page.text
        reference = contest(parent)
        assert "contesté" in parent.visit("/cantine/").text
        page = agent.press(agent.press(agent.visit("/_gateway/agents"), "S’identifier avec ProConnect"), "ESSAI")
        page = agent.press(page, reference)
        agent.press(page, "Enregistrer ma réponse", outcome="settled")
        assert "settled" in parent.visit("/cantine/").text
        page = stranger.press(stranger.visit("/_gateway/agents"), "S’identifier avec ProConnect")
        assert "pas sur la liste" in stranger.press(page, "EXEMPLE").text
        for each in (parent, agent, stranger):
            each.client.close()
        assert _left_over(tmp_path) == ["disputes.db", "sessions.db"]
    assert list(tmp_path.glob("gateway-demo-*")) == []


def _left_over(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("gateway-demo-*/*.db"))


def test_agents_alone_sign_in_with_the_agents_provider(tmp_path: Path) -> None:
    with demo(tmp_path) as (url, _), httpx.Client(base_url=url, trust_env=False) as client:
        for path in ("/_gateway/login?return_to=/cantine/", "/_gateway/login?return_to=/compte/", "/_gateway/login"):
            text = client.get(path).text
            assert "FranceConnect" in text
            assert "ProConnect" not in text
        assert "ProConnect" not in client.get("/_gateway/donnees-personnelles").text


def test_a_port_that_is_taken_is_said_in_words(tmp_path: Path) -> None:
    config, ports = _configured(tmp_path)
    (held,) = bound_sockets(1)
    held.listen()
    port = held.getsockname()[1]
    config.write_text(re.sub(rf"\b{ports[3]}\b", str(port), config.read_text("utf-8")), encoding="utf-8")
    command = [sys.executable, "-m", "gateway", "demo", "--config", str(config)]
    environ = {**os.environ, "TMPDIR": str(tmp_path)}
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=60, check=False)
    held.close()
    assert list(tmp_path.glob("gateway-demo-*")) == []
    assert done.returncode == 1
    assert f"in use already on 127.0.0.1: {port}\n  hint: " in done.stderr
    assert "Traceback" not in done.stderr
