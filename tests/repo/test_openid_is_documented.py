"""docs/openid.md names every module that is played, every key, and nothing that does not exist."""

import re

import pytest

from gateway.config.provider_models import ProviderModel
from gateway.relying_party.profiles import PROFILES
from tests.world import ROOT

TEXT = (ROOT / "docs" / "openid.md").read_text(encoding="utf-8")
PLAYED = set(
    re.findall(
        r"\btest_oidcc_client_test\w*",
        "".join(
            (ROOT / "tests" / "attack" / f"test_rp_{name}.py").read_text("utf-8") for name in ("conformance", "logout")
        ),
    )
)
BESIDES = frozenset(
    f"test_oidcc_client_test_{name}"
    for name in ("missing_iss", "secondary_aud", "old_iat", "expired", "missing_exp", "userinfo_missing_sub",
                 "userinfo_is_an_object_of_json")
)  # fmt: skip
"""Plays of FAPI and of our own under the same beginning; the page speaks of them in a sentence."""


def test_every_module_that_is_played_is_in_the_table_and_every_one_in_the_table_is_played() -> None:
    told = set(re.findall(r"`(test_oidcc_client_test\w*)`", TEXT))
    assert told == PLAYED - BESIDES
    assert len(told) == 44


@pytest.mark.parametrize("key", sorted(ProviderModel.model_fields))
def test_a_key_of_a_provider_is_in_the_page(key: str) -> None:
    assert f"`{key}`" in TEXT or f"`{key}:" in TEXT


@pytest.mark.parametrize("profile", sorted(PROFILES))
def test_a_profile_is_in_the_page(profile: str) -> None:
    assert profile in TEXT
