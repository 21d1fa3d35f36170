"""UDPRoute (gateway.networking.k8s.io/v1; v1alpha2 in the experimental channel)."""

from fairlead.api.l4_route import L4Rules
from fairlead.api.metadata import ApiObject
from fairlead.api.route import CommonRouteSpec


class UDPRouteSpec(CommonRouteSpec, frozen=True, kw_only=True):
    """UDPRouteSpec."""

    rules: L4Rules


class UDPRoute(ApiObject, frozen=True, kw_only=True):
    """Where the datagrams of a UDP listener go."""

    spec: UDPRouteSpec
    api_version: str = "gateway.networking.k8s.io/v1"
    kind: str = "UDPRoute"
