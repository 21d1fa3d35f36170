"""Addresses behind a cluster."""

import msgspec


class Endpoint(msgspec.Struct, frozen=True, gc=False, order=True):
    """One address that takes requests."""

    address: str
    """IPv4 or IPv6 address, without brackets."""
    port: int
    pod: str = ""
    """``NAMESPACE/NAME`` of the pod behind it, empty where there is none."""


class Endpoints(msgspec.Struct, frozen=True, gc=False):
    """The ready endpoints of a cluster, sorted, each once. Empty: requests are answered 503."""

    cluster: str
    addresses: tuple[Endpoint, ...]
