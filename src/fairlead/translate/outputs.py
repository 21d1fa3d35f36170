"""What translation yields: the edges of the graph that xds, the runners and status consume."""

from dataclasses import dataclass

from fairlead import api
from fairlead.graph import Collection
from fairlead.ir.assignment import ClusterUse, SecretUse
from fairlead.ir.cluster import Cluster
from fairlead.ir.endpoint import Endpoints
from fairlead.ir.fleet import Proxy
from fairlead.ir.listener import Chain, Listener
from fairlead.ir.secret import Secret
from fairlead.ir.virtual_host import VirtualHost
from fairlead.translate.endpoints import Addresses
from fairlead.translate.report import Report
from fairlead.translate.service_port import PortKey
from fairlead.translate.sources import Key


@dataclass(frozen=True, slots=True)
class Outputs:
    """Collections of IR values and reports."""

    fleet: Collection[str, Proxy]
    """By proxy name."""
    listeners: Collection[tuple[str, str], Listener]
    """By (proxy, listener name)."""
    chains: Collection[tuple[str, str, str], Chain]
    """Of `GatewayListener`s, by (proxy, listener name, chain name)."""
    secrets: Collection[str, Secret]
    """By name; all there could be, used or not."""
    secret_use: Collection[tuple[str, str], SecretUse]
    """By (proxy, secret): what a proxy is sent."""
    virtual_hosts: Collection[tuple[str, str], VirtualHost]
    """By (table, virtual host name)."""
    clusters: Collection[str, Cluster]
    """By cluster name; all there could be, used or not."""
    endpoints: Collection[str, Endpoints]
    """By cluster name."""
    addresses: Collection[PortKey, Addresses]
    """What stands behind each TCP port of a Service."""
    udp_addresses: Collection[PortKey, Addresses]
    """What stands behind each UDP port of a Service."""
    cluster_use: Collection[tuple[str, str], ClusterUse]
    """By (proxy, cluster): what a proxy is sent."""
    pods: Collection[Key, api.Pod]
    """The pods that shall run here (standalone): Pods as written and those of Deployments."""
    endpoint_slices: Collection[Key, api.EndpointSlice]
    """Those that are written, and those of Services that select pods."""
    reports: Collection[tuple[str, str, str], Report]
    """By (kind, namespace, name)."""
