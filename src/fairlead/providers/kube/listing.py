"""Everything of a cluster that somebody may read, read once: for questions, not for serving.

In: a client with the user's own rights. Out: objects as a `Batch`, their status, and what could not
be seen. Secrets are never read. ConfigMaps are read where an object points to them.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from fairlead import api
from fairlead.providers.batch import Batch, Key, ObjectChange
from fairlead.providers.kube.client import KubeClient
from fairlead.providers.kube.decoding import UnreadableError, decode, live
from fairlead.providers.kube.discovery import Discovery, Resource, best
from fairlead.providers.kube.errors import ApiError
from fairlead.providers.kube.nesting import shallow
from fairlead.providers.kube.pages import pages
from fairlead.providers.kube.paths import path_of
from fairlead.providers.kube.references import references_of

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
    controller: str = ""
    """`controllerName` of the GatewayClass of the installation; empty if none of it was seen."""

    @property
    def complete(self) -> bool:
        """Whether nothing is hidden."""
        return not (self.hidden or self.elsewhere)


class _Labelled(msgspec.Struct):
    labels: Mapping[str, str] = {}


class _Class(msgspec.Struct):
    metadata: _Labelled


async def read(
    client: KubeClient, namespaces: tuple[str, ...], installed: Mapping[str, str]
) -> Listing:
    """Read all objects that count, cluster-wide where that is permitted.

    Args:
        client: of the cluster.
        namespaces: to read at least, if reading all of them is not permitted.
        installed: labels of the objects that belong to the installation.

    Raises:
        ApiError: the API server refuses for another reason than rights, or does not answer.
    """
    reader = _Reader(client, namespaces, installed, await Discovery(client).read())
    for kind in api.KINDS:
        if kind.kind not in _UNREAD:
            await reader.list_kind(kind)
    await reader.get_config_maps()
    return reader.listing()


class _Reader:
    def __init__(
        self,
        client: KubeClient,
        namespaces: tuple[str, ...],
        installed: Mapping[str, str],
        served: frozenset[Resource],
    ) -> None:
        self._installed = installed
        self._controller = ""
        self._served = served
        self._client = client
        self._namespaces = namespaces
        self._objects: list[api.Object] = []
        self._problems: list[api.Problem] = []
        self._status: dict[tuple[str, Key], Mapping[str, Any]] = {}
        self._config_maps: set[Key] = set()
        self._hidden: list[str] = []
        self._elsewhere: list[str] = []

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
                self._take(kind, "v1", body)

    def listing(self) -> Listing:
        """What was read so far."""
        changes = [ObjectChange(each.kind, each.key, each) for each in self._objects]
        return Listing(
            Batch(tuple(sorted(changes, key=lambda each: (each.kind, each.key)))),
            tuple(sorted(self._problems, key=lambda each: (each.kind, each.namespace, each.name))),
            self._status,
            tuple(self._hidden),
            tuple(self._elsewhere),
            self._controller,
        )

    async def _list(self, kind: api.Kind, namespace: str) -> None:
        """Read one collection; a kind that the cluster does not have is empty."""
        version = best(kind, self._served)
        if not version:
            return
        path = path_of(version, kind.plural, namespace)
        for item in await pages(self._client, path, msgspec.Raw):
            self._take(kind, version, bytes(item))

    def _take(self, kind: api.Kind, version: str, data: bytes) -> None:
        """Keep an object as it would be served, and what is to be said of how it is written."""
        data = shallow(data)
        if kind.group not in _PLAIN_GROUPS:
            raw = msgspec.json.decode(data)
            raw.pop("status", None)
            self._problems += api.decode({**raw, "apiVersion": version, "kind": kind.kind}).problems
        try:
            obj = decode(kind, data)
        except UnreadableError:
            return  # a problem says so
        self._objects.append(obj)
        if isinstance(obj, api.GatewayClass):
            labels = msgspec.json.decode(data, type=_Class).metadata.labels
            if labels.items() >= self._installed.items():
                self._controller = obj.spec.controller_name
        if status := live(data).status:
            self._status[kind.kind, obj.key] = msgspec.json.decode(status)
        self._config_maps.update(key for what, key in references_of(obj) if what == "ConfigMap")
