"""The gateway itself: `python -m gateway serve` with a full policy, and people signed in through the sandbox."""

import base64
import json
import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from bench.peers_start import Place, auth_request_front
from bench.processes import LOAD_CORE, SYSTEM_CORE, Tree, free_ports
from bench.systems import SESSIONS, Fields, System, Wrong, fetch, signed_in
from tests.browser import Page, Person

CLIENT_ID = "bench-" + "0" * 24
PERSON = "sans_nom_dusage"
"""Paul Louis DUPONT: two parents, three children, known to CAF."""

POLICY = (Path(__file__).parent / "peers" / "policy.yaml").read_text(encoding="utf-8")
INJECTED = re.findall(r"^  (X-[\w-]+):", POLICY, re.MULTILINE)
"""Twelve headers, each known for the person who signs in."""

FORMS = ("jwt", "hmac", "none")
_TRUSTED = {"": [], "tcp": ["127.0.0.1/32"], "unix": ["unix"]}
_SIGNATURE = {"jwt": "x-gateway-assertion", "hmac": "x-gateway-signature"}


@dataclass(frozen=True)
class Outside:
    """FranceConnect and API Particulier, simulated, for the gateways of a run."""

    fc_port: int
    api_port: int
    secret: str
    ports: Sequence[int]
    """Ports of the public URLs that FranceConnect knows."""


@dataclass(frozen=True)
class Variant:
    """One gateway to start."""

    name: str
    store: str = "sqlite"
    forms: Sequence[str] = FORMS
    more_routes: int = 0
    sessions: int = 0
    """Live sessions in the store, those in use included; 0: those in use alone."""
    websocket: bool = True
    forward_auth: str = ""
    """`tcp` or `unix`: nginx keeps the data plane and asks there."""


def outside(place: Place, gateway: Path, count: int) -> Outside:
    """Start the sandbox for `count` gateways."""
    fc_port, api_port, *ports = free_ports(2 + count)
    secret = secrets.token_hex(32)
    urls = [f"http://127.0.0.1:{port}" for port in ports]
    command = [str(place.python), "-m", "bench.outside", str(fc_port), str(api_port), CLIENT_ID, secret, *urls]
    _in(place, gateway, "outside", command, LOAD_CORE, {}).wait_for(("127.0.0.1", fc_port))
    return Outside(fc_port, api_port, secret, ports)


def _in(place: Place, gateway: Path, name: str, command: Sequence[str], core: int, env: dict[str, str]) -> Tree:
    """Run a module of the gateway's tree, with this benchmark's modules beside it."""
    tree = Tree(
        name,
        command,
        core=core,
        log=place.folder / f"{name}.log",
        cwd=gateway,
        env={**env, "PYTHONPATH": str(place.root)},
    )
    place.trees.append(tree)
    return tree


def start(place: Place, gateway: Path, around: Outside, port: int, variant: Variant) -> list[System]:
    """One row for each form of signature.

    `port` is the public one: the gateway's own, or nginx's before it.
    """
    folder = place.folder / variant.name.replace(" ", "-")
    (folder / "policies").mkdir(parents=True)
    inner = free_ports(1)[0] if variant.forward_auth else port
    listen: Path | int = folder / "gateway.sock" if variant.forward_auth == "unix" else inner
    # Logins under way have records of their own, which must find room too.
    in_use = min(SESSIONS, variant.sessions or SESSIONS)
    seeded = max(0, variant.sessions - 2 * in_use)
    _write(folder, around, place, port, listen, variant)
    env = {
        "FC_CLIENT_ID": CLIENT_ID,
        "FC_CLIENT_SECRET": around.secret,
        "SESSION_SECRET": secrets.token_hex(32),
        "SIGNING_KEY": _p256_pem(),
        "HMAC_SECRET": secrets.token_hex(32),
        "BENCH_SESSIONS": str(seeded),
    }
    module = "bench.seeded" if seeded else "gateway"
    command = [str(place.python), "-m", module, "serve", "--config", str(folder / "gateway.yaml")]
    tree = _in(place, gateway, variant.name.replace(" ", "-"), command, SYSTEM_CORE, env)
    tree.wait_for(listen if isinstance(listen, Path) else ("127.0.0.1", listen))
    trees = [tree]
    if variant.forward_auth:
        trees.append(_front(place, variant, port, listen))
    form = variant.forms[0]
    cookies = signed_in(lambda: login(port, f"/{form}/"), in_use)
    key = _public_key(port)
    return [
        System(
            f"{variant.name} ({form})",
            port,
            trees,
            f"/{form}/",
            f"/{form}-t/",
            cookies,
            _checker(form, key),
            targets=_spread(variant.more_routes) if form == variant.forms[0] else (),
        )
        for form in variant.forms
    ]


def _spread(routes: int) -> Sequence[str]:
    """Up to sixty-four routes from all over the table; none where there are only the usual ones."""
    return [f"/r{number}/" for number in range(0, routes, max(1, routes // 64))][:64]


def _write(folder: Path, around: Outside, place: Place, port: int, listen: Path | int, variant: Variant) -> None:
    static, tools = f"http://127.0.0.1:{place.static}", f"http://127.0.0.1:{place.tools}"
    routes: list[dict[str, object]] = [{"path": "/ouvert/", "upstream": static, "policy": "public"}]
    for form in variant.forms:
        sign = {"sign": form, **({"secret": {"env": "HMAC_SECRET"}} if form == "hmac" else {})}
        routes.append({"path": f"/{form}/", "upstream": static, "policy": "bench", **sign})
        stream = {"body": "unbound", **({"websocket": True} if variant.websocket else {})}
        routes.append({"path": f"/{form}-t/", "upstream": tools, "policy": "bench", **sign, **stream})
    form = variant.forms[0]
    routes += [
        {"path": f"/r{number}/", "upstream": static, "policy": "bench", "sign": form}
        for number in range(variant.more_routes)
    ]
    store = "memory:" if variant.store == "memory" else "sqlite:sessions.db"
    configuration = {
        "public_url": f"http://127.0.0.1:{port}",
        "authority": {"name": "Ville", "siret": "13002526500013", "dpo": "dpo@ville.example"},
        "listen": f"unix:{listen}" if isinstance(listen, Path) else f"127.0.0.1:{listen}",
        "trusted_proxies": _TRUSTED[variant.forward_auth],
        "identity": {
            "franceconnect": {
                "environment": "custom",
                "issuer": f"http://127.0.0.1:{around.fc_port}/api/v2",
                "client_id": {"env": "FC_CLIENT_ID"},
                "client_secret": {"env": "FC_CLIENT_SECRET"},
            }
        },
        "household": {
            "api_particulier": {
                "environment": "custom",
                "base_url": f"http://127.0.0.1:{around.api_port}",
                "mode": "franceconnect",
            }
        },
        "sessions": {"store": store, "secrets": [{"env": "SESSION_SECRET"}]},
        "signing": {"key": {"env": "SIGNING_KEY"}},
        "routes": routes,
    }
    # JSON is YAML.
    (folder / "gateway.yaml").write_text(json.dumps(configuration, ensure_ascii=False, indent=1), encoding="utf-8")
    (folder / "policies" / "bench.yaml").write_text(POLICY, encoding="utf-8")
    (folder / "policies" / "public.yaml").write_text(json.dumps({"purpose": "Ouvert"}), encoding="utf-8")


def _front(place: Place, variant: Variant, port: int, listen: Path | int) -> Tree:
    decider = f"unix:{listen}" if isinstance(listen, Path) else f"127.0.0.1:{listen}"
    forms = {
        f"/{form}/": (form, [*INJECTED, *(name.title() for key, name in _SIGNATURE.items() if key == form)])
        for form in variant.forms
    }
    original = "proxy_set_header X-Original-URL $scheme://$http_host$request_uri;"
    return auth_request_front(place, f"front-{variant.forward_auth}", port, decider, forms, original)


def login(port: int, path: str) -> str:
    """From a protected page through FranceConnect, CAF and the review; the session's cookie."""
    person = Person(f"http://127.0.0.1:{port}")
    with person.client:
        page = person.press(person.visit(f"{path}200"), "S’identifier avec")
        page = person.press(_choose(person, page), "Continuer")
        if page.path.startswith("/_gateway/review"):
            page = person.press(page, "Continuer")
        if page.status != 200 or page.path != f"{path}200":
            raise Wrong(f"the login ended at {page.path} with {page.status}: {page.text[:200]}")
        return "; ".join(
            f"{each.name}={each.value}" for each in person.client.cookies.jar if "gateway-session" in each.name
        )


def _choose(person: Person, page: Page) -> Page:
    for form in page.forms:
        for _, name, value in form.buttons:
            if value == PERSON:
                return person.send(page, form, {name: value})
    raise Wrong(f"FranceConnect's page offers nobody to choose: {page.text[:200]}")


def _p256_pem() -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    kind, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return key.private_bytes(kind, form, serialization.NoEncryption()).decode()


def _public_key(port: int) -> ec.EllipticCurvePublicKey:
    """What the gateway publishes."""
    jwk = json.loads(fetch(port, "/_gateway/keys")[1])["keys"][0]
    x, y = (int.from_bytes(_unb64(jwk[name]), "big") for name in ("x", "y"))
    return ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()


def _checker(form: str, key: ec.EllipticCurvePublicKey) -> Callable[[Fields, str], None]:
    def check(fields: Fields, target: str) -> None:
        missing = [name for name in INJECTED if not fields.get(name.lower())]
        if missing:
            raise Wrong(f"the upstream saw no {missing} in {sorted(fields)}")
        if fields["x-usager-nom"] != "DUPONT" or fields["x-caf-statut"] != "verified":
            raise Wrong(f"the upstream saw somebody else: {fields['x-usager-nom']}, {fields['x-caf-statut']}")
        if form in _SIGNATURE and _SIGNATURE[form] not in fields:
            raise Wrong(f"the upstream saw no signature in {sorted(fields)}")
        if form == "jwt":
            _verify_assertion(fields[_SIGNATURE[form]], key, target, fields["host"])
        if form == "hmac" and not re.fullmatch(r"v1;kid=[^;]+;ts=\d+;jti=[^;]+;mac=[\w=-]+", fields[_SIGNATURE[form]]):
            raise Wrong(f"not a signature: {fields[_SIGNATURE[form]]}")

    return check


def _verify_assertion(assertion: str, key: ec.EllipticCurvePublicKey, target: str, host: str) -> None:
    signed, _, signature = assertion.rpartition(".")
    raw = _unb64(signature)
    der = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    try:
        key.verify(der, signed.encode(), ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        raise Wrong("the assertion does not verify") from None
    claims = json.loads(_unb64(signed.partition(".")[2]))
    if (claims["htm"], claims["hta"], claims["htp"]) != ("GET", host, target):
        raise Wrong(f"the assertion is bound to {claims['htm']} {claims['hta']}{claims['htp']}, not to {host}{target}")


def _unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
