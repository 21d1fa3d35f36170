"""What all kinds of routes have in common, for those who tell of them."""

from typing import TypeAlias

from fairlead import api

Route: TypeAlias = api.HTTPRoute | api.GRPCRoute | api.TLSRoute | api.TCPRoute | api.UDPRoute
RouteRule: TypeAlias = api.HTTPRouteRule | api.GRPCRouteRule | api.L4RouteRule
RouteFilter: TypeAlias = api.HTTPRouteFilter | api.GRPCRouteFilter

ROUTE_KINDS = ("HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute", "UDPRoute")
"""In the order in which they are told of."""


def hostnames(route: Route) -> tuple[str, ...]:
    """The hosts that a route is for; empty for any, and for kinds that know no hosts."""
    if isinstance(route, api.TCPRoute | api.UDPRoute):
        return ()
    return route.spec.hostnames


def filters(rule: RouteRule) -> tuple[RouteFilter, ...]:
    """The filters of a rule; rules of connections have none."""
    return () if isinstance(rule, api.L4RouteRule) else rule.filters


def backend_filters(backend: api.BackendRef) -> tuple[RouteFilter, ...]:
    """The filters on the way to one backend."""
    if isinstance(backend, api.HTTPBackendRef | api.GRPCBackendRef):
        return backend.filters
    return ()
