"""One pod: its containers in their order, and what they come to together.

What comes in is a Pod with its address; what goes out is an `ir.workload.Workload` when asked.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from fairlead import api
from fairlead.dataplane.container import Container, Host
from fairlead.dataplane.environment import Place
from fairlead.ir.workload import Workload


@dataclass(frozen=True, slots=True)
class PodFacts:
    """A pod's processes."""

    ready: int
    """Containers that are."""
    restarts: int
    uptime: float
    """Seconds since the pod was started here."""
    pids: tuple[int, ...]
    logs: tuple[str, ...]
    """Paths, one for each container that isn't an init container."""


class LocalPod:
    """A pod as processes of this machine.

    Args:
        pod: as it was written; `update` takes another one with the same spec.
        place: its address.
        host: what all containers share.
        on_change: called when `workload` may say something else.
    """

    def __init__(
        self, pod: api.Pod, place: Place, host: Host, on_change: Callable[[], None]
    ) -> None:
        self.pod = pod
        self.terminating = False
        self._place = place
        self._host = host
        self._on_change = on_change
        self._stopping = False
        self._born = host.clock.now()
        self._started: list[Container] = []
        self._init = [self._container(spec, init=True) for spec in pod.spec.init_containers]
        self._main = [self._container(spec) for spec in pod.spec.containers]

    @property
    def ready(self) -> bool:
        """Takes traffic: all its containers are ready and it isn't ending."""
        return not self.terminating and all(c.status.ready for c in self._ongoing())

    def update(self, pod: api.Pod) -> None:
        """Take new metadata."""
        if pod != self.pod:
            self.pod = pod
            self._on_change()

    def announce_end(self) -> None:
        """From now on it takes no traffic."""
        self.terminating = True
        self._on_change()

    async def run(self) -> None:
        """Run the init containers one by one, then the others; returns when all have ended."""
        for container in self._init:
            if self._stopping:
                return
            run = self._start(container)
            if not container.prepares:
                continue
            await asyncio.wait([run])
            exit_ = container.status.exit
            if exit_ is None or exit_.code != 0:
                break
        else:
            if not self._stopping:
                await asyncio.wait([self._start(container) for container in self._main])
        await self.stop(self.pod.spec.termination_grace_period_seconds)  # ends the sidecars

    async def stop(self, grace: float) -> None:
        """End all containers, each killed if it still runs after `grace` seconds."""
        self._stopping = True
        await asyncio.gather(*(container.stop(grace) for container in self._started))

    def container(self, name: str | None) -> Container:
        """A container by name; the first one without. Raises LookupError."""
        if name is None:
            return self._main[0]
        for container in (*self._main, *self._init):
            if container.spec.name == name:
                return container
        names = ", ".join(container.spec.name for container in self._main)
        pod = self.pod.metadata.name
        raise LookupError(f'container "{name}" is not in pod {pod}; it has {names}')

    def facts(self) -> PodFacts:
        """What runs."""
        every = [*self._init, *self._main]
        return PodFacts(
            ready=sum(container.status.ready for container in self._main),
            restarts=sum(container.status.restarts for container in every),
            uptime=self._host.clock.now() - self._born,
            pids=tuple(c.status.pid for c in every if c.status.pid),
            logs=tuple(str(container.log) for container in self._main),
        )

    def workload(self) -> Workload:
        """The pod as the graph sees it."""
        metadata, spec = self.pod.metadata, self.pod.spec
        reason, message = self._trouble()
        ports = {
            (port.name, port.container_port)
            for container in self._ongoing()
            for port in container.spec.ports
            if port.name
        }
        return Workload(
            namespace=metadata.namespace,
            name=metadata.name,
            labels=tuple(sorted(metadata.labels.items())),
            ip=self._place.ip,
            ready=self.ready,
            phase=self._phase(),
            reason=reason,
            message=message,
            ports=tuple(sorted(ports)),
            service_account=spec.service_account_name or "default",
            terminating=self.terminating,
        )

    def _container(self, spec: api.Container, *, init: bool = False) -> Container:
        return Container(self.pod, spec, self._place, self._host, self._on_change, prepares=init)

    def _start(self, container: Container) -> asyncio.Task[None]:
        self._started.append(container)
        namespace, name = self.pod.key
        title = f"pod {namespace}/{name}, container {container.spec.name}"
        return self._host.tasks.create_task(container.run(), name=title)

    def _ongoing(self) -> list[Container]:
        """The containers that run as long as the pod does: all but those that prepare it."""
        return [c for c in (*self._init, *self._main) if not c.prepares]

    def _phase(self) -> str:
        """`status.phase` of core/v1."""
        failed_init = any(
            c.status.phase == "ended" and c.status.exit and c.status.exit.code != 0
            for c in self._init
        )
        if all(c.status.phase == "ended" for c in self._main) or failed_init:
            exits = [c.status.exit for c in self._main]
            return "Succeeded" if all(e and e.code == 0 for e in exits) else "Failed"
        unborn = [c for c in self._main if c.status.phase == "waiting" and not c.status.exit]
        return "Pending" if unborn else "Running"

    def _trouble(self) -> tuple[str, str]:
        """Reason and message of why it isn't ready; empty if it is."""
        if self.terminating or self.ready:
            return ("Terminating" if self.terminating else "", "")
        for container in (*self._init, *self._main):
            status = container.status
            if status.reason:
                return status.reason, status.message
            if status.phase == "ended" and status.exit and status.exit.code != 0:
                name = container.spec.name
                return "Error", f"container {name}: {status.exit}; its log is {container.log}"
        ongoing = self._ongoing()
        if self._phase() == "Succeeded":
            return "Completed", ""
        if any(c.status.phase != "ended" for c in self._init if c.prepares):
            return "PodInitializing", ""
        names = ", ".join(c.spec.name for c in ongoing if not c.status.ready)
        return "ContainersNotReady", f"containers with unready status: [{names}]"
