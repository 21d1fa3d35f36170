"""Runs the pods that shall run on this machine.

What comes in are the pods, whenever they change; what goes out are workloads, one call for each
change of one. Pods of one owner are replaced as a Deployment's rolling update does it: the new ones
start first, and an old one goes for each new one that is ready. A pod that ends is announced as
terminating first, and asked to end when proxies have had time to leave it.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from fairlead import api
from fairlead.dataplane.addresses import Key, PodAddresses
from fairlead.dataplane.clock import SystemClock
from fairlead.dataplane.container import Host, tools_directory
from fairlead.dataplane.environment import Lookup, Place
from fairlead.dataplane.images.catalog import Catalog
from fairlead.dataplane.pod import LocalPod, PodFacts
from fairlead.dataplane.process import Guard, trim_log
from fairlead.ir import ports
from fairlead.ir.workload import Workload

_LOG = logging.getLogger(__name__)
LEAVE_SECONDS = 0.5
"""Between saying that a pod ends and asking it to: time for proxies to learn of it."""
LOG_CHECK_SECONDS = 5.0
_STOP_GRACE = 2.0
"""At the end of everything, whatever `terminationGracePeriodSeconds` says."""
_Owner = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class PodSettings:
    """What does not change while pods run."""

    images: Mapping[str, str]
    """As `--image NAME=COMMAND` gives them."""
    log_dir: Path
    """Logs are ``NAMESPACE/POD/CONTAINER.log`` below it."""
    tools_dir: Path
    """For stand-ins of programs that this machine lacks."""
    outbound_port: int = ports.OUTBOUND


@dataclass(frozen=True, slots=True)
class ExecEnvironment:
    """What makes a command run as a pod."""

    environment: Mapping[str, str]
    path: tuple[str, ...]
    """Directories to append to the PATH."""


class PodRunner:
    """Converges on the pods it was last told.

    Args:
        settings: what does not change.
        tasks: the group in which everything runs; if it is cancelled, all processes are killed.
        addresses: where pods get their addresses; claimed before the first pod.
        lookup: finds ConfigMaps and Secrets for environments.
        on_workload: called with each change of a pod, None when it is gone.

    Raises:
        ImageMappingError: a mapping can't be understood.
    """

    def __init__(
        self,
        settings: PodSettings,
        tasks: asyncio.TaskGroup,
        addresses: PodAddresses,
        *,
        lookup: Lookup,
        on_workload: Callable[[Key, Workload | None], None],
    ) -> None:
        self._settings = settings
        self._tasks = tasks
        self._addresses = addresses
        self._on_workload = on_workload
        self._clock = SystemClock()
        self._catalog = Catalog(settings.images)
        self._lookup = lookup
        self._guard = Guard()
        self._host: Host | None = None
        self._wanted: Mapping[Key, api.Pod] = {}
        self._running: dict[Key, _Running] = {}
        self._stopping = asyncio.Event()

    def converge(self, pods: Mapping[Key, api.Pod]) -> None:
        """Start, replace and end pods until these run."""
        if not self._stopping.is_set():
            self._wanted = dict(pods)
            self._reconcile()

    def facts(self) -> Mapping[Key, PodFacts]:
        """What runs, by pod."""
        return {key: self._running[key].local.facts() for key in sorted(self._running)}

    def exec_environment(self, pod: Key, container: str | None = None) -> ExecEnvironment:
        """What a command needs to run as a pod, beside this machine's own environment.

        Args:
            pod: (namespace, name).
            container: one of its containers; None for the first.

        Raises:
            LookupError: there is no such pod or container.
            StartError: the environment refers to something that isn't there.
        """
        running = self._running.get(pod)
        if running is None:
            raise LookupError(f'pod "{pod[1]}" not found in namespace "{pod[0]}"')
        tools = self._the_host().tools
        path = (str(tools),) if tools is not None else ()
        return ExecEnvironment(running.local.container(container).environment(), path)

    async def stop(self) -> None:
        """End all pods at once; returns when none is left."""
        self._stopping.set()
        self._wanted = {}
        pods = list(self._running.values())
        for running in pods:
            running.retired.set()
        try:
            await asyncio.gather(*(running.local.stop(_STOP_GRACE) for running in pods))
            await asyncio.gather(*(running.gone.wait() for running in pods))
        finally:
            self._guard.stop()

    def _the_host(self) -> Host:
        if self._host is None:
            self._host = Host(
                catalog=self._catalog,
                tools=tools_directory(self._settings.tools_dir),
                logs=self._settings.log_dir,
                lookup=self._lookup,
                clock=self._clock,
                guard=self._guard,
                tasks=self._tasks,
            )
            self._tasks.create_task(self._trim_logs(), name="logs of pods")
        return self._host

    async def _trim_logs(self) -> None:
        """Keep the logs of what runs from filling the disk."""
        while not await self._clock.wait(self._stopping, LOG_CHECK_SECONDS):
            for facts in self.facts().values():
                for log in facts.logs:
                    try:
                        trim_log(Path(log))
                    except OSError as error:
                        _LOG.warning("cannot trim %s: %s", log, error)

    def _reconcile(self) -> None:
        for key in sorted(self._wanted):
            pod, running = self._wanted[key], self._running.get(key)
            if running is None:
                self._start(key, pod)
            elif running.local.pod.spec != pod.spec:
                running.retire()  # when it is gone, the new one takes its name and address
            else:
                running.local.update(pod)
        for key in self._superfluous():
            self._running[key].retire()

    def _superfluous(self) -> list[Key]:
        """Pods that are no longer wanted and that nobody has to stand in for."""
        missing: dict[_Owner, int] = {}
        for key, pod in self._wanted.items():
            owner, running = _owner(pod), self._running.get(key)
            if owner and not (running and running.local.ready):
                missing[owner] = missing.get(owner, 0) + 1
        superfluous: list[Key] = []
        for key in sorted(self._running.keys() - self._wanted.keys()):
            local = self._running[key].local
            owner = _owner(local.pod)
            if owner and local.ready and missing.get(owner, 0) > 0:
                missing[owner] -= 1
            elif not local.terminating:
                superfluous.append(key)
        return superfluous

    def _start(self, key: Key, pod: api.Pod) -> None:
        place = Place(self._addresses.assign(key), self._settings.outbound_port)
        local = LocalPod(pod, place, self._the_host(), lambda: self._changed(key))
        running = self._running[key] = _Running(local, local.workload())
        self._on_workload(key, running.told)
        namespace, name = key
        self._tasks.create_task(self._run(key, running), name=f"pod {namespace}/{name}")

    async def _run(self, key: Key, running: "_Running") -> None:
        """Run a pod until it is retired and gone; it stays listed if it ends by itself."""
        try:
            containers = self._tasks.create_task(running.local.run())
            await running.retired.wait()
            await self._clock.wait(self._stopping, LEAVE_SECONDS if running.was_ready else 0)
            grace = running.local.pod.spec.termination_grace_period_seconds
            await running.local.stop(_STOP_GRACE if self._stopping.is_set() else grace)
            await asyncio.wait([containers])
        finally:
            del self._running[key]
            self._addresses.free(key)
            running.gone.set()
        if not self._stopping.is_set():
            self._on_workload(key, None)
            self._reconcile()

    def _changed(self, key: Key) -> None:
        """Tell of a pod, once for each difference, and replace others if it is ready now."""
        running = self._running.get(key)
        if running is None or running.told.terminating or self._stopping.is_set():
            return
        workload = running.local.workload()
        if workload == running.told:
            return
        became_ready = workload.ready and not running.told.ready
        running.told = workload
        self._on_workload(key, workload)
        if became_ready:
            for superfluous in self._superfluous():
                self._running[superfluous].retire()


@dataclass(slots=True)
class _Running:
    """A pod that runs or is ending."""

    local: LocalPod
    told: Workload
    """What was said of it last."""
    retired: asyncio.Event = field(default_factory=asyncio.Event)
    """It shall end."""
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    was_ready: bool = False
    """When it was retired."""

    def retire(self) -> None:
        """Let it end. It isn't wanted again after this: a pod of the same name is a new one."""
        if not self.retired.is_set():
            self.was_ready = self.local.ready
            self.local.announce_end()
            self.retired.set()


def _owner(pod: api.Pod) -> _Owner | None:
    """(namespace, kind, name) of the controller that made the pod."""
    for reference in pod.metadata.owner_references:
        if reference.controller:
            return pod.metadata.namespace, reference.kind, reference.name
    return None
