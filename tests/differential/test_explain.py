"""`explain` decides as a real Envoy does: random configurations, random requests, not one mismatch.

`make bench-explain` tries many more, and `--hypothesis-profile=search` other ones.
"""

import asyncio

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from differential import running
from support.tried import tell

pytestmark = pytest.mark.envoy

CONFIGURATIONS = 25
REQUESTS = 80


@pytest.fixture(scope="module")
def trial():
    """A trial, and what runs it: its Envoys are started once."""
    with asyncio.Runner() as runner:
        served = running.trial()
        made = runner.run(served.__aenter__())
        try:
            yield runner, made
        finally:
            runner.run(served.__aexit__(None, None, None))
    tried = made.tried
    tell(
        f"explain against Envoy, {tried.configurations} configurations",
        tried.requests,
        ruled=tried.ruled,
        forwarded=tried.forwarded,
    )
    assert tried.forwarded > tried.requests / 6, "too few requests come to a backend"


@settings(
    max_examples=CONFIGURATIONS,
    phases=[Phase.generate],  # a trial makes what it finds smaller itself
    suppress_health_check=[HealthCheck.too_slow],
)
@given(seed=st.integers(0, 2**32))
def test_explain_decides_as_envoy_does(trial, seed):
    runner, made = trial
    before = len(made.tried.mismatches)
    runner.run(made.run(seed, REQUESTS))
    found = [f"{manifests}-----\n{wrong}" for manifests, wrong in made.tried.mismatches[before:]]
    assert not found, "\n=====\n".join(found)
    assert not made.tried.refused
