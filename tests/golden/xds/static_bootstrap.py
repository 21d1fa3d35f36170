"""What a control plane would send, as one static configuration that Envoy can be started with."""

import json

from envoy.config.cluster.v3.cluster_pb2 import Cluster
from envoy.config.endpoint.v3.endpoint_pb2 import ClusterLoadAssignment
from envoy.config.listener.v3.listener_pb2 import Listener
from envoy.config.route.v3.route_pb2 import RouteConfiguration
from envoy.config.route.v3.scoped_route_pb2 import ScopedRouteConfiguration
from envoy.extensions.transport_sockets.tls.v3.secret_pb2 import Secret
from google.protobuf import json_format

from fairlead.dataplane.bootstrap import runtime
from fairlead.xds import type_url
from support.certificates import CA

TYPES = {
    type_url.LISTENER: Listener,
    type_url.ROUTES: RouteConfiguration,
    type_url.SCOPE: ScopedRouteConfiguration,
    type_url.CLUSTER: Cluster,
    type_url.ENDPOINTS: ClusterLoadAssignment,
    type_url.SECRET: Secret,
}


def as_dict(url, message):
    """A message in protobuf's JSON form, with the field names of the .proto files."""
    parsed = TYPES[url].FromString(message)
    return json.loads(json_format.MessageToJson(parsed, preserving_proto_field_name=True))


def static(world, admin):
    """The bootstrap of one Envoy that is all proxies of a world at once.

    Routes and scopes move into the connection managers, endpoints into the clusters.
    """
    found = {
        url: {key: as_dict(url, message) for key, message in world.messages(url).items()}
        for url in TYPES
    }
    for table in found[type_url.ROUTES].values():
        table["validate_clusters"] = False
    clusters = {}
    for key, cluster in found[type_url.CLUSTER].items():
        assignment = found[type_url.ENDPOINTS].get(key)
        if assignment is not None:
            cluster.pop("eds_cluster_config")
            cluster |= {"type": "STATIC", "load_assignment": assignment}
        clusters[key[1]] = cluster
    listeners = []
    for (proxy, name), listener in found[type_url.LISTENER].items():
        listener["name"] = f"{proxy} {name}"
        for chain in listener.get("filter_chains", []):
            manager = chain["filters"][0]["typed_config"]
            if "rds" in manager or "scoped_routes" in manager:
                _inline(manager, proxy, found)
        listeners.append(listener)
    secrets = {
        name: secret
        for (_, name), secret in found[type_url.SECRET].items()
        if "-----BEGIN" in str(secret)
    }
    for name in _secret_names([listeners, list(clusters.values())]):
        secrets.setdefault(name, _any_secret(name))
    return {
        "node": {"id": "test", "cluster": "test"},
        "admin": {"address": {"pipe": {"path": str(admin), "mode": 0o600}}},
        "layered_runtime": {
            "layers": [{"name": "test", "static_layer": runtime()}],
        },
        "static_resources": {
            "listeners": listeners,
            "clusters": list(clusters.values()),
            "secrets": list(secrets.values()),
        },
    }


def _inline(manager, proxy, found):
    if "rds" in manager:
        name = manager.pop("rds")["route_config_name"]
        manager["route_config"] = found[type_url.ROUTES][proxy, name]
        return
    scoped = manager["scoped_routes"]
    del scoped["scoped_rds"], scoped["rds_config_source"]
    lists = []
    for (owner, _), scope in found[type_url.SCOPE].items():
        if owner == proxy:
            table = found[type_url.ROUTES][proxy, scope["route_configuration_name"]]
            inlined = {"name": scope["name"], "key": scope["key"], "route_configuration": table}
            lists.append(inlined)
    scoped["scoped_route_configurations_list"] = {"scoped_route_configurations": lists}


def _secret_names(part):
    """The secrets that a part of the bootstrap names; they come from the bootstrap as well."""
    match part:
        case {"name": str(name), "sds_config": _}:
            del part["sds_config"]
            yield name
        case dict():
            for each in part.values():
                yield from _secret_names(each)
        case list():
            for each in part:
                yield from _secret_names(each)


def _any_secret(name):
    """A secret that nobody has given: it must be there, and nobody looks at it."""
    authority = CA("any")
    if name.startswith("certificate/"):
        issued = authority.issue(["a.example.com"])
        return {
            "name": name,
            "tls_certificate": {
                "certificate_chain": {"inline_string": issued.cert_pem},
                "private_key": {"inline_string": issued.key_pem},
            },
        }
    trusted = {"trusted_ca": {"inline_string": authority.cert_pem}}
    return {"name": name, "validation_context": trusted}
