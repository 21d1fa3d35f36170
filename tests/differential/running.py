"""A run over many configurations."""

from collections.abc import Callable

from differential import proxies
from differential.surroundings import Loopback
from differential.trial import Trial, Tried
from differential.world import World


async def run(
    seeds: range, number: int, told: Callable[[Tried], bool] = lambda _tried: True
) -> Tried:
    """Try the configuration of each seed with `number` requests.

    Args:
        seeds: Same seed, same configuration and requests.
        number: Requests for each.
        told: Called after each configuration; whether to go on.
    """
    loopback = Loopback()
    async with proxies.running(loopback) as served:
        world = World(loopback, proxies.LOG)
        await served.take(world.start())
        trial = Trial(served, world, loopback)
        for seed in seeds:
            await trial.run(seed, number)
            if not told(trial.tried):
                break
    return trial.tried
