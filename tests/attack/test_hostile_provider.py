"""A provider that answers wrongly, seen by the person: one page, one button that starts again, no session."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest

from gateway.sandbox.franceconnect import Faults
from gateway.sandbox.identities import MATCHING
from tests.world import World


def _with_header(token: str, **header: Any) -> str:
    head = base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=").decode()
    return ".".join([head, *token.split(".")[1:]])


def _id_token(**changes: Any) -> Callable[[Faults], None]:
    def apply(faults: Faults) -> None:
        faults.id_token = lambda claims: {n: v for n, v in (claims | changes).items() if v is not ...}

    return apply


def _raw(change: Callable[[str], str]) -> Callable[[Faults], None]:
    def apply(faults: Faults) -> None:
        faults.id_token_raw = change

    return apply


def _userinfo(
    change: Callable[[str], str] | None = None, kind: str = "application/jwt", **changes: Any
) -> Callable[[Faults], None]:
    def apply(faults: Faults) -> None:
        faults.userinfo = lambda claims: claims | changes
        faults.userinfo_raw = change
        faults.userinfo_type = kind

    return apply


WRONG = [
    pytest.param(_id_token(nonce="x" * 64), id="another nonce"),
    pytest.param(_id_token(nonce=...), id="no nonce"),
    pytest.param(_id_token(iss="https://evil.example"), id="another issuer"),
    pytest.param(_id_token(aud="other"), id="another audience"),
    pytest.param(_id_token(exp=1), id="expired"),
    pytest.param(_id_token(iat=4_000_000_000), id="from the future"),
    pytest.param(_id_token(sub=...), id="no subject"),
    pytest.param(_id_token(acr="eidas9"), id="an unknown level"),
    pytest.param(_id_token(acr=...), id="no level"),
    pytest.param(_id_token(sub="b" * 66), id="another subject than userinfo's"),
    pytest.param(_raw(lambda token: token[:-4] + "AAAA"), id="a signature that fails"),
    pytest.param(_raw(lambda token: _with_header(token, alg="none")), id="alg none"),
    pytest.param(_raw(lambda token: _with_header(token, alg="HS256")), id="alg HS256"),
    pytest.param(_raw(lambda token: _with_header(token, alg="ES256", kid="other")), id="an unknown key"),
    pytest.param(_raw(lambda token: _with_header(token, alg="ES256", crit=["x"])), id="a critical header"),
    pytest.param(_raw(lambda token: "a.b"), id="no token at all"),
    pytest.param(_userinfo(sub="b" * 66), id="userinfo about somebody else"),
    pytest.param(_userinfo(aud="other"), id="userinfo for another client"),
    pytest.param(_userinfo(exp=1), id="userinfo expired"),
    pytest.param(_userinfo(family_name="A\r\nX-Auth-User: admin"), id="a claim with a line break"),
    pytest.param(_userinfo(family_name=["DUBOIS"]), id="a claim of another kind"),
    pytest.param(_userinfo(kind="application/json"), id="userinfo as JSON"),
    pytest.param(_userinfo(lambda token: token[:-4] + "AAAA"), id="userinfo whose signature fails"),
    pytest.param(_userinfo(lambda token: _with_header(token, alg="none")), id="userinfo with alg none"),
]


@pytest.mark.parametrize("go_wrong", WRONG)
def test_a_wrong_answer_ends_on_a_page_that_starts_again(world: World, go_wrong: Callable[[Faults], None]) -> None:
    go_wrong(world.franceconnect.faults)
    person = world.person()
    page = world.sign_in(person, "/cantine/", MATCHING)
    assert page.status == 400
    assert ("Recommencer", "/_gateway/login?return_to=%2Fcantine%2F") in page.links
    assert "justificatif" in page.text
    assert "gateway-session" not in person.client.cookies
    assert world.api.calls == 0
    assert "DUBOIS" not in page.text + world.written()


def test_the_right_answer_signs_in(world: World) -> None:
    person = world.person()
    assert world.sign_in(person, "/cantine/", MATCHING).status == 200
    assert "gateway-session" in person.client.cookies


@pytest.mark.parametrize("status", [500, 503])
def test_a_provider_that_is_down_is_said_to_be_down(world: World, status: int) -> None:
    world.franceconnect.faults.token_status = status
    page = world.sign_in(world.person(), "/cantine/", MATCHING)
    assert page.status == 503
    assert "ne répond pas" in page.text
    assert "justificatif" in page.text
