"""Send one connection, then hold the gateway to the reference: any difference is a finding, in words."""

import base64
import hashlib
import json
import re
import socket
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePublicNumbers
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from tests.canary import Exchange, Seen
from tests.fronted import Fronted
from tests.fuzz.grammar import IDENTITY, Sent
from tests.fuzz.reference import Read, Reading, read_all
from tests.wire import Ended, Mangled, Raw, eventually

INJECTED = ("x-usager-id", "x-usager-nom", "x-usager-prenoms")
ROUTES = {b"/pub/": "pub", b"/app/": "app", b"/stream/": "stream", b"/loose/": "loose", b"/small/": "small"}

_OURS = frozenset(
    ["host", "content-length", "transfer-encoding", "x-gateway-assertion", *INJECTED]
    + ["x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-forwarded-port", "forwarded", "via", "connection"]
)


def _fold(name: str) -> str:
    return "".join(each for each in name.lower() if each.isalnum())


_FORBIDDEN = frozenset(_fold(name.decode()) for name in IDENTITY) | {"http" + _fold(name.decode()) for name in IDENTITY}


_OWN_COOKIE = re.compile(rb"(?:^|;)[ \t=]*gateway-session[ \t]*(?:[=;]|$)")
"""By its whole name: `gateway-sessionX` is somebody else's."""


@dataclass
class Referee:
    """One gateway, one signed-in person; every connection is judged, and the audit at the end."""

    fronted: Fronted
    cookie: bytes
    """`name=value` of the session."""
    findings: list[str] = field(default_factory=list)
    forwarded: dict[str, tuple[str, str]] = field(default_factory=dict)
    """decision id → method and route, as the canary saw them."""
    counts: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.fronted.canary.keep_bytes = False
        self._keys = json.loads(self.fronted.ask(b"GET /_gateway/keys HTTP/1.1\r\nHost: HOST\r\n\r\n").body)["keys"]

    def judge(self, sent: Sent) -> list[str]:
        """What is wrong with how this connection was treated."""
        self.findings = []
        canary = self.fronted.canary
        canary.forget()
        canary.script = answer_in_some_way
        segments = sent.segments(lambda raw: self.fronted.fill(raw).replace(b"SESSION", self.cookie))
        reading = read_all(b"".join(segments))
        answers = self._exchange(segments, reading)
        whole = [seen for seen in canary.seen if seen.whole]
        self._compare(answers, whole, reading)
        self._look_at_the_cut([seen for seen in canary.seen if not seen.whole])
        self.findings += [f"the upstream received no HTTP: {each}" for each in canary.mangled]
        if sent.legal and [canary_made for _, canary_made in answers] != [True] * len(reading.requests):
            self._say(f"legal requests were not all served: {answers}")
        self.counts.update(connections=1, forwarded=len(whole), refused=sum(not made for _, made in answers))
        self.counts.update(legal=sent.legal, cut=len(canary.seen) - len(whole))
        return self.findings

    def _say(self, what: str) -> None:
        self.findings.append(what)

    def _exchange(self, segments: list[bytes], reading: Reading) -> list[tuple[int, bool]]:
        """Status of each answer, and whether the upstream gave it."""
        answers: list[tuple[int, bool]] = []
        with self.fronted.raw() as raw:
            for segment in segments:
                raw.send(segment)
            try:
                for request in reading.requests:
                    answers.append(self._answer(raw, request.method.decode()))
                with suppress(OSError):
                    raw.sock.shutdown(socket.SHUT_WR)
                answers += self._rest(raw)
            except Ended as ended:
                if ended.partial:
                    self._say(f"an answer was cut: {ended.partial[:100]!r}")
            except Mangled as error:
                self._say(f"the gateway answered no HTTP: {error}")
            except TimeoutError:
                self._say(f"the gateway did not answer; {len(answers)} answers")
        return answers

    def _answer(self, raw: Raw, method: str) -> tuple[int, bool]:
        answer = raw.answer(method)
        made = bool(answer.values("x-canary"))
        if not made and answer.status == 408:
            self._say("the gateway waits for more of a request that is whole")
        return answer.status, made

    def _rest(self, raw: Raw) -> list[tuple[int, bool]]:
        rest = raw.rest().removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n")
        if not rest:
            return []
        if not rest.startswith(b"HTTP/1.1 ") or rest.count(b"HTTP/1.1 ") > 1:
            self._say(f"more than one answer to what cannot be read: {rest[:200]!r}")
            return []
        return [(int(rest[9:12]), b"\r\nX-Canary:" in rest)]

    def _compare(self, answers: list[tuple[int, bool]], whole: list[Seen], reading: Reading) -> None:
        """Each answer of the upstream's belongs to the request at its place, and no request went there unanswered."""
        served = [place for place, (_, made) in enumerate(answers) if made]
        if len(served) != len(whole):
            self._say(f"{len(whole)} requests were forwarded and {len(served)} answers came back")
            return
        for place, seen in zip(served, whole, strict=True):
            if place >= len(reading.requests):
                self._say(f"forwarded though it cannot be read: {seen.method} {seen.target!r}")
            else:
                self._look_at(seen, reading.requests[place])

    def _look_at(self, seen: Seen, read: Read) -> None:
        route, expected = _routed(read.target)
        if (seen.method.encode(), seen.target, seen.body) != (read.method, expected, read.body):
            self._say(f"sent {read.method!r} {expected!r} {read.body[:60]!r}, forwarded {seen}")
        if seen.values("host") != [read.host]:
            self._say(f"sent Host {read.host!r}, forwarded {seen.values('host')}")
        self._look_at_fields(seen, read)
        claims = self._claims(seen)
        if claims is None:
            return
        signed = claims["htm"], claims["hta"], claims["htp"], claims["rid"]
        if signed != (seen.method, seen.values("host")[0].decode(), seen.target.decode(), route):
            self._say(f"signed {signed}, forwarded {seen.method} {seen.target!r} on {route}")
        if not _digest_holds(claims, seen.body, route):
            self._say(f"signed body {claims['bodm']} {claims.get('bod')}, forwarded {seen.body[:60]!r}")
        self._look_at_identity(seen, read, claims, route)
        self._note(claims, seen, route)

    def _note(self, claims: dict[str, object], seen: Seen, route: str) -> None:
        decision = str(claims["dec"])
        if decision in self.forwarded:
            self._say(f"decision {decision} was used twice")
        self.forwarded[decision] = seen.method, route

    def _look_at_fields(self, seen: Seen, read: Read) -> None:
        """Whatever is not the gateway's own was said by the client, in the same words."""
        said = Counter((name.decode().lower(), value) for name, value in read.fields)
        passed = Counter(each for each in seen.fields if each[0] not in _OURS and each[0] != "cookie")
        for name, value in passed - said:
            self._say(f"nobody said {name}: {value!r}")
        for name, value in passed:
            if _fold(name) in _FORBIDDEN:
                self._say(f"an identity of the client's was forwarded: {name}: {value!r}")
        if _OWN_COOKIE.search(b";".join(seen.values("cookie"))):
            self._say("the gateway's own cookie was forwarded")
        for name in ("x-gateway-assertion", "host", "x-forwarded-for", "cookie", *INJECTED):
            if len(seen.values(name)) > 1:
                self._say(f"{name} twice")

    def _look_at_identity(self, seen: Seen, read: Read, claims: dict[str, object], route: str) -> None:
        named = {name: _label(seen.values(name)[0]) for name in INJECTED if seen.values(name)}
        if route != "app":
            if named or "sub" in claims or claims.get("anon") is not True:
                self._say(f"somebody is named on a public route: {named} {claims}")
            return
        if set(named) != set(INJECTED) or claims.get("hdr") != named or not claims.get("sub"):
            self._say(f"signed {claims.get('hdr')}, forwarded {named}")
        if not any(self.cookie in value for name, value in read.fields if name == b"cookie"):
            self._say("somebody is named and did not show the session's cookie")

    def _look_at_the_cut(self, cut: list[Seen]) -> None:
        """Only a body that no signature covers may be forwarded before it is whole."""
        for seen in cut:
            claims = self._claims(seen)
            if claims is None or claims.get("bodm") != "unbound":
                self._say(f"part of a request was forwarded: {seen}")
            self.fronted.canary.wait(lambda seen=seen: seen.over)  # type: ignore[misc]

    # -- the signature, verified apart from the gateway's code

    def _claims(self, seen: Seen) -> dict[str, object] | None:
        found = seen.values("x-gateway-assertion")
        if len(found) != 1:
            self._say(f"{len(found)} assertions")
            return None
        head, body, signature = found[0].split(b".")
        key = next(key for key in self._keys if key["kid"] == json.loads(_unb64(head))["kid"])
        try:
            _verify(key, head + b"." + body, _unb64(signature))
        except InvalidSignature:
            self._say("the assertion's signature does not hold")
        claims = json.loads(_unb64(body))
        assert isinstance(claims, dict)
        return claims

    def audit(self) -> list[str]:
        """One allow line for each request that arrived, and no line of success without one."""
        self.findings = []
        for seen_route in sorted({route for _, route in self.forwarded.values()}):
            self.counts[seen_route] += sum(route == seen_route for _, route in self.forwarded.values())
        last = next(reversed(self.forwarded), "")
        # Its line is written in the turn of the loop that ends the answer, or in the next.
        eventually(lambda: last in self.fronted.world.audit.getvalue())
        lines = [json.loads(line) for line in self.fronted.world.audit.getvalue().splitlines()]
        allowed = Counter(line["decision_id"] for line in lines if line["outcome"] == "allow")
        named = {line["decision_id"]: (line["method"], line["route"]) for line in lines if line["outcome"] == "allow"}
        for decision, seen in self.forwarded.items():
            if allowed[decision] != 1 or named[decision] != seen:
                self._say(f"audit of {decision}: {allowed[decision]} lines, {named.get(decision)}, forwarded {seen}")
        for line in lines:
            if line["status"] == 200 and line["route"] in ROUTES.values() and line["decision_id"] not in self.forwarded:
                self._say(f"the audit has a success that never arrived: {line}")
        leftover = self.fronted.canary.leftover()
        if leftover:
            self._say(f"bytes are left on an upstream connection: {leftover[:200]!r}")
        return self.findings


def answer_in_some_way(exchange: Exchange) -> bool:
    """Every legal framing of an answer in turn, each marked as the upstream's."""
    seen = exchange.seen
    exchange.body()
    way = len(seen.target) + len(seen.body)
    start = b"HTTP/1.1 200 OK\r\nX-Canary: 1\r\n"
    if seen.method == "HEAD":
        exchange.send(start + b"Content-Length: 5\r\n\r\n")
    elif way % 4 == 0:
        exchange.send(start + b"Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n")
    elif way % 4 == 1:
        exchange.send(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + start + b"Content-Length: 5\r\n\r\nhello")
    elif way % 11 == 2:
        exchange.send(start + b"Connection: close\r\n\r\nhello")
        return True
    else:
        exchange.send(start + b"Content-Length: 5\r\n\r\nhello")
    return False


def _routed(target: bytes) -> tuple[str, bytes]:
    """Route name, which no `;parameters` change, and what goes upstream, for a canonical target."""
    if target.startswith(b"/strip/"):
        return "strip", target.removeprefix(b"/strip")
    path = re.sub(rb";[^/]*", b"", target.partition(b"?")[0])
    return next((name for prefix, name in ROUTES.items() if path.startswith(prefix)), "none"), target


def _digest_holds(claims: dict[str, object], body: bytes, route: str) -> bool:
    if not body:
        return claims["bodm"] in ({"empty", "unbound"} if route == "stream" else {"empty"})
    if route == "stream":
        return claims["bodm"] == "unbound"
    return claims["bodm"] == "digest" and claims["bod"] == _label(body)


def _label(data: bytes) -> str:
    return "sha-256:" + base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


def _unb64(data: bytes | str) -> bytes:
    raw = data.encode() if isinstance(data, str) else data
    return base64.urlsafe_b64decode(raw + b"=" * (-len(raw) % 4))


def _verify(key: dict[str, str], signed: bytes, signature: bytes) -> None:
    if key["kty"] == "OKP":
        Ed25519PublicKey.from_public_bytes(_unb64(key["x"])).verify(signature, signed)
        return
    x, y = (int.from_bytes(_unb64(key[each]), "big") for each in "xy")
    public = EllipticCurvePublicNumbers(x, y, SECP256R1()).public_key()
    r, s = (int.from_bytes(half, "big") for half in (signature[:32], signature[32:]))
    public.verify(encode_dss_signature(r, s), signed, ECDSA(SHA256()))
