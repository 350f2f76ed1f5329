"""`gateway check`, `schema` and `explain`, as an operator runs them."""

import hashlib
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from gateway.adapters.keys import generate_pem
from gateway.cli import main
from gateway.config.gateway_file import load
from gateway.core.errors import ConfigError
from gateway.core.rules import HealthCheck, Route, SignatureForm, Upstream, UpstreamTls
from gateway.settings import Listen, Settings
from tests.shipped import change, shipped_at

ROOT = Path(__file__).resolve().parents[2]


SECRETS = ("FC_CLIENT_ID", "FC_CLIENT_SECRET", "SESSION_SECRET")
DPO = "  dpo: dpo@ville.example"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    strong = {name: hashlib.sha256(name.encode()).hexdigest() for name in SECRETS}
    shipped_at(tmp_path, monkeypatch, strong | {"SIGNING_KEY": generate_pem().decode()})
    return tmp_path


def _front(settings: Settings) -> Route:
    return next(route for route in settings.routes if route.path == "/")


def test_the_shipped_configuration_is_right_and_summed_up(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check"]) == 0
    out = capsys.readouterr().out
    assert "not production" in out
    assert "cnaf_allocataires cnaf_quotient_familial identite_pivot openid" in out
    assert "/cantine/justificatif is public" in out
    assert "/creche/situation is public: it is for special situations of policy `creche`" in out


def test_five_mistakes_are_said_at_once_with_file_line_and_hint(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gateway, cantine = folder / "gateway.yaml", folder / "policies" / "cantine.yaml"
    change(gateway, "policy: famille}", "policy: famile}")
    change(gateway, "idle_s: 1800", "idle_s: 1800\n  idel_s: 5")
    change(cantine, "purpose: ", "purpose: x\npurpose: ")
    change(cantine, "brackets.name", "brackets.nom")
    change(cantine, "{up_to: 800, name: T2}", "{up_to: 300, name: T2}")
    assert main(["check"]) == 1
    error = capsys.readouterr().err
    found = [line for line in error.splitlines() if re.match(r"[^ ].*\.yaml:[1-9]\d*: ", line)]
    assert len(found) == 5
    assert "did you mean `famille`?" in error
    assert "did you mean `idle_s`?" in error
    assert "did you mean `brackets.name`?" in error
    assert "written twice" in error
    assert "overlaps" in error
    assert error.count("hint:") == 5


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("client_secret: {env: FC_CLIENT_SECRET}", "client_secret: hunter2", "client_secret"),
        ("{env: FC_CLIENT_SECRET}", "{env: NOWHERE}", "NOWHERE is not there"),
        ("{env: SIGNING_KEY}", "{env: SESSION_SECRET}", "openssl genpkey"),
        ("{env: SIGNING_KEY}", "{env: SIGNING_KEY}\n  previous: [{env: SESSION_SECRET}]", "the previous key is not"),
        ('siret: "13002526500013"', 'siret: "13002526500014"', "not a SIRET"),
        ("listen: 127.0.0.1:8000", "listen: 8000", "`listen`"),
        ("trusted_proxies: []", "trusted_proxies: [nowhere]", "not an address"),
        ("issuer: http://127.0.0.1:8101/api/v2", "issuer: http://fc.example/api/v2", "plain http"),
        ("mode: franceconnect ", "mode: identity ", "`token` is missing"),
        ("store: sqlite:var/sessions.db", "store: redis://:hunter2@x", "`store` carries credentials"),
        ("store: sqlite:var/sessions.db", "store: redis://a,b/0", "does not name one host"),
        ("store: sqlite:var/sessions.db", "store: redis://a/x", "the number of a database"),
        ("store: sqlite:var/sessions.db", "store: redis://a:99999/0", "does not name one host"),
        ("store: sqlite:var/sessions.db", "store: redis:a", "not the address of a Redis"),
        ("store: sqlite:var/sessions.db", "store: valkey://a", "`store` is not a store"),
        ("store: sqlite:var/sessions.db", "store: redis+sentinel://a,b", "does not name the service"),
        ("store: sqlite:var/sessions.db", "store: redis+cluster://a,b/1", "a Cluster has none"),
        ("store: sqlite:var/sessions.db", "store: redis+cluster://a,,b", "does not name hosts"),
        ("store: sqlite:var/sessions.db", "store: redis://a\n  ca_file: x.pem", "write rediss://"),
        ("store: sqlite:var/sessions.db", "store: rediss://a\n  ca_file: x.pem", "the file of `ca_file` is not there"),
        ("store: sqlite:var/sessions.db", "store: rediss://a\n  client_cert: x.pem", "go together"),
        ("store: sqlite:var/sessions.db", "store: rediss://a\n  password: {env: NOWHERE}", "NOWHERE is not there"),
        (
            "store: sqlite:var/sessions.db",
            "store: redis://a\n  sentinel_password: {env: SIGNING_KEY}",
            "redis+sentinel",
        ),
        (
            "store: sqlite:var/sessions.db",
            "store: redis+cluster://a\n  sentinel_username: b",
            "`sentinel_username` is for redis+sentinel",
        ),
        (
            "store: sqlite:var/sessions.db",
            "store: redis+sentinel://a/b\n  sentinel_username: c",
            "write `sentinel_password: {env: NAME}` beside it",
        ),
        ("store: sqlite:var/sessions.db", "store: redis+sentinel://:hunter2@a/b", "the sentinels' own are `sentinel_p"),
        ("store: sqlite:", "sentinel_username: a\n  store: sqlite:", "`sentinel_username` is for a Redis store"),
        ("store: sqlite:", "password: {env: SIGNING_KEY}\n  store: sqlite:", "`password` is for a Redis store"),
        ("path: /cantine/", "path: /cantine/../x", "path_dot_segment"),
        ("path: /cantine/", "path: /_gateway/x", "gateway's own"),
        ("path: /cantine/", "path: /famille/", "same requests"),
        ("path: /cantine/", 'host: "*.ville.fr", path: /cantine/', "wildcards"),
        ("policy: public}", "policy: public, metods: [GET]}", "did you mean `methods`?"),
        ("public_url: http://localhost:8000", "public_url: http://ville.example", "plain http"),
        (DPO, f'{DPO}\n  colour: "#ffff00"', "contrast of 1.07 to 1"),
        (DPO, f'{DPO}\n  colour: "#ff8800"', 'the nearest that passes: "#b25f00"'),
        (DPO, f"{DPO}\n  logo: none.svg", "none.svg` is not there"),
        (DPO, f"{DPO}\n  logo: gateway.yaml", "is neither a PNG nor an SVG"),
        (DPO, f"{DPO}\n  accessibility: {{state: conforme}}", "must be one of 'non conforme'"),
        (DPO, f"{DPO}\n  accessibility: {{state: non conforme}}", "a state is what an audit found"),
        (
            DPO,
            f"{DPO}\n  accessibility: {{state: totalement conforme, rate: 87, audited_on: 2026-09-01}}",
            "`totalement conforme` is 100 per cent",
        ),
        (
            "signing_alg: ES256",
            "button: {image: a.svg, image_hover: b.svg}\n    signing_alg: ES256",
            "a.svg` is not there",
        ),
        ("sessions:", "workers: 0\nsessions:", "from 1 to"),
        ("sessions:", "workers: many\nsessions:", "`workers`"),
        (
            "sessions:\n  store: sqlite:var/sessions.db",
            'workers: 2\nsessions:\n  store: "memory:"',
            "`memory:` sessions",
        ),
        (
            "sessions:\n  store: sqlite:var/sessions.db",
            'workers: auto\nsessions:\n  store: "memory:"',
            "`memory:` sessions",
        ),
        ("listen: 127.0.0.1:8000", f"listen: unix:/run/{'x' * 120}", "longer path"),
        ("trusted_proxies: []", "trusted_proxies: [Unix]", "or unix"),
        ("trusted_proxies: []", "trusted_proxies: &x []", "anchors"),
        ("idle_s: 1800", "idle_s: half an hour", "a whole number"),
        ("idle_s: 1800", "idle_s: 90000", "86400"),
        ("idle_s: 1800", "idle_s: 28801", "absolute_s"),
        ("sessions:", "admin: {listen: 127.0.0.1:8000}\nsessions:", "would listen where clients do"),
        ("sessions:", "admin: {listen: localhost:8000}\nsessions:", "would listen where clients do"),
        ("sessions:", "admin: {listen: 0.0.0.0:8000}\nsessions:", "would listen where clients do"),
        ("sessions:", "admin: {listen: 127.0.0.1:0}\nsessions:", "no such port"),
        ("sessions:", "admin: {listen: 'unix:'}\nsessions:", "`listen`"),
        ("sessions:", "admin: {lisen: 127.0.0.1:9464}\nsessions:", "did you mean `listen`?"),
        ("sessions:", "limits: {logins_per_minute_per_address: 0}\nsessions:", "logins_per_minute_per_address"),
    ],
)
def test_a_mistake_in_the_gateway_file_is_explained(
    folder: Path, capsys: pytest.CaptureFixture[str], before: str, after: str, said: str
) -> None:
    change(folder / "gateway.yaml", before, after)
    assert main(["check"]) == 1
    error = capsys.readouterr().err
    assert said in error
    assert "hunter2" not in error


@pytest.mark.parametrize("listen", ["127.0.0.1:9464", "unix:admin.sock", "192.0.2.1:8000", "[::1]:9464"])
def test_an_admin_listener_of_its_own_is_accepted(
    folder: Path, capsys: pytest.CaptureFixture[str], listen: str
) -> None:
    change(folder / "gateway.yaml", "sessions:", f"admin: {{listen: '{listen}'}}\nsessions:")
    assert main(["check"]) == 0
    assert ("let a firewall" in capsys.readouterr().out) == listen.startswith("192")


SERVED = 'upstream: "http://127.0.0.1:8103", policy: public}'


@pytest.mark.parametrize(
    ("after", "said"),
    [
        ("upstream: 8103", "one URL, or a list"),
        ("upstream: [[x]]", "one URL, or a list"),
        ("upstream: {url: http://a}", "one URL, or a list"),
        ("upstream: []", "`upstream`"),
        ("upstream: 127.0.0.1:8103", "must be http:// or https://"),
        ("upstream: ftp://a", "must be http:// or https://"),
        ("upstream: http://a:99999", "must be http:// or https://"),
        ("upstream: http://a:0", "must be http:// or https://"),
        ("upstream: http://u:p@a", "must be http:// or https://"),
        ('upstream: "http://[::1"', "must be http:// or https://"),
        ("upstream: http://a/app", "add_prefix"),
        ('upstream: "http://a?x=1"', "add_prefix"),
        (f"upstream: unix:/run/{'x' * 120}", "longer path"),
        ("upstream: unix:/run/", "names no socket"),
        ("upstream: [http://a, https://b]", "mix http and https"),
        ("upstream: [http://a, http://b, http://A:80]", "listed twice"),
        ("upstream: [{url: http://a, weight: 0}]", "`weight`"),
        ("upstream: [{url: http://a, wieght: 2}]", "did you mean `weight`?"),
        ("upstream: [{weight: 2}]", "`url` is missing"),
        ("upstream: http://a, health: {every_s: 5}", "`path` is missing"),
        ("upstream: http://a, health: {path: health}", "`path` does not have the expected form"),
        ('upstream: http://a, health: {path: "/a b"}', "`path` does not have the expected form"),
        ("upstream: http://a, health: {path: /, every_s: 0.1}", "`every_s`"),
        ("upstream: http://a, websocket: maybe", "true or false"),
        ("upstream: http://a, sign: hmac", "needs a `secret`"),
        ("upstream: http://a, sign: md5", "must be one of"),
        ("upstream: http://a, sign: hmac, secret: hunter2", "secret"),
        ("upstream: http://a, sign: hmac, secret: {env: NOWHERE}", "NOWHERE is not there"),
        ("upstream: http://a, sign: hmac, secret: {env: SHORT}", "shorter than 32 bytes"),
        ("upstream: http://a, secret: {env: SESSION_SECRET}", "is for `sign: hmac`"),
        ("upstream: http://a, sign: rfc9421, secret: {env: SESSION_SECRET}", "is for `sign: hmac`"),
        ("upstream: http://a, tls: {ca_file: ca.pem}", "`tls` is for https upstreams"),
        ("upstream: unix:/run/a.sock, tls: {}", "`tls` is for https upstreams"),
        ("upstream: https://a, tls: {ca_file: none.pem}", "the file of `ca_file` is not there"),
        ("upstream: https://a, tls: {ca_file: key.pem}", "holds no certificate"),
        ("upstream: https://a, tls: {client_cert: cert.pem}", "go together"),
        ("upstream: https://a, tls: {client_key: key.pem}", "go together"),
        ("upstream: https://a, tls: {client_cert: cert.pem, client_key: other.pem}", "do not make a pair"),
        ("upstream: https://a, tls: {client_cert: cert.pem, client_key: locked.pem}", "do not make a pair"),
        ("upstream: https://a, tls: {server_name: a_b:443/x}", "not one plain host name"),
        ("upstream: https://a, tls: {sni: a}", "is not a key"),
    ],
)
def test_a_mistake_in_what_serves_a_route_is_explained_once(
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    certificate: None,
    after: str,
    said: str,
) -> None:
    monkeypatch.setenv("SHORT", "only-twenty-six-characters")
    change(folder / "gateway.yaml", f"path: /, {SERVED}", f"path: /, {after}, policy: public}}")
    assert main(["check"]) == 1
    error = capsys.readouterr().err
    assert said in error
    found = [line for line in error.splitlines() if not line.startswith("  hint:")]
    assert len(found) == 1, error
    lines = (folder / "gateway.yaml").read_text(encoding="utf-8").splitlines()
    assert found[0].startswith(f"gateway.yaml:{1 + next(i for i, line in enumerate(lines) if after in line)}: ")
    assert "hunter2" not in error
    assert "PRIVATE KEY" not in error


@pytest.fixture(scope="module")
def pems(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate with its key, the same key locked, and another key."""
    folder = tmp_path_factory.mktemp("pems")
    for command in (
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=a -keyout key.pem -out cert.pem",
        "pkey -in key.pem -aes128 -passout pass:word -out locked.pem",
        "genpkey -algorithm ed25519 -out other.pem",
    ):
        subprocess.run(["openssl", *command.split()], cwd=folder, check=True, capture_output=True, timeout=30)
    shutil.copy(folder / "cert.pem", folder / "ca.pem")
    return folder


@pytest.fixture
def certificate(folder: Path, pems: Path) -> None:
    shutil.copytree(pems, folder, dirs_exist_ok=True)


def _settings(folder: Path) -> Settings:
    return load(folder / "gateway.yaml", os.environ)


@pytest.mark.parametrize(
    ("written", "upstreams", "shown"),
    [
        ("http://127.0.0.1:8103", (Upstream("http", "127.0.0.1", 8103),), "http://127.0.0.1:8103"),
        ('"http://[::1]:81/"', (Upstream("http", "::1", 81),), "http://[::1]:81"),
        (
            "[https://a, https://b:8443]",
            (Upstream("https", "a", 443), Upstream("https", "b", 8443)),
            "https://a, https://b:8443",
        ),
        (
            "[{url: http://a, weight: 3}, http://b]",
            (Upstream("http", "a", 80, 3), Upstream("http", "b", 80)),
            "http://a (weight 3), http://b (weight 1)",
        ),
        (
            "[unix:/run/app.sock, http://b]",
            (Upstream("http", "localhost", 80, 1, "/run/app.sock"), Upstream("http", "b", 80)),
            "unix:/run/app.sock, http://b",
        ),
    ],
)
def test_upstreams_are_one_url_or_a_list_with_weights(
    folder: Path, capsys: pytest.CaptureFixture[str], written: str, upstreams: tuple[Upstream, ...], shown: str
) -> None:
    change(folder / "gateway.yaml", f"path: /, {SERVED}", f"path: /, upstream: {written}, policy: public}}")
    assert _front(_settings(folder)).upstreams == upstreams
    assert main(["check"]) == 0
    assert f"localhost/ -> {shown}\n" in capsys.readouterr().out
    assert main(["explain", "GET", "/"]) == 0
    assert f"-> {shown}\n" in capsys.readouterr().out


def test_a_route_carries_its_tls_health_websocket_and_secret(folder: Path, certificate: None) -> None:
    tls = "{ca_file: ca.pem, client_cert: cert.pem, client_key: key.pem, server_name: App.Ville.fr}"
    served = (
        f"upstream: https://a, tls: {tls}, health: {{path: /healthz, every_s: 2}}, websocket: true,"
        " sign: hmac, secret: {env: SESSION_SECRET}, policy: public}"
    )
    change(folder / "gateway.yaml", f"path: /, {SERVED}", f"path: /, {served}")
    route = _front(_settings(folder))
    files = {"ca_file": "ca.pem", "client_cert": "cert.pem", "client_key": "key.pem"}
    paths = {key: str(folder / name) for key, name in files.items()}
    assert route.tls == UpstreamTls(**paths, server_name="app.ville.fr")
    assert route.health == HealthCheck("/healthz", 2)
    assert (route.websocket, route.sign) == (True, SignatureForm.HMAC)
    assert route.secret == os.environ["SESSION_SECRET"].encode()


@pytest.mark.parametrize("public", [False, True])
def test_a_previous_key_is_whole_or_its_public_half(
    folder: Path, monkeypatch: pytest.MonkeyPatch, public: bool
) -> None:
    pem = generate_pem()
    if public:
        command = ["openssl", "pkey", "-pubout"]
        pem = subprocess.run(command, input=pem, check=True, capture_output=True, timeout=30).stdout
    monkeypatch.setenv("OLD_KEY", pem.decode())
    change(folder / "gateway.yaml", "{env: SIGNING_KEY}", "{env: SIGNING_KEY}\n  previous: [{env: OLD_KEY}] #")
    assert _settings(folder).signing.previous == (pem.rstrip(b"\n"),)
    assert main(["check"]) == 0


def test_explain_opens_no_secret_and_no_key(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SESSION_SECRET")
    served = "upstream: https://a, tls: {client_cert: none.pem, client_key: none.pem}, sign: hmac, secret: {file: none}"
    change(folder / "gateway.yaml", f"path: /, {SERVED}", f"path: /, {served}, policy: public}}")
    assert main(["explain", "GET", "/"]) == 0


def test_a_relative_socket_lies_beside_the_file(folder: Path) -> None:
    change(folder / "gateway.yaml", SERVED, "upstream: unix:run/app.sock, policy: public}")
    change(folder / "gateway.yaml", "listen: 127.0.0.1:8000", "listen: unix:run/gateway.sock")
    settings = _settings(folder)
    assert _front(settings).upstreams[0].socket == str(folder / "run" / "app.sock")
    assert settings.listen == Listen(socket=str(folder / "run" / "gateway.sock"))


@pytest.mark.parametrize(
    ("written", "listen", "shown"),
    [
        ("127.0.0.1:8000", Listen("127.0.0.1", 8000), "127.0.0.1:8000"),
        ('"[::1]:8000"', Listen("::1", 8000), "[::1]:8000"),
        ("unix:/run/gateway.sock", Listen(socket="/run/gateway.sock"), "unix:/run/gateway.sock"),
    ],
)
def test_listen_is_an_address_or_a_socket(
    folder: Path, capsys: pytest.CaptureFixture[str], written: str, listen: Listen, shown: str
) -> None:
    change(folder / "gateway.yaml", "listen: 127.0.0.1:8000", f"listen: {written}")
    assert _settings(folder).listen == listen
    assert main(["check"]) == 0
    assert f"listens on {shown}, 1 worker\n" in capsys.readouterr().out


def test_a_proxy_on_the_unix_socket_is_believed_when_it_is_listed(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change(folder / "gateway.yaml", "listen: 127.0.0.1:8000", "listen: unix:/run/gateway.sock")
    assert not _settings(folder).trust_unix
    assert main(["check"]) == 0
    assert "list `unix` in `trusted_proxies`" in capsys.readouterr().out
    change(folder / "gateway.yaml", "trusted_proxies: []", "trusted_proxies: [unix, 10.0.0.0/8]")
    settings = _settings(folder)
    assert settings.trust_unix
    assert [str(network) for network in settings.trusted_proxies] == ["10.0.0.0/8"]
    assert main(["check"]) == 0
    assert "list `unix`" not in capsys.readouterr().out


def test_workers_are_a_number_or_one_a_core_and_the_command_line_wins(folder: Path) -> None:
    assert _settings(folder).workers == 1
    assert load(folder / "gateway.yaml", os.environ, workers=3).workers == 3
    change(folder / "gateway.yaml", "sessions:\n", "workers: auto\nsessions:\n")
    assert _settings(folder).workers == len(os.sched_getaffinity(0))
    assert load(folder / "gateway.yaml", os.environ, workers=1).workers == 1
    change(folder / "gateway.yaml", "store: sqlite:var/sessions.db", 'store: "memory:"')
    assert load(folder / "gateway.yaml", os.environ, workers=1).workers == 1
    with pytest.raises(ConfigError, match="`memory:` sessions"):
        load(folder / "gateway.yaml", os.environ, workers=2)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("purpose: Calcul", "propose: Calcul", "did you mean `purpose`?"),
        ("legal_basis: mission d'intérêt public\n", "", "`legal_basis` is missing"),
        ("alternative: {url", "# alternative: {url", "only way in"),
        ("login: {acr: eidas1}\n", "", "identity.` facts without a login"),
        ("  match: required ", "  match: none ", "number mode"),
        ("household.status", "household.statut", "did you mean `household.status`?"),
        ("X-Caf-Statut:", "X_Caf_Statut:", "not a header name"),
        ("X-Caf-Statut:", "Content-Type:", "meaning of its own"),
        ("X-Caf-Statut:", "X-CafTranche:", "injected twice"),
        ("X-Caf-Statut: household.status", "X-Caf-Statut: request.path", "cannot be injected"),
        ("valid_from: 2025-09-01", "valid_from: 2026-09-01", "two schedules"),
        ("{name: T3}]", "{up_to: 9000, name: T3}]", "has no bracket"),
        ("when_missing: alternative ", "when_missing: {mismatch: deny} ", "has no `default`"),
        ("encoding: utf-8", "encoding: utf8", "must be one of"),
        ("encoding: utf-8", "allow: {all: [identity.age: {at_least: old}]}", "must be a whole number"),
        ("encoding: utf-8", "allow: {all: [identity.agee: {at_least: 18}]}", "did you mean `identity.age`?"),
        ("encoding: utf-8", "allow: {all: [identity.age: {more: 18}]}", "not an operator"),
        ("encoding: utf-8", "allow: {all: [identity.age: {some: {at_least: 1}}]}", "is for lists"),
        ("encoding: utf-8", "allow: {all: [household.children.age: {at_least: 1}]}", "is a list"),
        ("encoding: utf-8", "allow: {all: [identity.age: {between: [9, 3]}]}", "the lower one first"),
        ("review: true", "review: yes-please", "true or false"),
    ],
)
def test_a_mistake_in_a_policy_is_explained(
    folder: Path, capsys: pytest.CaptureFixture[str], before: str, after: str, said: str
) -> None:
    change(folder / "policies" / "cantine.yaml", before, after)
    assert main(["check"]) == 1
    error = capsys.readouterr().err
    assert said in error
    assert re.search(r"cantine\.yaml:\d+: ", error)


def test_a_wrong_form_is_answered_with_what_the_key_is_for(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    change(folder / "gateway.yaml", "listen: 127.0.0.1:8000", "listen: 127.0.0.1")
    assert main(["check"]) == 1
    assert "hint: HOST:PORT, or unix:PATH of a socket" in capsys.readouterr().err


def test_a_mistake_inside_one_of_two_forms_is_said_where_it_is_and_once(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`brackets` is one schedule or a list of them; nobody wants to hear that a list is no mapping."""
    change(folder / "policies" / "cantine.yaml", "{up_to: 800, name: T2}", "{up_to: many, name: T2}")
    assert main(["check"]) == 1
    said = capsys.readouterr().err
    assert "up_to" in said
    assert "must be a mapping" not in said
    assert said.count(".yaml:") == 1


def test_a_file_that_is_no_yaml_is_said_with_its_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "policies" / "cantine.yaml").write_text("purpose: [x\nlogin: {", encoding="utf-8")
    assert main(["check"]) == 1
    assert re.search(r"cantine\.yaml:\d+: YAML", capsys.readouterr().err)


def test_a_missing_file_is_said(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["check", "--config", str(tmp_path / "none.yaml")]) == 1
    assert "there is no such file" in capsys.readouterr().err


PRODUCTION = {
    "environment: custom                      # sandbox | production, or custom with an issuer of your own": "environment: production",
    "    issuer: http://127.0.0.1:8101/api/v2     # plain http is accepted on loopback addresses only\n": "",
    "environment: custom                      # staging | production, or custom with a base_url": "environment: production",
    "    base_url: http://127.0.0.1:8102\n": "",
    "public_url: http://localhost:8000 ": "public_url: https://services.ville.example ",
}


def _in_production(folder: Path) -> None:
    for before, after in PRODUCTION.items():
        change(folder / "gateway.yaml", before, after)


def test_production_is_accepted_with_strong_secrets(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _in_production(folder)
    assert main(["check"]) == 0
    assert "(production)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("SESSION_SECRET", "tiny"),
        ("SESSION_SECRET", "changeme" * 8),
        ("FC_CLIENT_SECRET", "a" * 64),
        ("APP_SECRET", "changeme" * 8),
    ],
)
def test_production_refuses_weak_secrets(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], variable: str, value: str
) -> None:
    _in_production(folder)
    change(folder / "gateway.yaml", SERVED, SERVED.replace("}", ", sign: hmac, secret: {env: APP_SECRET}}"))
    monkeypatch.setenv("APP_SECRET", hashlib.sha256(b"application").hexdigest())
    assert main(["check"]) == 0
    monkeypatch.setenv(variable, value)
    assert main(["check"]) == 1
    error = capsys.readouterr().err
    assert "secret" in error
    assert value not in error


def test_production_refuses_a_sandbox_under_any_name(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _in_production(folder)
    issuer = "environment: custom\n    issuer: https://fcp-low.sbx.dev-franceconnect.fr/api/v2"
    change(folder / "gateway.yaml", "franceconnect:\n    environment: production", f"franceconnect:\n    {issuer}")
    assert main(["check"]) == 1
    assert "sandbox" in capsys.readouterr().err


def test_production_refuses_a_level_that_nobody_gives(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _in_production(folder)
    change(folder / "policies" / "cantine.yaml", "login: {acr: eidas1}", "login: {acr: eidas2}")
    assert main(["check"]) == 1
    assert "eidas2" in capsys.readouterr().err


def test_number_mode_is_switched_on_deliberately_and_said(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    change(folder / "gateway.yaml", "mode: franceconnect ", "mode: number\n    token: {env: SESSION_SECRET} ")
    change(folder / "policies" / "cantine.yaml", "  match: required", "  mode: number\n  match: required")
    assert main(["check"]) == 0
    assert "answers 410, so the broker at http://127.0.0.1:8102" in capsys.readouterr().out
    change(folder / "gateway.yaml", "environment: custom                      # staging", "environment: staging # ")
    assert main(["check"]) == 1
    assert "410" in capsys.readouterr().err


def test_a_policy_that_chooses_another_mode_needs_its_token(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    change(folder / "policies" / "cantine.yaml", "  match: required", "  mode: identity\n  match: required")
    assert main(["check"]) == 1
    assert "`token` is missing" in capsys.readouterr().err
    change(folder / "gateway.yaml", "mode: franceconnect ", "mode: franceconnect\n    token: {env: SESSION_SECRET} ")
    assert main(["check"]) == 0


def test_a_token_that_no_mode_needs_is_kept_for_one_that_will(folder: Path) -> None:
    change(folder / "gateway.yaml", "mode: franceconnect ", "mode: franceconnect\n    token: {env: SESSION_SECRET} ")
    assert main(["check"]) == 0


@pytest.mark.parametrize("name", ["gateway", "policy"])
def test_the_schema_is_a_json_schema_that_names_the_keys(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", name]) == 0
    schema = json.loads(capsys.readouterr().out)
    assert schema["$schema"].endswith("2020-12/schema")
    assert {"gateway": "routes", "policy": "purpose"}[name] in schema["properties"]
    assert schema["additionalProperties"] is False


PERSON = """
identity: {birth_name: DUBOIS, given_names: Angela Claire, age: 34}
household: {status: verified, family_quotient: 648, fund: cnaf, children.age: [4, 9]}
"""


def _explain(folder: Path, capsys: pytest.CaptureFixture[str], *arguments: str, person: str = PERSON) -> str:
    (folder / "person.yaml").write_text(person, encoding="utf-8")
    assert main(["explain", *arguments, "--as", "person.yaml", "--date", "2026-11-24"]) == 0
    return capsys.readouterr().out


def test_explain_says_the_decision_and_the_headers(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = _explain(folder, capsys, "GET", "/cantine/")
    assert "decision:  allow (allowed)" in out
    assert "X-Caf-Tranche: T2" in out
    assert "648" not in out


def test_explain_needs_no_secret(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("FC_CLIENT_ID", "FC_CLIENT_SECRET", "SESSION_SECRET", "SIGNING_KEY"):
        monkeypatch.delenv(name)
    assert "allow" in _explain(folder, capsys, "GET", "http://localhost:8000/cantine/")


def test_explain_says_each_condition(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with (folder / "policies" / "cantine.yaml").open("a", encoding="utf-8") as policy:
        policy.write(
            "allow:\n  all:\n    - identity.age: {at_least: 18}\n"
            "    - household.children.age: {some: {between: [3, 11]}}\n  none:\n    - identity.email: {is: a@b}\n"
        )
    out = _explain(folder, capsys, "GET", "/cantine/")
    assert "all: identity.age {at_least: 18}: true" in out
    assert "all: household.children.age {some: {between: [3, 11]}}: true" in out
    assert "none: identity.email {is: a@b}: unknown" in out
    assert "decision:  alternative (condition_unknown)" in out


@pytest.mark.parametrize(
    ("person", "said"),
    [
        ("{}", "authenticate (anonymous)"),
        ("identity: {birth_name: DUBOIS}", "authenticate (scopes_missing)"),
        ("identity: {birth_name: DUBOIS}\nhousehold: {status: mismatch}", "alternative (household_missing)"),
        ("identity: {birth_name: DUBOIS}\nhousehold: {status: verified}", "alternative (household_missing)"),
    ],
)
def test_explain_says_why_not(folder: Path, capsys: pytest.CaptureFixture[str], person: str, said: str) -> None:
    assert said in _explain(folder, capsys, "GET", "/cantine/", person=person)


def test_explain_says_a_review_a_redirect_and_a_refusal(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "asks:      review" in _explain(folder, capsys, "GET", "/cantine/", "--before-review")
    assert "redirect: /cantine/" in _explain(folder, capsys, "GET", "/cantine")
    assert main(["explain", "GET", "/../x"]) == 2
    assert "path_dot_segment" in capsys.readouterr().out


def test_a_fixture_that_is_no_fixture_is_explained(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "person.yaml").write_text("identity: {nom: DUBOIS}\nfoyer: {}\n", encoding="utf-8")
    assert main(["explain", "GET", "/cantine/", "--as", "person.yaml"]) == 1
    error = capsys.readouterr().err
    assert "`identity.nom` is not a fact" in error
    assert "`foyer` is not a part" in error
