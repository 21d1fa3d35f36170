"""One rule as HTTPRoute and GRPCRoute have it in common.

`http_rule` and `grpc_rule` make them; `rules` compiles them, the same for both.
"""

from typing import TypeAlias

import msgspec

from fairlead import api
from fairlead.ir.match import Match
from fairlead.translate.finding import Finding
from fairlead.translate.precedence import Specificity

HostRoute: TypeAlias = api.HTTPRoute | api.GRPCRoute
"""The kinds of routes that are compiled to rules of virtual hosts."""


class RouteMatch(msgspec.Struct, frozen=True, gc=False):
    """One match that a proxy can carry out."""

    index: int
    """Its place in the rule."""
    match: Match
    specificity: Specificity


class RouteRule(msgspec.Struct, frozen=True):
    """HTTPRouteRule or GRPCRouteRule."""

    name: str
    """Empty if it has none."""
    matches: tuple[RouteMatch, ...]
    faults: tuple[Finding, ...]
    """Why matches cannot be carried out; these are left out of `matches`."""
    filters: tuple[api.HTTPRouteFilter, ...]
    backend_refs: tuple[api.HTTPBackendRef, ...]
    timeouts: api.HTTPRouteTimeouts | None = None
    retry: api.HTTPRouteRetry | None = None
    session_persistence: api.SessionPersistence | None = None
