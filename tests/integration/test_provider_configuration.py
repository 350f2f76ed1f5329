"""What an operator may write under `identity:`, and what `gateway check` says of the rest."""

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from joserfc.jwk import ECKey

from gateway.adapters.keys import generate_pem
from gateway.config.gateway_file import load
from gateway.core.errors import ConfigError
from gateway.core.model import Acr
from gateway.relying_party.profiles import ClientAuth, Userinfo
from gateway.settings import Settings
from tests.shipped import without_disputes

ROOT = Path(__file__).resolve().parents[2]

ENVIRON = {name: hashlib.sha256(name.encode()).hexdigest() for name in ("FC_CLIENT_ID", "FC_CLIENT_SECRET", "SESSION_SECRET")} | {
    "SIGNING_KEY": generate_pem().decode(),
    "API_PARTICULIER_TOKEN": "t" * 64,
    "CLIENT_KEY": ECKey.generate_key("P-256").as_pem(private=True).decode(),
}  # fmt: skip

CLIENT = "client_id: {env: FC_CLIENT_ID}, client_secret: {env: FC_CLIENT_SECRET}"
GENERIC = f"profile: generic, issuer: http://127.0.0.1:8099/, {CLIENT}, acr_map: {{'1': eidas1}}"


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """The shipped configuration, whose policies accept FranceConnect alone."""
    (tmp_path / "gateway.yaml").write_text(without_disputes(), encoding="utf-8")
    shutil.copytree(ROOT / "policies", tmp_path / "policies")
    for path in (tmp_path / "policies").glob("*.yaml"):
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace("login: {acr: eidas1}", "login: {providers: [franceconnect]}"), encoding="utf-8")
    return tmp_path  # type: ignore[return-value]


def _load(folder: Path, entry: str = "", *, policy: str = "", route: str = "") -> Settings:
    path = folder / "gateway.yaml"
    text = path.read_text(encoding="utf-8").replace(
        "\nhousehold:\n", f"  {entry}\n\nhousehold:\n" if entry else "\nhousehold:\n"
    )
    path.write_text(text + route, encoding="utf-8")
    if policy:
        (folder / "policies" / "essai.yaml").write_text(policy, encoding="utf-8")
    return load(path, ENVIRON)


def _refusal(folder: Path, entry: str = "", **more: str) -> str:
    with pytest.raises(ConfigError) as caught:
        _load(folder, entry, **more)
    text = str(caught.value)
    assert "gateway.yaml:" in text
    return text


def test_a_keycloak_with_all_its_keys_is_read(folder: Path) -> None:
    entry = (
        "agents: {profile: keycloak, issuer: http://127.0.0.1:8099/realms/agents, client_id: {env: FC_CLIENT_ID}, "
        "client_auth: private_key_jwt, client_key: {env: CLIENT_KEY}, signing_alg: ES256, userinfo: signed, "
        "bearer: body, acr_map: {absent: eidas1, gold: eidas2}, scopes: [offline_access], "
        "claims: {birth_name: civil_name}, civil_status: verified, email: as_given, callback_iss: required, "
        "recheck_s: 300, label: Annuaire des agents, about: https://intranet.ville.example/}"
    )
    found = _load(folder, entry).providers[1]
    assert (found.name, found.profile, found.issuer) == (
        "agents",
        "keycloak",
        "http://127.0.0.1:8099/realms/agents",
    )
    assert (found.auth, found.reads, found.signing_alg) == (ClientAuth.PRIVATE_KEY_JWT, Userinfo.SIGNED, "ES256")
    assert (found.acr_map, found.acr_absent) == ({"gold": Acr.EIDAS2}, Acr.EIDAS1)
    assert found.vouches
    assert found.recheck_s == 300
    assert found.shown_as == "Annuaire des agents"
    assert found.client_secret == ""
    assert "PRIVATE KEY" not in repr(found)


def test_an_issuer_is_kept_letter_by_letter(folder: Path) -> None:
    found = _load(folder, f"agents: {{{GENERIC}}}").providers[1]
    assert found.issuer == "http://127.0.0.1:8099/"
    assert (found.auth, found.reads, found.signing_alg) == (ClientAuth.BASIC, Userinfo.JSON, "RS256")


@pytest.mark.parametrize("environment", ["sandbox", "production"])
def test_proconnect_needs_no_address(folder: Path, environment: str) -> None:
    found = _load_lenient(folder, f"proconnect: {{environment: {environment}, {CLIENT}}}")
    assert found.providers[1].token_endpoint == f"{found.providers[1].issuer}/token"
    assert found.providers[1].shown_as == "ProConnect"
    assert found.providers[1].signing_alg == "RS256"


def _load_lenient(folder: Path, entry: str) -> Settings:
    """In production the loopback FranceConnect of the shipped file is a sandbox: this test is not about it."""
    path = folder / "gateway.yaml"
    text = path.read_text(encoding="utf-8").replace("\nhousehold:\n", f"  {entry}\n\nhousehold:\n")
    text = text.replace("environment: custom                      #", "environment: ENV                      #", 1)
    text = text.replace(
        "environment: ENV", "environment: production" if "production" in entry else "environment: custom"
    )
    if "production" in entry:
        text = text.replace("    base_url: http://127.0.0.1:8102\n", "").replace(
            "environment: custom", "environment: production"
        )
        text = text.replace("public_url: http://localhost:8000", "public_url: https://services.ville.example")
        text = text.replace("    issuer: http://127.0.0.1:8101/api/v2", "    #")
    path.write_text(text, encoding="utf-8")
    return load(path, ENVIRON)


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("agents: {issuer: https://x.example, CLIENT}", "`agents` needs a `profile`"),
        ("proconect: {environment: production, CLIENT}", "did you mean `proconnect`?"),
        ("Agents-1: {GENERIC}", "is not a name for a provider"),
        ("upstream: {GENERIC}", "is not a name for a provider"),
        ("proconnect: {CLIENT}", "`environment` is missing"),
        ("agents: {profile: generic, CLIENT, acr_map: {'1': eidas1}}", "`issuer` is missing"),
        ("agents: {profile: generic, environment: production, CLIENT, acr_map: {a: eidas1}}", "no production of its own"),
        ("agents: {profile: generic, issuer: http://sso.ville.example, CLIENT, acr_map: {a: eidas1}}", "plain http"),
        ("agents: {profile: generic, issuer: https://x.example, CLIENT}", "`acr_map` is missing"),
        ("agents: {GENERIC, acr_map: {'1': eidas9}}", "must be one of"),
        ("agents: {GENERIC, client_auth: private_key_jwt}", "`client_key` is missing"),
        ("agents: {GENERIC, client_auth: private_key_jwt, client_key: {env: CLIENT_KEY}}", "`client_secret` is not used"),
        ("agents: {GENERIC, client_key: {env: CLIENT_KEY}}", "`client_key` is not used"),
        ("agents: {profile: generic, issuer: https://x.example, client_id: {env: FC_CLIENT_ID}, acr_map: {a: eidas1}}", "`client_secret` is missing"),
        ("agents: {NOKEY, client_auth: private_key_jwt, client_key: {env: SESSION_SECRET}}", "neither a P-256 nor an RSA"),
        ("agents: {GENERIC, encryption_key: {env: CLIENT_KEY}}", "`encryption_key` is not a key of `generic`"),
        ("agents: {GENERIC, signing_alg: HS256}", "must be one of"),
        ("agents: {GENERIC, signing_alg: none}", "must be one of"),
        ("agents: {GENERIC, recheck_s: 5}", "recheck_s"),
        ("agents: {GENERIC, pkce: false}", "`pkce` is not a key"),
        ("agents: {GENERIC, claims: {nickname: nickname}}", "nickname"),
        ("agents: {GENERIC}\n  others: {GENERIC}", "the same client of the same issuer"),
        ("proconnect: {environment: sandbox, CLIENT, userinfo: json}", "`userinfo` is not a key of `proconnect`"),
        ("proconnect: {environment: sandbox, CLIENT, client_auth: client_secret_basic}", "is not accepted there"),
    ],
)  # fmt: skip
def test_a_mistake_under_identity_is_explained(folder: Path, entry: str, said: str) -> None:
    nokey = GENERIC.replace("client_secret: {env: FC_CLIENT_SECRET}, ", "")
    if "GENERIC, acr_map" in entry:
        entry = entry.replace("GENERIC, ", GENERIC.replace(", acr_map: {'1': eidas1}", "") + ", ")
    entry = (
        entry.replace("NOKEY", nokey)
        .replace("GENERIC", GENERIC)
        .replace("CLIENT,", f"{CLIENT},")
        .replace("CLIENT}", f"{CLIENT}}}")
    )
    error = _refusal(folder, entry)
    assert said in error
    assert ENVIRON["FC_CLIENT_SECRET"] not in error


@pytest.mark.parametrize("key", ["label: x", "acr_map: {a: eidas1}", "userinfo: json", "scopes: [offline_access]", "recheck_s: 300",
                                 "claims: {email: mail}", "civil_status: verified", "callback_iss: announced"])  # fmt: skip
def test_nothing_that_franceconnect_fixes_can_be_written(folder: Path, key: str) -> None:
    path = folder / "gateway.yaml"
    text = path.read_text(encoding="utf-8").replace("    signing_alg: ES256", f"    {key}\n    signing_alg: ES256", 1)
    path.write_text(text, encoding="utf-8")
    assert f"`{key.partition(':')[0]}` is not a key of `franceconnect`" in _refusal(folder)


POLICY = """\
purpose: Essai
legal_basis: mission d'intérêt public
retention: session
login: LOGIN
household: {match: required, mode: MODE}
alternative: {url: /essai/justificatif, text: Déposer une attestation}
inject: {X-Caf-Statut: household.status, X-Caf-Qf: household.family_quotient}
"""
ROUTE = '  - {path: /essai/, upstream: "http://127.0.0.1:8103", policy: essai}\n'
TOKEN = ("    mode: franceconnect ", "    token: {env: API_PARTICULIER_TOKEN}\n    mode: franceconnect ")


@pytest.mark.parametrize(
    ("login", "mode", "vouched", "said"),
    [
        ("{providers: [agents]}", "identity", False, "names that `agents` does not check"),
        ("{acr: eidas1}", "identity", False, "write `login: {providers: [franceconnect]}`"),
        ("{providers: [agents]}", "franceconnect", True, "asks in mode franceconnect with a login by `agents`"),
        ("{providers: [agents]}", "franceconnect", False, "names that `agents` does not check"),
        ("{providers: [agents], acr: eidas3}", "identity", True, "asks for eidas3, which no accepted provider gives"),
        ("{providers: [nobody]}", "identity", True, "accepts the unknown provider `nobody`"),
        ("{providers: [agents]}", "identity", True, ""),
        ("{acr: eidas1}", "identity", True, ""),
    ],
)
def test_a_household_is_compared_with_vouched_names_only(
    folder: Path, login: str, mode: str, vouched: bool, said: str
) -> None:
    path = folder / "gateway.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace(*TOKEN), encoding="utf-8")
    entry = f"agents: {{{GENERIC}{', civil_status: verified' if vouched else ''}}}"
    policy = POLICY.replace("LOGIN", login).replace("MODE", mode)
    if said:
        assert said in _refusal(folder, entry, policy=policy, route=ROUTE)
    else:
        assert "essai" in _load(folder, entry, policy=policy, route=ROUTE).policies


def test_only_where_franceconnect_is_accepted_must_there_be_another_way(folder: Path) -> None:
    policy = "purpose: Outils\nlegal_basis: x\nretention: session\nlogin: {providers: [PROVIDER]}\n"
    settings = _load(folder, f"agents: {{{GENERIC}}}", policy=policy.replace("PROVIDER", "agents"), route=ROUTE)
    assert settings.policies["essai"].alternative is None
    refused = policy.replace("PROVIDER", "agents, franceconnect")
    with pytest.raises(ConfigError, match="`alternative` is missing"):
        _load(folder, policy=refused)
