"""Asking a gateway's admin listener, as Prometheus does."""

from pathlib import Path

import httpx
from prometheus_client.parser import text_string_to_metric_families

ADMIN = {"sessions:": "admin: {listen: unix:admin.sock}\nsessions:"}
"""A change of the shipped configuration."""

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def scrape(folder: Path, path: str = "/metrics") -> httpx.Response:
    with httpx.Client(transport=httpx.HTTPTransport(uds=str(folder / "admin.sock")), base_url="http://admin") as client:
        return client.get(path)


def parsed(text: str) -> Samples:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def total(samples: Samples, name: str, **labels: str) -> float:
    """The sum of the series that bear these labels."""
    wanted = set(labels.items())
    return sum(value for (found, pairs), value in samples.items() if found == name and wanted <= set(pairs))


def counted(folder: Path, name: str, **labels: str) -> float:
    answer = scrape(folder)
    assert answer.status_code == 200
    return total(parsed(answer.text), name, **labels)
