"""What must stay true of the repository itself."""

import ast
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = sorted((ROOT / "gateway").rglob("*.py"))
MODULES = [".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for path in PACKAGE]


@pytest.mark.slow
def test_every_module_imports_alone() -> None:
    """Each in a fresh interpreter's module table: no module counts on another having been imported first."""
    script = (
        "import importlib, sys\n"
        "for name in sys.argv[1:]:\n"
        "    for loaded in [m for m in sys.modules if m.partition('.')[0] == 'gateway']:\n"
        "        del sys.modules[loaded]\n"
        "    importlib.import_module(name)\n"
    )
    names = [name for name in MODULES if name != "gateway.__main__"]
    subprocess.run([sys.executable, "-W", "error", "-c", script, *names], check=True, cwd=ROOT, timeout=300)


@pytest.mark.parametrize("path", PACKAGE, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_fits_its_room(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400


@pytest.mark.parametrize("path", PACKAGE, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_function_fits_one_screen(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    long = [node.name for node in functions if (node.end_lineno or 0) - node.lineno + 1 > 50]
    assert long == []


def test_the_core_imports_the_standard_library_alone() -> None:
    for path in (ROOT / "gateway" / "core").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                top = name.partition(".")[0]
                assert name.startswith("gateway.core") or top in sys.stdlib_module_names, (path.name, name)


def test_the_container_base_is_pinned_by_tag_and_digest_and_runs_as_nobody() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert re.search(r"PYTHON_IMAGE=python:3\.\d+\.\d+-slim-\w+@sha256:[0-9a-f]{64}$", dockerfile, re.MULTILINE)
    assert re.search(r"^USER gateway$", dockerfile, re.MULTILINE)
    assert "HEALTHCHECK" in dockerfile
    assert "--require-hashes" in dockerfile


def test_what_the_image_copies_is_there_and_not_kept_from_its_builder() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    named = [line.split()[1:-1] for line in dockerfile.splitlines() if re.match(r"COPY (?!--from)", line)]
    copied = {name for names in named for name in names}
    ignored, *let_in = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert ignored == "*"
    assert copied == {line[1:] for line in let_in if line.startswith("!")}
    assert all((ROOT / name).exists() for name in copied)


LOCKS = ["requirements.lock", "requirements-dev.lock", "requirements-build.lock", "requirements-compile.lock"]


OF_TESTS = [f"tests/{name}/requirements.lock" for name in ("providers/python", "valkey", "envoy")]


@pytest.mark.parametrize("name", [*LOCKS, *OF_TESTS])
def test_a_lock_has_hashes_and_no_address(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert "://" not in text
    pins = re.findall(r"^([a-z0-9._-]+)(?:\[[a-z,]+\])?==", text, re.MULTILINE)
    assert pins
    assert text.count("--hash=sha256:") >= len(pins)


NODE_LOCKS = [path for path in ROOT.glob("*/**/package-lock.json") if "node_modules" not in path.parts]


@pytest.mark.parametrize("path", NODE_LOCKS, ids=lambda path: str(path.parent.relative_to(ROOT)))
def test_a_lock_of_node_has_digests_and_no_address(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert "://" not in text
    packages = [package for name, package in json.loads(text)["packages"].items() if name]
    assert packages
    assert all(package["integrity"].startswith("sha512-") and "resolved" not in package for package in packages)


def test_every_lock_of_node_is_renewed_by_make_lock() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert len(NODE_LOCKS) == 4
    for path in NODE_LOCKS:
        assert str(path.parent.relative_to(ROOT)) in makefile


def test_every_direct_dependency_is_locked_and_its_reason_written() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    reasons = (ROOT / "docs" / "decisions" / "0001-libraries.md").read_text(encoding="utf-8").lower()
    locked = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    for dependency in project["dependencies"]:
        name = re.split(r"[><=; ]", dependency)[0]
        assert re.search(rf"^{re.escape(name)}(\[[a-z,]+\])?==", locked, re.MULTILINE), name
        assert name in reasons, name


def test_the_readme_shows_the_two_commands_and_the_makefile_has_them() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for command in ("demo", "test"):
        assert f"make {command}" in readme
        assert re.search(rf"^{command}:.*## ", makefile, re.MULTILINE)


def test_links_between_documents_lead_somewhere() -> None:
    for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]:
        for link in re.findall(r"\]\(([^)#:]+)\)", path.read_text(encoding="utf-8")):
            assert (path.parent / link).exists(), (path.name, link)


def test_the_decision_index_lists_every_decision() -> None:
    folder = ROOT / "docs" / "decisions"
    index = (folder / "README.md").read_text(encoding="utf-8")
    for path in folder.glob("0*.md"):
        assert path.name in index
