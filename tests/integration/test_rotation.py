"""The session secret changes while people are signed in, fill in forms and are on their way back from FranceConnect."""

import os
import secrets as chance
import signal
import subprocess
import sys
from pathlib import Path

from gateway.sandbox.identities import MATCHING, PARENT
from tests.processes import Gateway, gateway, until
from tests.world import ROOT, secrets

_ONE, _TWO = "secrets: [{file: old}]", "secrets: [{file: old}, {file: new}]"


def _revoked(running: Gateway) -> str:
    command = [sys.executable, "-m", "gateway", "sessions", "revoke", "--all", "--config", str(running.config)]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **secrets()}, check=True, capture_output=True, text=True, timeout=60
    )
    return done.stdout.strip()


def test_a_rotated_secret_logs_nobody_out_breaks_no_form_and_loses_no_tag(tmp_path: Path) -> None:
    for name in ("old", "new"):
        (tmp_path / name).write_text(chance.token_hex(32), encoding="ascii")
    with gateway(tmp_path, workers=2, changes={"secrets: [{env: SESSION_SECRET}]": _ONE}) as running:
        inside, leaving, on_the_way = (running.world.person() for _ in range(3))
        assert running.world.sign_in(inside, "/compte/", MATCHING).status == 200
        assert running.world.sign_in(leaving, "/compte/", PARENT).status == 200
        form = leaving.visit("/_gateway/logout")
        choice = on_the_way.press(on_the_way.visit("/compte/"), "S’identifier avec")
        running.change(_ONE, _TWO)
        running.signal(signal.SIGHUP)
        until(lambda: running.said_of("reloaded") == 2, 20)
        assert inside.visit("/compte/").path == "/compte/"
        leaving.press(form, "Se déconnecter")
        assert leaving.visit("/compte/").path.startswith("/_gateway/login")
        consent = running.world.choose(on_the_way, choice, MATCHING)
        assert on_the_way.press(consent, "Continuer").path == "/compte/"
        assert _revoked(running) == "2 revoked"
        until(lambda: inside.visit("/compte/").path.startswith("/_gateway/login"))
        until(lambda: on_the_way.visit("/compte/").path.startswith("/_gateway/login"))
