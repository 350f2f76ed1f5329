"""Steps 6 to 8 of a request: clean, add what the gateway says, sign it, forward, stream back."""

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from starlette.types import Receive, Send

from gateway.core.encodings import encode, render
from gateway.core.errors import DependencyFailed, RequestRejected
from gateway.core.forwarded import client_address, forwarded
from gateway.core.headers import request_headers, response_headers
from gateway.core.model import Allow, Facts, Identity, Session
from gateway.core.rewriting import wire_target
from gateway.core.rules import Route, SignatureForm
from gateway.core.signing import (
    ASSERTION_HEADER,
    BodyMode,
    Bound,
    Subject,
    assertion_claims,
    digest_label,
    sign_assertion,
)
from gateway.ports import HeaderList, UpstreamRequest, UpstreamResponse
from gateway.web.exchange import Exchange
from gateway.web.http import Snapshot, body_chunks
from gateway.web.services import Services


class AnswerCut(DependencyFailed):
    """The upstream failed in the middle of its answer."""

    def __init__(self, code: str) -> None:
        super().__init__("upstream", code)


@dataclass(frozen=True, slots=True)
class Body:
    """What is known of a request body before it is forwarded."""

    mode: BodyMode
    digest: str | None
    stream: AsyncIterator[bytes] | None
    length: int | None
    """Bytes, when the client or what was held says so; None is chunked, or no body at all."""


async def read_body(snapshot: Snapshot, receive: Receive, route: Route) -> Body:
    """Hold up to `digest_max_bytes` so that the assertion covers the body; a longer one streams, `unbound`."""
    declared = snapshot.value(b"content-length")
    length = int(declared) if declared.isdigit() else None
    if not length and not snapshot.values(b"transfer-encoding"):
        return Body(BodyMode.EMPTY, None, None, length)
    if route.max_body_bytes is not None and (length or 0) > route.max_body_bytes:
        raise RequestRejected("body_too_large", 413)
    chunks = body_chunks(receive, route.max_body_bytes)
    if route.digest_max_bytes is None:
        return Body(BodyMode.UNBOUND, None, chunks, length)
    return await _held(chunks, route.digest_max_bytes, length)


async def _held(chunks: AsyncIterator[bytes], at_most: int, length: int | None) -> Body:
    held: list[bytes] = []
    size = 0
    async for chunk in chunks:
        held.append(chunk)
        size += len(chunk)
        if size > at_most:
            return Body(BodyMode.UNBOUND, None, _joined(held, chunks), length)
    if not size:
        return Body(BodyMode.EMPTY, None, None, 0)
    digest = hashlib.sha256(b"".join(held)).digest()
    return Body(BodyMode.DIGEST, digest_label(digest), _joined(held, None), size)


async def _joined(held: list[bytes], rest: AsyncIterator[bytes] | None) -> AsyncIterator[bytes]:
    for chunk in held:
        yield chunk
    if rest is not None:
        async for chunk in rest:
            yield chunk


def upstream_request(
    services: Services, exchange: Exchange, route: Route, allow: Allow, facts: Facts, body: Body
) -> UpstreamRequest:
    """Identity is added last, after everything that the client could name or nominate is gone."""
    snapshot = exchange.snapshot
    authority = snapshot.value(b"host") if route.preserve_host else route.upstreams[0].authority.encode("ascii")
    target = wire_target(snapshot.target.wire, route)
    injected = [(item.header, encode(render(item.value), route.encoding)) for item in allow.inject]
    headers: list[tuple[bytes, bytes]] = [(b"Host", authority)]
    headers += request_headers(snapshot.headers, services.stripped, services.cookies.names)
    if body.length is not None:
        headers.append((b"Content-Length", str(body.length).encode("ascii")))
    headers += _forwarded(services, snapshot)
    headers += [(name.encode("ascii"), value) for name, value in injected]
    if route.sign is SignatureForm.JWT:
        bound = Bound(snapshot.method, authority.decode("ascii"), target.decode("ascii"), body.mode, body.digest)
        headers.append(
            (ASSERTION_HEADER.encode("ascii"), _assertion(services, exchange, route, allow, facts, bound, injected))
        )
    return UpstreamRequest(route, snapshot.method, target, headers, body.stream)


def _forwarded(services: Services, snapshot: Snapshot) -> HeaderList:
    settings = services.settings
    client = client_address(snapshot.peer, snapshot.values(b"x-forwarded-for"), settings.trusted_proxies)
    return forwarded(client, settings.public_url.partition(":")[0], snapshot.value(b"host").decode("ascii"))


def _assertion(
    services: Services,
    exchange: Exchange,
    route: Route,
    allow: Allow,
    facts: Facts,
    bound: Bound,
    injected: list[tuple[str, bytes]],
) -> bytes:
    claims = assertion_claims(
        issuer=services.settings.public_url,
        audience=route.audience,
        now=services.now,
        token_id=services.new_token()[:32],
        bound=bound,
        route=route.name,
        policy_version=route.policy.version,
        decision_id=facts.decision_id,
        subject=_subject(services, exchange.session, facts.identity) if route.policy.login else None,
        values=allow.inject,
        headers=injected,
    )
    return sign_assertion(services.signer, claims)


def _subject(services: Services, session: Session | None, identity: Identity | None) -> Subject | None:
    if session is None or identity is None:
        return None
    pseudonym = services.cookies.browser_digest(session.id)[:32]
    return Subject(identity.sub, str(identity.acr), identity.authenticated_at, pseudonym)


async def send_back(response: UpstreamResponse, send: Send, own_cookies: frozenset[bytes], *, private: bool) -> None:
    """Stream the answer; a failure after the head is `AnswerCut`, and can never be patched over."""
    headers = response_headers(response.headers, own_cookies, private=private)
    try:
        await send({"type": "http.response.start", "status": response.status, "headers": headers})
        async for chunk in response.body:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
    except DependencyFailed as error:
        raise AnswerCut(error.code) from None
    finally:
        await response.close()
