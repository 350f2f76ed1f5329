"""Benchmarks against peers: one command, its method in README.md."""
