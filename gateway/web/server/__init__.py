"""HTTP/1.1 on the browser's side: our own framing below ASGI, whatever library holds the sockets.

connection    one client connection: a strict reader and a careful writer, one request at a time
asgi          one request run through the ASGI application
front         what all connections of a process share: limits, refusals, the sweep of what takes too long
live          answers that outlive their request's decision: WebSocket and event streams end with their session
"""
