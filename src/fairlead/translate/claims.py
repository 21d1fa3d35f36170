"""Claims: why a host of a Gateway's port is there, and which route it was given by.

In: nothing; these are the values that attachment yields. HTTP hosts (`Claim`) become virtual hosts,
the others (`L4Claim`) become chains of TLS and TCP listeners, and UDP listeners.
"""

from typing import Literal, NamedTuple, TypeAlias

import msgspec

from fairlead.translate.sources import Key

RouteKind: TypeAlias = Literal["HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute", "UDPRoute"]

ParentKey: TypeAlias = tuple[str, str, str]
"""Kind (Gateway or ListenerSet), namespace and name of an object with listeners."""
ListenerKey: TypeAlias = tuple[str, str, str, str]
"""Kind, namespace and name of the parent, and the listener's name."""


class Variant(NamedTuple):
    """A route compiled for some clients."""

    kind: RouteKind
    namespace: str
    name: str
    client_namespace: str
    """Whose policies count: the Gateway's namespace."""
    certificate: str = ""
    """Name of the `ir.secret.Certificate` that their Gateway shows to backends; empty for none."""
    scheme: str = ""
    """``http`` or ``https``: what they call by; empty where that makes no difference."""
    port: int = 0
    """Port on which they call; 0 where that makes no difference."""


ClaimKey: TypeAlias = tuple[str, str, str, str, str]
"""Table, host, kind, namespace and name of the route (all three empty for a listener's own)."""


class Claim(msgspec.Struct, frozen=True, gc=False):
    """A reason for a virtual host to be there."""

    table: str
    host: str
    limit: str
    """Hostname of the listener that the host belongs to: rules never come from beyond it."""
    listener: ListenerKey
    """That listener."""
    hostname: str
    """The route's hostname before it was intersected with the listener's."""
    variant: Variant | None
    """What the route gives to the host; None for the claim of a listener."""


BoundHost: TypeAlias = tuple[str, str, str]
"""Proxy, name of its listener (``tls-443``) and host (`hostnames.ANY` on TCP and UDP ports)."""

L4ClaimKey: TypeAlias = tuple[str, str, str, str, str, str]
"""`BoundHost`, then kind, namespace and name of the route (all empty for a listener's own)."""


class L4Claim(msgspec.Struct, frozen=True, gc=False):
    """A reason for a chain of a TLS or TCP listener, or for a UDP listener.

    Several routes may claim one host: one of them serves it. A claim without route is that of a
    TLS listener whose hostname lies inside a wider one on its port: where no route claims the same
    host, connections for it are closed instead of being taken for the wider one's.
    """

    proxy: str
    bound: str
    """``tls-443``, ``tcp-9000`` or ``udp-5300``."""
    host: str
    """SNI name; `hostnames.ANY` on TCP and UDP ports."""
    listener: ListenerKey
    """The `ManagedListener` that it belongs to: its TLS, ports and origin."""
    kind: RouteKind | Literal[""] = ""
    route: Key = ("", "")
    hostname: str = ""
    """The route's hostname before it was intersected with the listener's."""
    created: str = ""
    """The route's creation timestamp; ``~``, which sorts last, if it has none."""

    @property
    def bound_host(self) -> BoundHost:
        """What it claims."""
        return self.proxy, self.bound, self.host
