"""`preserve_host: false` with several upstreams: each is told its own name, in Host and under the signature."""

import base64
import json
import socket
from pathlib import Path

import pytest

from tests.canary import Canary, Seen
from tests.fronted import gateway_at

_ROUTES = """
  - {path: /autres/, upstream: [OTHERS], policy: public, preserve_host: false}
  - {path: /memes/, upstream: [OTHERS], policy: public}
"""


def _signed_host(seen: Seen) -> str:
    payload = seen.values("x-gateway-assertion")[0].split(b".")[1]
    return str(json.loads(base64.urlsafe_b64decode(payload + b"=="))["hta"])


def _routes(*ports: int) -> str:
    return _ROUTES.replace("OTHERS", ", ".join(f'"http://127.0.0.1:{port}"' for port in ports))


@pytest.mark.usefixtures("lane")
def test_each_upstream_is_told_its_own_name_and_it_is_signed(tmp_path: Path) -> None:
    others = [Canary(), Canary()]
    try:
        with gateway_at(tmp_path, routes=_routes(*(each.port for each in others))) as site:
            for _ in range(4):
                assert site.ask(b"GET /autres/ HTTP/1.1\r\nHost: HOST\r\n\r\n").status == 200
            for each in others:
                assert len(each.seen) == 2
                for seen in each.seen:
                    own = f"127.0.0.1:{each.port}"
                    assert (seen.values("host"), _signed_host(seen)) == ([own.encode()], own)
                each.forget()
            for _ in range(2):
                assert site.ask(b"GET /memes/ HTTP/1.1\r\nHost: HOST\r\n\r\n").status == 200
            assert [seen.values("host") for each in others for seen in each.seen] == [[site.authority]] * 2
    finally:
        for each in others:
            each.close()


@pytest.mark.usefixtures("lane")
def test_who_serves_in_place_of_one_that_is_down_is_told_its_own_name(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        down = free.getsockname()[1]
    other = Canary()
    try:
        with gateway_at(tmp_path, routes=_routes(down, other.port)) as site:
            for _ in range(2):
                answer = site.ask(
                    b"POST /autres/ HTTP/1.1\r\nHost: HOST\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
                )
                assert answer.status == 200
            assert [seen.body for seen in other.seen] == [b"abc", b"abc"]
            assert {_signed_host(seen) for seen in other.seen} == {f"127.0.0.1:{other.port}"}
    finally:
        other.close()
