"""Which resources an API server has, and in which versions.

One small request, which the server answers with "unchanged" as long as nothing changed. What is
missing in the answer may still be on its way while a server starts; `is_absent` makes sure.
"""

from typing import Final, TypeAlias

import msgspec

from fairlead import api
from fairlead.providers.kube.client import KubeClient
from fairlead.providers.kube.errors import ApiError, UnreachableError
from fairlead.providers.kube.paths import path_of

Resource: TypeAlias = tuple[str, str]
"""`apiVersion` and plural name."""

_ACCEPT: Final = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
_ROOTS: Final = ("/api", "/apis")
_NOT_FOUND: Final = 404


class _Named(msgspec.Struct):
    resource: str = ""


class _Version(msgspec.Struct):
    version: str
    resources: list[_Named] = []


class _GroupMeta(msgspec.Struct):
    name: str = ""


class _Group(msgspec.Struct):
    metadata: _GroupMeta = msgspec.field(default_factory=_GroupMeta)
    versions: list[_Version] = []


class _Groups(msgspec.Struct, tag_field="kind", tag="APIGroupDiscoveryList"):
    items: list[_Group] = []


def resources(data: bytes) -> frozenset[Resource]:
    """What an aggregated discovery document says is served.

    Raises:
        UnreachableError: It is no such document, as from servers older than Kubernetes 1.30.
    """
    try:
        found = msgspec.json.decode(data, type=_Groups)
    except msgspec.MsgspecError as error:
        message = f"discovery: {error}; Fairlead needs Kubernetes 1.30 or newer"
        raise UnreachableError(message) from error
    return frozenset(
        (f"{group.metadata.name}/{version.version}".lstrip("/"), each.resource)
        for group in found.items
        for version in group.versions
        for each in version.resources
    )


def best(kind: api.Kind, served: frozenset[Resource]) -> str:
    """The best served `apiVersion` of a kind; empty if none is served."""
    return next((each for each in kind.api_versions if (each, kind.plural) in served), "")


class Discovery:
    """Asks one API server what it serves."""

    def __init__(self, client: KubeClient) -> None:
        self._client = client
        self._tags = dict.fromkeys(_ROOTS, "")
        self._found: dict[str, frozenset[Resource]] = {}

    async def read(self) -> frozenset[Resource]:
        """What is served now.

        Raises:
            ApiError: The server does not say.
        """
        for root in _ROOTS:
            data, tag = await self._client.get_unless(root, _ACCEPT, self._tags[root])
            if data is not None:
                self._found[root] = resources(data)
            self._tags[root] = tag
        return frozenset(each for found in self._found.values() for each in found)

    async def is_absent(self, kind: api.Kind) -> bool:
        """Whether the server has no such resource; asked of the resource itself.

        A server that has not started yet answers otherwise (503) for as long as it doesn't know.

        Raises:
            ApiError: The server does not say.
        """
        try:
            await self._client.get(path_of(kind.api_versions[0], kind.plural), limit="1")
        except ApiError as error:
            if error.code == _NOT_FOUND:
                return True
            raise
        return False
