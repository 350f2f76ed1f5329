"""What is PHP's own: uploads, extensions, the application's sessions; and the running gateway before such an application."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateway.adapters.keys import load_signing_keys
from gateway.core.rules import SignatureForm
from tests.contract.conftest import OpenShield
from tests.fronted import gateway_at
from tests.proxies import Command
from tests.shims import STACKS
from tests.shims.asking import Before
from tests.signatures import ANGELA, statement
from tests.wire import Raw

JWT, HMAC = SignatureForm.JWT, SignatureForm.HMAC
GET: dict[str, Any] = {"method": "GET", "body": b""}
NAMED = {str(stack): stack for stack in STACKS}
PHP = NAMED["php"]


def _without_functions(folder: Path, port: int) -> Command:
    command = PHP.command(folder, port)
    return command._replace(arguments=["php", "-d", "disable_functions=openssl_verify", *command.arguments[1:]])


def test_php_without_its_extensions_refuses(open_shield: OpenShield) -> None:
    bare = replace(PHP, name="php without openssl", command=_without_functions)
    without, enough = Before(open_shield(bare, JWT)), Before(open_shield(bare, HMAC))
    without.refused(without.made(), "extension")
    enough.served(enough.made())


@pytest.fixture(scope="module")
def basket(open_shield: OpenShield) -> Before:
    return Before(open_shield(PHP, JWT, session_cookies=["PHPSESSID"]))


def _visit(basket: Before, sid: str | None, cookie: str | None = None) -> tuple[str, str | None]:
    """How often this session of the application was visited, and the cookie that the browser then has."""
    said = statement(subject=replace(ANGELA, sid=sid)) if sid else statement(subject=None, values=(), headers=())
    made = basket.made(said=said, target=b"/panier.php", **GET)
    answer = basket.ask(made if cookie is None else made.with_field("Cookie", cookie.encode()))
    assert answer.status == 200, answer
    set_cookie = [value.decode().partition(";")[0] for value in answer.values("set-cookie")]
    return answer.body.decode(), set_cookie[0] if set_cookie else cookie


def test_php_keeps_the_application_s_session_for_whom_it_began(basket: Before) -> None:
    visits, cookie = _visit(basket, "first")
    assert (visits, cookie is not None) == ("1", True)
    assert _visit(basket, "first", cookie) == ("2", cookie)
    visits, other = _visit(basket, "second", cookie)
    assert visits == "1"
    assert other != cookie
    assert _visit(basket, "second", other) == ("2", other)
    assert _visit(basket, None, other)[0] == "1"
    assert _visit(basket, "first", cookie) == ("3", cookie)


def test_php_does_not_take_a_session_that_nobody_began(basket: Before) -> None:
    visits, cookie = _visit(basket, "first", "PHPSESSID=chosen0by0somebody0else0")
    assert visits == "1"
    assert cookie != "PHPSESSID=chosen0by0somebody0else0"
    assert _visit(basket, "second", cookie)[0] == "1"


def test_php_ties_sessions_only_where_it_is_said_whose_they_are(open_shield: OpenShield) -> None:
    app = Before(open_shield(PHP, HMAC, session_cookies=["PHPSESSID"]))
    app.refused(app.made(), "configuration")


def test_php_without_the_switch_mixes_them(open_shield: OpenShield) -> None:
    """What the switch is for."""
    plain = Before(open_shield(PHP, JWT))
    visits, cookie = _visit(plain, "first")
    assert (visits, _visit(plain, "second", cookie)) == ("1", ("2", cookie))


SHOWN = """
purpose: Espace personnel
legal_basis: mission d'intérêt public
retention: session
login: {acr: eidas1}
alternative: {url: /accueil, text: {fr: Se présenter à l'accueil de la mairie}}
inject: {X-Usager-Nom: identity.birth_name, X-Usager-Prenoms: identity.given_names}
encoding: percent
"""


def test_the_gateway_s_own_requests_are_served_and_nobody_else_s(open_shield: OpenShield, tmp_path: Path) -> None:
    """From a browser through the running gateway to PHP, and the same straight to PHP."""
    app = Before(open_shield(PHP, JWT, allow_unbound=["/gateway/"]))
    route = f"""
  - {{path: /php/, upstream: "http://127.0.0.1:{app.shield.port}", policy: shown, name: php}}
"""
    with gateway_at(tmp_path, routes=route, policies={"shown": SHOWN}) as fronted:
        settings = fronted.world.settings
        [php] = [each for each in settings.routes if each.name == "php"]
        told = {"issuer": settings.public_url, "audience": php.audience}
        keys = load_signing_keys(settings.signing.key_pem, settings.signing.previous).jwks
        _tell(app, told, keys)
        body = b"enfant=Zo%C3%AB"
        head = b"POST /php/inscription?a=[1] HTTP/1.1\r\nHost: HOST\r\nX-Usager-Nom: FORGED\r\n%b"
        form = b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
        through = fronted.ask(head % fronted.signed_in + b"\r\n" + form)
        assert through.status == 200, through
        seen = json.loads(through.body)
        names = {
            "HTTP_X_USAGER_NOM": "DUBOIS",
            "HTTP_X_USAGER_PRENOMS": "Angela Claire Louise",
            "REMOTE_USER": "DUBOIS",
        }
        assert (seen["identity"], seen["form"]) == (names, {"enfant": "Zoë"})
        with Raw(app.shield.port) as raw:
            straight = raw.send(fronted.fill(head % fronted.signed_in + b"\r\n" + form)).answer()
        assert (straight.status, app.shield.ran()) == (403, 1)


def _tell(app: Before, told: dict[str, str], keys: object) -> None:
    path = app.shield.folder / "passerelle.json"
    path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), **told}), encoding="utf-8")
    (app.shield.folder / "keys.json").write_text(json.dumps(keys), encoding="utf-8")
