"""A request as ASGI hands it over: its head read before any body byte, its body as it comes, its form."""

from collections.abc import AsyncIterator, Mapping

from starlette.types import Message, Receive, Scope

from gateway.core.errors import GatewayError, RequestRejected
from gateway.core.http1.fields import Malformed, write_fields
from gateway.core.http1.request import RequestHead, read_request
from gateway.settings import Limits
from gateway.web.snapshot import Snapshot, read_form, snapshot_of

EXTENSION = "gateway"
"""`scope["extensions"]["gateway"]`: our own server's exchange, with the `head` that it read."""

FORM_BYTES = 8_192


def take_snapshot(scope: Scope, limits: Limits) -> Snapshot:
    """Read the head of a request, or refuse it before anything else is looked at."""
    own = scope.get("extensions", {}).get(EXTENSION)
    head = own.head if own is not None else _head_of(scope, limits)
    peer = scope["client"][0] if scope.get("client") else ""
    return snapshot_of(head, peer)


def _head_of(scope: Scope, limits: Limits) -> RequestHead:
    """Under somebody else's server: write what it understood as a head again, and read that as strictly as our own."""
    raw = bytes(scope["raw_path"]) + (b"?" + bytes(scope["query_string"]) if scope["query_string"] else b"")
    fields = [(bytes(name), bytes(value)) for name, value in scope["headers"]]
    if len(raw) > limits.target_bytes:
        raise RequestRejected("target_too_long", 414)
    if len(fields) > limits.header_fields:
        raise RequestRejected("headers_too_many", 431)
    line = f"{scope['method']} ".encode("latin-1") + raw + f" HTTP/{scope['http_version']}\r\n".encode("latin-1")
    head = line + write_fields(fields)
    if len(head) > limits.head_bytes:
        raise RequestRejected("headers_too_large", 431)
    try:
        return read_request(head.removesuffix(b"\r\n"))
    except Malformed as error:
        raise RequestRejected(error.code, error.status) from None


class ClientLeft(GatewayError):
    """Nobody waits for an answer any more. Whoever ended the connection has said why, if there was anything to say."""

    status = 499

    def __init__(self) -> None:
        super().__init__("client_gone")


async def body_chunks(receive: Receive, max_bytes: int | None) -> AsyncIterator[bytes]:
    """The request body as it comes; more than `max_bytes` is 413."""
    seen = 0
    more = True
    while more:
        message: Message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientLeft
        chunk = message.get("body", b"")
        more = message.get("more_body", False)
        seen += len(chunk)
        if max_bytes is not None and seen > max_bytes:
            raise RequestRejected("body_too_large", 413)
        if chunk:
            yield chunk


def receive_from(chunks: AsyncIterator[bytes] | None) -> Receive:
    """A `receive` that gives a body which was read before."""

    async def receive() -> Message:
        piece = None if chunks is None else await anext(chunks, None)
        return {"type": "http.request", "body": piece or b"", "more_body": piece is not None}

    return receive


async def posted_form(snapshot: Snapshot, receive: Receive) -> Mapping[str, str]:
    """The fields of one of our own forms: urlencoded, small, none repeated."""
    if snapshot.value(b"content-type").split(b";")[0].strip().lower() != b"application/x-www-form-urlencoded":
        raise RequestRejected("form_content_type", 415)
    body = b"".join([chunk async for chunk in body_chunks(receive, FORM_BYTES)])
    return read_form(body)
