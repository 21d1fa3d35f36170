"""The rules of a route of either kind that is compiled to rules of virtual hosts."""

from collections.abc import Iterator

from fairlead import api
from fairlead.translate import grpc_rule, http_rule
from fairlead.translate.route_rule import HostRoute, RouteRule


def read(route: HostRoute) -> Iterator[RouteRule]:
    """Read the rules of `route`, in order."""
    if isinstance(route, api.GRPCRoute):
        for index, rule in enumerate(route.spec.rules):
            yield grpc_rule.read(rule, f"spec.rules[{index}]")
        return
    for index, rule in enumerate(route.spec.rules):
        yield http_rule.read(rule, f"spec.rules[{index}]")


def references(
    route: HostRoute,
) -> Iterator[tuple[tuple[api.HTTPRouteFilter, ...], tuple[api.HTTPBackendRef, ...]]]:
    """Read the filters and the backendRefs of each rule alone."""
    for rule in route.spec.rules:
        if isinstance(rule, api.GRPCRouteRule):
            yield (
                grpc_rule.filters(rule.filters),
                tuple(map(grpc_rule.backend_ref, rule.backend_refs)),
            )
        else:
            yield rule.filters, rule.backend_refs
