from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fronted import Fronted, gateway_at
from tests.world import World, running


@pytest.fixture
def world(tmp_path: Path, lane: None) -> Iterator[World]:
    with running(tmp_path) as started:
        yield started


@pytest.fixture(scope="module", params=[True, False], ids=["quick lane", "ASGI"])
def kept_gateway(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fronted]:
    """One gateway for a module, once with the quick lane and once without: no rule may hold in one of them only."""
    with gateway_at(tmp_path_factory.mktemp("gateway"), quick_lane=request.param) as started:
        yield started


@pytest.fixture
def fronted(kept_gateway: Fronted) -> Fronted:
    kept_gateway.forget()
    return kept_gateway
