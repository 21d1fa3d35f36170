"""Load that only benchmarks need, on the client that the demo uses too."""

import asyncio
import time

from fairlead.cli.load import Connection, Tally


def percentile(values: list[float], share: float) -> float:
    """What `share` (0 to 1) of the values did not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


async def closed_loop(
    address: tuple[str, int],
    authority: str,
    *,
    seconds: float,
    connections: int = 16,
    path: str = "/",
) -> Tally:
    """Ask for `path` as fast as answers come, over `connections` connections, for `seconds`."""
    tally = Tally()
    end = time.perf_counter() + seconds

    async def lane() -> None:
        connection = Connection(*address)
        while time.perf_counter() < end:
            await tally.once(connection, authority, path)
        connection.close()

    await asyncio.gather(*(lane() for _ in range(connections)))
    return tally
