"""What the shims of `examples/applications/` are told, and what they do when they cannot be told: nothing is served."""

import asyncio
import json
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from gateway.core.rules import SignatureForm
from tests.contract.conftest import OpenShield
from tests.shims import EXAMPLES, PUBLISHED, STACKS, Stack, case_name, shielded
from tests.shims.asking import Before
from tests.signatures import ED25519, P256, statement
from tests.verifiers import skip_without_tools
from tests.wire import Raw

JWT, HMAC = SignatureForm.JWT, SignatureForm.HMAC
GET: dict[str, Any] = {"method": "GET", "body": b""}
NAMED = {str(stack): stack for stack in STACKS}
PHP, PERL = NAMED["php"], NAMED["perl"]
EACH_REQUEST = [(PHP, JWT), (PHP, HMAC), (PERL, HMAC)]
AT_START = [(stack, form) for stack in STACKS for form in stack.forms if stack.at_start]


MISTAKES: list[tuple[dict[str, Any], str]] = [
    ({"keys": "missing.json", "secrets": ["missing"]}, "keys secrets configuration"),
    ({"secrets": ["short"]}, "secrets"),
    ({"form": "none"}, "configuration"),
    ({"form": "rfc9421"}, "configuration"),
    ({"issuer": ""}, "configuration"),
    ({"headers": {"X-Usager-Nom": "rot13"}}, "configuration"),
    ({"leeway_s": 600}, "configuration"),
    ({"alow_unbound": ["/"]}, "configuration"),
    ({"remote_user": "X-Autre"}, "configuration"),
    ({"charset": "utf-16"}, "configuration"),
    ({"allow_unbound": "/"}, "configuration error"),
    ({"headers": ["X-Usager-Nom"]}, "configuration error"),
]


@pytest.mark.parametrize("case", EACH_REQUEST, ids=case_name)
def test_a_mistake_in_the_configuration_refuses_each_request(
    case: tuple[Stack, SignatureForm], open_shield: OpenShield
) -> None:
    app = Before(open_shield(*case))
    path = app.shield.folder / "passerelle.json"
    usual = path.read_text(encoding="utf-8")
    (app.shield.folder / "short").write_bytes(b"short")
    try:
        for mistake, codes in MISTAKES:
            path.write_text(json.dumps({**json.loads(usual), **mistake}), encoding="utf-8")
            app.refused(app.made(), *codes.split())
        path.write_text("{", encoding="utf-8")
        app.refused(app.made(), "configuration")
        path.unlink()
        app.refused(app.made(), "configuration")
    finally:
        path.write_text(usual, encoding="utf-8")
    app.served(app.made())


@pytest.mark.parametrize("case", EACH_REQUEST, ids=case_name)
def test_without_a_memory_only_reading_is_served(case: tuple[Stack, SignatureForm], open_shield: OpenShield) -> None:
    app = Before(open_shield(*case))
    seen, aside = app.shield.folder / "seen", app.shield.folder / "aside"
    seen.rename(aside)
    try:
        app.refused(app.made(), "seen")
        app.served(app.made(**GET))
    finally:
        aside.rename(seen)
    app.served(app.made())


def _does_not_start(stack: Stack, form: SignatureForm, folder: Path, classes: Path | None, /, **written: Any) -> str:
    with pytest.raises(RuntimeError, match="did not start"), shielded(stack, form, folder, classes, **written):
        pass
    return next(folder.glob("*.output")).read_text(encoding="utf-8")


def _some(stack: Stack, form: SignatureForm) -> list[tuple[dict[str, Any], str]]:
    """Of each kind one in `make test`; a JVM takes a second each time."""
    if stack.name == "java":
        return MISTAKES[:1] if form is JWT else []
    return [MISTAKES[0], MISTAKES[7]]


@pytest.mark.parametrize(
    ("case", "mistake", "codes"),
    [
        pytest.param(case, *mistake, marks=[] if mistake in _some(*case) else [pytest.mark.slow])
        for case in AT_START
        for mistake in MISTAKES
    ],
    ids=case_name,
)
def test_a_mistake_in_the_configuration_stops_the_start(
    case: tuple[Stack, SignatureForm],
    mistake: dict[str, Any],
    codes: str,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    stack, form = case
    classes = request.getfixturevalue("classes") if stack.name == "java" else None
    (tmp_path / "short").write_bytes(b"short")
    said = _does_not_start(stack, form, tmp_path, classes, **mistake)
    assert any(each in said for each in codes.split())


@pytest.mark.parametrize("name", ["wsgi", "asgi", "node"])
def test_processes_share_a_memory_where_a_folder_is_named(name: str, open_shield: OpenShield) -> None:
    app = Before(open_shield(NAMED[name], HMAC, seen="seen"))
    made = app.made()
    app.served(made)
    [noted] = (app.shield.folder / "seen").iterdir()
    app.refused(made, "replayed")
    noted.unlink()
    app.served(made)


@pytest.mark.parametrize(
    "name", [pytest.param(each, marks=[pytest.mark.slow] if each == "java" else []) for each in NAMED]
)
def test_each_encoding_is_read(name: str, open_shield: OpenShield) -> None:
    encodings = {"X-Usager-Nom": "rfc8187", "X-Caf-Tranche": "base64", "X-Portail": "utf-8"}
    user = {"remote_user": ""} if NAMED[name].remote_user else {}
    app = Before(open_shield(NAMED[name], HMAC, headers=encodings, **user))
    headers = (("X-Usager-Nom", b"UTF-8''Zo%C3%AB"), ("X-Caf-Tranche", b"Wm/Dqw=="), ("X-Portail", b"a%20b"))
    seen = app.served(app.made(said=statement(headers=headers)))["identity"]
    assert seen == {"xusagernom": "Zoë", "xcaftranche": "Zoë", "xportail": "a%20b"}
    app.refused(app.made(said=statement(headers=(("X-Usager-Nom", b"Zo%C3%AB"),))), "value_encoding", "error")
    if name != "java":  # its reader puts a sign in place of what is no text
        app.refused(app.made(said=statement(headers=(("X-Usager-Nom", b"UTF-8''Zo%EB"),))), "value_encoding")


@pytest.mark.parametrize("name", ["php", "asgi", "perl"])
def test_an_application_of_another_character_set_is_served_in_it(name: str, open_shield: OpenShield) -> None:
    stack = NAMED[name]
    app = Before(open_shield(stack, HMAC, charset="latin-1"))
    zoe = statement(headers=(("X-Usager-Nom", b"Zo%C3%AB"),))
    assert bytes.fromhex(app.served(app.made(said=zoe))["nom"]) == b"Zo\xeb"
    usual = Before(open_shield(stack, HMAC))
    assert bytes.fromhex(usual.served(usual.made(said=zoe))["nom"]) == "Zoë".encode()
    app.refused(app.made(said=statement(headers=(("X-Usager-Nom", b"%C5%92illet"),))), "value_charset", "error")
    app.served(app.made())


class _Published:
    """An address that publishes keys, and counts who asks."""

    def __init__(self) -> None:
        self.asked = 0
        self.status = 200
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked += 1
                self.send_response(outer.status)
                self.send_header("Location", "/elsewhere")
                self.end_headers()
                self.wfile.write(json.dumps(ED25519.jwks).encode())

            def log_message(self, format: str, *args: object) -> None: ...  # noqa: A002 - the base class names it

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_address[1]}/_gateway/keys"


@pytest.fixture
def published() -> Iterator[_Published]:
    made = _Published()
    thread = threading.Thread(target=made.server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield made
    finally:
        made.server.shutdown()
        thread.join()
        made.server.server_close()


BY_ADDRESS = ["wsgi", "asgi", "node"]


@pytest.mark.parametrize("name", BY_ADDRESS)
def test_keys_at_an_address_are_asked_for_at_most_once_a_minute(
    name: str, published: _Published, open_shield: OpenShield
) -> None:
    app = Before(open_shield(NAMED[name], JWT, keys=published.address))
    for _ in range(3):
        app.served(app.made())
    stranger = Before(app.shield, P256)
    for _ in range(3):
        stranger.refused(stranger.made(), "kid")
    assert published.asked == 1


@pytest.mark.parametrize("name", BY_ADDRESS)
def test_keys_that_cannot_be_had_serve_nobody(name: str, published: _Published, open_shield: OpenShield) -> None:
    published.status = 302
    app = Before(open_shield(NAMED[name], JWT, keys=published.address))
    app.refused(app.made(), "keys")
    assert published.asked == 1


@pytest.mark.parametrize("name", BY_ADDRESS)
def test_keys_are_not_fetched_in_clear_from_elsewhere(name: str, tmp_path: Path) -> None:
    said = _does_not_start(NAMED[name], JWT, tmp_path, None, keys="http://ville.example/_gateway/keys")
    assert "configuration" in said


def test_python_refuses_what_plain_wsgi_has_decoded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No server is started: wsgiref and some others do not say the target."""
    said: list[str] = []
    wsgi, _ = _python(monkeypatch, tmp_path)
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/cantine/", "HTTP_HOST": "ville.fr"}
    assert b"passerelle" in wsgi(environ, lambda status, _: said.append(status))[0]
    assert said == ["403 Forbidden"]


@pytest.mark.parametrize("name", ["SCRIPT_NAME", "PATH_INFO"])
def test_python_refuses_a_header_by_which_gunicorn_moves_the_path(name: str, open_shield: OpenShield) -> None:
    app = Before(open_shield(NAMED["wsgi"], HMAC))
    app.refused(app.made(**GET).with_field(name, b"/cantine"), "target")
    app.served(app.made(**GET))


def test_python_refuses_a_websocket_without_a_signature(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    sent: list[dict[str, Any]] = []
    _, asgi = _python(monkeypatch, tmp_path)

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {"type": "websocket", "raw_path": b"/ws/", "query_string": b"", "headers": [(b"host", b"ville.fr")]}
    asyncio.run(asgi(scope, None, send))
    assert sent == [{"type": "websocket.close", "code": 1008}]


def _python(monkeypatch: pytest.MonkeyPatch, folder: Path) -> tuple[Any, Any]:
    """Both middlewares around an application that must not run."""
    monkeypatch.syspath_prepend(EXAMPLES / "python")
    import passerelle

    written = {"form": "jwt", "issuer": "i", "audience": "a", "headers": {}, "keys": "keys.json"}
    (folder / "keys.json").write_text(json.dumps(PUBLISHED), encoding="utf-8")
    (folder / "passerelle.json").write_text(json.dumps(written), encoding="utf-8")
    never: Any = None
    return passerelle.wsgi(never, folder / "passerelle.json"), passerelle.asgi(never, folder / "passerelle.json")


def test_the_example_of_a_configuration_is_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.syspath_prepend(EXAMPLES / "python")
    from passerelle.verification import Settings

    read = Settings.read(EXAMPLES / "passerelle.json")
    skip_without_tools("php")
    script = "require $argv[1]; echo json_encode(Passerelle\\Settings::read($argv[2]));"
    written = {**json.loads((EXAMPLES / "passerelle.json").read_text(encoding="utf-8")), "seen": "seen"}
    (tmp_path / "passerelle.json").write_text(json.dumps(written), encoding="utf-8")
    command = ["php", "-r", script, str(EXAMPLES / "php" / "passerelle.php"), str(tmp_path / "passerelle.json")]
    seen = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    names = ("form", "issuer", "audience", "keys", "headers", "leeway_s", "max_body_bytes", "charset")
    assert {name: seen[name] for name in names} == {name: getattr(read, name) for name in names}


def test_node_guards_an_upgrade_by_its_own_event(open_shield: OpenShield) -> None:
    app = Before(open_shield(NAMED["node"], JWT))

    def status(name: bytes) -> int:
        made = app.made(target=b"/ws/", **GET).without("X-Usager-Nom").with_field("X-Usager-Nom", name)
        lines = b"".join(each.encode() + b": " + said + b"\r\n" for each, said in made.fields)
        upgrade = b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
        with Raw(app.shield.port) as raw:
            return int(raw.send(b"GET /ws/ HTTP/1.1\r\n" + lines + upgrade).until(b"\r\n").split()[1])

    assert status(b"FORGED") == 403
    assert status(b"DUBOIS") == 101
