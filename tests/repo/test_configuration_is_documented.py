"""docs/configuration.md says each key, fact, operator, status and encoding as the code has it, and no other."""

import base64
import os
import re
import shutil
import subprocess
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.adapters.keys import generate_pem
from gateway.cli import main
from gateway.cli.schema import schema_of
from gateway.config.policy_models import PolicyModel
from gateway.core.encodings import encode
from gateway.core.facts import FACTS, FactSpec
from gateway.core.model import CARRIES_A_VALUE, HouseholdStatus
from gateway.core.rules import Encoding, Missing, Mode, Operator
from gateway.relying_party.profiles import PROFILES
from tests.configuration import PAGE, marked, parts, rendered

TEXT = PAGE.read_text(encoding="utf-8")


def _section(title: str) -> str:
    return re.split(r"^#+ ", TEXT.split(f" {title}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]


def _table(title: str, first: str) -> dict[str, list[str]]:
    """The rows of a section's table whose first column is so called: first cell → the others."""
    lines = _section(title).splitlines()
    start = next(at for at, line in enumerate(lines) if line.startswith(f"| {first} |")) + 2
    found = {}
    for line in lines[start:]:
        if not line.startswith("|"):
            break
        head, *rest = (cell.strip() for cell in line.strip("|").split(" | "))
        found[head.strip(" `")] = rest
    return found


# Keys


def test_the_tables_of_keys_are_those_of_the_schema() -> None:
    assert rendered(TEXT) == TEXT, "write them anew: python -m tests.configuration"


def test_every_mapping_of_both_files_has_its_table_once() -> None:
    assert sorted(marked(TEXT)) == sorted(name for name, part in parts().items() if "properties" in part)


def test_the_french_names_are_there() -> None:
    french = schema_of(PolicyModel)["properties"].keys() - PolicyModel.model_json_schema()["properties"].keys()
    assert len(french) == 9
    assert {name for name in french if f"`{name}`" not in TEXT} == set()


# Facts, operators, statuses, encodings


def _told(spec: FactSpec) -> list[str]:
    opened = spec.scope or spec.block
    places = [f"`{place}`" for place, may in (("inject", spec.injectable), ("allow", spec.testable)) if may]
    return [f"`{opened}`" if opened else "–", " ".join(places)]


def test_every_fact_is_in_the_table_with_its_scope_and_its_places_in_order() -> None:
    written = {fact: cells[:2] for fact, cells in _table("Facts", "fact").items()}
    assert written == {fact: _told(spec) for fact, spec in FACTS.items()}
    assert list(written) == list(FACTS)


def test_every_operator_is_in_the_table_with_an_example_of_itself() -> None:
    table = _table("allow: conditions", "operator")
    assert list(table) == [str(each) for each in Operator]
    assert {name: next(iter(yaml.safe_load(cells[0].strip("`")))) for name, cells in table.items()} == {
        name: name for name in table
    }


def test_every_status_is_in_the_table_and_those_with_a_value_are_marked() -> None:
    table = _table("Statuses", "status")
    assert sorted(table) == sorted(str(status) for status in HouseholdStatus)
    assert {status for status, cells in table.items() if cells[0] == "yes"} == CARRIES_A_VALUE
    assert {cells[0] for cells in table.values()} == {"yes", "no"}


def test_every_word_and_every_mode_is_in_its_table() -> None:
    assert list(_table("when_missing", "word")) == [str(each) for each in Missing]
    assert list(_table("household and childcare", "mode")) == [str(each) for each in Mode]


NAME = "Zoë Lefèvre"
ENCODINGS = _table("Encodings", "encoding")


def _sent(encoding: str) -> str:
    """As a servlet or WSGI hands it over."""
    return encode(NAME, Encoding(encoding)).decode("latin-1")


def test_every_encoding_is_in_the_table_with_its_bytes() -> None:
    assert sorted(ENCODINGS) == sorted(Encoding)
    for name, (shown, *_) in ENCODINGS.items():
        assert shown.strip("`").encode("ascii").decode("unicode_escape") == _sent(name)


def test_the_python_of_the_page_reads_each_encoding() -> None:
    known = {"base64": base64, "urllib": urllib}
    for name, (*_, python) in ENCODINGS.items():
        assert eval(python.strip("`"), known | {"h": _sent(name)}) == NAME, name


def _needs(tool: str) -> None:
    if shutil.which(tool) is None:
        pytest.skip(f"NOT TESTED: {tool} is not installed")


def test_the_php_of_the_page_reads_each_encoding() -> None:
    _needs("php")
    for name, (_, php, _, _) in ENCODINGS.items():
        script = f"$h = base64_decode($argv[1]); echo {php.strip('`')};"
        raw = base64.b64encode(encode(NAME, Encoding(name))).decode("ascii")
        ran = subprocess.run(["php", "-r", script, raw], capture_output=True, timeout=30, check=True)
        assert ran.stdout.decode("utf-8") == NAME, name


def test_the_java_of_the_page_reads_each_encoding_and_a_plus_sign(tmp_path: Path) -> None:
    _needs("javac")
    lines = [
        f'{{ String h = new String(Base64.getDecoder().decode("{raw}"), ISO_8859_1);'
        f' if (!({java.strip("`")}).equals("{text}")) throw new Exception("{name}"); }}'
        for text in ("Zo\\u00eb Lef\\u00e8vre", "A+B")
        for name, (_, _, java, _) in ENCODINGS.items()
        for raw in [base64.b64encode(encode(text.encode().decode("unicode_escape"), Encoding(name))).decode("ascii")]
    ]
    heads = "import java.net.*; import java.util.*; import static java.nio.charset.StandardCharsets.*;"
    program = f"{heads} class Page {{ public static void main(String[] a) throws Exception {{ {' '.join(lines)} }} }}"
    (tmp_path / "Page.java").write_text(program, encoding="utf-8")
    subprocess.run(["java", str(tmp_path / "Page.java")], timeout=60, check=True)


# No word that means nothing


def _words() -> set[str]:
    """What a word of one part may be: a key, a choice, a scope."""
    keys = {word for part in parts().values() for word in _of_part(part)}
    scopes = {str(opened) for spec in FACTS.values() if (opened := spec.scope or spec.block)}
    choices = {str(each) for each in (*HouseholdStatus, *Operator, *Encoding, *PROFILES)}
    facts = {part for fact in FACTS for part in fact.split(".")}
    return keys | scopes | choices | facts | set(schema_of(PolicyModel)["properties"]) | ELSEWHERE


def _of_part(part: dict[str, Any]) -> Iterator[str]:
    for key, node in part.get("properties", {}).items():
        yield key
        for each in (*node.get("anyOf", [node]), node.get("items", {})):
            choices = (*each.get("enum", []), *each.get("propertyNames", {}).get("enum", []))
            yield from (str(value) for value in (*choices, each.get("const", ""), node.get("default", "")))


def _paths(part: dict[str, Any], before: str = "") -> Iterator[str]:
    """Each key with the keys that lead to it."""
    for key, node in part.get("properties", {}).items():
        yield before + key
        for each in (*node.get("anyOf", [node]), node.get("items", {})):
            if "$ref" in each:
                yield from _paths(parts()[each["$ref"].rpartition("/")[2]], f"{before}{key}.")


ELSEWHERE = {
    *("identite_pivot", "cnaf", "msa", "female", "male", "unspecified", "country", "absent", "iss", "aud", "rid"),
    *("value_not_latin1", "true", "false", "cantine", "session", "unix", "h", "_"),
}
"""Words of the sources, of tokens and of docs/errors.md that are no key, fact or choice."""


def test_the_page_names_no_key_or_word_that_does_not_exist() -> None:
    prose = re.sub(r"^```.*?^```", "", TEXT, flags=re.MULTILINE | re.DOTALL)
    spoken = set(re.findall(r"`([a-zàâéèêîôû_]+(?:\.[a-z_]+)*)\.?`", prose))
    paths = {path for name in ("GatewayModel", "PolicyModel") for path in _paths(parts()[name])}
    dotted = {*paths, *FACTS, "gateway.yaml"}
    assert len(spoken) > 200
    assert {word for word in spoken if "." not in word} - _words() == set()
    assert {word for word in spoken if "." in word} - dotted == set()


# Examples


EXAMPLES = [
    (found[1], found[2])
    for found in re.finditer(
        r"^```yaml\n# (gateway\.yaml|policies/cantine\.yaml)\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL
    )
]


def _secrets_of(value: Any) -> Iterator[dict[str, str]]:
    if isinstance(value, dict):
        if set(value) in ({"env"}, {"file"}):
            yield value
        for each in value.values():
            yield from _secrets_of(each)
    elif isinstance(value, list):
        for each in value:
            yield from _secrets_of(each)


def _lay(folder: Path, files: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Each file as YAML, and every secret that they name."""
    for name, values in files.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(yaml.safe_dump(values, allow_unicode=True), encoding="utf-8")
    for secret in _secrets_of(files):
        content = generate_pem().decode() if "signing" in str(secret) else os.urandom(24).hex()
        if "env" in secret:
            monkeypatch.setenv(secret["env"], content)
        else:
            (folder / secret["file"]).parent.mkdir(exist_ok=True)
            (folder / secret["file"]).write_text(content, encoding="utf-8")


def test_both_files_begin_with_a_whole_example() -> None:
    assert len(EXAMPLES) >= 10
    assert [name for name, _ in EXAMPLES[:1]] == ["gateway.yaml"]
    assert TEXT.count("```yaml") == len(EXAMPLES)


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_an_example_passes_the_check_laid_over_the_whole_ones(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    files: dict[str, Any] = {}
    for name, text in EXAMPLES:
        files.setdefault(name, yaml.safe_load(text))
    name, text = EXAMPLES[number]
    files[name] = files[name] | yaml.safe_load(text)
    _lay(tmp_path, files, monkeypatch)
    monkeypatch.chdir(tmp_path)
    assert main(["check"]) == 0, capsys.readouterr().err
