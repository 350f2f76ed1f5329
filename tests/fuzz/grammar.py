"""What a client sends on one connection, drawn from a seed. `HOST` and `SESSION` are filled in when it is sent."""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

FORGED = b"FORGED"

IDENTITY = [
    *[b"X-Usager-Nom", b"X-Usager-Prenoms", b"X-Usager-Id", b"X-Caf-Statut", b"X-Caf-Tranche", b"X-Gateway-Assertion"],
    *[b"X-Gateway-Signature", b"Remote-User", b"X-Auth-User", b"X-Forwarded-User", b"X-Remote-User", b"Auth-User"],
    *[b"X-Forwarded-Host", b"X-Original-URL", b"X-HTTP-Method-Override", b"X-SSL-Client-DN", b"Client-Cert", b"Proxy"],
]  # fmt: skip

_METHODS = [b"GET", b"GET", b"GET", b"POST", b"PUT", b"HEAD", b"DELETE", b"OPTIONS", b"PATCH"]
_ODD_METHODS = [
    b"get",
    b"TRACE",
    b"CONNECT",
    b"G\x00T",
    b"GET GET",
    b"",
    b"PRI",
    b"FOO",
    b"PROPFIND",
    b"Get",
    b"X" * 40,
]
_ROUTES = [b"/pub/", b"/pub/", b"/app/", b"/stream/", b"/loose/", b"/strip/", b"/small/"]
_SEGMENTS = [
    b"a",
    b"page.php",
    b"%41b",
    b"%C3%A9",
    b"a%20b",
    b"~x",
    b"a;v=1",
    b"a%2Fb",
    b"x%2fy",
    b"%7E",
    b"a+b",
    b"a:b@c",
]
_ODD_SEGMENTS = [
    *[b"..", b"%2e%2e", b".%2E", b"..;x", b".", b"", b"%00", b"%5c", b"\\", b"%zz", b"%", b"%252e", b"a#b", b"%u002e"],
    *[b"%c0%ae", b"\xc3\xa9", b"%EF%BC%8F", b"%3Fx", b"..%2f..", b"%2e%2e%2fapp", b"a b", b"_gateway", b"%5f", b"\x7f"],
]  # fmt: skip
_QUERIES = [b"", b"", b"?", b"?a=1&a=2", b"?x=%E9", b"?y[]=1", b"?/app/", b"?q=a+b&r=%20", b"?url=http://evil.test/"]
_ODD_QUERIES = [b"?a\x00", b"?\x7f", b"?a#b", b"?\xe9", b'?"<', b"? HTTP/1.1"]
_VERSIONS = [b"HTTP/1.1"] * 12 + [b"HTTP/1.0"]
_ODD_VERSIONS = [
    b"HTTP/0.9",
    b"HTTP/1.9",
    b"HTTP/2.0",
    b"http/1.1",
    b"HTTP/11",
    b"",
    b"HTTP/1.1 ",
    b"HTTP/1.01",
    b"H/1.1",
]
_ODD_HOSTS = [
    *[b"", b"evil.test", b"HOST, evil.test", b"a@HOST", b"HOST/app/", b"HOST ", b"\tHOST", b"HOST:1", b"localhost."],
    *[b"LocalHost", b"[::1]", b"127.0.0.1", b"HOST\x00", b"evil.test:80", b"HOST#", b"HOST?"],
]  # fmt: skip
_LENGTHS = [
    b"%d",
    b"%d",
    b" %d",
    b"%d ",
    b"+%d",
    b"0x%x",
    b"%d,%d",
    b"-%d",
    b"%d_0",
    b"",
    b"%d;",
    b"00%d",
    b"%d.0",
    b"9" * 20,
]
_CODINGS = [
    *[b"chunked", b"Chunked", b"xchunked", b"gzip, chunked", b"chunked, identity", b"identity", b"chunked;x", b"\x0bchunked"],
    *[b"chunked\t", b"chunked,", b",chunked", b'"chunked"', b"", b"chunked chunked", b"chunked\x00"],
]  # fmt: skip
_CONNECTIONS = [
    *[b"keep-alive", b"close", b"X-Usager-Nom", b"Host", b"Content-Length", b"Transfer-Encoding", b"Cookie", b"upgrade"],
    *[b"X-Gateway-Assertion, close", b"close, X-A", b"Keep-Alive, X-Forwarded-For", b",,", b""],
]  # fmt: skip
_PLAIN_FIELDS = [
    *[b"Accept: */*", b"User-Agent: fuzz/1 (x; y)", b"X-A: b", b"Referer: http://HOST/pub/", b"Accept-Language: fr,en;q=0.5"],
    *[b"Cookie: a=1; b=2", b"X-Long: " + b"v" * 300, b"If-None-Match: \"x\"", b"Range: bytes=0-10", b"X-Utf: \xc3\xa9", b"X-E:"],
]  # fmt: skip
_ODD_FIELDS = [
    *[b"Expect: 100-continue", b"Expect: x", b"Upgrade: h2c", b"Upgrade: websocket", b"HTTP2-Settings: AA", b"TE: trailers"],
    *[b"Trailer: X-Usager-Nom", b"Keep-Alive: 5", b"Proxy-Connection: close", b"Authorization: a\r\nAuthorization: b"],
    *[b"X-A: b\r\n c", b"X-A: b\r\n\tX-Usager-Nom: FORGED", b"X-A : b", b" X-A: b", b"X-A", b": b", b"X-A: b\nX-B: c"],
    *[b"X-A: b\rX-B: c", b"X-A: \x00", b"X-A: b\x0bc", b"X-A: b\x85c", b"X\x00A: b", b"X A: b", b"Content_Length: 5"],
    *[b"Content-Length : 5", b"Transfer_Encoding: chunked", b"Transfer-Encoding : chunked", b"Host : x", b"h\xf6st: x"],
]  # fmt: skip
_SPECIAL = [
    *[b"\r", b"\n", b"\r\n", b"\r\n\r\n", b"\n\n", b"\x00", b"\t", b" ", b":", b";", b",", b"0", b"5", b"\x0b", b"\x85", b"%"],
    *[b"chunked", b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b"GET /app/ HTTP/1.1\r\nHost: HOST\r\n\r\n"],
]  # fmt: skip


@dataclass
class Sent:
    """One connection: its bytes as a template, and where TCP cuts them."""

    raw: bytes
    cuts: list[int]
    legal: bool
    """Nothing was bent: the gateway must serve every request."""

    def segments(self, fill: Callable[[bytes], bytes]) -> list[bytes]:
        """Filled in first: no cut may fall into a placeholder."""
        whole = fill(self.raw)
        cuts = [cut for cut in self.cuts if cut < len(whole)]
        return [whole[start:end] for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True)]


@dataclass
class _Draft:
    method: bytes
    target: bytes
    version: bytes
    fields: list[bytes]
    body: bytes
    chunked: bool
    trailer: bytes = b""
    sizes: list[int] = field(default_factory=list)


class Grammar:
    """Draws connections; the same seed draws the same ones."""

    def __init__(self, seed: str) -> None:
        self._random = Random(seed)

    def connection(self) -> Sent:
        """One to four requests in a row, sent in one to many segments."""
        random = self._random
        legal = random.random() < 0.3
        drafts = [self._draft(legal=legal) for _ in range(random.choice([1, 1, 2, 3, 4]))]
        raw = b"".join(self._written(draft, legal=legal) for draft in drafts)
        if not legal and random.random() < 0.3:
            raw = self._smashed(raw)
        return Sent(raw, self._cuts(raw), legal)

    def _draft(self, *, legal: bool) -> _Draft:
        random = self._random
        path = random.choice(_ROUTES if not legal else [b"/pub/", b"/stream/", b"/app/"])
        names = [random.choice(_SEGMENTS[:4]) for _ in range(random.choice([0, 1, 2]))]
        draft = _Draft(
            method=random.choice(_METHODS),
            target=path + b"/".join(names) + random.choice(_QUERIES),
            version=b"HTTP/1.1",
            fields=[b"Host: HOST"],
            body=b"",
            chunked=False,
        )
        if path == b"/app/" and (legal or random.random() < 0.8):
            draft.fields.append(b"Cookie: SESSION")
        draft.fields += random.sample(
            [f for f in _PLAIN_FIELDS if not f.startswith(b"Cookie")], random.choice([0, 1, 3])
        )
        if random.random() < 0.5:
            draft.fields.append(self._identity())
        if random.random() < 0.5:
            draft.body = self._body()
            draft.chunked = random.random() < 0.5
        if not legal:
            for _ in range(random.choice([0, 1, 1, 2, 3])):
                random.choice(
                    [self._bend_line, self._bend_target, self._bend_host, self._bend_fields, self._bend_body]
                )(draft)
        return draft

    def _identity(self) -> bytes:
        random = self._random
        name = random.choice(IDENTITY)
        spelling = random.choice([name, name.lower(), name.upper(), name.replace(b"-", b"_"), name.replace(b"-", b".")])
        prefix = b"HTTP_" if random.random() < 0.1 else b""
        return prefix + spelling + b": " + FORGED

    def _body(self) -> bytes:
        random = self._random
        kind = random.random()
        if kind < 0.2:
            return b"GET /app/ HTTP/1.1\r\nHost: HOST\r\n\r\n"
        if kind < 0.3:
            return b"0\r\n\r\n" * random.randint(1, 4)
        return random.randbytes(random.choice([1, 5, 100, 3_000, 70_000] if kind > 0.95 else [1, 5, 100]))

    # -- bending

    def _bend_line(self, draft: _Draft) -> None:
        random = self._random
        kind = random.random()
        if kind < 0.4:
            draft.method = random.choice(_ODD_METHODS)
        elif kind < 0.8:
            draft.version = random.choice([*_ODD_VERSIONS, b"HTTP/1.0", b"HTTP/1.0"])
        else:
            draft.method += random.choice([b" ", b"\t", b"\r", b"\n"])

    def _bend_target(self, draft: _Draft) -> None:
        random = self._random
        kind = random.random()
        if kind < 0.5:
            head, mark, query = draft.target.partition(b"?")
            pieces = head.split(b"/")
            pieces.insert(random.randint(1, len(pieces)), random.choice(_SEGMENTS + _ODD_SEGMENTS))
            draft.target = b"/".join(pieces) + mark + query
        elif kind < 0.65:
            draft.target = draft.target.partition(b"?")[0] + random.choice(_ODD_QUERIES)
        elif kind < 0.85:
            draft.target = (
                random.choice([b"http://HOST", b"HTTP://HOST", b"http://evil.test", b"http://a@HOST", b"https://HOST"])
                + draft.target
            )
        else:
            draft.target = random.choice(
                [b"*", b"HOST", b"app/", b"@evil.test/", b"//app/", b"/", b"/_gateway/keys", b":80/", b"/app"]
            )

    def _bend_host(self, draft: _Draft) -> None:
        random = self._random
        kind = random.random()
        if kind < 0.2:
            draft.fields = [field for field in draft.fields if not field.lower().startswith(b"host")]
        elif kind < 0.4:
            draft.fields.insert(random.randint(0, len(draft.fields)), b"Host: " + random.choice([b"HOST", *_ODD_HOSTS]))
        else:
            draft.fields[:1] = [random.choice([b"Host: ", b"host:", b"HOST_: "]) + random.choice(_ODD_HOSTS)]

    def _bend_fields(self, draft: _Draft) -> None:
        random = self._random
        kind = random.random()
        if kind < 0.5:
            odd = random.choice(_ODD_FIELDS)
        elif kind < 0.8:
            odd = b"Connection: " + random.choice(_CONNECTIONS)
        elif kind < 0.9:
            odd = b"Cookie: " + random.choice(
                [b"SESSION; SESSION", b"a=1", b"gateway-session=x", b"=SESSION", b"SESSION;"]
            )
        else:
            odd = b"\r\n".join([b"X-Many: x"] * random.choice([50, 101, 300]))
        draft.fields.insert(random.randint(0, len(draft.fields)), odd)

    def _bend_body(self, draft: _Draft) -> None:
        random = self._random
        kind = random.random()
        if kind < 0.35:
            size = len(draft.body) + random.choice([0, 0, -1, 1])
            value = random.choice(_LENGTHS)
            draft.fields.append(
                b"Content-Length:" + value.replace(b"%d", b"%d" % size).replace(b"%x", b"%x" % max(size, 0))
            )
        elif kind < 0.7:
            draft.fields.append(
                random.choice([b"Transfer-Encoding: ", b"transfer-encoding:"]) + random.choice(_CODINGS)
            )
        elif kind < 0.85:
            draft.chunked = True
            draft.trailer = random.choice(
                [b"X-Usager-Nom: FORGED\r\n", b"Content-Length: 9\r\n", b"X\r\n", b"X-A: b\r\n c\r\n", b"a\n"]
            )
        else:
            draft.body = self._body()

    # -- writing

    def _written(self, draft: _Draft, *, legal: bool) -> bytes:
        random = self._random
        fields = list(draft.fields)
        body = draft.body.replace(b"HOST", b"host")
        named = b"\r\n".join(fields).lower()
        framed = b"content-length" in named or b"transfer-encoding" in named
        if draft.chunked and (body or draft.trailer):
            body = self._chunks(body, draft.trailer, legal=legal)
            framing = b"Transfer-Encoding: chunked"
        else:
            framing = b"Content-Length: %d" % len(body)
        if (body and not framed) or (not legal and random.random() < 0.05):
            fields.insert(random.randint(1, len(fields)) if fields else 0, framing)
        line = draft.method + b" " + draft.target + b" " + draft.version
        return b"\r\n".join([line, *fields]) + b"\r\n\r\n" + body

    def _chunks(self, body: bytes, trailer: bytes, *, legal: bool) -> bytes:
        random = self._random
        pieces = []
        while body:
            size = random.randint(1, len(body))
            extension = random.choice([b""] * 6 + [b";x", b";x=y", b" ;x", b';x="a b"'])
            if not legal and random.random() < 0.1:
                extension = random.choice([b";\n", b"\r", b" ", b";" + b"x" * 300, b"\n", b";\x00"])
            written = random.choice([b"%x", b"%X", b"0%x"]) % size
            if not legal and random.random() < 0.05:
                written = random.choice([b"+%x", b"0x%x", b"-%x", b" %x", b"%x_", b"%x0000000000000000"]) % size
            end = b"\r\n" if legal or random.random() < 0.97 else random.choice([b"\n", b"", b"\r\r", b"\rX", b"XX"])
            pieces.append(written + extension + b"\r\n" + body[:size] + end)
            body = body[size:]
        last = b"0" if legal or random.random() < 0.9 else random.choice([b"00", b"", b"0;x", b"0x0", b"-0", b" 0"])
        return b"".join(pieces) + last + b"\r\n" + trailer + b"\r\n"

    def _smashed(self, raw: bytes) -> bytes:
        random = self._random
        for _ in range(random.choice([1, 1, 2, 4])):
            at = random.randint(0, len(raw))
            width = random.choice([0, 0, 1, 2, 8])
            raw = raw[:at] + random.choice([b"", *_SPECIAL]) + raw[at + width :]
        return raw

    def _cuts(self, raw: bytes) -> list[int]:
        random = self._random
        kind = random.random()
        if kind < 0.5 or len(raw) < 2:
            return []
        count = random.choice([1, 2, 5]) if kind < 0.95 else 120
        return sorted(random.sample(range(1, len(raw)), min(count, len(raw) - 1)))
