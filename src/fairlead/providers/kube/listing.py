"""Everything of a cluster that somebody may read, read once: for questions, not for serving.

In: a client with the user's own rights. Out: objects as a `Batch`, their status, and what could not
be seen. Secrets are never read. ConfigMaps are read where an object points to them.
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

import msgspec

from fairlead import api
from fairlead.api.raw import Raw, is_list, is_map
from fairlead.providers.batch import Batch, Key, ObjectChange
from fairlead.providers.kube.errors import ApiError
from fairlead.providers.kube.paths import path_of

if TYPE_CHECKING:  # what only reads a `Listing` needs no HTTP client
    from fairlead.providers.kube.client import KubeClient

PAGE: Final = "500"
_UNREAD: Final = frozenset({"Secret", "ConfigMap", "Pod", "Deployment"})
"""Kinds that are not listed: EndpointSlices tell of pods."""
_PLAIN_GROUPS: Final = frozenset({"", "apps", "discovery.k8s.io", "certificates.k8s.io"})
"""Groups whose objects are not looked at for mistakes, and point to no ConfigMap of ours."""
_ABSENT, _FORBIDDEN = 404, 403


class Listing(msgspec.Struct, frozen=True):
    """What was read."""

    batch: Batch
    problems: tuple[api.Problem, ...]
    """Of objects of Gateway API, Istio and Fairlead, sorted by kind, namespace and name."""
    status: Mapping[tuple[str, Key], Mapping[str, Any]]
    """By kind and key, of objects that have one."""
    hidden: tuple[str, ...]
    """What the user may not read anywhere: resources, and single objects as ``Kind NAME``."""
    elsewhere: tuple[str, ...] = ()
    """Resources that the user may read in the namespaces that were wanted only."""

    @property
    def complete(self) -> bool:
        """Whether nothing is hidden."""
        return not (self.hidden or self.elsewhere)


class _ListMeta(msgspec.Struct):
    continue_: str = msgspec.field(default="", name="continue")


class _Page(msgspec.Struct):
    items: list[dict[str, Any]] | None = None
    metadata: _ListMeta = msgspec.field(default_factory=_ListMeta)


class _Resource(msgspec.Struct):
    name: str


class _Resources(msgspec.Struct):
    """metav1.APIResourceList."""

    resources: tuple[_Resource, ...] = ()


async def read(client: "KubeClient", namespaces: tuple[str, ...]) -> Listing:
    """Read all objects that count, cluster-wide where that is permitted.

    Args:
        client: of the cluster.
        namespaces: to read at least, if reading all of them is not permitted.

    Raises:
        ApiError: the API server refuses for another reason than rights, or does not answer.
    """
    reader = _Reader(client, namespaces)
    for kind in api.KINDS:
        if kind.kind not in _UNREAD:
            await reader.list_kind(kind)
    await reader.get_config_maps()
    return reader.listing()


class _Reader:
    def __init__(self, client: "KubeClient", namespaces: tuple[str, ...]) -> None:
        self._client = client
        self._namespaces = namespaces
        self._objects: list[api.Object] = []
        self._problems: list[api.Problem] = []
        self._status: dict[tuple[str, Key], Mapping[str, Any]] = {}
        self._config_maps: set[Key] = set()
        self._hidden: list[str] = []
        self._elsewhere: list[str] = []
        self._resources: dict[str, frozenset[str]] = {}

    async def list_kind(self, kind: api.Kind) -> None:
        """Read all objects of a kind, or those of the namespaces that are wanted."""
        try:
            await self._list(kind, "")
        except ApiError as error:
            if error.code != _FORBIDDEN:
                raise
        else:
            return
        seen = 0
        for namespace in self._namespaces if kind.namespaced else ():
            try:
                await self._list(kind, namespace)
            except ApiError as error:
                if error.code != _FORBIDDEN:
                    raise
            else:
                seen += 1
        (self._elsewhere if seen else self._hidden).append(kind.plural)

    async def get_config_maps(self) -> None:
        """Read the ConfigMaps that objects point to."""
        kind = api.KIND_OF["ConfigMap"]
        for namespace, name in sorted(self._config_maps):
            path = path_of("v1", kind.plural, namespace, name)
            try:
                body = await self._client.get(path)
            except ApiError as error:
                if error.code == _FORBIDDEN:
                    self._hidden.append(f"ConfigMap {namespace}/{name}")
                elif error.code != _ABSENT:
                    raise
            else:
                self._take(kind, "v1", msgspec.json.decode(body))

    def listing(self) -> Listing:
        """What was read so far."""
        changes = [ObjectChange(each.kind, each.key, each) for each in self._objects]
        return Listing(
            Batch(tuple(sorted(changes, key=lambda each: (each.kind, each.key)))),
            tuple(sorted(self._problems, key=lambda each: (each.kind, each.namespace, each.name))),
            self._status,
            tuple(self._hidden),
            tuple(self._elsewhere),
        )

    async def _list(self, kind: api.Kind, namespace: str) -> None:
        """Read one collection; a kind that the cluster does not have is empty."""
        for version in kind.api_versions:
            if kind.plural not in await self._served(version):
                continue
            path = path_of(version, kind.plural, namespace)
            query = {"limit": PAGE}
            while True:
                page = msgspec.json.decode(await self._client.get(path, **query), type=_Page)
                for item in page.items or ():
                    self._take(kind, version, item)
                if not page.metadata.continue_:
                    return
                query["continue"] = page.metadata.continue_

    async def _served(self, version: str) -> frozenset[str]:
        """Resources that the cluster has; asked first, as who may not list is told no more."""
        if version not in self._resources:
            try:
                body = await self._client.get(path_of(version, ""))
                found = msgspec.json.decode(body, type=_Resources).resources
            except ApiError as error:
                if error.code != _ABSENT:
                    raise
                found = ()
            self._resources[version] = frozenset(each.name for each in found)
        return self._resources[version]

    def _take(self, kind: api.Kind, version: str, item: dict[str, Any]) -> None:
        item |= {"apiVersion": version, "kind": kind.kind}
        status = item.pop("status", None)
        decoded = api.decode(item)
        self._objects += decoded.objects
        for obj in decoded.objects:
            if status:
                self._status[kind.kind, obj.key] = status
        if kind.group not in _PLAIN_GROUPS:
            self._problems += decoded.problems
            namespace = item.get("metadata", {}).get("namespace", "")
            self._config_maps.update(_config_maps(item.get("spec"), namespace))


def _config_maps(value: Raw, namespace: str) -> Iterator[Key]:
    """ConfigMaps that a spec points to, wherever it does."""
    if is_map(value):
        name = value.get("name")
        if value.get("kind") == "ConfigMap" and name:
            yield str(value.get("namespace") or namespace), str(name)
        for inner in value.values():
            yield from _config_maps(inner, namespace)
    elif is_list(value):
        for inner in value:
            yield from _config_maps(inner, namespace)
