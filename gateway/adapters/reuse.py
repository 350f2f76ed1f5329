"""How long a connection to a provider or a source may be idle and still be used again."""

import httpx

REUSED_S = 2.0
"""Token and userinfo follow each other; servers close what is idle for 5 s or more, and a request that meets their
close is lost: nobody can tell whether it was read, so it is not sent again, and the person would read of an outage."""

LIMITS = httpx.Limits(max_connections=100, max_keepalive_connections=20, keepalive_expiry=REUSED_S)
