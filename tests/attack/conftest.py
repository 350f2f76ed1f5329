from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.world import World, running


@pytest.fixture
def world(tmp_path: Path, lane: None) -> Iterator[World]:
    with running(tmp_path) as started:
        yield started
