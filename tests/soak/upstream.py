"""`python -m tests.soak.upstream PORT`: answers name their person and their request in every line."""

import asyncio
import hashlib
import sys
from urllib.parse import parse_qs

PIECE = 65_536


def line(person: str, request: str) -> bytes:
    return f"{person} {request}\n".encode()


def repeated(text: bytes, size: int) -> bytes:
    """So many bytes of the same line, the last one cut."""
    return (text * (size // len(text) + 1))[:size]


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            await _answer(reader, writer)
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("utf-8").split("\r\n")
    fields = {name.lower(): value for name, _, value in (each.partition(": ") for each in head[1:] if each)}
    query = parse_qs(head[0].split(" ")[1].partition("?")[2])
    digest = await _digest(reader, fields)
    text = line(fields.get("x-usager-nom", "nobody"), query["id"][0] + digest)
    body = repeated(text, int(query["size"][0]))
    chunked = query.get("chunked") == ["1"]
    framing = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {len(body)}"
    writer.write(f"HTTP/1.1 200 OK\r\n{framing}\r\n\r\n".encode())
    for at in range(0, len(body), PIECE):
        piece = body[at : at + PIECE]
        writer.write(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
        await writer.drain()
    if chunked:
        writer.write(b"0\r\n\r\n")
    await writer.drain()


async def _digest(reader: asyncio.StreamReader, fields: dict[str, str]) -> str:
    """Of the request's body; empty when there is none."""
    sha256 = hashlib.sha256()
    if fields.get("transfer-encoding") == "chunked":
        while size := int(await reader.readuntil(b"\r\n"), 16):
            sha256.update(await reader.readexactly(size))
            await reader.readexactly(2)
        await reader.readexactly(2)
        return f" {sha256.hexdigest()}"
    left = int(fields.get("content-length", "0"))
    if not left:
        return ""
    while left:
        piece = await reader.readexactly(min(left, PIECE))
        sha256.update(piece)
        left -= len(piece)
    return f" {sha256.hexdigest()}"


async def _main(port: int) -> None:
    server = await asyncio.start_server(_serve, "127.0.0.1", port, backlog=1024, limit=PIECE * 2)
    print("ready", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_main(int(sys.argv[1])))
