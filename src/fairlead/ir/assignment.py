"""Which proxy needs which cluster."""

import msgspec


class ClusterUse(msgspec.Struct, frozen=True, gc=False):
    """`proxy` has at least one rule that forwards to `cluster`."""

    proxy: str
    cluster: str
