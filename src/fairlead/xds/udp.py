"""UDP ports (`ir.listener.UdpListener`).

Datagrams of one client address and port are a session, which stays with one endpoint and ends
when nothing was sent for a minute. Weights of backends are those of localities in the cluster.
"""

from typing import Final

from fairlead.xds.messages import Message, UdpProxy, duration, extension

IDLE: Final = 60
"""Seconds after which a session ends on which nothing happens."""


def proxy(stat_prefix: str, cluster: str) -> Message:
    """The listener filter that passes sessions on to `cluster`."""
    return extension(
        "envoy.filters.udp_listener.udp_proxy",
        UdpProxy(stat_prefix=stat_prefix, cluster=cluster, idle_timeout=duration(IDLE)),
    )
