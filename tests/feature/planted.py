"""What Envoy refuses, planted below validation: resources are spoilt on their way to the proxy.

Nothing that users write comes to this; it is what a fault of ours, or another Envoy, would do.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from envoy.config.cluster.v3 import cluster_pb2
from envoy.config.endpoint.v3 import endpoint_pb2
from envoy.config.listener.v3 import listener_pb2
from envoy.config.route.v3 import route_pb2, scoped_route_pb2
from envoy.extensions.filters.http.local_ratelimit.v3 import local_rate_limit_pb2
from envoy.extensions.filters.network.http_connection_manager.v3 import (
    http_connection_manager_pb2 as hcm_pb2,
)
from envoy.extensions.filters.network.tcp_proxy.v3 import tcp_proxy_pb2
from envoy.extensions.transport_sockets.tls.v3 import secret_pb2, tls_pb2
from envoy.extensions.upstreams.http.v3 import http_protocol_options_pb2

from fairlead.xds import type_url, wire
from fairlead.xds.resource import Part, Resource, bundled, composed

Message = Any
Spoil = Callable[[Message], None]

MESSAGES = {
    type_url.CLUSTER: cluster_pb2.Cluster,
    type_url.ENDPOINTS: endpoint_pb2.ClusterLoadAssignment,
    type_url.LISTENER: listener_pb2.Listener,
    type_url.ROUTES: route_pb2.RouteConfiguration,
    type_url.SCOPE: scoped_route_pb2.ScopedRouteConfiguration,
    type_url.SECRET: secret_pb2.Secret,
}
UNKNOWN = "type.googleapis.com/example.Unknown"
GARBAGE = b"\xff\xff\xff\xff"

GATE = "gateway/default/gate"
TABLE = f"{GATE}/http-80"
HOST = "h.example"
PLAIN, BUDGETED = "default/s/80", "default/budgeted/80"
SECURED = "default/secured/80+certificate/default/client"
SHAPED, OUTSIDE = "default/shaped/80", "xbackend/default/outside/443"
ROUTE = ("HTTPRoute", "default", "h")
SERVICE = ("Service", "default", "s")
GATEWAY = ("Gateway", "default", "gate")


@dataclass(frozen=True)
class Plant:
    """One way to spoil one resource."""

    title: str
    url: str
    name: str
    spoil: Spoil | bytes
    told: tuple[str, str, str] | None
    """Kind, namespace and name of the object whose status says so."""
    part: str = ""
    head: bool = False
    proxy: str = GATE


def spoilt(plant: Plant, resource: Resource) -> Resource:
    """The resource with the part, or the head, that is to be refused."""
    if plant.head:
        head = _spoilt(plant, resource.head)
        return composed(resource.type_url, resource.name, head, resource.bundles, resource.origins)
    assert any(part.key == plant.part for part in resource.parts), [p.key for p in resource.parts]
    parts = [_part(plant, part) if part.key == plant.part else part for part in resource.parts]
    bundles = tuple(bundled((part,)) for part in parts)
    return composed(resource.type_url, resource.name, resource.head, bundles, resource.origins)


def _part(plant: Plant, part: Part) -> Part:
    body = _spoilt(plant, part.body)
    return Part(part.key, body, part.fallback, wire.digest(body), part.origins)


def _spoilt(plant: Plant, body: bytes) -> bytes:
    """A message, or the part of it that is framed as a field, with something wrong."""
    if isinstance(plant.spoil, bytes):
        return plant.spoil
    message = MESSAGES[plant.url].FromString(body)
    plant.spoil(message)
    return message.SerializeToString(deterministic=True)


def _inside(any_message: Message, message: Message, change: Spoil) -> None:
    """Change what an Any holds."""
    message.ParseFromString(any_message.value)
    change(message)
    any_message.value = message.SerializeToString(deterministic=True)


# Virtual hosts: the first route of one


def host(title: str, spoil: Spoil | bytes) -> Plant:
    def change(table: Message) -> None:
        assert not isinstance(spoil, bytes)
        spoil(table.virtual_hosts[0])

    what = spoil if isinstance(spoil, bytes) else change
    return Plant(f"host: {title}", type_url.ROUTES, TABLE, what, ROUTE, part=HOST)


def first(title: str, spoil: Spoil) -> Plant:
    return host(title, lambda virtual: spoil(virtual.routes[0]))


def _header(route: Message, name: str, value: str) -> None:
    added = route.response_headers_to_add.add()
    added.header.key, added.header.value = name, value


def _match_header(route: Message) -> None:
    matcher = route.match.headers.add(name="a")
    matcher.string_match.safe_regex.regex = "("


def _match_query(route: Message) -> None:
    matcher = route.match.query_parameters.add(name="a")
    matcher.string_match.safe_regex.regex = "["


def _rewrite_twice(route: Message) -> None:
    route.route.prefix_rewrite = "/a"
    route.route.regex_rewrite.pattern.regex = "b"


def _both_paths(route: Message) -> None:
    route.route.prefix_rewrite = "/a"
    route.route.path_rewrite_policy.name = "b"
    route.route.path_rewrite_policy.typed_config.type_url = UNKNOWN


def _unknown_filter(route: Message) -> None:
    route.typed_per_filter_config["fairlead.cors"].type_url = UNKNOWN


def _limit_without_bucket(route: Message) -> None:
    limit = local_rate_limit_pb2.LocalRateLimit(stat_prefix="a")
    route.typed_per_filter_config["fairlead.local_ratelimit"].Pack(limit)


def _matcher_beside_routes(virtual: Message) -> None:
    virtual.matcher.on_no_match.action.name = "a"
    virtual.matcher.on_no_match.action.typed_config.type_url = UNKNOWN


def _weights_of_nothing(route: Message) -> None:
    del route.route.weighted_clusters.clusters[:]
    route.route.weighted_clusters.clusters.add(name=PLAIN).weight.value = 0


def _set(path: str, value: object) -> Spoil:
    """Set a field below a message."""

    def change(message: Message) -> None:
        *parents, last = path.split(".")
        for each in parents:
            message = getattr(message, each)
        setattr(message, last, value)

    return change


HOSTS = (
    first("an expression that is none", _set("match.safe_regex.regex", "*")),
    first("an expression beyond all bounds", _set("match.safe_regex.regex", "a{1000}" * 15)),
    first("a header's expression", _match_header),
    first("a query's expression", _match_query),
    first("no match", lambda route: route.ClearField("match")),
    first("no action", lambda route: route.ClearField("route")),
    first("a format of no command", lambda route: _header(route, "a", "%NOPE(%")),
    first("a header with a line break", lambda route: _header(route, "a\nb", "c")),
    first("a status beyond 600", _set("direct_response.status", 1000)),
    first("two rewrites", _rewrite_twice),
    first("weights of nothing", _weights_of_nothing),
    first("a policy for hashes of nothing", lambda route: route.route.hash_policy.add()),
    first("a configuration of no known type", _unknown_filter),
    first("a limit without a bucket", _limit_without_bucket),
    first(
        "a retry without pause", _set("route.retry_policy.retry_back_off.base_interval.nanos", 0)
    ),
    first("a prefix and a whole path in place of one", _both_paths),
    host("no domains", lambda virtual: virtual.ClearField("domains")),
    host("no name", _set("name", "")),
    host("the domain of another", lambda virtual: virtual.domains.append("witness.example")),
    host("a matcher beside routes", _matcher_beside_routes),
    host("no message at all", wire.framed(2, GARBAGE)),
)


# Clusters and their endpoints


def cluster(title: str, spoil: Spoil | bytes, name: str = PLAIN, told=SERVICE) -> Plant:
    return Plant(f"cluster: {title}", type_url.CLUSTER, name, spoil, told)


def _maglev(message: Message) -> None:
    message.lb_policy = cluster_pb2.Cluster.MAGLEV
    message.maglev_lb_config.table_size.value = 4


def _ring(message: Message) -> None:
    message.lb_policy = cluster_pb2.Cluster.RING_HASH
    message.ring_hash_lb_config.minimum_ring_size.value = 10
    message.ring_hash_lb_config.maximum_ring_size.value = 5


def _no_protocol(message: Message) -> None:
    options = http_protocol_options_pb2.HttpProtocolOptions()
    key = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
    message.typed_extension_protocol_options[key].Pack(options)


def _upstream(change: Spoil) -> Spoil:
    def spoil(message: Message) -> None:
        context = tls_pb2.UpstreamTlsContext()
        _inside(message.transport_socket.typed_config, context, change)

    return spoil


def _bad_cipher(context: Message) -> None:
    context.common_tls_context.tls_params.cipher_suites.append("ROT13")


TLS_POLICY = ("BackendTLSPolicy", "default", "encrypted")
BUDGET = ("XBackendTrafficPolicy", "default", "budget")
RULE = ("DestinationRule", "default", "shaped")
XBACKEND = ("XBackend", "default", "outside")

CLUSTERS = (
    cluster("no time to connect", _set("connect_timeout.nanos", -1)),
    cluster("a table that is no prime", _maglev),
    cluster("a ring that is turned inside out", _ring),
    cluster("options without protocol", _no_protocol),
    cluster("a socket of no known type", _set("transport_socket.typed_config.type_url", UNKNOWN)),
    cluster("a health check of nothing", lambda message: message.health_checks.add()),
    cluster("no message at all", GARBAGE),
    cluster("a cipher that is none", _upstream(_bad_cipher), SECURED, TLS_POLICY),
    cluster(
        "a name of a thousand letters", _upstream(_set("sni", "x" * 1000)), SECURED, TLS_POLICY
    ),
    cluster(
        "more retries than requests",
        lambda m: _set("retry_budget.budget_percent.value", 500.0)(
            m.circuit_breakers.thresholds[0]
        ),
        BUDGETED,
        BUDGET,
    ),
    cluster(
        "more ejected than there are",
        _set("outlier_detection.max_ejection_percent.value", 200),
        SHAPED,
        RULE,
    ),
    cluster(
        "a way to look up of no known type",
        _set("cluster_type.typed_config.type_url", UNKNOWN),
        OUTSIDE,
        XBACKEND,
    ),
)


def endpoints(title: str, spoil: Spoil | bytes) -> Plant:
    return Plant(f"endpoints: {title}", type_url.ENDPOINTS, PLAIN, spoil, SERVICE)


def _each(change: Spoil) -> Spoil:
    return lambda message: change(message.endpoints[0].lb_endpoints[0])


ENDPOINTS = (
    endpoints(
        "a port beyond 65535", _each(_set("endpoint.address.socket_address.port_value", 70000))
    ),
    endpoints(
        "an address that is none", _each(_set("endpoint.address.socket_address.address", "here"))
    ),
    endpoints("no address", _each(lambda each: each.endpoint.ClearField("address"))),
    endpoints("a weight of nothing", _each(_set("load_balancing_weight.value", 0))),
    endpoints("no name", _set("cluster_name", "")),
    endpoints("no message at all", GARBAGE),
)


# Listeners, chains and secrets


def listener(title: str, spoil: Spoil, name: str = "http-80") -> Plant:
    return Plant(f"listener: {title}", type_url.LISTENER, name, spoil, GATEWAY, head=True)


def chain(
    title: str, spoil: Spoil | bytes, part: str, name: str = "tls-443", told=GATEWAY
) -> Plant:
    def change(message: Message) -> None:
        assert not isinstance(spoil, bytes)
        spoil(message.filter_chains[0])

    what = spoil if isinstance(spoil, bytes) else change
    return Plant(f"chain: {title}", type_url.LISTENER, name, what, told, part=part)


def _manager(change: Spoil) -> Spoil:
    def spoil(message: Message) -> None:
        _inside(message.filters[0].typed_config, hcm_pb2.HttpConnectionManager(), change)

    return spoil


def _downstream(change: Spoil) -> Spoil:
    def spoil(message: Message) -> None:
        context = tls_pb2.DownstreamTlsContext()
        _inside(message.transport_socket.typed_config, context, change)

    return spoil


def _no_router(manager: Message) -> None:
    del manager.http_filters[-1]


def _no_cluster(message: Message) -> None:
    _inside(
        message.filters[0].typed_config,
        tcp_proxy_pb2.TcpProxy(),
        lambda proxy: (proxy.ClearField("cluster"), proxy.ClearField("weighted_clusters")),
    )


SECURE = "a.example"
LISTENERS = (
    listener(
        "a filter of no known type",
        lambda m: _set("typed_config.type_url", UNKNOWN)(m.listener_filters.add(name="a")),
    ),
    listener("no address", lambda m: m.ClearField("address")),
    Plant(
        "listener: of a pod, with a filter of no known type",
        type_url.LISTENER,
        "outbound/default/client",
        lambda m: _set("typed_config.type_url", UNKNOWN)(m.filter_chains[0].filters[0]),
        ("Pod", "default", "client"),
        proxy="mesh",
    ),
    chain(
        "a filter of no known type",
        lambda m: _set("typed_config.type_url", UNKNOWN)(m.filters[0]),
        SECURE,
    ),
    chain("no router", _manager(_no_router), SECURE),
    chain("no name for statistics", _manager(_set("stat_prefix", "")), SECURE),
    chain("a cipher that is none", _downstream(_bad_cipher), SECURE),
    chain("half a star", lambda m: m.filter_chain_match.server_names.append("*a.example"), SECURE),
    chain(
        "the name of another",
        lambda m: m.filter_chain_match.server_names.append("b.example"),
        SECURE,
    ),
    chain("no message at all", wire.framed(3, GARBAGE), SECURE),
    chain("nowhere to go", _no_cluster, "tcp", "tcp-90", ("TCPRoute", "default", "bytes")),
)


def secret(
    title: str, spoil: Spoil | bytes, name: str = "certificate/default/fine", told=GATEWAY
) -> Plant:
    return Plant(f"secret: {title}", type_url.SECRET, name, spoil, told)


TRUST = "trust/BackendTLSPolicy/default/encrypted"
SECRETS = (
    secret("no certificate", _set("tls_certificate.certificate_chain.inline_string", "Hello")),
    secret("no key", _set("tls_certificate.private_key.inline_string", "Hello")),
    secret("no message at all", GARBAGE),
    secret(
        "no certificate to show to backends",
        _set("tls_certificate.certificate_chain.inline_string", "Hello"),
        "certificate/default/client",
    ),
    secret(
        "no authority",
        _set("validation_context.trusted_ca.inline_string", "Hello"),
        TRUST,
        TLS_POLICY,
    ),
)

PLANTS = (*HOSTS, *CLUSTERS, *ENDPOINTS, *LISTENERS, *SECRETS)
