"""Differential fuzz of the data plane: what the policy saw and signed against what an upstream received, byte for byte.

grammar    a seed → one connection's bytes: legal requests, and requests bent at one to three places
reference  a reading of those bytes written apart from the gateway's: the only requests that may be forwarded
referee    the answers, the canary's record and the audit against the reference; any difference is a finding
"""
