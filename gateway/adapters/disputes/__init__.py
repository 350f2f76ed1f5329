"""Contests and objections kept beyond the session, and how the service is told of them."""
