"""What the proxies of all replicas have acknowledged, wherever they are connected.

Each replica serves some of the proxies, and the one that writes status has to know about all. So
each publishes what it was told in a ConfigMap of its own, which goes with its pod, and reads those
of the others: the API server is the only bus, and its access rules hold.

A pod may outlive its node for as long as nobody removes it, and its ConfigMap with it. So each
replica writes a beat now and then, and counts another's statement no more once it has seen
`_MOST_MISSED` of its own beats come back since it last heard of that one. No clocks are compared,
and while the API server is away, nobody's beats come back.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import msgspec

from fairlead.ir.proxy_status import ProxyStatus
from fairlead.providers.kube.client import ApiError, KubeClient
from fairlead.providers.kube.informer import Informer
from fairlead.providers.kube.paths import path_of

_LOG = logging.getLogger(__name__)
LABEL: Final = "fairlead.dev/replica"
_PREFIX: Final = "fairlead-replica-"
_FIELD: Final = "proxies"
_BEAT: Final = "beat"
_BEAT_SECONDS: Final = 10.0
_MOST_MISSED: Final = 4
"""Own beats without news of another replica after which it counts as gone: 30 to 40 s."""
_MANAGER: Final = "fairlead-replica"
_PAUSE: Final = 0.05
"""Seconds between two writes."""
_RETRY: Final = 1.0

Statuses = dict[str, ProxyStatus]
"""By name of the proxy."""


class _Other:
    """What another replica has published."""

    __slots__ = ("beat", "missed", "statuses")

    def __init__(self, statuses: Statuses, beat: str) -> None:
        self.statuses = statuses
        self.beat = beat
        """Empty for a release without beats: what it says counts until it is removed."""
        self.missed = 0
        """Beats of ours since this came."""

    @property
    def counts(self) -> bool:
        """Whether that replica is still there, as far as can be told."""
        return not self.beat or self.missed < _MOST_MISSED


class Replicas:
    """Publishes what this replica knows of its proxies, and merges it with what others know.

    Args:
        client: Inside `async with`.
        namespace: Of the controller.
        pod: Name and UID of this replica; the latter is empty where it is no pod of the cluster.
        on_change: Told the name of each proxy of which something may be new.
    """

    def __init__(
        self,
        client: KubeClient,
        namespace: str,
        pod: tuple[str, str],
        on_change: Callable[[str], None],
    ) -> None:
        self._client = client
        self._namespace = namespace
        self._pod, self._uid = pod
        self._on_change = on_change
        self._own: Statuses = {}
        self._others: dict[str, _Other] = {}
        self._last_beat = ""
        """Ours, as it came back."""
        self._wake = asyncio.Event()
        self._informer = Informer(
            client,
            path_of("v1", "configmaps", namespace),
            self._on_config_map,
            query={"labelSelector": LABEL},
        )

    def publish(self, status: ProxyStatus) -> None:
        """Take what the proxies of one name that are connected here have acknowledged."""
        if status.connected or status.rejections:
            self._own[status.proxy] = status
        else:
            self._own.pop(status.proxy, None)
        self._wake.set()
        self._on_change(status.proxy)

    def forget(self, proxy: str) -> None:
        """A proxy that shall no longer run."""
        if self._own.pop(proxy, None) is not None:
            self._wake.set()

    def merged(self, proxy: str) -> ProxyStatus | None:
        """What all replicas know of a proxy; None while none has seen it.

        A listener counts as acknowledged if every pod of the proxy has it, wherever it is. One that
        still takes up its first configuration doesn't count beside others that serve.
        """
        others = (statuses for _, statuses in self._counting())
        found = [known[proxy] for known in (self._own, *others) if proxy in known]
        if len(found) < 2:  # noqa: PLR2004 - nothing to merge
            return found[0] if found else None
        connected = [each for each in found if each.connected]
        loaded = [each for each in connected if each.loaded]
        counted = [set(each.listeners) for each in loaded or connected]
        listeners = set[str].intersection(*counted) if counted else ()
        rejections = {refused: None for each in found for refused in each.rejections}
        return ProxyStatus(
            proxy=proxy,
            connected=bool(connected),
            listeners=tuple(sorted(listeners)),
            rejections=tuple(rejections),
            loaded=bool(loaded) or not connected,
        )

    @property
    def pod(self) -> str:
        """Name of this replica."""
        return self._pod

    def elsewhere(self, proxy: str) -> Mapping[str, ProxyStatus]:
        """What other replicas know of a proxy that is connected to them, by replica, sorted."""
        return {
            replica: known[proxy]
            for replica, known in self._counting()
            if proxy in known and known[proxy].connected
        }

    async def wait_synced(self) -> None:
        """Wait until what the others publish was read once."""
        await self._informer.wait_synced()

    async def run(self) -> None:
        """Publish and read, for ever; what others have published counts while they are there."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._informer.run())
            tasks.create_task(self._publish())

    async def stop(self) -> None:
        """Take back what was published: this replica ends."""
        try:
            await self._client.delete(self._path())
        except ApiError as error:
            _LOG.info("what this replica published stays until its pod is gone: %s", error)

    def _path(self) -> str:
        return path_of("v1", "configmaps", self._namespace, _PREFIX + self._pod)

    async def _publish(self) -> None:
        owner = _owner(self._pod, self._uid)
        clock = asyncio.get_running_loop().time
        while True:
            self._wake.clear()
            statuses = [self._own[name] for name in sorted(self._own)]
            config_map = {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {
                    "name": _PREFIX + self._pod,
                    "namespace": self._namespace,
                    "labels": {LABEL: "", "app.kubernetes.io/managed-by": "fairlead"},
                    **owner,
                },
                "data": {
                    _FIELD: msgspec.json.encode(statuses).decode(),
                    _BEAT: str(int(clock() // _BEAT_SECONDS)),
                },
            }
            try:
                await self._client.apply(self._path(), config_map, manager=_MANAGER)
            except ApiError as error:
                _LOG.warning("what proxies acknowledged was not published: %s", error)
                await asyncio.sleep(_RETRY)
                continue
            await asyncio.sleep(_PAUSE)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_BEAT_SECONDS - clock() % _BEAT_SECONDS):
                    await self._wake.wait()

    def _on_config_map(self, key: tuple[str, str], data: bytes | None) -> None:
        replica = key[1].removeprefix(_PREFIX)
        found = None if data is None else _published(replica, data)
        if replica == self._pod:
            if found is not None and found.beat != self._last_beat:
                self._last_beat = found.beat
                self._miss_others()
            return
        before = self._others.pop(replica, None)
        if found is not None:
            self._others[replica] = found
        self._tell(_counted(before), _counted(found))

    def _miss_others(self) -> None:
        """Another beat of ours has come back."""
        for other in self._others.values():
            before = _counted(other)
            other.missed += 1
            self._tell(before, _counted(other))

    def _tell(self, before: Statuses, after: Statuses) -> None:
        for proxy in sorted(before.keys() | after.keys()):
            if before.get(proxy) != after.get(proxy):
                self._on_change(proxy)

    def _counting(self) -> Iterator[tuple[str, Statuses]]:
        """What the other replicas that are there have published, sorted."""
        for replica, other in sorted(self._others.items()):
            yield replica, _counted(other)


class _ConfigMap(msgspec.Struct):
    data: dict[str, str] = {}


def _published(replica: str, config_map: bytes) -> _Other:
    statuses: list[ProxyStatus] = []
    beat = ""
    try:
        data = msgspec.json.decode(config_map, type=_ConfigMap).data
        beat = data.get(_BEAT, "")
        statuses = msgspec.json.decode(data.get(_FIELD, "[]"), type=list[ProxyStatus])
    except msgspec.MsgspecError as error:  # a replica of another version
        _LOG.warning("what replica %s published is not understood: %s", replica, error)
    return _Other({status.proxy: status for status in statuses}, beat)


def _counted(other: _Other | None) -> Statuses:
    """What counts of what another replica has published."""
    return other.statuses if other is not None and other.counts else {}


def _owner(pod: str, uid: str) -> Mapping[str, Any]:
    """Metadata that makes the ConfigMap go with this replica's pod."""
    if not uid:
        return {}
    reference = {"apiVersion": "v1", "kind": "Pod", "name": pod, "uid": uid}
    return {"ownerReferences": [reference]}
