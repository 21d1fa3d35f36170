"""Type URLs of the resources that xds makes."""

from typing import Final

_CONFIG: Final = "type.googleapis.com/envoy.config"

CLUSTER: Final = f"{_CONFIG}.cluster.v3.Cluster"
ENDPOINTS: Final = f"{_CONFIG}.endpoint.v3.ClusterLoadAssignment"
LISTENER: Final = f"{_CONFIG}.listener.v3.Listener"
SCOPE: Final = f"{_CONFIG}.route.v3.ScopedRouteConfiguration"
ROUTES: Final = f"{_CONFIG}.route.v3.RouteConfiguration"
SECRET: Final = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret"  # noqa: S105
