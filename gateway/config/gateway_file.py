"""gateway.yaml and its policies → Settings, or every problem at once."""

import hashlib
import ipaddress
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from gateway.config.acceptance import check_acceptance
from gateway.config.alternatives import open_alternatives
from gateway.config.authority import read_authority, read_buttons
from gateway.config.disputes import dispute_notes, read_disputes
from gateway.config.gateway_models import GatewayModel
from gateway.config.identity import read_providers
from gateway.config.listeners import is_private, read_admin, read_listen
from gateway.config.policies import read_policies
from gateway.config.production import check_production, is_production
from gateway.config.providers import check_modes, is_loopback, read_sources
from gateway.config.routes import Surroundings, ascii_form, read_routes
from gateway.config.salvage import salvaged
from gateway.config.secrets import Secrets
from gateway.config.sessions import read_sessions, store_notes
from gateway.config.shapes import shaped
from gateway.config.texts import read_texts
from gateway.config.yaml_source import Path_, Source, read_yaml
from gateway.core.errors import ConfigError, Problem
from gateway.core.forwarded import Network
from gateway.core.model import Source as Asked
from gateway.core.retention import looks_like_a_duration
from gateway.core.rules import Mode, Policy
from gateway.settings import (
    ApiParticulierSettings,
    Limits,
    Settings,
    SigningSettings,
)

Workers = int | Literal["auto"]

WORKERS_AT_MOST = 256

UNIX = "unix"
"""In `trusted_proxies`: who connects through the Unix socket."""

_KEYGEN = "make one with: gateway keys make signing.pem (or openssl genpkey -algorithm ed25519)"


def load(
    path: Path, environ: Mapping[str, str], *, secrets_required: bool = True, workers: Workers | None = None
) -> Settings:
    """Read everything; ConfigError carries all that is wrong in all files. `workers` replaces the file's."""
    source = read_yaml(path, str(path))
    model = shaped(source, GatewayModel) or salvaged(source)
    if model is not None and workers is not None:
        model = model.model_copy(update={"workers": workers})
    if model is None:
        files = read_policies(path.parent, dict.fromkeys(Asked, Mode.FRANCECONNECT))
        raise ConfigError([*source.problems, *files.problems])
    secret = Secrets(source, environ, path.parent, required=secrets_required)
    settings, problems = _settings(model, source, secret, path.parent)
    if problems or source.problems or settings is None:
        raise ConfigError([*source.problems, *problems])
    return settings


def _digest(content: Iterable[tuple[str, bytes]]) -> str:
    """12 hex digits that tell one configuration from another; the files hold no secret."""
    digest = hashlib.sha256()
    for name, raw in content:
        digest.update(f"{name} {len(raw)}\n".encode() + raw)
    return digest.hexdigest()[:12]


def _settings(
    model: GatewayModel, source: Source, secret: Secrets, folder: Path
) -> tuple[Settings | None, list[Problem]]:
    public_url = model.public_url.rstrip("/")
    _check_public(model, source)
    providers = read_providers(model, source, secret, folder, public_url)
    asked, modes = read_sources(model, source, secret, folder)
    files = read_policies(folder, modes)
    policies, known = files.policies, list(files.sources)
    used = {each: _used(policies, each, mode) for each, mode in modes.items()}
    check_modes(model, used, source)
    household = asked.get(Asked.HOUSEHOLD)
    production = is_production(providers, asked.values())
    listen, networks = read_listen(model.listen, ("listen",), source, folder), _networks(model, source)
    around = Surroundings(source, files, public_url, secret, folder, production)
    notes: list[str] = []
    routes = open_alternatives(read_routes(model, around), files.sources, notes)
    problems: list[Problem] = []
    sessions = read_sessions(model.sessions, source, secret, folder)
    settings = Settings(
        public_url=public_url,
        authority=read_authority(model, source, folder, known),
        listen=listen,
        admin=read_admin(model, listen, source, folder),
        trusted_proxies=networks,
        trust_unix=UNIX in model.trusted_proxies,
        forward_auth=model.forward_auth,
        workers=_workers(model, source),
        providers=providers,
        household=household,
        childcare=asked.get(Asked.CHILDCARE),
        sessions=sessions,
        signing=_signing(model, source, secret),
        limits=Limits(**model.limits.model_dump()),
        routes=routes,
        policies=policies,
        production=production,
        disputes=read_disputes(model, source, secret, folder, sessions.store),
        texts=read_texts(folder, problems),
        buttons=read_buttons(model, source, folder),
        notes=(*notes, *_notes(model, policies, household, used.get(Asked.HOUSEHOLD, frozenset()))),
        version=_digest([(Path(source.file).name, source.raw), *files.content]),
    )
    check_acceptance(model, settings, source)
    if settings.production:
        check_production(settings, source, secrets=secret.required)
    return settings, [*files.problems, *problems]


def _used(policies: Mapping[str, Policy], source: Asked, mode: Mode) -> frozenset[Mode]:
    """The gateway's own mode, and those that policies choose instead."""
    return frozenset({mode, *(policy.rules[source].mode for policy in policies.values() if source in policy.rules)})


def _check_public(model: GatewayModel, source: Source) -> None:
    parts = urlsplit(model.public_url)
    if hint := ascii_form(parts.hostname or ""):
        source.say(("public_url",), "`public_url` has letters that no Host can carry", f"write {parts.scheme}://{hint}")
    elif parts.path not in {"", "/"} or parts.query or parts.username or not parts.hostname:
        source.say(("public_url",), "`public_url` is a scheme and a host", "write https://services.ville.fr")
    elif parts.scheme == "http" and not is_loopback(model.public_url):
        source.say(("public_url",), "`public_url` is plain http", "https, except on a loopback address")
    for place, siret in ((("authority", "siret"), model.authority.siret),):
        if not is_siret(siret):
            source.say(place, "`siret` is not a SIRET", "14 digits whose check digit holds")


def is_siret(text: str) -> bool:
    """Luhn's sum; La Poste's establishments (356000000…) add up to a multiple of five instead."""
    if text.startswith("356000000"):
        return sum(int(digit) for digit in text) % 5 == 0 or _luhn(text)
    return _luhn(text)


def _luhn(text: str) -> bool:
    doubled = [int(digit) * (2 if place % 2 else 1) for place, digit in enumerate(reversed(text))]
    return sum(number // 10 + number % 10 for number in doubled) % 10 == 0


def _workers(model: GatewayModel, source: Source) -> int:
    """`auto` is one for each core that this process may use."""
    several = model.workers if model.workers != "auto" else _cores()
    if not 1 <= several <= WORKERS_AT_MOST:
        source.say(("workers",), f"`workers` is not from 1 to {WORKERS_AT_MOST}", "write a number, or `auto`")
    if model.workers != 1 and model.sessions.store == "memory:":
        # `auto` too, whatever this machine has: a configuration that is right here is right on the next one.
        hint = "write `store: sqlite:var/sessions.db`, or `workers: 1`"
        source.say(("sessions", "store"), "`memory:` sessions are one worker's own, and there may be several", hint)
    return several


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _networks(model: GatewayModel, source: Source) -> tuple[Network, ...]:
    networks: list[Network] = []
    for index, text in enumerate(model.trusted_proxies):
        if text == UNIX:
            continue
        try:
            networks.append(ipaddress.ip_network(text))
        except ValueError:
            place: Path_ = ("trusted_proxies", index)
            source.say(place, f"`{text}` is not an address or a network", f"write {_network_near(text)}")
    return tuple(networks)


def _network_near(text: str) -> str:
    """Of `127.0.0.1/8`, the network that the address is in."""
    try:
        return str(ipaddress.ip_network(text, strict=False))
    except ValueError:
        return "10.0.0.0/8, or unix"


def _signing(model: GatewayModel, source: Source, secret: Secrets) -> SigningSettings:
    place: Path_ = ("signing", "key")
    key = secret(model.signing.key, place)
    if key and secret.required and (problem := _key_problem(key)):
        source.say(place, f"`key` {problem}", _KEYGEN)
    previous = []
    for index, each in enumerate(model.signing.previous):
        place = ("signing", "previous", index)
        previous.append(old := secret(each, place))
        if old and secret.required and (problem := _key_problem(old, public="PUBLIC KEY" in old.decode("latin-1"))):
            source.say(place, f"the previous key {problem}", "the key that signed before, or its public half")
    return SigningSettings(key, tuple(previous))


def _key_problem(pem: bytes, *, public: bool = False) -> str:
    """Why it cannot sign, or verify; empty when it can."""
    try:
        key = load_pem_public_key(pem) if public else load_pem_private_key(pem, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return "is not a public key in PEM" if public else "is not a private key in PEM"
    if isinstance(key, ec.EllipticCurvePrivateKey | ec.EllipticCurvePublicKey):
        return "" if isinstance(key.curve, ec.SECP256R1) else "is neither Ed25519 nor P-256"
    ed = isinstance(key, ed25519.Ed25519PrivateKey | ed25519.Ed25519PublicKey)
    return "" if ed else "is neither Ed25519 nor P-256"


def _notes(
    model: GatewayModel,
    policies: Mapping[str, Policy],
    household: ApiParticulierSettings | None,
    modes: frozenset[Mode],
) -> list[str]:
    notes = []
    if household is not None and Mode.NUMBER in modes:
        notes.append(f"number mode: the national route answers 410, so the broker at {household.base_url} is asked")
    if model.admin is not None and not is_private(model.admin.listen):
        notes.append(f"whoever reaches {model.admin.listen} reads the metrics: let a firewall choose who does")
    if model.listen.startswith("unix:") and UNIX not in model.trusted_proxies:
        notes.append("X-Forwarded-For is not believed from the Unix socket: list `unix` in `trusted_proxies`")
    if model.trusted_proxies and "forward_auth" not in model.model_fields_set:
        notes.append(
            "the listed proxies may ask /_gateway/auth: write `forward_auth: false` where the gateway carries the "
            "requests itself, else whoever a proxy lets through reads there what any application would be told; "
            "`true` where they ask it, and close it to the outside"
        )
    for policy in policies.values():
        if looks_like_a_duration(policy.retention or ""):
            said = f"policy `{policy.name}`: `retention: {policy.retention}` is no duration that is enforced"
            notes.append(f"{said}, the session's end is; write 30 minutes, 2 heures, 1 jour or PT30M")
    everybody = [text for text in model.trusted_proxies if text.endswith("/0")]
    notes += [f"`trusted_proxies: [{each}]` believes whoever connects of the client's address" for each in everybody]
    return notes + store_notes(model.sessions) + dispute_notes(model, policies)
