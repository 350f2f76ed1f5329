"""Cookies as a hostile browser sends them."""

import pytest

from gateway.core.model import SessionId
from gateway.web.cookies import Cookies, new_session_id

OLD, NEW = b"o" * 64, b"n" * 64
COOKIES = Cookies("https://ville.example", [OLD, NEW])
ID = SessionId("a" * 64)


def _pair(cookie: str) -> bytes:
    return cookie.partition(";")[0].encode()


SIGNED = _pair(COOKIES.set_session(ID))


def test_the_cookie_that_was_set_is_read_back() -> None:
    assert COOKIES.session_id([SIGNED]) == ID
    assert COOKIES.session_id([b"a=1; " + SIGNED + b"; b=2"]) == ID
    assert COOKIES.browser([_pair(COOKIES.set_browser("b" * 64))]) == "b" * 64


def test_attributes_follow_from_the_public_address() -> None:
    assert COOKIES.set_session(ID).endswith("; Path=/; HttpOnly; SameSite=Lax; Secure")
    assert COOKIES.set_session(ID).startswith("__Host-gateway-session=")
    plain = Cookies("http://localhost:8000", [NEW])
    assert plain.set_session(ID).startswith("gateway-session=")
    assert "Secure" not in plain.set_session(ID)
    assert "Max-Age=0" in COOKIES.clear_session()


def test_the_newest_secret_signs_and_every_one_verifies() -> None:
    assert COOKIES.session_id([_pair(Cookies("https://ville.example", [OLD]).set_session(ID))]) == ID
    assert Cookies("https://ville.example", [OLD]).session_id([SIGNED]) is None


@pytest.mark.parametrize(
    "header",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(SIGNED + b"; " + SIGNED, id="twice"),
        pytest.param(SIGNED[:-1], id="a signature that is cut"),
        pytest.param(SIGNED.replace(b"aaaa", b"aaab", 1), id="another id"),
        pytest.param(b"__Host-gateway-session=" + b"a" * 64, id="no signature"),
        pytest.param(b"gateway-session=" + SIGNED.partition(b"=")[2], id="another name"),
        pytest.param(b"__host-gateway-session=" + SIGNED.partition(b"=")[2], id="another case"),
        pytest.param(SIGNED.replace(b"=", b'="', 1) + b'"', id="quoted"),
        pytest.param(b"\xff\xfe" + SIGNED, id="bytes before"),
        pytest.param(b"=" * 60_000, id="endless"),
        pytest.param(
            _pair(COOKIES.set_browser("a" * 64)).replace(b"browser", b"session"), id="the other cookie's signature"
        ),
    ],
)
def test_any_other_cookie_is_nobody(header: bytes) -> None:
    assert COOKIES.session_id([header]) is None


def test_a_form_token_fits_one_bond() -> None:
    token = COOKIES.form_token("b" * 64)
    assert COOKIES.check_form_token(token, "b" * 64)
    assert not COOKIES.check_form_token(token, "c" * 64)
    assert not COOKIES.check_form_token("", "b" * 64)
    assert not COOKIES.check_form_token("é", "b" * 64)


def test_a_new_id_is_what_was_drawn() -> None:
    assert new_session_id(lambda: "f" * 64) == "f" * 64


def test_both_spellings_of_our_names_are_kept_from_the_application() -> None:
    assert {
        b"__Host-gateway-agent",
        b"gateway-agent",
        b"gateway-session",
        b"__Host-gateway-session",
        b"gateway-browser",
        b"__Host-gateway-browser",
        b"gateway-language",
        b"__Host-gateway-language",
    } == COOKIES.names
