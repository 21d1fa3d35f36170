"""Whose things are, asked of the API server at the moment at which it matters.

Copies may be late or incomplete. Before something is written over or removed, the answer has to be
sure.
"""

from typing import Final

import msgspec

from fairlead.dataplane.kubernetes import live
from fairlead.dataplane.kubernetes.cache import GatewayKey
from fairlead.dataplane.kubernetes.names import SNAPSHOT_TYPE
from fairlead.dataplane.kubernetes.plan import CONTROLLER
from fairlead.providers.kube.client import KubeClient
from fairlead.providers.kube.errors import ApiError
from fairlead.providers.kube.paths import path_of

_GROUP: Final = "gateway.networking.k8s.io/v1"
_NOT_FOUND: Final = 404
_FORBIDDEN: Final = 403


class _ClassSpec(msgspec.Struct, frozen=True, rename="camel"):
    controller_name: str


class _Class(msgspec.Struct, frozen=True):
    spec: _ClassSpec


class _GatewaySpec(msgspec.Struct, frozen=True, rename="camel"):
    gateway_class_name: str


class _Gateway(msgspec.Struct, frozen=True):
    metadata: live.ObjectMeta
    spec: _GatewaySpec


class _Secret(live.Owned, frozen=True):
    type: str = ""


class Ownership:
    """Asks.

    Args:
        client: Of the API server.
        controller_name: Whose things are ours.
    """

    def __init__(self, client: KubeClient, controller_name: str) -> None:
        self._client = client
        self._controller_name = controller_name

    async def taken(self, path: str, gateway: GatewayKey) -> bool:
        """Whether an object is there that was not made for this Gateway by us.

        Raises:
            ApiError: The API server did not say.
        """
        content = await self._read(path)
        if content is None:
            return False
        found = msgspec.json.decode(content, type=live.Owned)
        owner, annotations = found.gateway, found.metadata.annotations
        ours = owner is not None and owner.name == gateway[1]
        return not ours or annotations.get(CONTROLLER) != self._controller_name

    async def abandoned(self, gateway: GatewayKey, owners: set[str]) -> bool:
        """Whether a Gateway is there and its class is another controller's.

        Args:
            gateway: Namespace and name.
            owners: UIDs that what was made for it belongs to.

        Raises:
            ApiError: The API server did not say.
        """
        content = await self._read(path_of(_GROUP, "gateways", *gateway))
        if content is None:
            return False
        found = msgspec.json.decode(content, type=_Gateway)
        if found.metadata.deletion_timestamp or found.metadata.uid not in owners:
            return False
        name = found.spec.gateway_class_name
        content = await self._read(path_of(_GROUP, "gatewayclasses", "", name))
        if content is None:
            return False
        owner = msgspec.json.decode(content, type=_Class)
        return owner.spec.controller_name != self._controller_name

    async def snapshot(self, path: str, owners: set[str]) -> str | None:
        """The UID of a Secret if it is the snapshot of a proxy.

        Args:
            path: Of the Secret; it may be somebody else's, or not for us to read.
            owners: UIDs of the Gateway that it has to belong to.

        Raises:
            ApiError: The API server did not say.
        """
        try:
            content = await self._read(path)
        except ApiError as error:
            if error.code == _FORBIDDEN:
                return None
            raise
        if content is None:
            return None
        found = msgspec.json.decode(content, type=_Secret)
        owner = found.gateway
        if found.type != SNAPSHOT_TYPE or owner is None or owner.uid not in owners:
            return None
        return found.metadata.uid

    async def _read(self, path: str) -> bytes | None:
        try:
            return await self._client.get(path)
        except ApiError as error:
            if error.code == _NOT_FOUND:
                return None
            raise
