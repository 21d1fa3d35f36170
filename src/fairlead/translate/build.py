"""Translation: from objects to what proxies shall do and what owners are told.

In: `Sources`. Out: `Outputs`. Only the wiring is here; each kind and concern has its module.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import TypeAlias, TypeVar

from fairlead import api
from fairlead.graph import Collection, Context, Graph
from fairlead.translate import (
    bound_listeners,
    certificates,
    cluster_use,
    cluster_variants,
    destinations,
    extension_report,
    fleet,
    gateway,
    gateway_class,
    gateway_report,
    gateway_routes,
    host_route,
    l4_report,
    l4_routes,
    listener_report,
    listener_set_report,
    mesh,
    references,
    refusals,
    route_report,
    secrets,
    services,
    telemetry_policy,
    trust,
    udp_listeners,
    workloads,
)
from fairlead.translate.attachments import Attachments
from fairlead.translate.backends import Inputs
from fairlead.translate.gateway import Gateways
from fairlead.translate.gateway_routes import GatewayRoutes
from fairlead.translate.l4_routes import L4Routes
from fairlead.translate.l4_rule import L4_KINDS
from fairlead.translate.managed_gateway import GatewayInputs
from fairlead.translate.outputs import Outputs
from fairlead.translate.report import Report
from fairlead.translate.route_rule import HostRoute
from fairlead.translate.sources import Key, Settings, Sources
from fairlead.translate.telemetry_policy import TelemetryPolicies

V = TypeVar("V")

ReportKey: TypeAlias = tuple[str, str, str]
"""(kind, namespace, name)."""


def build(graph: Graph, sources: Sources, settings: Settings) -> Outputs:
    """Derive everything from `sources`; call it once for a graph."""
    grants = references.build(sources)
    certified = certificates.build(sources, grants)
    trusted = trust.build(graph, sources, settings, grants)
    destined = destinations.build(graph, sources, settings, certified, trusted)
    found = destined.clusters
    meshed = mesh.build(graph, sources, settings, found)
    running = workloads.build(graph, sources, settings)
    inputs = Inputs(sources, found, grants)
    gateways = gateway.build(graph, GatewayInputs(sources, settings, certified, trusted, inputs))
    telemetry = telemetry_policy.build(inputs, settings, gateways.managed)
    binding = bound_listeners.BoundInputs(sources, settings)
    bound = bound_listeners.build(graph, binding, gateways, telemetry)
    routed = gateway_routes.build(graph, settings, inputs, gateways)
    refused = refusals.build(sources)
    told = host_route.Facts(inputs, settings, refused.by_proxy, routed.compiled, meshed)
    virtual_hosts = graph.join("virtual hosts", routed.virtual_hosts, meshed.virtual_hosts)
    l4 = l4_routes.build(graph, inputs, gateways, routed.l4_claims)
    udp = udp_listeners.build(inputs, binding, l4.served)
    listeners = graph.join("listeners", bound.listeners, udp.listeners, meshed.listeners)
    chains = graph.join("chains", bound.chains, l4.chains)
    use = cluster_use.build(graph, virtual_hosts, chains, listeners)
    variants = cluster_variants.build(graph, found, use)
    all_clusters = graph.join("clusters", found.clusters, variants.clusters, udp.clusters)
    given = secrets.build(
        graph,
        certified,
        trusted,
        listeners=listeners,
        chains=chains,
        clusters=all_clusters,
        cluster_use=use,
    )
    refusable = {
        "Service": services.build(sources, found, meshed.addresses),
        "DestinationRule": found.rules.reports,
        "Pod": running.pod_reports,
        **destined.reports(use),
    }
    return Outputs(
        fleet=graph.join("fleet", fleet.build(binding, gateways, listeners), meshed.fleet),
        listeners=listeners,
        chains=chains,
        secrets=given.secrets,
        secret_use=given.secret_use,
        virtual_hosts=virtual_hosts,
        clusters=all_clusters,
        endpoints=graph.join("all endpoints", found.endpoints, variants.endpoints, udp.endpoints),
        addresses=found.addresses,
        udp_addresses=found.udp_addresses,
        cluster_use=use,
        pods=running.pods,
        endpoint_slices=found.endpoint_slices,
        reports=graph.join(
            "reports",
            _route_reports("HTTPRoute", sources.http_routes, told, routed.attachments["HTTPRoute"]),
            _route_reports("GRPCRoute", sources.grpc_routes, told, routed.attachments["GRPCRoute"]),
            *_l4_reports(told, routed, l4),
            *_gateway_reports(sources, settings, gateways, routed),
            _telemetry_reports(sources, telemetry),
            *(_keyed(kind, refused.told(kind, told)) for kind, told in refusable.items()),
            *(_keyed(kind, told) for kind, told in extension_report.build(sources).items()),
            _keyed("Deployment", running.deployment_reports),
        ),
    )


def _route_reports(
    kind: str,
    routes: Collection[Key, api.HTTPRoute] | Collection[Key, api.GRPCRoute],
    facts: host_route.Facts,
    attached: Collection[Key, Attachments],
) -> Collection[ReportKey, Report]:
    def report(ctx: Context, key: Key, route: HostRoute) -> Report | None:
        return host_route.report(ctx, facts, attached, key, route)

    return _reports(kind, routes, report)


def _l4_reports(
    told: host_route.Facts, routed: GatewayRoutes, l4: L4Routes
) -> Iterator[Collection[ReportKey, Report]]:
    for kind in L4_KINDS:
        common = route_report.Facts(
            kind, told.settings, routed.attachments[kind], told.rejections, told.mesh.fleet
        )
        facts = l4_report.Facts(told.inputs, common, l4.served)
        yield _reports(kind, told.inputs.sources.of(kind), partial(l4_report.report, facts))


def _gateway_reports(
    sources: Sources, settings: Settings, gateways: Gateways, routed: GatewayRoutes
) -> tuple[Collection[ReportKey, Report], ...]:
    known = listener_report.facts(sources, settings, gateways, routed.attached)
    facts = gateway_report.Facts(known, gateway_report.accepted_sets(gateways.managed_listeners))

    def report(ctx: Context, key: Key, found: api.Gateway) -> Report | None:
        return gateway_report.report(ctx, facts, key, found)

    def of_set(ctx: Context, key: Key, found: api.ListenerSet) -> Report | None:
        return listener_set_report.report(ctx, known, key, found)

    def of_class(ctx: Context, _key: Key, found: api.GatewayClass) -> Report | None:
        return gateway_class.report(ctx, sources, settings, found)

    return (
        _reports("Gateway", sources.gateways, report),
        _reports("ListenerSet", sources.listener_sets, of_set),
        _reports("GatewayClass", sources.gateway_classes, of_class),
    )


def _telemetry_reports(
    sources: Sources, telemetry: TelemetryPolicies
) -> Collection[ReportKey, Report]:
    def report(ctx: Context, _key: Key, policy: api.XTelemetryPolicy) -> Report | None:
        return telemetry.report(ctx, policy)

    return _reports(telemetry_policy.KIND, sources.telemetry_policies, report)


def _reports(
    kind: str,
    source: Collection[Key, V],
    report: Callable[[Context, Key, V], Report | None],
) -> Collection[ReportKey, Report]:
    """The reports that `report` makes for the objects in `source`, by kind and key."""

    def of_object(ctx: Context, key: Key, value: V) -> Iterator[tuple[ReportKey, Report]]:
        made = report(ctx, key, value)
        if made is not None:
            yield (kind, *key), made

    return source.flat_map(f"{kind} reports", of_object)


def _keyed(kind: str, reports: Collection[Key, Report]) -> Collection[ReportKey, Report]:
    """Reports by key, now by kind too."""

    def of_report(_ctx: Context, key: Key, made: Report) -> Iterator[tuple[ReportKey, Report]]:
        yield (kind, *key), made

    return reports.flat_map(f"{kind} reports by kind", of_report)
