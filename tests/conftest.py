"""Shared by every test: asyncio only, and a bounded, repeatable Hypothesis."""

import os
from functools import cache

import pytest
from httpx._transports import default as transports
from hypothesis import HealthCheck, settings

from tests.world import lanes

# Each of a thousand clients would read the authorities of the whole world again: a seventh of the suite's time.
transports.create_ssl_context = cache(transports.create_ssl_context)  # type: ignore[attr-defined]

settings.register_profile("test", max_examples=100, deadline=None, derandomize=True)
settings.register_profile("verify", max_examples=5_000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "test"))


@pytest.fixture(params=["quick lane", "ASGI"])
def lane(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run the test twice: through the quick lane, and through the Starlette application alone."""
    monkeypatch.setattr(lanes, "quick", request.param == "quick lane")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"
