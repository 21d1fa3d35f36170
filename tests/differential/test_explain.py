"""`explain` decides as a real Envoy does: random configurations, random requests, not one mismatch.

`make bench-explain` tries many more.
"""

import asyncio

import pytest

from differential.running import run
from support.tried import tell

pytestmark = pytest.mark.envoy

SEEDS = range(20)
REQUESTS = 100


def test_explain_decides_as_envoy_does():
    tried = asyncio.run(run(SEEDS, REQUESTS))
    found = [f"{manifests}-----\n{mismatch}" for manifests, mismatch in tried.mismatches]
    assert not found, "\n=====\n".join(found)
    assert not tried.refused
    assert tried.requests == len(SEEDS) * REQUESTS
    assert tried.forwarded > tried.requests / 6, "too few requests come to a backend"
    tell(
        f"explain against Envoy, {tried.configurations} configurations",
        tried.requests,
        ruled=tried.ruled,
        forwarded=tried.forwarded,
    )
