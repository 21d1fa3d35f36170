"""The rules for a set of domains in one route table."""

import msgspec

from fairlead.ir.http_policy import ListenerFilters
from fairlead.ir.rule import Rule


class VirtualHost(msgspec.Struct, frozen=True, gc=False):
    """What requests for `domains` get in the route table `table`.

    A request that no rule matches is answered 404.
    """

    table: str
    """Name of the route table; a `Listener` or `OutboundListener` points to it."""
    name: str
    """Unique in the table. For Gateways the host itself (``*``, ``*.example.com``)."""
    domains: tuple[str, ...]
    """Lower case, sorted: exact names, ``*.suffix``, or ``*``.

    Tables of Gateways hold names without port (the proxy strips it before matching); tables of
    the mesh hold ``name:port`` as well, since there the port names the Service port.
    """
    rules: tuple[Rule, ...]
    owner: str = ""
    """Hostname of the Gateway listener that it belongs to, where connections tell theirs
    (`ir.listener.HttpChain.owner`): requests that came for another are answered 421."""
    filters: ListenerFilters | None = None
    """What the listener does to every request, before its rules (Gateway listeners[].filters)."""
    tunnel: bool = False
    """Whether clients may open a tunnel (CONNECT) to it, as those of gRPC do through HTTP proxies.
    What comes out of it is taken for requests of the same client."""
