"""The official FranceConnect button: unmodified, from where it says, and nothing else of the State's design system."""

import hashlib
import json
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "gateway" / "web" / "static" / "franceconnect"
SOURCE = json.loads((FOLDER / "SOURCE.json").read_text(encoding="utf-8"))
LOCKED = ROOT / "scripts" / "franceconnect"
LOCKS = (LOCKED, ROOT / "tests" / "pages_tools", ROOT / "tests" / "verifiers" / "node")


def test_the_sheet_is_the_one_that_was_taken_byte_for_byte() -> None:
    content = (FOLDER / "connect.standalone.css").read_bytes()
    assert hashlib.sha256(content).hexdigest() == SOURCE["sha256"]
    assert content.startswith(f"/*!\n * DSFR v{SOURCE['version']} |".encode())


def test_it_was_taken_from_the_package_that_the_lock_file_names() -> None:
    lock = json.loads((LOCKED / "package-lock.json").read_text(encoding="utf-8"))
    package = lock["packages"]["node_modules/@gouvfr/dsfr"]
    assert (package["version"], package["integrity"]) == (SOURCE["version"], SOURCE["integrity"])
    assert json.loads((LOCKED / "package.json").read_text(encoding="utf-8"))["dependencies"] == {
        "@gouvfr/dsfr": SOURCE["version"]
    }


def test_its_licence_is_beside_it() -> None:
    assert "LICENCE OUVERTE 2.0" in (FOLDER / "LICENSE.md").read_text(encoding="utf-8")
    assert sorted(path.name for path in FOLDER.iterdir()) == ["LICENSE.md", "SOURCE.json", "connect.standalone.css"]


def test_no_page_wears_anything_else_of_the_state() -> None:
    pages = [
        *(ROOT / "gateway" / "web" / "templates").glob("*.html"),
        ROOT / "gateway" / "web" / "static" / "style.css",
    ]
    for path in pages:
        text = path.read_text(encoding="utf-8")
        assert "Marianne" not in text, path.name
        classes = set(re.findall(r"\bfr-[a-z_-]+", text))
        assert classes <= {"fr-connect", "fr-connect-group", "fr-connect__login", "fr-connect__brand"}, path.name


def test_lock_files_of_npm_name_no_host_and_pin_each_package() -> None:
    for folder in LOCKS:
        assert "omit-lockfile-registry-resolved=true" in (folder / ".npmrc").read_text(encoding="utf-8")
        lock = json.loads((folder / "package-lock.json").read_text(encoding="utf-8"))
        for name, package in lock["packages"].items():
            assert "resolved" not in package, name
            assert not name or package["integrity"].startswith("sha512-"), name
        wanted = json.loads((folder / "package.json").read_text(encoding="utf-8"))
        versions = [*wanted.get("dependencies", {}).values(), *wanted.get("devDependencies", {}).values()]
        assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in versions), folder
