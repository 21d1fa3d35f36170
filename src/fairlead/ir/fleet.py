"""Which proxies shall run."""

from typing import Literal

import msgspec

from fairlead.ir.infrastructure import AskedAddress, Deployment, ProxyPort

MESH_PROXY = "mesh"
"""Name of the one proxy that serves every local pod's outbound requests."""


TUNNEL_CLUSTER = "tunnel"
"""Name of the cluster that every proxy is started with and that leads back to the very listener
that a connection came by: what comes out of a tunnel (CONNECT) are requests of the same client."""


def gateway_proxy(namespace: str, name: str) -> str:
    """Name of the proxy that serves a Gateway."""
    return f"gateway/{namespace}/{name}"


def gateway_of(proxy: str) -> tuple[str, str]:
    """Namespace and name of the Gateway that a proxy serves; empty for the mesh's."""
    kind, _, rest = proxy.partition("/")
    namespace, _, name = rest.partition("/")
    return (namespace, name) if kind == "gateway" else ("", "")


class Proxy(msgspec.Struct, frozen=True, gc=False):
    """One Envoy: a Gateway's own, or the mesh's."""

    name: str
    """From `gateway_proxy`, or `MESH_PROXY`. Also the xDS node id."""
    kind: Literal["gateway", "mesh"]
    namespace: str = ""
    gateway: str = ""
    labels: tuple[tuple[str, str], ...] = ()
    """Of the Gateway's `spec.infrastructure`, sorted: on all that is made for it."""
    annotations: tuple[tuple[str, str], ...] = ()
    owner: str = ""
    """UID of the Gateway, in a cluster."""
    held: bool = False
    """Nothing of the Gateway can be served now: what runs for it, and its addresses, stay as they
    are until that is mended; nothing new is made. In a cluster only."""
    ending: bool = False
    """Its namespace is being deleted, where nothing can be made any more. In a cluster only."""
    ports: tuple[ProxyPort, ...] = ()
    """Sorted; in a cluster only, as the fields below."""
    addresses: tuple[AskedAddress, ...] = ()
    """What the Gateway asks for, as far as such can be given, in its order."""
    deployment: Deployment = Deployment()
