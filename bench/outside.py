"""What the measured gateway signs people in with: the sandbox's FranceConnect and API Particulier, in one process.

python -m bench.outside FC_PORT API_PORT CLIENT_ID SECRET PUBLIC_URL…
"""

import asyncio
import itertools
import sys
import time
from typing import Any

import uvicorn

from gateway.adapters.chance import new_token
from gateway.sandbox.api_particulier import SandboxApiParticulier
from gateway.sandbox.franceconnect import SandboxClient, SandboxFranceConnect


async def _serve(app: Any, port: int) -> None:
    config = uvicorn.Config(app, host="127.0.0.1", port=port, ws="none", lifespan="off", access_log=False)
    await uvicorn.Server(config).serve()


async def _both(fc_port: int, api_port: int, client_id: str, secret: str, urls: list[str]) -> None:
    client = SandboxClient(
        client_id=client_id,
        client_secret=secret,
        redirect_uris=tuple(f"{url}/_gateway/callback" for url in urls),
        post_logout_redirect_uris=tuple(f"{url}/_gateway/logged-out" for url in urls),
    )
    franceconnect = SandboxFranceConnect(f"http://127.0.0.1:{fc_port}/api/v2", [client], time.time, new_token)
    # API Particulier allows thirty calls a minute: its clock runs ahead so that many people can sign in at once.
    ahead_s = itertools.count(step=60)
    api = SandboxApiParticulier(franceconnect, {}, lambda: time.time() + next(ahead_s))
    await asyncio.gather(_serve(franceconnect.app, fc_port), _serve(api.app, api_port))


if __name__ == "__main__":
    fc_port, api_port, client_id, secret, *urls = sys.argv[1:]
    asyncio.run(_both(int(fc_port), int(api_port), client_id, secret, urls))
