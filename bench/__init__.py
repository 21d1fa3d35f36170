"""Benchmarks: each module yields the figures of one concern."""
