"""Which proxy needs which clusters, certificates and trust bundles."""

import msgspec


class ClusterUse(msgspec.Struct, frozen=True, gc=False):
    """`proxy` has at least one rule that forwards to `cluster`."""

    proxy: str
    cluster: str


class SecretUse(msgspec.Struct, frozen=True, gc=False):
    """`proxy` has a listener or a cluster that names `secret`; no other proxy is sent it."""

    proxy: str
    secret: str
