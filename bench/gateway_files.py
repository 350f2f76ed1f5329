"""The measured gateway's configuration: its routes, one a form of signature, and the full policy."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.plan import BY_METHOD, FORMS

POLICY = (Path(__file__).parent / "peers" / "policy.yaml").read_text(encoding="utf-8")
INJECTED = re.findall(r"^  (X-[\w-]+):", POLICY, re.MULTILINE)
"""Twelve headers, each known for the person who signs in."""

_TRUSTED = {"": [], "tcp": ["127.0.0.1/32"], "unix": ["unix"]}


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


def write(
    folder: Path,
    around: Outside,
    upstreams: tuple[int, int],
    port: int,
    listen: Path | int,
    variant: Variant,
    store: str,
) -> None:
    """`gateway.yaml` and its policies in `folder`. `upstreams`: nginx's port, and that of `tools.py`."""
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
                # The people of a measure all sign in at once; the sandbox's clock runs ahead for them.
                "quotas": {"franceconnect_per_minute": 100_000, "franceconnect_per_hour": 1_000_000},
            }
        },
        "sessions": {"store": store, "secrets": [{"env": "SESSION_SECRET"}]},
        "signing": {"key": {"env": "SIGNING_KEY"}},
        "routes": _routes(variant, *(f"http://127.0.0.1:{port}" for port in upstreams)),
    }
    # JSON is YAML; compact, since ten thousand routes must fit in the megabyte that a configuration may have.
    (folder / "gateway.yaml").write_text(
        json.dumps(configuration, ensure_ascii=False, separators=(",", ":")), encoding="utf-8"
    )
    (folder / "policies" / "bench.yaml").write_text(POLICY, encoding="utf-8")
    (folder / "policies" / "by-method.yaml").write_text(POLICY.replace("  # by method:", "   "), encoding="utf-8")
    (folder / "policies" / "public.yaml").write_text(json.dumps({"purpose": "Ouvert"}), encoding="utf-8")


def _routes(variant: Variant, static: str, tools: str) -> list[dict[str, object]]:
    routes: list[dict[str, object]] = [{"path": "/ouvert/", "upstream": static, "policy": "public"}]
    streamed = {"body": "unbound", **({"websocket": True} if variant.websocket else {})}
    for form in variant.forms:
        routes.append({"path": f"/{slug(form)}/", "upstream": static, **_handling(form)})
        routes.append({"path": f"/{slug(form)}-t/", "upstream": tools, **_handling(form), **streamed})
    handling = _handling(variant.forms[0])
    return routes + [{"path": f"/r{number}/", "upstream": static, **handling} for number in range(variant.more_routes)]


def _handling(form: str) -> dict[str, object]:
    secret = {"secret": {"env": "HMAC_SECRET"}} if sign(form) == "hmac" else {}
    return {"policy": "by-method" if form == BY_METHOD else "bench", "sign": sign(form), **secret}


def sign(form: str) -> str:
    """The route's `sign` in a form's name."""
    return form.partition(",")[0]


def slug(form: str) -> str:
    """A form's name in a path."""
    return form.replace(",", "").replace(" ", "-")


def audience(port: int, variant: Variant, form: str) -> str:
    """What the application behind the measured route calls itself: by default the route's public address."""
    path = "r0" if variant.more_routes and form == variant.forms[0] else slug(form)
    return f"http://127.0.0.1:{port}/{path}/"
