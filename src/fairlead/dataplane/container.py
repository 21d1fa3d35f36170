"""One container of a pod: a supervised process with its probes.

What comes in is the container and its place; what goes out is its `ContainerStatus`, whenever that
changes.
"""

import asyncio
import os
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import fairlead
from fairlead import api
from fairlead.dataplane.clock import Clock
from fairlead.dataplane.environment import Lookup, Place, environment, expand
from fairlead.dataplane.images.catalog import Catalog, Image, arguments
from fairlead.dataplane.probe import checker, probe_of, watch
from fairlead.dataplane.process import Child, Command, Exit, Guard, StartError
from fairlead.dataplane.supervise import Backoff, Plan, State, Supervisor

_BACKOFF = Backoff(first=1, longest=60)
_NULL = Path("/dev/null")
_PLACEHOLDERS = ("ip", "port", "name", "namespace")
_STAND_IN = (
    "import sys; sys.path.insert(0, sys.argv.pop(1)); "
    "from fairlead.dataplane.images.curl import main; sys.exit(main(sys.argv[1:]))"
)
_PROXY_VARIABLES = ("http_proxy", "HTTP_PROXY", "no_proxy", "NO_PROXY")


@dataclass(frozen=True, slots=True)
class Host:
    """What all containers of an instance share."""

    catalog: Catalog
    tools: Path | None
    """A directory with stand-ins for programs that this machine lacks; None if it has all."""
    logs: Path
    lookup: Lookup
    clock: Clock
    guard: Guard
    tasks: asyncio.TaskGroup

    def path(self) -> str:
        """The PATH of containers: this machine's own, then the stand-ins."""
        own = os.environ.get("PATH", os.defpath)
        return own if self.tools is None else os.pathsep.join((own, str(self.tools)))


@dataclass(frozen=True, slots=True)
class ContainerStatus:
    """What a container is doing."""

    phase: Literal["waiting", "running", "ended"]
    ready: bool = False
    """Passes its readiness probe."""
    started: bool = False
    """Passes its startup probe, or has none."""
    restarts: int = 0
    pid: int = 0
    since: float = 0
    """When the phase began, by the clock of the host."""
    exit: Exit | None = None
    """How the last run ended."""
    reason: str = ""
    """Why it waits, as in `state.waiting.reason`: ImageNotMapped, CrashLoopBackOff …"""
    message: str = ""


class Container:
    """Runs one container.

    Args:
        pod: the pod it belongs to.
        spec: the container.
        place: the pod's address.
        host: what all containers share.
        on_change: called with each new status, never from the constructor.
        prepares: it is an init container, hence ends before the others start, unless it is one
            that is restarted always: a sidecar.
    """

    def __init__(
        self,
        pod: api.Pod,
        spec: api.Container,
        place: Place,
        host: Host,
        on_change: Callable[[], None],
        *,
        prepares: bool = False,
    ) -> None:
        self.spec = spec
        self.prepares = prepares and spec.restart_policy != "Always"
        self.status = ContainerStatus("waiting")
        self._pod = pod
        self._place = place
        self._host = host
        self._on_change = on_change
        self._image = host.catalog.find(spec.image)
        plan = Plan(self._title(), self._command, _BACKOFF, self._restarts)
        self._supervisor = Supervisor(plan, host.clock, self._on_state, host.guard)
        self._probes: list[asyncio.Task[None]] = []

    @property
    def log(self) -> Path:
        """Where its output goes."""
        namespace, pod, name = (_file_name(n) for n in (*self._pod.key, self.spec.name))
        return self._host.logs / namespace / pod / f"{name}.log"

    async def run(self) -> None:
        """Run until it has ended for good or is stopped; if cancelled, kill it."""
        if self._image is None:
            self._become(
                ContainerStatus(
                    "waiting",
                    reason="ImageNotMapped",
                    message=f"no command is known for image {self.spec.image}: map it with "
                    f"--image {self.spec.image}=COMMAND",
                )
            )
            return
        await self._supervisor.run()

    async def stop(self, grace: float) -> None:
        """End the process: asked first, killed after `grace` seconds."""
        if self._image is not None:
            await self._supervisor.stop(grace)

    def environment(self) -> dict[str, str]:
        """The variables that it has beside this machine's. Raises StartError."""
        return environment(self._pod, self.spec, self._place, self._host.lookup)

    def _title(self) -> str:
        namespace, name = self._pod.key
        return f"pod {namespace}/{name}, container {self.spec.name}"

    def _restarts(self, ended: Exit) -> bool:
        policy = self._pod.spec.restart_policy
        if self.spec.restart_policy == "Always":  # a sidecar
            return True
        if policy == "Always":
            return not self.prepares or ended.code != 0
        return policy == "OnFailure" and ended.code != 0

    def _command(self) -> Command:
        """What to run, worked out anew for each start since what it refers to may have changed."""
        own = self.environment()
        image = self._image or Image(())
        words = {
            "ip": self._place.ip,
            "port": own.get("PORT", ""),
            "name": self._pod.metadata.name,
            "namespace": self._pod.metadata.namespace,
        }
        entrypoint = tuple(_filled(word, words) for word in image.entrypoint)
        argv = arguments(
            replace(image, entrypoint=entrypoint), self.spec, lambda text: expand(text, own)
        )
        if not argv:
            raise StartError("neither the image nor the container says what to run")
        return Command(tuple(argv), self._whole(own), self.log, self._directory())

    def _whole(self, own: Mapping[str, str]) -> dict[str, str]:
        inherited = {k: v for k, v in os.environ.items() if k not in _PROXY_VARIABLES}
        return {**inherited, "PATH": self._host.path(), **own}

    def _directory(self) -> Path | None:
        directory = Path(self.spec.working_dir) if self.spec.working_dir else None
        return directory if directory and directory.is_dir() else None

    # Probes

    def _on_state(self, state: State) -> None:
        for probe in self._probes:
            probe.cancel()
        self._probes.clear()
        fresh = ContainerStatus(
            "waiting" if state.phase == "backoff" else state.phase,
            restarts=state.restarts,
            pid=state.pid,
            since=state.since,
            exit=state.last_exit,
        )
        if state.phase == "running":
            self._start_probes()
            gated = self.spec.startup_probe is not None
            ready = not gated and probe_of(self.spec) is None
            fresh = replace(fresh, ready=ready, started=not gated)
        elif state.problem:
            fresh = replace(fresh, reason=state.reason, message=state.problem)
        elif state.phase == "backoff":
            message = (
                f"back-off {state.delay:g}s restarting container {self.spec.name}: "
                f"{state.last_exit}; its log is {self.log}"
            )
            fresh = replace(fresh, reason="CrashLoopBackOff", message=message)
        self._become(fresh)

    def _start_probes(self) -> None:
        first = self._startup() if self.spec.startup_probe else self._other_probes()
        self._probes.append(self._host.tasks.create_task(first, name=f"probe {self._title()}"))

    async def _startup(self) -> None:
        """Hold the other probes back until this one passes."""
        passed = False

        def tell(passes: bool) -> bool:  # noqa: FBT001 - the verdict
            nonlocal passed
            passed = passes
            return False

        if (probe := self.spec.startup_probe) is not None:
            await self._watch(probe, tell)
        if not passed:
            self._end("startup")
            return
        self._become(replace(self.status, started=True, ready=probe_of(self.spec) is None))
        await self._other_probes()

    async def _other_probes(self) -> None:
        if self.spec.liveness_probe is not None:
            alive = self._watch(self.spec.liveness_probe, self._on_liveness, eager=False)
            name = f"liveness of {self._title()}"
            self._probes.append(self._host.tasks.create_task(alive, name=name))
        if (probe := probe_of(self.spec)) is not None:
            await self._watch(probe, self._on_readiness)

    def _on_readiness(self, passes: bool) -> bool:  # noqa: FBT001 - the verdict
        asked = self.spec.readiness_probe is not None
        self._become(replace(self.status, ready=passes or not asked))
        return asked

    def _on_liveness(self, passes: bool) -> bool:  # noqa: FBT001 - the verdict
        if not passes:
            self._end("liveness")
        return passes

    async def _watch(
        self, probe: api.Probe, tell: Callable[[bool], bool], *, eager: bool = True
    ) -> None:
        check = checker(probe, self.spec, self._place.ip, self._execute)
        await watch(probe, check, self._host.clock, tell, eager=eager)

    def _end(self, probe: str) -> None:
        grace = self._pod.spec.termination_grace_period_seconds
        name = f"end {self._title()}: {probe} probe failed"
        self._host.tasks.create_task(self._supervisor.restart(grace), name=name)

    async def _execute(self, command: tuple[str, ...], seconds: float) -> bool:
        try:
            environment = self._whole(self.environment())
            child = Child.start(Command(command, environment, _NULL), self._host.guard)
        except StartError:
            return False
        try:
            async with asyncio.timeout(seconds):
                return (await child.wait()).code == 0
        finally:
            child.kill()

    def _become(self, status: ContainerStatus) -> None:
        if status != self.status:
            self.status = status
            self._on_change()


def tools_directory(folder: Path) -> Path | None:
    """Make the directory of stand-ins if this machine lacks what they stand for.

    Raises:
        OSError: it can't be written.
    """
    if shutil.which("curl") is not None:
        return None
    folder.mkdir(parents=True, exist_ok=True)
    package = Path(fairlead.__file__).parents[1]
    script = folder / "curl"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -I -c "{_STAND_IN}" "{package}" "$@"\n')
    script.chmod(0o755)
    return folder


def _filled(word: str, values: Mapping[str, str]) -> str:
    for name in _PLACEHOLDERS:
        word = word.replace("{" + name + "}", values[name])
    return word


def _file_name(name: str) -> str:
    """A name that can't lead out of its directory."""
    return name.replace("/", "_").lstrip(".") or "_"
