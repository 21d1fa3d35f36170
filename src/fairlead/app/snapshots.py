"""Keeps each proxy's configuration in a Secret beside its Gateway, for proxies that start alone.

In: which proxies' configuration has changed. Out: Secrets, written by the leader only, at most
once per `PAUSE` and proxy, large ones less often, and only when they are others: in content, or
in labels, annotations and owner, which are the Gateway's. What a proxy refused is not in it.
"""

import asyncio
import base64
import hashlib
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import msgspec

from fairlead.ads.snapshot import encode
from fairlead.dataplane.kubernetes import manifests, names
from fairlead.ir.fleet import Proxy
from fairlead.providers.kube.client import KubeClient
from fairlead.providers.kube.errors import ApiError
from fairlead.providers.kube.paths import path_of
from fairlead.xds.resource import Resource

_LOG = logging.getLogger(__name__)
PAUSE: Final = 5.0
"""Seconds between two rounds of writing."""
MOST: Final = 1_000_000
"""Bytes; the API server takes no Secret beyond 1 MiB."""
MANAGER: Final = "fairlead-snapshots"


SHARE: Final = 0.005
"""Of the time, at most, that goes into the snapshots of one proxy."""


class Snapshots:
    """Writes down what each proxy holds that has changed.

    Args:
        client: Of the API server.
        proxy: The proxy of a name, None if it shall not run.
        held: Its configuration, None while there is none that it has taken.
    """

    def __init__(
        self,
        client: KubeClient,
        proxy: Callable[[str], Proxy | None],
        held: Callable[[str], tuple[Resource, ...] | None],
    ) -> None:
        self._client = client
        self._proxy = proxy
        self._held = held
        self._pending: set[str] = set()
        self._written: dict[str, bytes] = {}
        self._again: dict[str, float] = {}
        """When a proxy may be written again, by the event loop's clock."""
        self._leading = False

    def touched(self, proxies: Iterable[str]) -> None:
        """Note proxies that may have changed, or their configuration."""
        self._pending.update(proxies)

    def lead(self, *, leading: bool) -> None:
        """Whether this replica writes. A new leader compares nothing: it writes once."""
        self._leading = leading
        self._written.clear()

    async def run(self) -> None:
        """Write, for ever."""
        while True:
            await asyncio.sleep(PAUSE)
            if self._leading:
                await self._round()

    async def _round(self) -> None:
        clock = asyncio.get_running_loop().time
        pending, self._pending = sorted(self._pending), set()
        for name in pending:
            proxy = self._proxy(name)
            if proxy is None or proxy.ending:
                self._written.pop(name, None)
                self._again.pop(name, None)
                continue
            held = None if self._again.get(name, 0.0) > clock() else self._held(name)
            if held is None:
                self._pending.add(name)
                continue
            begun = clock()
            snapshot = await asyncio.to_thread(encode, held)
            self._again[name] = clock() + (clock() - begun) / SHARE
            if not await self._write(proxy, snapshot):
                self._pending.add(name)

    async def _write(self, proxy: Proxy, snapshot: bytes) -> bool:
        """Write one Secret; returns whether nothing is left to do."""
        metadata = manifests.metadata(proxy, name=names.snapshot_name(proxy.gateway))
        digest = hashlib.sha256(msgspec.json.encode(metadata) + snapshot).digest()
        if self._written.get(proxy.name) == digest:
            return True
        if len(snapshot) > MOST:
            _LOG.warning(
                "the configuration of %s has %d bytes compressed, more than a Secret takes: "
                "pods of it that start while no control plane is up will wait for one",
                proxy.name,
                len(snapshot),
            )
            self._written[proxy.name] = digest
            return True
        secret = _secret(metadata, snapshot)
        path = path_of("v1", "secrets", metadata["namespace"], metadata["name"])
        try:
            await self._client.apply(path, secret, manager=MANAGER)
        except ApiError as error:
            _LOG.warning("the snapshot of %s was not written: %s", proxy.name, error)
            return False
        self._written[proxy.name] = digest
        return True


def _secret(metadata: Mapping[str, Any], snapshot: bytes) -> Mapping[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": metadata,
        "type": names.SNAPSHOT_TYPE,
        "data": {"snapshot": base64.b64encode(snapshot).decode()},
    }
