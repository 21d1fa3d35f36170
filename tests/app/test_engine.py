"""The owner of the graph: bursts, failures, giving way."""

import asyncio
import time

import pytest

from fairlead.app.engine import SLICE, Engine
from fairlead.app.pipeline import Effects
from fairlead.graph import Change, Graph


class Doubling:
    """A pipeline of one function, which fails on 13; effects are told as `pods`."""

    def __init__(self):
        self.graph = Graph()
        self.numbers = self.graph.source("numbers")
        self.doubled = self.numbers.map("doubled", self.double)
        self.graph.watch(self.doubled)
        self.applied = 0

    @staticmethod
    def double(_ctx, _key, value):
        if value == 13:
            raise ValueError("unlucky")
        return 2 * value

    def apply(self, changes):
        events = yield from self.graph.steps(changes)
        self.applied += 1
        pods = {key: new for key, (_, new) in events[self.doubled].items()}
        return Effects(pods=pods)

    def change(self, key, value):
        return Change(self.numbers, key, value)


def run(scenario):
    """Run `scenario(engine, pipeline, delivered)` beside a running engine, a while at most."""

    async def main():
        pipeline, delivered = Doubling(), []
        engine = Engine(pipeline, lambda effects: delivered.append(effects.pods))
        async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
            running = tasks.create_task(engine.run())
            await scenario(engine, pipeline, delivered)
            running.cancel()

    asyncio.run(main())


def test_a_change_alone_is_applied_at_once():
    async def scenario(engine, pipeline, delivered):
        await asyncio.sleep(0)
        engine.submit([pipeline.change("a", 1)])
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert delivered == [{"a": 2}]

    run(scenario)


def test_what_comes_while_the_engine_rests_is_one_burst_and_the_newest_counts():
    async def scenario(engine, pipeline, delivered):
        engine.submit([pipeline.change("a", 0)])
        await engine.next_turn(0)
        for number in range(100):
            engine.submit([pipeline.change("a", number), pipeline.change(f"b{number}", 1)])
        await engine.next_turn(1)
        assert pipeline.applied == 2
        assert delivered[1]["a"] == 198
        assert len(delivered[1]) == 101

    run(scenario)


def test_a_change_that_fails_is_left_out_and_the_others_count(caplog):
    async def scenario(engine, pipeline, delivered):
        bad = pipeline.change("m", 13)
        good = [pipeline.change(key, number) for number, key in enumerate("abcxyz")]
        engine.submit([*good[:3], bad, *good[3:]])
        await engine.next_turn(0)
        assert delivered == [{"a": 0, "b": 2, "c": 4, "x": 6, "y": 8, "z": 10}]
        engine.submit([pipeline.change("m", 14)])
        await engine.next_turn(1)
        assert delivered[1] == {"m": 28}

    run(scenario)
    assert "left out" in caplog.text
    assert "unlucky" in caplog.text


def test_readers_wait_until_the_first_load_is_in():
    async def scenario(engine, pipeline, delivered):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.02):
                await engine.settled()
        engine.submit([pipeline.change("a", 1)])
        await engine.settled()
        assert len(delivered) == 1

    run(scenario)


def test_an_empty_first_load_settles_too():
    async def scenario(engine, _pipeline, delivered):
        engine.submit([])
        await engine.settled()
        assert delivered == [{}]

    run(scenario)


def test_a_long_propagation_gives_way_and_shows_nothing_half_done():
    async def scenario(engine, pipeline, delivered):
        original, turns = pipeline.apply, []

        def slow(changes):
            for _ in range(10):
                time.sleep(SLICE)
                yield
            return (yield from original(changes))

        pipeline.apply = slow
        engine.submit([pipeline.change("a", 1)])
        settled = asyncio.ensure_future(engine.settled())
        while not settled.done():
            turns.append(len(delivered))
            await asyncio.sleep(0)
        assert sum(not count for count in turns) >= 10

    run(scenario)
