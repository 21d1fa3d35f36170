"""Addresses behind a cluster."""

import msgspec


class Endpoint(msgspec.Struct, frozen=True, gc=False, order=True):
    """One address that takes requests."""

    address: str
    """IPv4 or IPv6 address, without brackets."""
    port: int
    pod: str = ""
    """``NAMESPACE/NAME`` of the pod behind it, empty where there is none."""


class Share(msgspec.Struct, frozen=True, gc=False):
    """Endpoints that take `weight` out of the sum of the weights of a cluster's shares."""

    weight: int
    """At least 1."""
    addresses: tuple[Endpoint, ...]
    """Sorted, each once. Empty: what falls to this share is dropped."""


class Endpoints(msgspec.Struct, frozen=True, gc=False):
    """The ready endpoints of a cluster, sorted, each once. Empty: requests are answered 503."""

    cluster: str
    addresses: tuple[Endpoint, ...]
    shares: tuple[Share, ...] = ()
    """Of a UDP cluster, in place of `addresses`: one for each backend. Datagrams have no proxy
    that could choose a cluster by weight, so one cluster holds the backends of a listener."""
