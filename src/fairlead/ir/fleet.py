"""Which proxies shall run."""

from typing import Literal

import msgspec

MESH_PROXY = "mesh"
"""Name of the one proxy that serves every local pod's outbound requests."""


def gateway_proxy(namespace: str, name: str) -> str:
    """Name of the proxy that serves a Gateway."""
    return f"gateway/{namespace}/{name}"


class Proxy(msgspec.Struct, frozen=True, gc=False):
    """One Envoy: a Gateway's own, or the mesh's."""

    name: str
    """From `gateway_proxy`, or `MESH_PROXY`. Also the xDS node id."""
    kind: Literal["gateway", "mesh"]
    namespace: str = ""
    gateway: str = ""
