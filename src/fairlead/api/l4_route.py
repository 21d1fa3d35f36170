"""The routes of connections and datagrams: what TLSRoute, TCPRoute and UDPRoute share."""

from typing import Annotated, TypeAlias

from msgspec import Meta

from fairlead.api.model import Model
from fairlead.api.reference import BackendRef
from fairlead.api.scalar import SectionName


class L4RouteRule(Model, frozen=True, kw_only=True):
    """TLSRouteRule, TCPRouteRule and UDPRouteRule, which are alike."""

    backend_refs: Annotated[tuple[BackendRef, ...], Meta(min_length=1, max_length=16)]
    name: SectionName | None = None


L4Rules: TypeAlias = Annotated[tuple[L4RouteRule, ...], Meta(min_length=1, max_length=16)]
"""One rule; up to 16 only in v1alpha2, see `fairlead.api.rules.l4_route`."""
