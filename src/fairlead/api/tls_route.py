"""TLSRoute (gateway.networking.k8s.io/v1; v1alpha2 and v1alpha3 in the experimental channel)."""

from typing import Annotated

from msgspec import Meta

from fairlead.api.l4_route import L4Rules
from fairlead.api.metadata import ApiObject
from fairlead.api.route import CommonRouteSpec
from fairlead.api.scalar import Hostname


class TLSRouteSpec(CommonRouteSpec, frozen=True, kw_only=True):
    """TLSRouteSpec."""

    hostnames: Annotated[tuple[Hostname, ...], Meta(max_length=1024)] = ()
    """SNI names; empty, which only v1alpha2 takes, for all of the listener."""
    rules: L4Rules


class TLSRoute(ApiObject, frozen=True, kw_only=True):
    """Where the connections of a TLS listener go, by the server name that clients ask for."""

    spec: TLSRouteSpec
    api_version: str = "gateway.networking.k8s.io/v1"
    kind: str = "TLSRoute"
