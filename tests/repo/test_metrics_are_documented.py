"""Every number has its line in docs/operations.md; the code counts, and the examples ask for, numbers that exist."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from gateway.adapters.metrics.catalogue import CATALOGUE, MADE_AT_SCRAPE
from tests.world import ROOT

LABELS = {name: metric.labels for name, metric in CATALOGUE.items()} | dict(MADE_AT_SCRAPE)
OPERATIONS = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
MONITORING = ROOT / "examples" / "monitoring"

_NAME = re.compile(r"\bgateway_[a-z_]+\b")
_SELECTED = re.compile(r"\b(gateway_[a-z_]+)\{([^}]*)\}")


def _known(name: str) -> str:
    """The metric behind a series."""
    base = re.sub(r"_(bucket|sum|count)$", "", name)
    return base if base in CATALOGUE and CATALOGUE[base].kind == "histogram" else name


@pytest.mark.parametrize("name", sorted(LABELS))
def test_a_metric_has_its_line_with_its_labels(name: str) -> None:
    (line,) = [line for line in OPERATIONS.splitlines() if line.startswith(f"| `{name}`")]
    assert re.findall(r"`(\w+)`", line.split("|")[2]) == list(LABELS[name])


def test_the_page_names_no_other() -> None:
    assert {_known(name) for name in _NAME.findall(OPERATIONS)} <= LABELS.keys()


def _calls() -> Iterator[tuple[str, ast.Call]]:
    for path in (ROOT / "gateway").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or not node.args:
                continue
            name = getattr(node.args[0], "value", "")
            if node.func.attr in {"count", "observe", "set"} and str(name).startswith("gateway_"):
                yield str(name), node


def test_what_the_code_counts_is_in_the_catalogue_with_these_labels() -> None:
    calls = list(_calls())
    assert len(calls) >= 15
    for name, call in calls:
        metric = CATALOGUE[name]
        assert isinstance(call.func, ast.Attribute)
        assert call.func.attr == {"counter": "count", "gauge": "set", "histogram": "observe"}[metric.kind], name
        assert sorted(str(keyword.arg) for keyword in call.keywords) == sorted(metric.labels), name


def _expressions(path: Path) -> list[str]:
    if path.suffix == ".json":
        board = json.loads(path.read_text(encoding="utf-8"))
        return [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    groups = yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]
    return [rule["expr"] for group in groups for rule in group["rules"]]


@pytest.mark.parametrize("name", ["grafana.json", "alerts.yaml"])
def test_an_expression_asks_for_metrics_and_labels_that_exist(name: str) -> None:
    expressions = _expressions(MONITORING / name)
    assert len(expressions) > 10
    for expression in expressions:
        names = {_known(found) for found in _NAME.findall(expression)}
        assert names <= LABELS.keys(), expression
        labels = {label for each in names for label in LABELS[each]} | {"le"}
        for _, selected in _SELECTED.findall(expression):
            assert set(re.findall(r"(\w+)\s*[=!]", selected)) <= labels, expression
        for grouped in re.findall(r"by \(([^)]*)\)", expression):
            assert {label.strip() for label in grouped.split(",")} <= labels, expression


def test_the_board_shows_every_metric_or_an_alert_watches_it() -> None:
    asked = " ".join(_expressions(MONITORING / "grafana.json") + _expressions(MONITORING / "alerts.yaml"))
    assert {_known(name) for name in _NAME.findall(asked)} == LABELS.keys()
