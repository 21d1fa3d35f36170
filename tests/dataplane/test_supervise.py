"""Restarts and their delays, by a clock that the test moves."""

import asyncio
import os
from dataclasses import dataclass

import pytest

from dataplane.helpers import FakeClock, environment, until
from fairlead.dataplane.process import Command, StartError
from fairlead.dataplane.supervise import Backoff, Plan, Supervisor


def test_delays_double_up_to_the_longest():
    backoff = Backoff(first=1, longest=60)
    assert [backoff.delay(n) for n in range(1, 9)] == [1, 2, 4, 8, 16, 32, 60, 60]
    assert backoff.delay(10_000) == 60


@dataclass
class Scene:
    supervisor: Supervisor
    clock: FakeClock
    task: asyncio.Task

    async def phase(self, phase):
        await until(lambda: self.supervisor.state.phase == phase)
        return self.supervisor.state


def play(command, restart, steps):
    """Supervise a command while `steps(scene)` runs; `command` is called before each start."""

    async def scenario():
        clock = FakeClock()
        plan = Plan("test", command, Backoff(first=1, longest=60), restart)
        supervisor = Supervisor(plan, clock, lambda _: None, None)
        async with asyncio.TaskGroup() as tasks:
            scene = Scene(supervisor, clock, tasks.create_task(supervisor.run()))
            await steps(scene)

    asyncio.run(scenario())


def shell(script, tmp_path):
    return lambda: Command(("sh", "-c", script), environment(), tmp_path / "a.log")


def test_a_crash_loop_waits_longer_each_time_and_a_good_run_resets_it(tmp_path):
    async def steps(scene):
        for expected in (1, 2, 4):
            state = await scene.phase("backoff")
            assert state.delay == expected
            assert state.last_exit.code == 5
            assert scene.clock.sleeping == [expected]
            await scene.clock.advance(expected)
        await scene.phase("backoff")
        (tmp_path / "up").touch()
        await scene.clock.advance(8)
        state = await scene.phase("running")
        assert state.restarts == 4
        await scene.clock.advance(10)
        (tmp_path / "up").unlink()
        state = await scene.phase("backoff")
        assert state.delay == 1
        await scene.supervisor.stop(1)
        await scene.task
        assert scene.supervisor.state.phase == "ended"

    script = f"while [ -e {tmp_path}/up ]; do sleep 0.01; done; exit 5"
    play(shell(script, tmp_path), lambda _: True, steps)


@pytest.mark.parametrize(("script", "phase"), [("exit 0", "ended"), ("exit 1", "backoff")])
def test_the_plan_decides_whether_an_end_is_final(tmp_path, script, phase):
    async def steps(scene):
        await scene.phase(phase)
        await scene.supervisor.stop(1)

    play(shell(script, tmp_path), lambda ended: ended.code != 0, steps)


def test_a_command_that_cannot_start_is_tried_again():
    def broken():
        raise StartError("no such thing")

    async def steps(scene):
        state = await scene.phase("backoff")
        assert state.problem == "no such thing"
        await scene.clock.advance(1)
        await until(lambda: scene.clock.sleeping == [2])
        await scene.supervisor.stop(1)

    play(broken, lambda _: True, steps)


def test_cancelling_kills(tmp_path):
    async def steps(scene):
        state = await scene.phase("running")
        scene.task.cancel()
        await asyncio.wait([scene.task])
        with pytest.raises(ProcessLookupError):
            os.kill(state.pid, 0)

    play(shell("sleep 1000", tmp_path), lambda _: True, steps)


def test_a_restart_on_demand_counts_like_a_crash(tmp_path):
    async def steps(scene):
        state = await scene.phase("running")
        await scene.supervisor.restart(5)
        assert (await scene.phase("backoff")).last_exit.signal == "SIGTERM"
        await scene.clock.advance(1)
        assert (await scene.phase("running")).pid != state.pid
        await scene.supervisor.stop(5)

    play(shell("sleep 1000", tmp_path), lambda _: True, steps)
