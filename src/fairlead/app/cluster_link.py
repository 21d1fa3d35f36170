"""A blocking program's way to the API of Fairlead in a cluster.

In: which cluster and namespace. Out: connected sockets, each of which is carried through the API
server to the loopback port of a replica's pod: the leader's, or any that is ready while nobody
leads. A thread of its own runs the event loop that this takes; it starts with the first question
and ends with `close`.
"""

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from fairlead.app.replica_choice import NOT_FOUND, ClusterError, Replica, choose, refused
from fairlead.ir import ports
from fairlead.providers.kube.client import KubeClient
from fairlead.providers.kube.config import ClusterConfig
from fairlead.providers.kube.errors import ApiError
from fairlead.providers.kube.port_forward import PortForward, PortForwardError

_SECONDS: Final = 30.0
"""How long a question to the API server, or opening a connection, may take."""
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class _Loop:
    """What the thread runs while it runs."""

    loop: asyncio.AbstractEventLoop
    client: KubeClient
    tasks: asyncio.TaskGroup
    carrying: set[asyncio.Task[None]]
    stopping: asyncio.Event


class ClusterLink:
    """Connections to one installation.

    Args:
        config: the cluster, and who we are.
        namespace: in which Fairlead is installed.
    """

    def __init__(self, config: ClusterConfig, namespace: str) -> None:
        self.config = config
        self.namespace = namespace
        self.failure = ""
        """Why the last connection broke off, in the pod's words; empty if it did not."""
        self._replica: Replica | None = None
        self._thread: threading.Thread | None = None
        self._running: _Loop | None = None
        self._failed: BaseException | None = None

    def ask(self, question: Callable[[KubeClient], Awaitable[_T]]) -> _T:
        """Ask the API server something, and wait for the answer.

        Raises:
            ApiError: it refuses, or does not answer.
        """
        running = self._start()

        async def asked() -> _T:
            async with asyncio.timeout(_SECONDS):
                return await question(running.client)

        return self._wait(running, asked())

    def replica(self) -> Replica:
        """The replica that is asked.

        Raises:
            ClusterError: there is none; the message says what to do.
            NotPermittedError: the user may not know.
            ApiError: the API server does not answer.
        """
        if self._replica is None:
            self._replica = self.ask(lambda client: choose(client, self.namespace))
        return self._replica

    def connect(self) -> socket.socket:
        """A socket that leads to the API of a replica.

        Raises:
            ClusterError, NotPermittedError, ApiError: as of `replica`.
        """
        replica = self.replica()
        running = self._start()
        try:
            return self._wait(running, self._open(running, replica.pod))
        except ApiError as error:
            if error.code == NOT_FOUND:
                raise ClusterError(f"pod {replica.pod} of Fairlead is gone: ask again") from None
            raise refused(error, self.namespace) from None

    def close(self) -> None:
        """End all connections and the thread."""
        running, self._running = self._running, None
        if running is not None and self._thread is not None:
            running.loop.call_soon_threadsafe(running.stopping.set)
            self._thread.join(_SECONDS)

    def _start(self) -> _Loop:
        if self._running is None:
            started = threading.Event()
            self._thread = threading.Thread(
                target=self._run, args=(started,), name="cluster link", daemon=True
            )
            self._thread.start()
            started.wait()
            if self._failed is not None:
                raise self._failed
        if self._running is None:
            raise RuntimeError("the link's thread has ended")
        return self._running

    def _run(self, started: threading.Event) -> None:
        try:
            asyncio.run(self._serve(started))
        except Exception as error:  # noqa: BLE001 - told by the thread that waits
            self._failed = error
        finally:
            started.set()

    async def _serve(self, started: threading.Event) -> None:
        stopping = asyncio.Event()
        async with KubeClient(self.config) as client, asyncio.TaskGroup() as tasks:
            carrying: set[asyncio.Task[None]] = set()
            loop = asyncio.get_running_loop()
            self._running = _Loop(loop, client, tasks, carrying, stopping)
            started.set()
            await stopping.wait()
            for task in carrying:
                task.cancel()

    def _wait(self, running: _Loop, work: Coroutine[Any, Any, _T]) -> _T:
        return asyncio.run_coroutine_threadsafe(work, running.loop).result()

    async def _open(self, running: _Loop, pod: str) -> socket.socket:
        """Open a port-forward and leave a task behind that carries it."""
        opened: asyncio.Future[None] = running.loop.create_future()
        near, far = socket.socketpair()
        task = running.tasks.create_task(self._carry(running.client, pod, far, opened))
        running.carrying.add(task)
        task.add_done_callback(running.carrying.discard)
        try:
            async with asyncio.timeout(_SECONDS):
                await opened
        except BaseException:
            near.close()
            raise
        return near

    async def _carry(
        self, client: KubeClient, pod: str, far: socket.socket, opened: asyncio.Future[None]
    ) -> None:
        reader, writer = await asyncio.open_connection(sock=far)
        try:
            async with PortForward(client, self.namespace, pod, ports.CONTROLLER_API) as forward:
                opened.set_result(None)
                await forward.carry(reader, writer)
        except (ApiError, PortForwardError) as error:
            if not opened.done():
                opened.set_exception(error)
            self.failure = str(error)
        finally:
            writer.close()
