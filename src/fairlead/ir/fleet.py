"""Which proxies shall run."""

from typing import Literal

import msgspec

MESH_PROXY = "mesh"
"""Name of the one proxy that serves every local pod's outbound requests."""


class Proxy(msgspec.Struct, frozen=True, gc=False):
    """One Envoy: a Gateway's own, or the mesh's."""

    name: str
    """``gateway/NAMESPACE/NAME``, or `MESH_PROXY`. Also the xDS node id."""
    kind: Literal["gateway", "mesh"]
    namespace: str = ""
    gateway: str = ""
