"""Every code that the doctor can say stands in docs/operations.md, and no other."""

import re

from gateway.cli.doctors.reach import _HINTS
from tests.world import ROOT

_SAID = re.compile(r'(?:good|warned|wrong|make|\("store_room"\))\(\s*"([a-z_]+)"')
_PREFIXES = re.compile(r'unreached\(\s*"([a-z_]+)"')
_OTHERS = {"store_room", "open_files", "listen", "admin_listen", "session_store_full", "session_store_unavailable",
           "upstream", "upstream_certificate_soon"}  # fmt: skip


def _codes() -> set[str]:
    source = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "gateway/cli/doctors").glob("*.py"))
    prefixes = {*_PREFIXES.findall(source), "upstream"}
    return {*_SAID.findall(source), *_OTHERS, *(f"{prefix}_{kind}" for prefix in prefixes for kind in _HINTS)}


def test_the_table_has_each_code() -> None:
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    section = text.split("## The doctor")[1].split("\n## ")[0]
    written = set()
    for cell in re.findall(r"^\| ([^|]+) \|", section, re.MULTILINE):
        for code in re.findall(r"`([a-z_*]+)`", cell):
            written |= {code.replace("_*", f"_{kind}") for kind in _HINTS} if code.endswith("_*") else {code}
    assert written == _codes()
