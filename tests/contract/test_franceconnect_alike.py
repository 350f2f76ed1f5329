"""One contract for the sandbox's FranceConnect and for `oidc-provider` configured like it: the sandbox is not the kinder.

Everything goes over HTTP. Where the two are known to differ, the case says what each may do.
"""

import base64
import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx
import pytest
from joserfc import jws
from joserfc.jwk import ECKey, KeySet, OctKey, RSAKey

from gateway.adapters.chance import new_token
from gateway.relying_party.client_auth import client_jwk
from gateway.sandbox.franceconnect import SandboxClient, SandboxFranceConnect
from gateway.sandbox.franceconnect.rules import CLAIMS_OF
from gateway.sandbox.identities import MATCHING, identities
from tests.browser import Form, read
from tests.providers.pages import sent_by_script
from tests.providers.processes import oidc_provider
from tests.providers.setups import franceconnect_setup
from tests.world import MovedClock, bound_sockets, served

CALLBACK = "https://ville.example/_gateway/callback"
GOODBYE = "https://ville.example/_gateway/logged-out"
SECRET = "s" * 64
WITHHELD = "cnaf_adresse"
CLIENT = SandboxClient("client", SECRET, (CALLBACK,), (GOODBYE,), scopes=frozenset(CLAIMS_OF) - {WITHHELD})
OTHER = SandboxClient("other-client", SECRET, (CALLBACK,), (GOODBYE,))
KEY, STRANGE_KEY = (ECKey.generate_key("P-256") for _ in range(2))
KEYED = SandboxClient(
    "keyed-client", SECRET, (CALLBACK,), (GOODBYE,), jwks={"keys": [client_jwk(KEY.as_pem(private=True))]}
)
CLIENTS = [CLIENT, OTHER, KEYED]
ASKED = {
    "client_id": "client",
    "redirect_uri": CALLBACK,
    "response_type": "code",
    "scope": "openid identite_pivot cnaf_quotient_familial",
    "state": "5" * 64,
    "nonce": "n" * 64,
    "acr_values": "eidas1",
}


@dataclass
class FranceConnect:
    issuer: str
    move_clock: Callable[[float], None]
    introspect: Callable[[str], tuple[str, set[str]] | None]
    """What a data provider learns of an access token: its client and scopes."""
    browsers: "list[Browser]" = field(default_factory=list)

    def browser(self) -> "Browser":
        self.browsers.append(Browser(self))
        return self.browsers[-1]


class Browser:
    """A person at FranceConnect, who stops where they would leave it."""

    def __init__(self, fc: FranceConnect) -> None:
        self.fc = fc
        self.http = httpx.Client(trust_env=False, timeout=30, headers={"accept": "text/html"})

    def follow(self, answer: httpx.Response) -> httpx.Response:
        """Redirects, and forms that a script would send, inside FranceConnect alone."""
        for _ in range(10):
            if answer.is_redirect:
                target = urljoin(str(answer.url), answer.headers["location"])
                if not target.startswith(self.fc.issuer):
                    return answer
                answer = self.http.get(target)
                continue
            form = sent_by_script(read(answer))
            if form is None:
                return answer
            answer = self.send(answer, form)
        raise AssertionError("ten steps and still there")

    def send(self, page: httpx.Response, form: Form, **fields: str) -> httpx.Response:
        return self.http.post(urljoin(str(page.url), form.action), data=form.fields | fields)

    def authorize(self, **changes: Any) -> httpx.Response:
        return self.follow(self.http.get(f"{self.fc.issuer}/authorize", params=_changed(ASKED, changes)))

    def choose(self, page: httpx.Response, login: str = MATCHING) -> httpx.Response:
        form = next(form for form in read(page).forms if any(login == value for _, _, value in form.buttons))
        return self.follow(self.send(page, form, login=login))

    def confirm(self, page: httpx.Response) -> httpx.Response:
        (form,) = read(page).forms
        (_, name, value) = form.buttons[0]
        return self.follow(self.send(page, form, **({name: value} if name else {})))

    def code(self, login: str = MATCHING, **changes: Any) -> str:
        answer = self.confirm(self.choose(self.authorize(**changes), login))
        assert answer.is_redirect, answer.text
        return returned(answer)["code"]

    def redeem(self, issued: str, /, **changes: Any) -> httpx.Response:
        form = {
            "grant_type": "authorization_code",
            "code": issued,
            "redirect_uri": CALLBACK,
            "client_id": "client",
            "client_secret": SECRET,
        }
        headers = changes.pop("headers", {"accept": "application/json"})
        return httpx.post(
            f"{self.fc.issuer}/token", data=_changed(form, changes), headers=headers, trust_env=False, timeout=30
        )

    def signed_in(self, login: str = MATCHING, **changes: Any) -> dict[str, Any]:
        answer = self.redeem(self.code(login, **changes))
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def userinfo(self, token: str | None, method: str = "GET") -> httpx.Response:
        headers = {"accept": "application/json"} | ({"authorization": f"Bearer {token}"} if token else {})
        return httpx.request(method, f"{self.fc.issuer}/userinfo", headers=headers, trust_env=False, timeout=30)

    def leave(self, **asked: str) -> httpx.Response:
        return self.follow(self.http.get(f"{self.fc.issuer}/session/end", params=asked))


def _changed(before: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in (before | changes).items() if value is not ...}


def returned(answer: httpx.Response) -> dict[str, str]:
    """What comes back to the service, wherever the address carries it."""
    assert answer.status_code in {302, 303}, answer.text
    address = urlsplit(answer.headers["location"])
    assert answer.headers["location"].startswith(CALLBACK)
    return {name: values[0] for name, values in parse_qs(address.query or address.fragment).items()}


def payload(token: str) -> dict[str, Any]:
    return dict(json.loads(_segment(token, 1)))


def _segment(token: str, index: int) -> bytes:
    text = token.split(".")[index]
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@contextmanager
def _sandbox(folder: Path) -> Iterator[FranceConnect]:
    (own,) = bound_sockets(1)
    issuer = f"http://127.0.0.1:{own.getsockname()[1]}/api/v2"
    clock = MovedClock()
    simulated = SandboxFranceConnect(issuer, CLIENTS, clock, new_token)

    def introspect(token: str) -> tuple[str, set[str]] | None:
        found = simulated.introspect(token)
        return (found.client_id, set(found.scopes)) if found else None

    with served([(simulated.app, own)]):
        yield FranceConnect(issuer, lambda ahead_s: setattr(clock, "ahead_s", ahead_s), introspect)


@contextmanager
def _oidc_provider(folder: Path) -> Iterator[FranceConnect]:
    (own,) = bound_sockets(1)
    issuer = f"http://127.0.0.1:{own.getsockname()[1]}/api/v2"
    with own, oidc_provider(folder, issuer, franceconnect_setup(CLIENTS)) as provider:

        def introspect(token: str) -> tuple[str, set[str]] | None:
            found = provider.introspected(token)
            return (found["client_id"], set(found["scope"].split())) if found else None

        yield FranceConnect(issuer, provider.move_clock, introspect)


@pytest.fixture(scope="module", params=[_sandbox, _oidc_provider], ids=["sandbox", "oidc-provider"])
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FranceConnect]:
    with request.param(tmp_path_factory.mktemp("franceconnect")) as fc:
        yield fc


@pytest.fixture
def fc(running: FranceConnect) -> Iterator[FranceConnect]:
    running.move_clock(0)
    yield running
    while running.browsers:
        running.browsers.pop().http.close()


# --- the authorization request


@pytest.mark.parametrize("name", sorted(ASKED))
def test_each_missing_or_empty_parameter_is_a_page_and_no_redirect(fc: FranceConnect, name: str) -> None:
    for value in (..., ""):
        page = fc.browser().authorize(**{name: value})
        assert page.status_code == 400
        assert "Y030007" in page.text


@pytest.mark.parametrize(
    "changes",
    [
        {"code_challenge": "x" * 43, "code_challenge_method": "S256"},
        {"login_hint": "a"},
        {"max_age": "0"},
        {"display": "page"},
        {"id_token_hint": "a.b.c"},
        {"response_mode": "query"},
        {"request": "a.b.c"},
        {"request_uri": "https://ville.example/request"},
        {"resource": "https://ville.example"},
        {"utm_source": "x"},
        {"nonce": "n" * 21},
        {"prompt": "none"},
        {"prompt": "login none"},
        {"prompt": "select_account"},
        {"prompt": ""},
        {"scope": "profile"},
        {"scope": "openidx"},
        {"state": ["a", "b"]},
        {"client_id": ["client", "client"]},
        {"redirect_uri": "ville.example/_gateway/callback"},
        {"claims": "{"},
        {"claims": "[1"},
    ],
    ids=[
        *("pkce", "login_hint", "max_age", "display", "id_token_hint", "response_mode", "request", "request_uri"),
        *("resource", "vendor", "short nonce", "prompt none", "prompt login none", "select_account", "empty prompt"),
        *(
            "no openid",
            "openidx",
            "two states",
            "two clients",
            "no address",
            "claims that are no JSON",
            "claims cut short",
        ),
    ],
)
def test_the_list_of_parameters_is_closed(fc: FranceConnect, changes: dict[str, Any]) -> None:
    page = fc.browser().authorize(**changes)
    assert page.status_code == 400
    assert "Y030007" in page.text


@pytest.mark.parametrize(
    "changes",
    [
        {"prompt": "login"},
        {"prompt": "login consent"},
        {"ui_locales": "fr"},
        {"nonce": "n" * 22},
        {"nonce": "@#&" * 22 + "x"},
        {"state": "x"},
        {"acr_values": "eidas2 eidas1"},
        {"acr_values": "gold"},
        {"scope": "openid nothing_known"},
        {"claims": '{"id_token":{}}'},
    ],
    ids=[
        *("login", "login consent", "ui_locales", "nonce of 22", "nonce of signs", "short state", "two levels"),
        *("unknown level", "unknown scope", "claims"),
    ],
)
def test_what_franceconnect_tolerates_is_tolerated(fc: FranceConnect, changes: dict[str, Any]) -> None:
    page = fc.browser().authorize(**changes)
    assert page.status_code == 200
    assert "Choisir une identité" in page.text


def test_a_request_may_be_posted(fc: FranceConnect) -> None:
    browser = fc.browser()
    page = browser.follow(browser.http.post(f"{fc.issuer}/authorize", data=ASKED))
    assert "Choisir une identité" in page.text
    refused = browser.http.post(f"{fc.issuer}/authorize", data=ASKED | {"max_age": "1"})
    assert (refused.status_code, "Y030007" in refused.text) == (400, True)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"client_id": "unknown"}, "Y04EA6EF"),
        ({"redirect_uri": CALLBACK + "/"}, "Y04C013C"),
        ({"redirect_uri": CALLBACK + "?a=b"}, "Y04C013C"),
        ({"redirect_uri": CALLBACK.upper().replace("HTTPS", "https")}, "Y04C013C"),
        ({"redirect_uri": "https://evil.example/"}, "Y04C013C"),
        ({"claims": '{"id_token":{"amr":{"essential":true}}}'}, "Y100009"),
    ],
    ids=["unknown client", "slash", "query", "capitals", "elsewhere", "amr"],
)
def test_what_must_not_be_redirected_is_a_page_with_its_code(
    fc: FranceConnect, changes: dict[str, Any], code: str
) -> None:
    page = fc.browser().authorize(**changes)
    assert page.status_code == 400
    assert code in page.text


@pytest.mark.parametrize(
    ("changes", "error", "description"),
    [
        ({"response_type": "token"}, "unsupported_response_type", "unsupported response_type requested"),
        ({"response_type": "code id_token"}, "unsupported_response_type", "unsupported response_type requested"),
        (
            {"acr_values": "eidas3 eidas2"},
            "invalid_acr",
            "acr_value is not valid, should be equal one of these values, expected eidas1, got eidas2",
        ),
        ({"idp_hint": "x"}, "invalid_idp_hint", "An idp_hint was provided but is not allowed"),
        ({"scope": f"openid {WITHHELD}"}, "invalid_scope", "requested scope is not allowed"),
    ],
    ids=["token", "hybrid", "level", "idp_hint", "scope"],
)
def test_other_errors_come_back_with_state_and_issuer(
    fc: FranceConnect, changes: dict[str, Any], error: str, description: str
) -> None:
    answer = fc.browser().authorize(**changes)
    query = returned(answer)
    found = (query["error"], query["error_description"], query["state"], query["iss"])
    assert found == (error, description, "5" * 64, fc.issuer)
    assert query.get("scope") == (WITHHELD if error == "invalid_scope" else None)
    in_fragment = "token" in changes.get("response_type", "")
    assert bool(urlsplit(answer.headers["location"]).fragment) is in_fragment


def test_the_person_who_goes_back_is_access_denied(fc: FranceConnect) -> None:
    browser = fc.browser()
    page = browser.authorize()
    ((_, href),) = [link for link in read(page).links if "Revenir" in link[0]]
    query = returned(browser.follow(browser.http.get(urljoin(str(page.url), href))))
    assert query["error_description"] == "User auth aborted"
    assert (query["error"], query["state"], query["iss"]) == ("access_denied", "5" * 64, fc.issuer)


def test_a_success_brings_code_state_and_issuer_in_the_query(fc: FranceConnect) -> None:
    browser = fc.browser()
    answer = browser.confirm(browser.choose(browser.authorize()))
    query = returned(answer)
    assert query.keys() == {"code", "state", "iss"}
    assert (query["state"], query["iss"]) == ("5" * 64, fc.issuer)


def test_a_confirmation_is_pressed_once(fc: FranceConnect) -> None:
    browser = fc.browser()
    page = browser.choose(browser.authorize())
    assert "code" in returned(browser.confirm(page))
    assert browser.confirm(page).status_code in {400, 401}


def test_a_second_login_within_half_an_hour_asks_for_the_confirmation_only(fc: FranceConnect) -> None:
    browser = fc.browser()
    browser.code()
    assert "Vous êtes identifié" in browser.authorize(prompt="login").text
    fc.move_clock(1801)
    assert "Choisir une identité" in browser.authorize().text


# --- tokens


def test_a_token_answer_has_five_members_and_the_id_token_eight_claims_in_order(fc: FranceConnect) -> None:
    browser = fc.browser()
    answer = browser.redeem(browser.code())
    assert "no-store" in answer.headers["cache-control"]
    assert "set-cookie" not in answer.headers
    body = answer.json()
    assert sorted(body) == ["access_token", "expires_in", "id_token", "scope", "token_type"]
    assert (body["expires_in"], body["token_type"], len(body["access_token"])) == (60, "Bearer", 43)
    assert set(body["scope"].split()) == {"openid", "identite_pivot", "cnaf_quotient_familial"}
    assert list(json.loads(_segment(body["id_token"], 0))) == ["alg", "kid"]
    assert json.loads(_segment(body["id_token"], 0)) == {"alg": "ES256", "kid": "pkcs11:ES256:hsm"}
    claims = payload(body["id_token"])
    assert list(claims) == ["sub", "auth_time", "acr", "nonce", "aud", "exp", "iat", "iss"]
    assert re.fullmatch(r"[0-9a-f]{64}v1", claims["sub"])
    assert (claims["nonce"], claims["aud"], claims["iss"], claims["acr"]) == ("n" * 64, "client", fc.issuer, "eidas1")
    assert claims["exp"] == claims["iat"] + 60
    assert type(claims["auth_time"]) is int


def test_the_published_keys_verify_both_tokens(fc: FranceConnect) -> None:
    browser = fc.browser()
    answer = httpx.get(f"{fc.issuer}/jwks", trust_env=False)
    assert answer.headers["content-type"].partition(";")[0] == "application/jwk-set+json"
    document = answer.json()
    described = sorted((key["kid"], key["alg"], key["use"], "d" in key) for key in document["keys"])
    assert described == [("pkcs11:ES256:hsm", "ES256", "sig", False), ("pkcs11:RS256:hsm", "RS256", "sig", False)]
    body = browser.signed_in()
    keys = KeySet.import_key_set(document)
    for token in (body["id_token"], browser.userinfo(body["access_token"]).text):
        assert jws.deserialize_compact(token, keys, algorithms=["ES256"]).payload


def test_userinfo_is_signed_and_holds_what_the_scopes_open(fc: FranceConnect) -> None:
    browser = fc.browser()
    body = browser.signed_in("avec_nom_dusage")
    answer = browser.userinfo(body["access_token"])
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/jwt; charset=utf-8")
    assert list(json.loads(_segment(answer.text, 0))) == ["alg", "kid"]
    claims, id_claims = payload(answer.text), payload(body["id_token"])
    pivot = set(CLAIMS_OF["identite_pivot"]) & set(identities()["avec_nom_dusage"].claims)
    assert set(claims) == pivot | {"sub", "aud", "exp", "iat", "iss"}
    assert {name: claims[name] for name in pivot} == {
        name: identities()["avec_nom_dusage"].claims[name] for name in pivot
    }
    assert (claims["sub"], claims["aud"], claims["iss"]) == (id_claims["sub"], "client", fc.issuer)
    assert claims["exp"] - id_claims["iat"] in {60, 61}


@pytest.mark.parametrize("scope", ["profile", "birth", "given_name", "preferred_username email", "idp_birthdate"])
def test_each_scope_opens_its_claims(fc: FranceConnect, scope: str) -> None:
    browser = fc.browser()
    token = browser.signed_in("avec_nom_dusage", scope=f"openid {scope}")["access_token"]
    known = identities()["avec_nom_dusage"].claims
    opened = {claim for each in scope.split() for claim in CLAIMS_OF[each]} & set(known)
    assert set(payload(browser.userinfo(token).text)) == opened | {"sub", "aud", "exp", "iat", "iss"}


def test_a_scope_that_nobody_knows_is_ignored(fc: FranceConnect) -> None:
    assert fc.browser().signed_in(scope="openid nothing_known")["scope"] == "openid"


def test_the_same_person_is_one_sub_for_one_client_and_another_for_another(fc: FranceConnect) -> None:
    first, second = (payload(fc.browser().signed_in()["id_token"])["sub"] for _ in range(2))
    assert first == second
    browser = fc.browser()
    answer = browser.redeem(browser.code(client_id="other-client"), client_id="other-client")
    assert payload(answer.json()["id_token"])["sub"] != first


def test_a_code_is_used_once_and_its_reuse_kills_the_token(fc: FranceConnect) -> None:
    browser = fc.browser()
    code = browser.code()
    token = browser.redeem(code).json()["access_token"]
    assert browser.userinfo(token).status_code == 200
    again = browser.redeem(code)
    assert _error(again) == (400, "invalid_grant", "grant request is invalid (authorization code already consumed)")
    dead = browser.userinfo(token)
    assert _error(dead) == (401, "invalid_token", "invalid token provided (access token not found)")


@pytest.mark.parametrize(("after_s", "status"), [(25, 200), (32, 400)])
def test_a_code_lives_thirty_seconds(fc: FranceConnect, after_s: int, status: int) -> None:
    browser = fc.browser()
    code = browser.code()
    fc.move_clock(after_s)
    answer = browser.redeem(code)
    assert answer.status_code == status
    assert status == 200 or answer.json()["error"] == "invalid_grant"


@pytest.mark.parametrize(("after_s", "status"), [(25, 200), (33, 401)])
def test_the_grant_lives_thirty_seconds_for_userinfo(fc: FranceConnect, after_s: int, status: int) -> None:
    browser = fc.browser()
    token = browser.signed_in()["access_token"]
    fc.move_clock(after_s)
    answer = browser.userinfo(token)
    assert answer.status_code == status
    assert status == 200 or answer.json()["error"] == "invalid_token"


@pytest.mark.parametrize(("after_s", "known"), [(55, True), (62, False)])
def test_the_token_lives_sixty_seconds_for_data_providers(fc: FranceConnect, after_s: int, known: bool) -> None:
    token = fc.browser().signed_in()["access_token"]
    assert fc.introspect("x" * 43) is None
    fc.move_clock(after_s)
    granted = ("client", {"openid", "identite_pivot", "cnaf_quotient_familial"})
    assert fc.introspect(token) == (granted if known else None)


def _error(answer: httpx.Response) -> tuple[int, str, str]:
    body = answer.json()
    assert re.search(r"fs-technique-erreurs/\?code=Y[0-9A-F]{6,7}&id=[0-9a-f-]{36}$", body["error_uri"])
    return answer.status_code, body["error"], body["error_description"]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"client_secret": "x" * 64},
            (401, "invalid_client", "client authentication failed (invalid secret provided)"),
        ),
        ({"code": "unknown"}, (400, "invalid_grant", "grant request is invalid (authorization code not found)")),
        ({"code": ...}, (400, "invalid_request", "missing required parameter 'code' (undefined)")),
        (
            {"redirect_uri": CALLBACK + "/"},
            (400, "invalid_grant", "grant request is invalid (authorization code redirect_uri mismatch)"),
        ),
    ],
    ids=["secret", "code", "no code", "redirect_uri"],
)
def test_a_token_request_is_refused_in_the_same_words(
    fc: FranceConnect, changes: dict[str, Any], expected: tuple[int, str, str]
) -> None:
    browser = fc.browser()
    assert _error(browser.redeem(browser.code(), **changes)) == expected


@pytest.mark.parametrize(
    ("changes", "errors"),
    [
        ({"client_id": "unknown"}, {(401, "invalid_client")}),
        ({"client_secret": ...}, {(400, "invalid_request"), (401, "invalid_client")}),
        ({"client_id": "other-client"}, {(400, "invalid_grant")}),
        # A library that knows one address takes its absence for that one; nothing says that FranceConnect forbids it.
        ({"redirect_uri": ...}, {(400, "invalid_grant"), (200, None)}),
        (
            {"grant_type": "refresh_token"},
            {(400, "invalid_request"), (400, "unauthorized_client"), (400, "unsupported_grant_type")},
        ),
        ({"grant_type": ...}, {(400, "invalid_request")}),
        ({"code": ["a", "b"]}, {(400, "invalid_request")}),
        (
            {"headers": {"authorization": "Basic Y2xpZW50OnNz", "accept": "application/json"}},
            {(400, "invalid_request")},
        ),
        (
            {"headers": {"content-type": "application/json", "accept": "application/json"}},
            {(400, "invalid_request")},
        ),
    ],
    ids=[
        "client",
        "no secret",
        "other client",
        "no redirect_uri",
        "grant",
        "no grant",
        "two codes",
        "two ways",
        "no form",
    ],
)
def test_a_token_request_is_refused(fc: FranceConnect, changes: dict[str, Any], errors: set[tuple[int, str]]) -> None:
    browser = fc.browser()
    answer = browser.redeem(browser.code(), **changes)
    assert (answer.status_code, answer.json().get("error")) in errors


# --- a key instead of a secret


ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def _assertion(
    fc: FranceConnect, key: ECKey | RSAKey | OctKey = KEY, alg: str = "ES256", kid: str | None = None, **changes: Any
) -> str:
    now = int(time.time())
    claims = {"iss": "keyed-client", "sub": "keyed-client", "aud": fc.issuer, "jti": new_token(), "exp": now + 60}
    payload = json.dumps(_changed(claims | {"iat": now}, changes)).encode()
    head = {"alg": alg} | ({"kid": kid} if kid else {})
    return jws.serialize_compact(head, payload, key, algorithms=[alg])


def _shown(fc: FranceConnect, assertion: str, **changes: Any) -> dict[str, Any]:
    form = {"client_id": "keyed-client", "client_secret": ..., "client_assertion": assertion}
    return form | {"client_assertion_type": ASSERTION_TYPE} | changes


@pytest.mark.parametrize("audience", ["{}", "{}/token", ["https://elsewhere.example", "{}"]])
def test_a_client_shows_what_its_registered_key_signed(fc: FranceConnect, audience: Any) -> None:
    named = [each.format(fc.issuer) for each in audience] if isinstance(audience, list) else audience.format(fc.issuer)
    browser = fc.browser()
    answer = browser.redeem(browser.code(client_id="keyed-client"), **_shown(fc, _assertion(fc, aud=named)))
    assert answer.status_code == 200, answer.text
    assert payload(answer.json()["id_token"])["aud"] == "keyed-client"


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "https://elsewhere.example"},
        {"aud": ["https://elsewhere.example"]},
        {"aud": ...},
        {"iss": "client"},
        {"iss": ...},
        {"sub": "client"},
        {"sub": ...},
        {"exp": 1_000_000_000},
        {"exp": ...},
        {"exp": "tomorrow"},
        {"jti": ...},
        {"jti": ""},
        {"nbf": 4_000_000_000},
        {"key": STRANGE_KEY},
        {"key": RSAKey.generate_key(2048), "alg": "RS256"},
        {"key": OctKey.import_key(SECRET), "alg": "HS256"},
        {"kid": "another"},
    ],
    ids=lambda changes: changes.get("alg") or "strange key" if "key" in changes else str(changes),
)
def test_an_assertion_that_does_not_hold_proves_nothing(fc: FranceConnect, changes: dict[str, Any]) -> None:
    browser = fc.browser()
    code = browser.code(client_id="keyed-client")
    refused = browser.redeem(code, **_shown(fc, _assertion(fc, **changes)))
    assert (refused.status_code, refused.json()["error"]) in {(400, "invalid_request"), (401, "invalid_client")}
    assert browser.redeem(code, **_shown(fc, _assertion(fc))).status_code == 200, "the honest twin"


def test_an_assertion_is_believed_once(fc: FranceConnect) -> None:
    browser, assertion = fc.browser(), _assertion(fc)
    shown = _shown(fc, assertion)
    assert browser.redeem(browser.code(client_id="keyed-client"), **shown).status_code == 200
    code = fc.browser().code(client_id="keyed-client")
    again = browser.redeem(code, **shown)
    assert (again.status_code, again.json()["error"]) == (401, "invalid_client")
    assert browser.redeem(code, **_shown(fc, _assertion(fc))).status_code == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"client_assertion": "a.b.c"},
        {"client_assertion": ...},
        {"client_assertion_type": ...},
        {"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"},
        {"client_secret": SECRET},
        {"client_assertion": ..., "client_assertion_type": ..., "client_secret": ""},
        {"client_assertion": ..., "client_assertion_type": ..., "client_secret": SECRET},
        {"client_id": "client"},
    ],
    ids=["broken", "none", "no type", "another type", "a secret too", "an empty secret", "a secret instead", "client"],
)
def test_a_client_of_a_key_authenticates_with_it_alone(fc: FranceConnect, changes: dict[str, Any]) -> None:
    browser = fc.browser()
    code = browser.code(client_id="keyed-client")
    refused = browser.redeem(code, **(_shown(fc, _assertion(fc)) | changes))
    assert (refused.status_code, refused.json()["error"]) in {(400, "invalid_request"), (401, "invalid_client")}
    assert browser.redeem(code, **_shown(fc, _assertion(fc))).status_code == 200, "the honest twin"


def test_a_client_of_a_secret_shows_no_assertion(fc: FranceConnect) -> None:
    browser = fc.browser()
    code = browser.code()
    shown = _shown(fc, _assertion(fc, iss="client", sub="client"), client_id="client")
    assert browser.redeem(code, **shown).json()["error"] == "invalid_client"
    assert browser.redeem(code).status_code == 200


def test_userinfo_without_a_token_with_a_wrong_one_and_by_post(fc: FranceConnect) -> None:
    browser = fc.browser()
    none = browser.userinfo(None)
    # The library refuses with 400 when no token is there at all; FranceConnect's own sheet says 401.
    assert none.status_code in {400, 401}
    assert _error(browser.userinfo("x" * 43)) == (
        401,
        "invalid_token",
        "invalid token provided (access token not found)",
    )
    token = browser.signed_in()["access_token"]
    assert browser.userinfo(token, "POST").status_code >= 400
    assert browser.userinfo(token).status_code == 200


def test_revocation_takes_three_fields_and_no_other(fc: FranceConnect) -> None:
    browser = fc.browser()
    token = browser.signed_in()["access_token"]
    form = {"token": token, "client_id": "client", "client_secret": SECRET}

    def revoke(**changes: str) -> int:
        return httpx.post(
            f"{fc.issuer}/token/revocation",
            data=form | changes,
            headers={"accept": "application/json"},
            trust_env=False,
        ).status_code

    assert revoke(token_type_hint="access_token") == 400
    assert revoke(token="short") == 400
    assert revoke(client_secret="short") == 400
    assert revoke(client_secret="x" * 64) == 401
    assert browser.userinfo(token).status_code == 200
    assert revoke() == 200
    assert browser.userinfo(token).status_code == 401


# --- leaving


@pytest.mark.parametrize("has_session", [True, False])
def test_logout_returns_with_the_state_even_for_a_hint_that_is_over(fc: FranceConnect, has_session: bool) -> None:
    browser = fc.browser()
    hint = browser.signed_in()["id_token"]
    fc.move_clock(0 if has_session else 7200)
    done = browser.leave(id_token_hint=hint, post_logout_redirect_uri=GOODBYE, state="x")
    assert (done.status_code, done.headers["location"]) == (303, f"{GOODBYE}?state=x")
    assert "Choisir une identité" in browser.authorize().text


def test_logout_without_an_address_ends_at_a_page(fc: FranceConnect) -> None:
    browser = fc.browser()
    hint = browser.signed_in()["id_token"]
    done = browser.leave(id_token_hint=hint, client_id="client", ui_locales="fr")
    assert (done.status_code, "Vous êtes déconnecté" in done.text) == (200, True)
    assert "Choisir une identité" in browser.authorize().text


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"id_token_hint": ...}, "Y030007"),
        ({"id_token_hint": ""}, "Y030007"),
        ({"extra": "x"}, "Y030007"),
        ({"state": ["a", "b"]}, "Y030007"),
        ({"id_token_hint": "a.b.c"}, "Y045AFAE"),
        ({"client_id": "other-client"}, "Y045AFAE"),
        ({"post_logout_redirect_uri": "https://evil.example"}, "Y04CFAEF"),
        ({"post_logout_redirect_uri": GOODBYE + "/"}, "Y04CFAEF"),
    ],
    ids=["no hint", "empty hint", "vendor", "two states", "broken hint", "another client", "elsewhere", "slash"],
)
def test_a_logout_that_is_refused_keeps_the_session(fc: FranceConnect, changes: dict[str, Any], code: str) -> None:
    browser = fc.browser()
    asked = {"id_token_hint": browser.signed_in()["id_token"], "post_logout_redirect_uri": GOODBYE, "state": "x"}
    refused = browser.leave(**_changed(asked, changes))
    assert refused.status_code == 400
    assert code in refused.text
    assert "Vous êtes identifié" in browser.authorize().text


def test_a_logout_whose_hint_was_altered_is_refused(fc: FranceConnect) -> None:
    browser = fc.browser()
    head, body, signature = browser.signed_in()["id_token"].split(".")
    altered = f"{head}.{body}.{signature[::-1]}"
    refused = browser.leave(id_token_hint=altered, post_logout_redirect_uri=GOODBYE)
    assert (refused.status_code, "Y045AFAE" in refused.text) == (400, True)


def test_a_logout_is_not_posted(fc: FranceConnect) -> None:
    browser = fc.browser()
    hint = browser.signed_in()["id_token"]
    answer = browser.http.post(f"{fc.issuer}/session/end", data={"id_token_hint": hint})
    assert answer.status_code in {400, 404, 405}
    assert "Vous êtes identifié" in browser.authorize().text


# --- what is published


def test_the_metadata_say_the_same(fc: FranceConnect) -> None:
    document = httpx.get(f"{fc.issuer}/.well-known/openid-configuration", trust_env=False).json()
    endpoints = {
        "authorization_endpoint": "/authorize",
        "token_endpoint": "/token",
        "userinfo_endpoint": "/userinfo",
        "jwks_uri": "/jwks",
        "end_session_endpoint": "/session/end",
        "revocation_endpoint": "/token/revocation",
    }
    assert {name: document[name] for name in endpoints} == {name: fc.issuer + path for name, path in endpoints.items()}
    said = {
        "issuer": fc.issuer,
        "acr_values_supported": ["eidas1"],
        "response_types_supported": ["code"],
        "grant_types_supported": ["authorization_code"],
        "subject_types_supported": ["pairwise"],
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": ["ES256", "RS256"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
        "claims_parameter_supported": True,
    }
    assert {name: document.get(name) for name in said} == said
    # Left out is false (OpenID Connect Discovery 1.0 §3).
    assert not document.get("request_parameter_supported", False)
    for kind in ("id_token", "userinfo"):
        assert set(document[f"{kind}_signing_alg_values_supported"]) == {"HS256", "ES256", "RS256"}
    absent = {"introspection_endpoint", "backchannel_logout_supported", "registration_endpoint"}
    assert not absent & document.keys()
