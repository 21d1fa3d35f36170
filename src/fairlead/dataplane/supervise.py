"""Keeps one process running: restarts with growing delays, and says what state it is in."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from fairlead.dataplane.clock import Clock
from fairlead.dataplane.process import Child, Command, Exit, Guard, StartError

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Backoff:
    """Delays between restarts, in seconds, doubling from `first` to `longest`."""

    first: float
    longest: float
    healthy_after: float = 10
    """A run of this length makes the next delay `first` again."""

    def delay(self, failures: int) -> float:
        """Seconds to wait after so many short runs in a row (at least one)."""
        return min(self.longest, self.first * 2.0 ** min(failures - 1, 32))


@dataclass(frozen=True, slots=True)
class State:
    """What a supervised process is doing."""

    phase: Literal["waiting", "running", "backoff", "ended"] = "waiting"
    """`ended` is final: it is not restarted."""
    since: float = 0
    """When the phase began, by the supervisor's clock."""
    pid: int = 0
    restarts: int = 0
    delay: float = 0
    """Seconds of the back-off that it is in."""
    last_exit: Exit | None = None
    problem: str = ""
    """Why it could not be started, if it could not."""
    reason: str = ""
    """One word for the problem."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How to run and restart one process."""

    name: str
    """For log messages, such as ``pod default/client, container curl``."""
    command: Callable[[], Command]
    """Called before each start; may raise StartError, and is tried again then."""
    backoff: Backoff
    restart: Callable[[Exit], bool]
    """Whether to start again after this end."""


class Supervisor:
    """Runs a plan until it ends by itself or is stopped.

    `run` is for a task of its own; `on_change` is called from it with each new state.
    """

    def __init__(
        self, plan: Plan, clock: Clock, on_change: Callable[[State], None], guard: Guard | None
    ) -> None:
        self._plan = plan
        self._clock = clock
        self._on_change = on_change
        self._guard = guard
        self._child: Child | None = None
        self._stopping = asyncio.Event()
        self._over = asyncio.Event()
        self._state = State()

    @property
    def state(self) -> State:
        """What it is doing."""
        return self._state

    async def run(self) -> None:
        """Start the process, and again when it ends; if cancelled, kill it."""
        failures = 0
        try:
            while not self._stopping.is_set():
                started = self._clock.now()
                ended = await self._once()
                if self._stopping.is_set() or (ended and not self._plan.restart(ended)):
                    break
                lasted = self._clock.now() - started
                failures = 1 if lasted >= self._plan.backoff.healthy_after else failures + 1
                delay = self._plan.backoff.delay(failures)
                _LOG.warning("%s: %s; next try in %g s", self._plan.name, self._trouble(), delay)
                self._change(phase="backoff", pid=0, delay=delay)
                await self._clock.wait(self._stopping, delay)
                self._state = replace(self._state, restarts=self._state.restarts + 1)
        finally:
            if self._child is not None:
                self._child.kill()
            self._over.set()
        self._change(phase="ended", pid=0)

    async def stop(self, grace: float) -> None:
        """Ask the process to end, kill it after `grace` seconds, and return when `run` is done.

        May be called again with a shorter grace.
        """
        self._stopping.set()
        if self._child is not None and self._child.running:
            await self._child.stop(grace, self._clock)
        await self._over.wait()

    async def restart(self, grace: float) -> None:
        """End the running process as `stop` does, to be started again after the back-off."""
        if self._child is not None and self._child.running:
            await self._child.stop(grace, self._clock)

    async def _once(self) -> Exit | None:
        """One run; None if it could not even be started."""
        try:
            self._child = Child.start(self._plan.command(), self._guard)
        except StartError as error:
            self._change(problem=str(error), reason=error.reason)
            return None
        self._change(phase="running", pid=self._child.pid, delay=0.0, problem="", reason="")
        ended = await self._child.wait()
        self._state = replace(self._state, last_exit=ended)
        return ended

    def _trouble(self) -> str:
        return self._state.problem or str(self._state.last_exit)

    def _change(self, **fields: object) -> None:
        fresh = replace(self._state, **fields)
        if fresh.phase != self._state.phase:
            fresh = replace(fresh, since=self._clock.now())
        if fresh != self._state:
            self._state = fresh
            self._on_change(fresh)
