"""The election of a leader by a Lease of a real API server."""

import asyncio
import contextlib
import signal
import sys
import time
from contextlib import asynccontextmanager

from cluster.client import connected
from fairlead.app.leader import Leader

LONGEST = 20.0
"""Seconds in which a leader that is gone has to be followed."""


class Replica:
    """One that takes part, in this process."""

    def __init__(self, client, namespace, identity):
        self.turns = []
        self.turned = asyncio.Event()
        self.leader = Leader(
            client,
            time.monotonic,
            namespace,
            "fairlead",
            identity=identity,
            on_change=self._changed,
        )

    def _changed(self, leading):
        self.turns.append(leading)
        self.turned.set()

    async def leads(self):
        async with asyncio.timeout(2 * LONGEST):
            while not (self.turns and self.turns[-1]):
                self.turned.clear()
                await self.turned.wait()


@asynccontextmanager
async def running(replica):
    task = asyncio.ensure_future(replica.leader.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def another_process(namespace):
    """A replica named ``other`` that leads, in a process of its own."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, __file__, namespace), stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(LONGEST):
            assert await process.stdout.readline() == b"True\n"
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def holder(cluster, namespace):
    return cluster.get("Lease", "fairlead", namespace)["spec"].get("holderIdentity")


def test_one_that_is_killed_is_followed_within_twenty_seconds(cluster, namespace):
    async def scene():
        async with connected() as client:
            replica = Replica(client, namespace, "next")
            async with another_process(namespace) as other, running(replica):
                await asyncio.sleep(3)
                assert holder(cluster, namespace) == "other"
                assert replica.turns == []
                other.kill()
                killed = time.monotonic()
                await replica.leads()
                assert time.monotonic() - killed < LONGEST
                assert holder(cluster, namespace) == "next"

    asyncio.run(scene())


def test_one_that_stops_hands_over_at_once(cluster, namespace):
    async def scene():
        async with connected() as client:
            replica = Replica(client, namespace, "next")
            async with another_process(namespace) as other, running(replica):
                other.send_signal(signal.SIGINT)
                async with asyncio.timeout(LONGEST):
                    await other.wait()
                stopped = time.monotonic()
                await replica.leads()
                assert time.monotonic() - stopped < 5
                spec = cluster.get("Lease", "fairlead", namespace)["spec"]
                assert (spec["holderIdentity"], spec["leaseTransitions"]) == ("next", 1)
        assert holder(cluster, namespace) is None
        assert replica.turns == [True, False]

    asyncio.run(scene())


def test_one_that_was_frozen_finds_that_another_leads(cluster, namespace):
    async def scene():
        async with connected() as client:
            replica = Replica(client, namespace, "next")
            async with another_process(namespace) as other, running(replica):
                other.send_signal(signal.SIGSTOP)
                await replica.leads()
                other.send_signal(signal.SIGCONT)
                assert other.stdout is not None
                async with asyncio.timeout(LONGEST):
                    assert await other.stdout.readline() == b"False\n"
                await asyncio.sleep(3)
                assert replica.turns == [True]
                assert holder(cluster, namespace) == "next"

    asyncio.run(scene())


async def main(namespace):
    """Take part as ``other``, and print every turn."""
    async with connected() as client:
        leader = Leader(
            client,
            time.monotonic,
            namespace,
            "fairlead",
            identity="other",
            on_change=lambda leading: print(leading, flush=True),  # noqa: T201 - for the test
        )
        await leader.run()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job would ignore it
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main(sys.argv[1]))
