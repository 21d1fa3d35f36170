"""Names of clusters: what a cluster is, written down so that it can be read back.

``NAMESPACE/SERVICE/PORT`` is a Service port as everyone reaches it, and
``xbackend/NAMESPACE/NAME/PORT`` an XBackend. What follows tells in what a variant differs:
``@CLIENT-NAMESPACE`` has that namespace's own DestinationRule, ``+h2c`` speaks HTTP/2, ``+tcp``
bytes, ``+plain`` leaves out what standard policies ask for (TLS above all) or the XBackend itself,
``+certificate/NAMESPACE/SECRET`` shows endpoints this certificate. ``+refused`` is never made:
what is sent there fails. A name never holds a route's.
"""

import re
from typing import Final, Literal, TypeAlias

import msgspec

TargetKind: TypeAlias = Literal["Service", "XBackend"]

Spoken: TypeAlias = Literal["h2c", "tcp"]
"""What a variant speaks instead of what its port declares."""

_XBACKEND: Final = "xbackend/"
_NAME: Final = re.compile(
    r"(?P<xbackend>xbackend/)?(?P<namespace>[^/@+]+)/(?P<name>[^/@+]+)/(?P<port>\d+)"
    r"(?:@(?P<client>[^/@+]+))?(?P<refused>\+refused)?(?:\+(?P<spoken>h2c|tcp))?"
    r"(?P<plain>\+plain)?(?:\+(?P<certificate>certificate/[^@+]+))?"
)


class ClusterName(msgspec.Struct, frozen=True, gc=False):
    """What a cluster of a Service port or an XBackend is."""

    namespace: str
    name: str
    port: int
    """Of the Service, not of its pods; of the XBackend."""
    kind: TargetKind = "Service"
    client_namespace: str | None = None
    """Namespace whose clients have a policy of their own, None for what all others share."""
    refused: bool = False
    """Whether a policy forbids to send there: there is no such cluster."""
    spoken: Spoken | None = None
    plain: bool = False
    certificate: str = ""
    """Name of the `ir.secret.Certificate` shown to endpoints."""

    def __str__(self) -> str:
        """The name, as proxies know it."""
        prefix = _XBACKEND if self.kind == "XBackend" else ""
        parts = [f"{prefix}{self.namespace}/{self.name}/{self.port}"]
        if self.client_namespace is not None:
            parts.append(f"@{self.client_namespace}")
        if self.refused:
            parts.append("+refused")
        if self.spoken is not None:
            parts.append(f"+{self.spoken}")
        if self.plain:
            parts.append("+plain")
        if self.certificate:
            parts.append(f"+{self.certificate}")
        return "".join(parts)

    @property
    def on_demand(self) -> bool:
        """Whether the cluster is made only while something is sent to it."""
        return self.kind == "XBackend" or "+" in str(self)


def parse(name: str) -> ClusterName | None:
    """Read a name back; None for clusters of another sort, such as ``passthrough``."""
    found = _NAME.fullmatch(name)
    if found is None:
        return None
    spoken = found["spoken"]
    return ClusterName(
        namespace=found["namespace"],
        name=found["name"],
        port=int(found["port"]),
        kind="XBackend" if found["xbackend"] else "Service",
        client_namespace=found["client"],
        refused=found["refused"] is not None,
        spoken="h2c" if spoken == "h2c" else "tcp" if spoken else None,
        plain=found["plain"] is not None,
        certificate=found["certificate"] or "",
    )
