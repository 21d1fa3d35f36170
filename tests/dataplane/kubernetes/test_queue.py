"""Keys are worked on one at a time, in order, again when they came again, and later when asked."""

import asyncio

from fairlead.dataplane.clock import Clock
from fairlead.dataplane.kubernetes.queue import WorkQueue
from support import virtual_time


class _Clock(Clock):
    def now(self):
        return virtual_time.now()

    async def sleep(self, seconds):
        await asyncio.sleep(seconds)

    async def wait(self, event, seconds):
        try:
            async with asyncio.timeout(seconds):
                await event.wait()
        except TimeoutError:
            return False
        return True


def run(scene):
    async def scene_with_queue():
        await scene(WorkQueue(_Clock()))

    virtual_time.run(scene_with_queue())


def test_first_in_first_out_and_each_once():
    async def scene(queue):
        for key in ("b", "a", "b"):
            queue.add(key)
        assert [await queue.get(), await queue.get()] == ["b", "a"]

    run(scene)


def test_one_that_comes_while_it_is_worked_on_is_worked_on_afterwards():
    async def scene(queue):
        queue.add("a")
        queue.add("b")
        assert await queue.get() == "a"
        queue.add("a")
        assert await queue.get() == "b"
        queue.done("b")
        queue.done("a")
        assert await queue.get() == "a"

    run(scene)


def test_later_is_later_and_the_soonest_counts():
    async def scene(queue):
        queue.add_later("a", 30)
        queue.add_later("a", 5)
        queue.add_later("a", 60)
        assert await queue.get() == "a"
        assert virtual_time.now() == 5

    run(scene)


def test_now_replaces_later():
    async def scene(queue):
        queue.add_later("a", 30)
        queue.add("a")
        assert await queue.get() == "a"
        queue.done("a")
        queue.add_later("b", 100)
        assert await queue.get() == "b"
        assert virtual_time.now() == 100

    run(scene)
