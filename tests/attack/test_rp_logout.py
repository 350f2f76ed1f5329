"""The logout modules of the OpenID Foundation's relying-party suite, by name, in the strict reading."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from joserfc.jwk import ECKey, RSAKey

from gateway.adapters.logs import configure_logging
from gateway.adapters.oidc.provider import OidcProvider
from gateway.adapters.sessions import ended
from gateway.adapters.sessions.sealed import SealedSessions
from gateway.adapters.sessions.spent import SpentTokens
from gateway.adapters.sessions.sqlite import SqliteRecords
from gateway.core.errors import DependencyFailed
from gateway.core.model import LoginTransaction
from gateway.ports import SignedIn
from tests.agents import AGENT, STRANGER, Office, office
from tests.browser import Page, Person
from tests.openid import CLIENT_ID, LOGOUT_EVENT, SECRET, SID, SUB, Agents, agents, b64, hmac_signature, signature


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Agents]:
    with agents(tmp_path_factory.mktemp("rp")) as started:
        yield started


@pytest.fixture
def op(kept: Agents) -> Agents:
    kept.provider.reset()
    configure_logging(kept.world.logs)
    kept.clock.ahead_s += 700
    return kept


def _leave(op: Agents) -> tuple[Person, Page]:
    person, page = op.sign_in()
    assert page.status == 200
    return person, person.press(person.visit("/_gateway/logout"), "Se déconnecter")


def test_oidcc_client_test_rp_init_logout(op: Agents) -> None:
    person, page = _leave(op)
    asked = op.provider.seen.end[-1]
    assert asked["post_logout_redirect_uri"] == f"{op.world.url}/_gateway/logged-out"
    assert asked["client_id"] == CLIENT_ID
    assert asked["id_token_hint"].count(".") == 2
    assert len(asked["state"]) >= 64
    assert page.status == 200
    assert "Vous êtes déconnecté" in page.text
    assert "peut-être encore connecté" not in page.text
    assert not op.is_signed_in(person)


def test_oidcc_client_test_rp_init_logout_no_state(op: Agents) -> None:
    op.provider.play.end_state = lambda state: None
    _, page = _leave(op)
    assert "peut-être encore connecté" in page.text
    assert '"logout_state_missing"' in op.world.logs.getvalue()


def test_oidcc_client_test_rp_init_logout_other_state(op: Agents) -> None:
    op.provider.play.end_state = lambda state: ("1" if (state or "").startswith("0") else "0") + (state or "")[1:]
    _, page = _leave(op)
    assert page.status == 400
    assert "peut-être encore connecté" in page.text
    assert '"logout_state_other"' in op.world.logs.getvalue()


def test_a_state_counts_in_its_own_browser_and_for_ten_minutes(op: Agents) -> None:
    person, page = _leave(op)
    back = page.path
    assert person.visit(back).status == 200
    assert op.world.person().visit(back).status == 400
    op.clock.ahead_s += 601
    assert person.visit(back).status == 400


def test_a_logout_never_leads_anywhere_that_a_link_names(op: Agents) -> None:
    for target in ("https://evil.example", "//evil.example", "/%5Cevil.example"):
        person, _ = op.sign_in()
        page = person.visit(f"/_gateway/logout?post_logout_redirect_uri={target}&return_to={target}")
        page = person.press(page, "Se déconnecter")
        assert urlsplit(page.url).netloc == urlsplit(op.world.url).netloc
        assert op.provider.seen.end[-1]["post_logout_redirect_uri"] == f"{op.world.url}/_gateway/logged-out"


# --- back channel


def _ends(op: Agents, token: str) -> None:
    """This token ends the session, at once and for whoever still holds its cookie."""
    person, _ = op.sign_in()
    assert op.is_signed_in(person)
    answer = op.post_logout_token(token)
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert not op.is_signed_in(person)


def _ends_nothing(op: Agents, token: str, code: str) -> None:
    """Refused with this code, nothing changed; a true token right after it ends the session."""
    person, _ = op.sign_in()
    answer = op.post_logout_token(token)
    assert answer.status_code == 400, answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json()["code"].startswith(code), answer.text
    assert op.is_signed_in(person)
    assert op.post_logout_token(op.provider.logout_token()).status_code == 200
    assert not op.is_signed_in(person)


def _resigned(op: Agents, head: dict[str, str], sign: object = None) -> str:
    """An honest logout token under another header, signed as told."""
    claims = op.provider.logout_token().split(".")[1]
    message = f"{b64(json.dumps(head).encode())}.{claims}"
    return f"{message}.{sign(message) if callable(sign) else ''}"


def test_oidcc_client_test_rp_backchannel_rpinitlogout(op: Agents) -> None:
    _ends(op, op.provider.logout_token())


def test_oidcc_client_test_rp_backchannel_rpinitlogout_alg_none(op: Agents) -> None:
    _ends_nothing(op, _resigned(op, {"alg": "none", "typ": "logout+jwt"}), "token_")
    head = {"alg": "none", "typ": "logout+jwt"}
    _ends_nothing(op, _resigned(op, head, lambda message: b64(b"x" * 256)), "token_alg")


def test_oidcc_client_test_rp_backchannel_rpinitlogout_wrong_alg(op: Agents) -> None:
    head = {"alg": "HS256", "typ": "logout+jwt"}
    _ends_nothing(op, _resigned(op, head, lambda message: hmac_signature(message, SECRET)), "token_alg")
    key = ECKey.generate_key("P-256")
    op.provider.keys["curve"] = key
    head = {"alg": "ES256", "typ": "logout+jwt", "kid": "curve"}
    _ends_nothing(op, _resigned(op, head, lambda message: signature(message, key)), "token_alg")
    del op.provider.keys["curve"]


def test_oidcc_client_test_rp_backchannel_rpinitlogout_wrong_iss(op: Agents) -> None:
    _ends_nothing(op, op.provider.logout_token(iss="https://evil.example"), "logout_token_provider")


def test_oidcc_client_test_rp_backchannel_rpinitlogout_wrong_aud(op: Agents) -> None:
    _ends_nothing(op, op.provider.logout_token(aud="another-client"), "logout_token_provider")
    _ends_nothing(op, op.provider.logout_token(aud=[CLIENT_ID, "another-client"]), "claim_azp")


def test_oidcc_client_test_rp_backchannel_rpinitlogout_no_event(op: Agents) -> None:
    _ends_nothing(op, op.provider.logout_token(events=...), "logout_token_events")


@pytest.mark.parametrize("events", [{"https://example.org/other": {}}, {LOGOUT_EVENT: True}, [LOGOUT_EVENT], {}])
def test_oidcc_client_test_rp_backchannel_rpinitlogout_wrong_event(op: Agents, events: object) -> None:
    _ends_nothing(op, op.provider.logout_token(events=events), "logout_token_events")


def test_oidcc_client_test_rp_backchannel_rpinitlogout_with_nonce(op: Agents) -> None:
    _ends_nothing(op, op.provider.logout_token(nonce="n" * 32), "logout_token_nonce")


def test_a_logout_token_signed_by_somebody_else_ends_nothing(op: Agents) -> None:
    foreign = RSAKey.generate_key(2048)
    head = {"alg": "RS256", "typ": "logout+jwt", "kid": op.provider.kid or ""}
    _ends_nothing(op, _resigned(op, head, lambda message: signature(message, foreign)), "token_signature")


@pytest.mark.parametrize("name", ["iat", "exp", "jti"])
def test_a_logout_token_that_lacks_a_claim_ends_nothing(op: Agents, name: str) -> None:
    _ends_nothing(op, op.provider.logout_token("logout+jwt", **{name: ...}), f"claim_missing_{name}")


def test_an_old_logout_token_ends_nothing(op: Agents) -> None:
    now = int(op.clock())
    _ends_nothing(op, op.provider.logout_token(exp=now - 60), "claim_exp")
    _ends_nothing(op, op.provider.logout_token(iat=now - 900), "logout_token_iat")


def test_a_logout_token_of_nobody_ends_nothing(op: Agents) -> None:
    _ends_nothing(op, op.provider.logout_token(sub=..., sid=...), "logout_token_nobody")
    _ends_nothing(op, op.provider.logout_token(sub="", sid=...), "claim_type_sub")


def test_a_logout_during_a_callback_ends_the_login_that_it_meets(op: Agents, monkeypatch: pytest.MonkeyPatch) -> None:
    """The provider's session is over before ours begins: nobody would ever end it."""
    real = OidcProvider.exchange

    async def slow(self: OidcProvider, transaction: LoginTransaction, code: str) -> SignedIn:
        signed_in = await real(self, transaction, code)
        told = await asyncio.to_thread(op.post_logout_token, op.provider.logout_token())
        assert told.status_code == 200
        return signed_in

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(OidcProvider, "exchange", slow)
        person, page = op.sign_in()
        assert (page.status, op.is_signed_in(person)) == (400, False)
    person, page = op.sign_in()
    assert (page.status, op.is_signed_in(person)) == (200, True)


def test_a_logout_token_counts_once(op: Agents) -> None:
    token = op.provider.logout_token()
    assert op.post_logout_token(token).status_code == 200
    _ends_nothing(op, token, "logout_token_replayed")


def test_the_retry_of_a_logout_that_the_store_failed_ends_the_session_and_only_then_counts(
    op: Agents, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A token spent before its work is done would leave the session open for good: the provider's retry is a replay."""
    person, _ = op.sign_in()
    token = op.provider.logout_token()

    async def down(self: SealedSessions, **named: str) -> int:
        raise DependencyFailed("session-store", "session_store_unavailable", 503)

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(SealedSessions, "revoke", down)
        answer = op.post_logout_token(token)
        assert (answer.status_code, answer.json()["code"]) == (400, "session_store_unavailable")
    assert op.is_signed_in(person)
    assert op.post_logout_token(token).status_code == 200
    assert not op.is_signed_in(person)
    _ends_nothing(op, token, "logout_token_replayed")


def test_a_logout_token_that_could_not_be_written_down_as_spent_may_come_again(
    op: Agents, monkeypatch: pytest.MonkeyPatch
) -> None:
    person, _ = op.sign_in()
    token = op.provider.logout_token()

    async def down(self: SpentTokens, provider: str, jti: str) -> None:
        raise DependencyFailed("session-store", "session_store_unavailable", 503)

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(SpentTokens, "spend", down)
        assert op.post_logout_token(token).status_code == 400
    assert not op.is_signed_in(person)
    assert op.post_logout_token(token).status_code == 200
    _ends_nothing(op, token, "logout_token_replayed")


def test_an_id_token_is_no_logout_token(op: Agents) -> None:
    tokens: list[str] = []

    def noted(body: dict[str, object]) -> dict[str, object]:
        tokens.append(str(body["id_token"]))
        return body

    op.provider.play.token = noted
    person, _ = op.sign_in()
    assert op.post_logout_token(tokens[0]).status_code == 400
    assert op.is_signed_in(person)


@pytest.mark.parametrize("typ", ["at+jwt", "gw-assert+jwt", "secevent+jwt"])
def test_a_token_of_another_type_ends_nothing(op: Agents, typ: str) -> None:
    _ends_nothing(op, op.provider.logout_token(typ), "token_typ")


@pytest.mark.parametrize("typ", ["logout+jwt", "JWT", None])
def test_a_logout_token_may_say_its_type_or_not(op: Agents, typ: str | None) -> None:
    _ends(op, op.provider.logout_token(typ))


def test_a_logout_names_a_session_a_person_or_both(op: Agents) -> None:
    _ends(op, op.provider.logout_token(sub=...))
    _ends(op, op.provider.logout_token(sid=...))
    person, _ = op.sign_in()
    for other in (
        {"sid": "another-session", "sub": ...},
        {"sub": "somebody-else", "sid": ...},
        {"sub": "somebody-else"},
    ):
        assert op.post_logout_token(op.provider.logout_token(**other)).status_code == 200
        assert op.is_signed_in(person), other


def test_unknown_keys_make_us_fetch_once_a_minute_at_most(op: Agents) -> None:
    op.sign_in()
    op.clock.ahead_s += 61
    fetched = op.provider.seen.jwks
    claims = op.provider.logout_token().split(".")[1]
    for number in range(40):
        head = b64(json.dumps({"alg": "RS256", "kid": f"unknown-{number}"}).encode())
        assert op.post_logout_token(f"{head}.{claims}.{b64(bytes(256))}").status_code == 400
    assert op.provider.seen.jwks == fetched + 1


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        ({"data": {"other": "x"}}, 400),
        ({"data": {"logout_token": ""}}, 400),
        ({"data": {"logout_token": "a.b.c"}}, 400),
        ({"content": b"logout_token=a&logout_token=b"}, 400),
        ({"json": {"logout_token": "x"}}, 415),
        ({"data": {"logout_token": "x" * 20_000}}, 413),
    ],
)
def test_what_is_no_logout_request_is_refused(op: Agents, request_: dict[str, object], status: int) -> None:
    headers = {"content-type": "application/x-www-form-urlencoded"} if "content" in request_ else {}
    url = f"{op.world.url}/_gateway/backchannel-logout"
    answer = httpx.post(url, headers=headers, trust_env=False, **request_)  # type: ignore[arg-type]
    assert answer.status_code == status
    assert "no-store" in answer.headers["cache-control"]
    assert httpx.get(url, trust_env=False).status_code == 405


# --- front channel


def _frame(op: Agents, **query: str) -> httpx.Response:
    """The provider's page loads ours in a frame: no cookie of ours arrives there."""
    return httpx.get(f"{op.world.url}/_gateway/frontchannel-logout", params=query, trust_env=False)


def test_oidcc_client_test_rp_frontchannel_rpinitlogout(op: Agents) -> None:
    person, _ = op.sign_in()
    answer = _frame(op, iss=op.provider.issuer, sid=SID)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    origin = op.provider.issuer.removesuffix("/op")
    assert answer.headers["content-security-policy"] == f"default-src 'none'; frame-ancestors {origin}"
    assert not op.is_signed_in(person)


def test_oidcc_client_test_rp_frontchannel_opinitlogout(op: Agents) -> None:
    """The provider begins: every session of its own session ends, in whichever browser."""
    people = [op.sign_in()[0] for _ in range(2)]
    assert _frame(op, iss=op.provider.issuer, sid=SID).status_code == 200
    assert not any(op.is_signed_in(person) for person in people)


def test_a_frame_that_does_not_name_issuer_and_session_ends_nothing(op: Agents) -> None:
    person, _ = op.sign_in()
    issuer = op.provider.issuer
    for query in (
        {},
        {"iss": issuer},
        {"sid": SID},
        {"iss": "https://evil.example", "sid": SID},
        {"iss": issuer, "sid": ""},
    ):
        answer = _frame(op, **query)
        assert answer.status_code == 400, query
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert _frame(op, iss=issuer, sid="another-session").status_code == 200
    assert op.is_signed_in(person)
    assert _frame(op, iss=issuer, sid=SID).status_code == 200
    assert not op.is_signed_in(person)


def test_frames_that_anybody_opens_take_a_bounded_room(op: Agents, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is noted for logins under way; a flood of invented sessions must not fill the store that sessions live in."""
    monkeypatch.setattr(ended, "UNSIGNED_AT_MOST", 3)
    kept: list[str] = []
    create = SqliteRecords.create

    async def counted(self: SqliteRecords, key: str, *more: Any, **named: Any) -> None:
        kept.append(key)
        await create(self, key, *more, **named)

    person, _ = op.sign_in()
    op.clock.ahead_s += 120
    monkeypatch.setattr(SqliteRecords, "create", counted)
    for number in range(10):
        assert _frame(op, iss=op.provider.issuer, sid=f"invented-{number}").status_code == 200
    assert len(kept) <= 3
    assert op.is_signed_in(person)
    assert _frame(op, iss=op.provider.issuer, sid=SID).status_code == 200
    assert not op.is_signed_in(person), "a session that is there ends all the same"
    before = len(kept)
    assert op.post_logout_token(op.provider.logout_token()).status_code == 200
    assert len(kept) > before, "what is signed is always noted"


def test_no_other_page_may_be_framed(op: Agents) -> None:
    person, _ = op.sign_in()
    for page in ("/_gateway/login", "/_gateway/logout", "/_gateway/mes-donnees", "/_gateway/logged-out"):
        answer = person.client.get(page, follow_redirects=True)
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"], page


def test_nobody_is_named_in_the_log_of_a_logout(op: Agents) -> None:
    op.sign_in()
    op.post_logout_token(op.provider.logout_token())
    _frame(op, iss=op.provider.issuer, sid=SID)
    written = op.world.written()
    assert '"provider_logout"' in written
    assert SUB not in written
    assert SID not in written


def _tell_of_logout(town: Office, uid: str) -> None:
    """ProConnect's own token says `sub`."""
    now = int(town.world.clock())
    claims = {"iss": town.proconnect.issuer, "aud": "sandbox-agents", "iat": now, "exp": now + 60}
    told = claims | {"events": {LOGOUT_EVENT: {}}, "sub": town.proconnect.sub(uid), "jti": uid}
    head = {"alg": "RS256", "typ": "logout+jwt"}
    message = f"{b64(json.dumps(head).encode())}.{b64(json.dumps(told).encode())}"
    token = f"{message}.{signature(message, town.proconnect._key)}"
    url = f"{town.world.url}/_gateway/backchannel-logout"
    assert httpx.post(url, data={"logout_token": token}, trust_env=False).status_code == 200


def test_a_logout_at_the_provider_ends_an_agents_session_too(tmp_path: Path) -> None:
    """Whoever lost their account answers no dispute any more."""
    with office(tmp_path) as town:
        agent = town.agent()
        assert "Se déconnecter" in agent.visit("/_gateway/agents").buttons
        for uid, still in ((STRANGER, True), (AGENT, False)):
            _tell_of_logout(town, uid)
            assert ("Se déconnecter" in agent.visit("/_gateway/agents").buttons) == still


def test_a_logout_while_an_agent_comes_back_from_the_provider_ends_that_login(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = OidcProvider.exchange
    with office(tmp_path) as town:

        async def slow(self: OidcProvider, transaction: LoginTransaction, code: str) -> SignedIn:
            signed_in = await real(self, transaction, code)
            await asyncio.to_thread(_tell_of_logout, town, AGENT)
            return signed_in

        with monkeypatch.context() as meanwhile:
            meanwhile.setattr(OidcProvider, "exchange", slow)
            agent = town.agent()
        assert "Se déconnecter" not in agent.visit("/_gateway/agents").buttons
        assert "Se déconnecter" in town.sign_in(agent).buttons


def test_an_agent_who_leaves_is_told_so_and_a_forged_way_back_is_noticed(tmp_path: Path) -> None:
    with office(tmp_path) as town:
        agent = town.agent()
        page = agent.press(agent.visit("/_gateway/agents"), "Se déconnecter")
        assert page.status == 200
        assert "peut-être encore connecté" not in page.text
        assert "state=" in page.path
        assert agent.visit(page.path.replace("state=", "state=0")).status == 400
