"""Endpoints (`ir.endpoint.Endpoints`) as ``ClusterLoadAssignment``."""

from typing import Final

from fairlead.ir.endpoint import Endpoint, Endpoints, Share
from fairlead.ir.origin import Origin
from fairlead.xds import type_url
from fairlead.xds.messages import ClusterLoadAssignment, Message, serialized, wrapped
from fairlead.xds.resource import Resource, whole

NOWHERE: Final = Endpoint("127.0.0.1", 0)
"""Where the datagrams of a share without endpoints go: nothing can listen on port 0. Left out,
a share would be taken over by the others, and ``drop_overloads`` does not count for UDP."""


def resource(endpoints: Endpoints, origins: tuple[Origin, ...] = ()) -> Resource:
    """All addresses of a cluster, alike; without any, requests are answered 503.

    Args:
        endpoints: The addresses.
        origins: The objects that the cluster is made from.
    """
    fields: dict[str, Message] = {}
    if endpoints.addresses:
        fields["endpoints"] = [{"lb_endpoints": [_address(each) for each in endpoints.addresses]}]
    elif any(share.addresses for share in endpoints.shares):
        places = enumerate(endpoints.shares)
        fields["endpoints"] = [_locality(index, share) for index, share in places]
    message = ClusterLoadAssignment(cluster_name=endpoints.cluster, **fields)
    return whole(type_url.ENDPOINTS, endpoints.cluster, serialized(message), origins)


def _locality(index: int, share: Share) -> Message:
    """A share as a locality, whose weight counts by ``locality_weighted_lb_config``."""
    addresses = share.addresses or (NOWHERE,)
    return {
        "locality": {"sub_zone": str(index)},
        "load_balancing_weight": wrapped(share.weight),
        "lb_endpoints": [_address(each, "UDP") for each in addresses],
    }


def _address(endpoint: Endpoint, protocol: str = "TCP") -> Message:
    socket = {
        "protocol": protocol,
        "address": endpoint.address,
        "port_value": endpoint.port,
    }
    return {"endpoint": {"address": {"socket_address": socket}}}
