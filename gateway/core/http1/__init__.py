"""HTTP/1.1 as bytes (RFC 9112), read strictly in both directions and written once. No socket, no clock.

fields    field lines, common to both directions
request   what a client sends: its head and its framing
response  what an upstream answers: its head and its framing
sized     a body of a declared length
chunked   the chunked coding, read strictly, and written
"""
