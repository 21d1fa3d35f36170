"""What a proxy of a Gateway needs around it in a cluster, and what became of that.

Said for whoever provisions it: ports, addresses, how many instances and where. Standalone has no
use for it.
"""

from typing import Literal, TypeAlias

import msgspec

Transport: TypeAlias = Literal["TCP", "UDP"]
ServiceType: TypeAlias = Literal["LoadBalancer", "ClusterIP", "NodePort"]


class ProxyPort(msgspec.Struct, frozen=True, gc=False):
    """A port that a proxy accepts connections or datagrams on."""

    name: str
    """Unique in the proxy: that of its listener, or ``quic-443``."""
    port: int
    transport: Transport


class AskedAddress(msgspec.Struct, frozen=True, gc=False):
    """An address that a Gateway asks for (`spec.addresses`)."""

    value: str = ""
    """An IP address; empty for any."""
    cluster: bool = False
    """Whether it shall be one that only the cluster knows (`routability: Cluster`)."""


class Autoscaling(msgspec.Struct, frozen=True, gc=False):
    """How many instances there are follows from their load."""

    least: int
    most: int
    cpu: int
    """Percent of the requested CPU that instances shall use on average."""


class Deployment(msgspec.Struct, frozen=True, gc=False):
    """How a proxy is run: instances, their resources and place, and the way to them."""

    replicas: int = 1
    """Instances; counts while there is no `autoscaling`."""
    autoscaling: Autoscaling | None = None
    disruption: str = "1"
    """Instances that may be taken away at once on purpose, a number or a percentage; empty for
    any."""
    requests: tuple[tuple[str, str], ...] = (("cpu", "20m"), ("memory", "96Mi"))
    """Resources that are set aside for each instance: name and quantity, sorted."""
    limits: tuple[tuple[str, str], ...] = ()
    """Resources that no instance may exceed."""
    placement: tuple[tuple[str, str], ...] = ()
    """Where instances run: field of PodSpec and its value as canonical JSON, sorted."""
    service_type: ServiceType = "LoadBalancer"
    external_traffic_policy: Literal["", "Cluster", "Local"] = ""
    """Empty for the cluster's default."""
    load_balancer_class: str = ""
    drain: int = 15
    """Seconds that clients have to leave an instance which ends."""
    log_level: str = "warning"
    concurrency: int = 0
    """Worker threads; 0 for as many as there are CPUs to use."""


class Infrastructure(msgspec.Struct, frozen=True, gc=False):
    """What became of it, as observed."""

    ready: bool
    """Whether an instance takes requests, and nodes know the way to it."""
    cluster_addresses: tuple[str, ...] = ()
    """Those of the Gateway's addresses that only the cluster knows."""
    reason: str = ""
    """Why something is missing, such as ``NoResources``; empty if nothing stands in the way."""
    message: str = ""
    """The same in words: what it is about, and what to do."""
