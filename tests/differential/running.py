"""A run over many configurations."""

import contextlib
from collections.abc import AsyncIterator, Callable

from differential import proxies
from differential.surroundings import Loopback
from differential.trial import Trial, Tried
from differential.world import World


@contextlib.asynccontextmanager
async def trial() -> AsyncIterator[Trial]:
    """Real proxies that configurations can be tried on, one after the other."""
    loopback = Loopback()
    async with proxies.running(loopback) as served:
        world = World(loopback, proxies.LOG)
        await served.take(world.start())
        yield Trial(served, world, loopback)


async def run(
    seeds: range, number: int, told: Callable[[Tried], bool] = lambda _tried: True
) -> Tried:
    """Try the configuration of each seed with `number` requests.

    Args:
        seeds: Same seed, same configuration and requests.
        number: Requests for each.
        told: Called after each configuration; whether to go on.
    """
    async with trial() as made:
        for seed in seeds:
            await made.run(seed, number)
            if not told(made.tried):
                break
    return made.tried
