"""What there is in the cluster for Gateways, kept up to date: their objects, and nodes' addresses.

In: objects of the API server that carry our label. Out: those that are this controller's, by the
Gateway that they belong to, and who has changed. Nodes are only read once somebody asks for them.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final, TypeAlias

import msgspec

from fairlead.dataplane.kubernetes import live, names, plan
from fairlead.dataplane.kubernetes.live import Live
from fairlead.dataplane.kubernetes.plan import ObjectKey
from fairlead.providers.kube.client import KubeClient
from fairlead.providers.kube.informer import Informer
from fairlead.providers.kube.paths import path_of

_LOG = logging.getLogger(__name__)
GatewayKey: TypeAlias = tuple[str, str]
"""Namespace and name."""
_SELECTOR: Final = f"{names.MANAGED_BY}={names.MANAGER},{names.GATEWAY_NAME}"
_NOTHING: Final[Mapping[ObjectKey, Live]] = {}


class Cache:
    """Copies of all objects that are made for Gateways.

    Args:
        client: Of the API server.
        controller_name: Whose objects count.
        on_change: Told which Gateway's objects have changed.
        on_nodes: Told that addresses of nodes have changed.
    """

    def __init__(
        self,
        client: KubeClient,
        controller_name: str,
        on_change: Callable[[GatewayKey], None],
        on_nodes: Callable[[], None],
    ) -> None:
        self._controller_name = controller_name
        self._on_change = on_change
        self._on_nodes = on_nodes
        self._objects: dict[GatewayKey, dict[ObjectKey, Live]] = {}
        self._owners: dict[tuple[str, str, str], GatewayKey] = {}
        self._nodes: dict[str, tuple[str, ...]] = {}
        self._nodes_wanted = asyncio.Event()
        self._informers = [
            Informer(
                client,
                path_of(version, plural),
                partial(self._changed, kind),
                query={"labelSelector": _SELECTOR},
            )
            for kind, (version, plural) in plan.PLURALS.items()
        ]
        self._node_informer = Informer(client, path_of("v1", "nodes"), self._node_changed)

    @property
    def synced(self) -> bool:
        """Whether all objects have been read once."""
        return all(each.synced for each in self._informers)

    async def wait_synced(self) -> None:
        """Wait until all objects have been read once."""
        for each in self._informers:
            await each.wait_synced()

    def of(self, gateway: GatewayKey) -> Mapping[ObjectKey, Live]:
        """What belongs to a Gateway, by kind and name."""
        return self._objects.get(gateway, _NOTHING)

    def gateways(self) -> list[GatewayKey]:
        """Gateways that something belongs to, sorted."""
        return sorted(self._objects)

    def nodes(self) -> tuple[str, ...]:
        """Addresses of ready nodes: from outside where they have such, else their own; sorted."""
        self._nodes_wanted.set()
        return tuple(sorted({each for node in self._nodes.values() for each in node}))

    async def run(self) -> None:
        """Keep all of it up to date, for ever."""
        async with asyncio.TaskGroup() as tasks:
            for each in self._informers:
                tasks.create_task(each.run())
            tasks.create_task(self._follow_nodes())

    async def _follow_nodes(self) -> None:
        await self._nodes_wanted.wait()
        await self._node_informer.run()

    def written(self, kind: str, namespace: str, content: bytes) -> None:
        """An object as the API server returned it to us; its event may come later.

        The event of somebody's next change may have come already: an address is given at once.
        """
        found = live.live(kind, content)
        if found is not None:
            place = kind, namespace, found.name
            known = self._known(place)
            if known is None or known.version < found.version:
                self._put(place, found, content)

    def deleted(self, kind: str, namespace: str, name: str, uid: str) -> None:
        """We deleted an object; an event says so later, or that it takes its time."""
        known = self._known((kind, namespace, name))
        if known is not None and known.uid == uid:
            self._changed(kind, (namespace, name), None)

    def _known(self, place: tuple[str, str, str]) -> Live | None:
        gateway = self._owners.get(place)
        return self._objects[gateway][place[0], place[2]] if gateway is not None else None

    def _changed(self, kind: str, key: tuple[str, str], content: bytes | None) -> None:
        place = (kind, *key)
        gateway = self._owners.get(place)
        found = None
        if content is not None:
            try:
                found = live.live(kind, content)
            except msgspec.MsgspecError as error:
                _LOG.warning("%s %s/%s cannot be read: %s", kind, *key, error)
        if found is not None and content is not None:
            self._put(place, found, content)
        elif gateway is not None:
            self._drop(place, gateway)

    def _put(self, place: tuple[str, str, str], found: Live, content: bytes) -> None:
        owned = msgspec.json.decode(content, type=live.Owned)
        owner = owned.gateway
        before = self._owners.get(place)
        ours = owned.metadata.annotations.get(plan.CONTROLLER) == self._controller_name
        gateway = (place[1], owner.name) if owner is not None and ours else None
        if before is not None and before != gateway:
            self._drop(place, before)
        if gateway is not None:
            self._owners[place] = gateway
            self._objects.setdefault(gateway, {})[place[0], place[2]] = found
            self._on_change(gateway)

    def _drop(self, place: tuple[str, str, str], gateway: GatewayKey) -> None:
        del self._owners[place]
        objects = self._objects[gateway]
        del objects[place[0], place[2]]
        if not objects:
            del self._objects[gateway]
        self._on_change(gateway)

    def _node_changed(self, key: tuple[str, str], content: bytes | None) -> None:
        found = _node(content) if content is not None else ()
        if self._nodes.get(key[1], ()) != found:
            self._nodes[key[1]] = found
            self._on_nodes()


class _Address(msgspec.Struct, frozen=True):
    type: str
    address: str


class _Condition(msgspec.Struct, frozen=True):
    type: str
    status: str


class _NodeStatus(msgspec.Struct, frozen=True):
    addresses: tuple[_Address, ...] = ()
    conditions: tuple[_Condition, ...] = ()


class _Node(msgspec.Struct, frozen=True):
    status: _NodeStatus = _NodeStatus()


def _node(content: bytes) -> tuple[str, ...]:
    """Addresses of a node that is ready."""
    try:
        status = msgspec.json.decode(content, type=_Node).status
    except msgspec.MsgspecError:
        return ()
    if not any(each.type == "Ready" and each.status == "True" for each in status.conditions):
        return ()
    for kind in ("ExternalIP", "InternalIP"):
        found = tuple(each.address for each in status.addresses if each.type == kind)
        if found:
            return found
    return ()
