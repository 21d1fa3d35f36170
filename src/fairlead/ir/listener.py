"""Where proxies accept connections."""

import msgspec

from fairlead.ir.origin import Origin


class HttpListener(msgspec.Struct, frozen=True, gc=False):
    """One bound port of a Gateway; all its HTTP listeners share the route table."""

    proxy: str
    """Name of an `ir.fleet.Proxy`."""
    name: str
    """Unique in the proxy: ``http-80``. Never changes while the port stays."""
    addresses: tuple[str, ...]
    """IP addresses to bind; at least one."""
    port: int
    """Port as the Gateway's listeners declare it."""
    bind_port: int
    """Port that the process binds; differs from `port` by the port offset."""
    table: str
    origins: tuple[Origin, ...]


class OutboundListener(msgspec.Struct, frozen=True, gc=False):
    """Takes the outbound requests of one pod: an HTTP proxy on the pod's own address.

    Accepting on it is what tells who the client is: pod, namespace, service account.
    """

    proxy: str
    name: str
    """``outbound/NAMESPACE/POD``."""
    address: str
    bind_port: int
    table: str
    namespace: str
    pod: str


Listener = HttpListener | OutboundListener
