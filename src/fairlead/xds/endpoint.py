"""Endpoints (`ir.endpoint.Endpoints`) as ``ClusterLoadAssignment``."""

from fairlead.ir.endpoint import Endpoint, Endpoints
from fairlead.xds import type_url
from fairlead.xds.messages import ClusterLoadAssignment, Message, serialized
from fairlead.xds.resource import Resource, whole


def resource(endpoints: Endpoints) -> Resource:
    """All addresses of a cluster, alike; without any, requests are answered 503."""
    fields: dict[str, Message] = {}
    if endpoints.addresses:
        fields["endpoints"] = [{"lb_endpoints": [_address(each) for each in endpoints.addresses]}]
    message = ClusterLoadAssignment(cluster_name=endpoints.cluster, **fields)
    return whole(type_url.ENDPOINTS, endpoints.cluster, serialized(message))


def _address(endpoint: Endpoint) -> Message:
    socket = {"address": endpoint.address, "port_value": endpoint.port}
    return {"endpoint": {"address": {"socket_address": socket}}}
