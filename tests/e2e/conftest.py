"""The browser, and the two gateways whose pages are looked at: one for each file of tests."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.e2e.chromium import started
from tests.e2e.pages import sites
from tests.world import World


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with started() as chromium:
        yield chromium


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[bool, World]]:
    """By whether agents have one too."""
    with sites(tmp_path_factory.mktemp("worlds")) as started_worlds:
        yield started_worlds
