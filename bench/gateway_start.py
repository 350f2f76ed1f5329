"""The gateway itself: `python -m gateway serve` with a full policy, and people signed in through the sandbox."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from bench.gateway_files import INJECTED, Outside, Variant, audience, sign, slug, write
from bench.peers_start import Place, auth_request_front, tool
from bench.processes import LOAD_CORE, SYSTEM_CORE, Tree, free_ports
from bench.signatures import HEADER, Verifier, body_hash, new_p256_pem, public_key
from bench.systems import SESSIONS, Fields, System, Wrong, fetch, signed_in
from gateway.config.gateway_file import load
from tests.browser import Page, Person

CLIENT_ID = "bench-" + "0" * 24
PERSON = "sans_nom_dusage"
"""Paul Louis DUPONT: two parents, three children, known to CAF."""


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
    store, beside = _store(place, folder, variant)
    write(folder, around, (place.static, place.tools), port, listen, variant, store)
    env = {
        "FC_CLIENT_ID": CLIENT_ID,
        "FC_CLIENT_SECRET": around.secret,
        "SESSION_SECRET": secrets.token_hex(32),
        "SIGNING_KEY": new_p256_pem(),
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
    cookies = signed_in(lambda: login(port, [f"/{slug(form)}/" for form in variant.forms]), in_use)
    verifier = Verifier(
        key=public_key(fetch(port, "/_gateway/keys")[1]),
        secret=env["HMAC_SECRET"].encode(),
        audience="",
        policy_version=load(folder / "gateway.yaml", env).policies["bench"].version,
        injected=INJECTED,
        body=body_hash(seen=not variant.forward_auth),
    )
    return [
        System(
            f"{variant.name} ({form})",
            port,
            trees,
            f"/{slug(form)}/",
            f"/{slug(form)}-t/",
            cookies,
            _checker(form, replace(verifier, audience=audience(port, variant, form))),
            beside=beside,
            targets=_spread(variant.more_routes) if form == variant.forms[0] else (),
        )
        for form in variant.forms
    ]


def _store(place: Place, folder: Path, variant: Variant) -> tuple[str, list[Tree]]:
    """`sessions.store`, and the server behind it: on the core of the load, for it is no part of the gateway."""
    if variant.store != "redis":
        return {"memory": "memory:"}.get(variant.store, "sqlite:sessions.db"), []
    (port,) = free_ports(1)
    command = [
        tool("redis-server", "redis-server"),
        "--port",
        str(port),
        "--bind",
        "127.0.0.1",
        "--save",
        "",
        "--dir",
        str(folder),
    ]
    tree = Tree(f"{folder.name}-redis", command, core=LOAD_CORE, log=folder / "redis.log")
    place.trees.append(tree)
    tree.wait_for(("127.0.0.1", port))
    return f"redis://127.0.0.1:{port}/0", [tree]


def _spread(routes: int) -> Sequence[str]:
    """Up to sixty-four routes from all over the table; none where there are only the usual ones."""
    return [f"/r{number}/" for number in range(0, routes, max(1, routes // 64))][:64]


def _front(place: Place, variant: Variant, port: int, listen: Path | int) -> Tree:
    decider = f"unix:{listen}" if isinstance(listen, Path) else f"127.0.0.1:{listen}"
    forms = {
        f"/{slug(form)}/": (form, [*INJECTED, *(name for key, name in HEADER.items() if key == sign(form))])
        for form in variant.forms
    }
    original = "proxy_set_header X-Original-URL $scheme://$http_host$request_uri;"
    return auth_request_front(place, f"front-{variant.forward_auth}", port, decider, forms, original)


def login(port: int, paths: Sequence[str]) -> str:
    """From a protected page through FranceConnect, CAF and the review of each policy; the session's cookie."""
    person = Person(f"http://127.0.0.1:{port}")
    with person.client:
        page = person.press(person.visit(f"{paths[0]}200"), "S’identifier avec")
        _reviewed(person, person.press(_choose(person, page), "Continuer"), paths[0])
        for path in paths[1:]:
            _reviewed(person, person.visit(f"{path}200"), path)
        return "; ".join(
            f"{each.name}={each.value}" for each in person.client.cookies.jar if "gateway-session" in each.name
        )


def _reviewed(person: Person, page: Page, path: str) -> None:
    if page.path.startswith("/_gateway/review"):
        page = person.press(page, "Continuer")
    if page.status != 200 or page.path != f"{path}200":
        raise Wrong(f"the login ended at {page.path} with {page.status}: {page.text[:200]}")


def _choose(person: Person, page: Page) -> Page:
    for form in page.forms:
        for _, name, value in form.buttons:
            if value == PERSON:
                return person.send(page, form, {name: value})
    raise Wrong(f"FranceConnect's page offers nobody to choose: {page.text[:200]}")


def _checker(form: str, verifier: Verifier) -> Callable[[Fields, str], None]:
    def check(fields: Fields, target: str) -> None:
        missing = [name for name in INJECTED if not fields.get(name.lower())]
        if missing:
            raise Wrong(f"the upstream saw no {missing} in {sorted(fields)}")
        if fields["x-usager-nom"] != "DUPONT" or fields["x-caf-statut"] != "verified":
            raise Wrong(f"the upstream saw somebody else: {fields['x-usager-nom']}, {fields['x-caf-statut']}")
        verifier.verify(sign(form), fields, target)

    return check
