"""LocalRateLimits and FaultInjections: what their owners are told.

In: the objects, which of them have ended, and who names them. Out: a report for each, with the
condition Accepted and, for faults, ``Active`` of our own: false once their end has passed.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from fairlead import api
from fairlead.graph import Collection, Context, Index
from fairlead.translate.conditions import Conditions
from fairlead.translate.extension import has_ended
from fairlead.translate.report import Report
from fairlead.translate.sources import Key, Sources

Named: TypeAlias = tuple[str, str, str]
"""Kind, namespace and name of a filter of ours."""


@dataclass(frozen=True, slots=True)
class _Use:
    """Who names a filter."""

    routes: tuple[Index[Key, Any, Named], ...]
    gateways: tuple[Index[Key, Any, Named], ...]

    def told(self, ctx: Context, named: Named) -> str:
        """Say how many name it."""
        parts = (("route", self.routes), ("Gateway or ListenerSet", self.gateways))
        counted = [
            f"{number} {noun}{'s' if number > 1 else ''}"
            for noun, indexes in parts
            if (number := sum(ctx.count_by(index, named) for index in indexes))
        ]
        return f"used by {' and '.join(counted)}" if counted else "nothing refers to it"


def build(sources: Sources) -> dict[str, Collection[Key, Report]]:
    """Derive the reports, by kind."""
    use = _Use(
        routes=(
            sources.http_routes.index("HTTPRoutes by extension", _of_route),
            sources.grpc_routes.index("GRPCRoutes by extension", _of_route),
        ),
        gateways=(
            sources.gateways.index("Gateways by extension", _of_listeners),
            sources.listener_sets.index("ListenerSets by extension", _of_listeners),
        ),
    )

    def of_limit(ctx: Context, key: Key, limit: api.LocalRateLimit) -> Report:
        make = Conditions(limit.metadata.generation)
        told = use.told(ctx, ("LocalRateLimit", *key))
        accepted = make.true("Accepted", "Accepted", told)
        return Report("LocalRateLimit", *key, limit.metadata.generation, (accepted,))

    def of_fault(ctx: Context, key: Key, injection: api.FaultInjection) -> Report:
        make = Conditions(injection.metadata.generation)
        told = use.told(ctx, ("FaultInjection", *key))
        until = injection.spec.until
        if has_ended(ctx, sources, injection):
            message = f"ended at {until}; remove it and the filters that name it"
            active = make.false("Active", "Expired", message)
        else:
            active = make.true("Active", "Active", f"until {until}")
        accepted = make.true("Accepted", "Accepted", told)
        return Report("FaultInjection", *key, injection.metadata.generation, (accepted, active))

    return {
        "LocalRateLimit": sources.rate_limits.map("rate limit reports", of_limit),
        "FaultInjection": sources.fault_injections.map("fault injection reports", of_fault),
    }


def _of_route(key: Key, route: api.HTTPRoute | api.GRPCRoute) -> set[Named]:
    named: set[Named] = set()
    for rule in route.spec.rules:
        named.update(_named(key, rule.filters))
        for ref in rule.backend_refs:
            named.update(_named(key, ref.filters))
    return named


def _of_listeners(key: Key, parent: api.Gateway | api.ListenerSet) -> set[Named]:
    return {
        each
        for listener in parent.spec.listeners
        if listener.filters is not None
        for each in _named(key, listener.filters.requests)
    }


def _named(
    key: Key,
    filters: Iterable[api.HTTPRouteFilter | api.GRPCRouteFilter | api.ListenerRequestFilter],
) -> Iterator[Named]:
    for each in filters:
        ref = each.extension_ref
        if ref is not None and ref.group == api.FAIRLEAD_GROUP:
            yield ref.kind, key[0], ref.name
