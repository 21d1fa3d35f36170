"""Whatever is let in, Envoy takes: spoilt manifests go the whole way to real proxies."""

import asyncio
import random

import pytest

from fuzz.envoys import running
from fuzz.mutation import spoilt
from fuzz.proving import Proving

pytestmark = pytest.mark.envoy

INPUTS = 1500


async def _all(seeds):
    proving = Proving()
    async with running() as envoys:
        assert await envoys.take(proving.start) == []
        for seed in seeds:
            raw = spoilt(random.Random(seed).randrange)
            effects = proving.attempt(raw)
            if effects is None:
                continue
            assert await envoys.take(effects) == [], raw
            back = proving.restore(effects)
            assert await envoys.take(back) == [], raw
    return proving


def test_envoy_refuses_nothing_of_what_is_let_in():
    proving = asyncio.run(_all(range(INPUTS)))
    assert proving.let_in > INPUTS / 10
    print(f"{proving.inputs} inputs, of which {proving.let_in} were let in and taken")  # noqa: T201
