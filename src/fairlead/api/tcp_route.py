"""TCPRoute (gateway.networking.k8s.io/v1; v1alpha2 in the experimental channel)."""

from fairlead.api.l4_route import L4Rules
from fairlead.api.metadata import ApiObject
from fairlead.api.route import CommonRouteSpec


class TCPRouteSpec(CommonRouteSpec, frozen=True, kw_only=True):
    """TCPRouteSpec."""

    rules: L4Rules


class TCPRoute(ApiObject, frozen=True, kw_only=True):
    """Where the connections of a TCP listener go."""

    spec: TCPRouteSpec
    api_version: str = "gateway.networking.k8s.io/v1"
    kind: str = "TCPRoute"
