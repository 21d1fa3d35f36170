"""GRPCRoute (gateway.networking.k8s.io/v1), standard and experimental fields."""

from typing import Annotated, Literal, TypeAlias

from msgspec import Meta

from fairlead.api.http_filter import HTTPHeaderFilter, HTTPRequestMirrorFilter
from fairlead.api.metadata import ApiObject
from fairlead.api.model import Model
from fairlead.api.reference import BackendRef, LocalObjectReference
from fairlead.api.route import CommonRouteSpec
from fairlead.api.scalar import HeaderName, Hostname, SectionName
from fairlead.api.session_persistence import SessionPersistence


class GRPCRouteFilter(Model, frozen=True, kw_only=True):
    """GRPCRouteFilter; the field that `type` names is set, and no other."""

    type: Literal[
        "ResponseHeaderModifier", "RequestHeaderModifier", "RequestMirror", "ExtensionRef"
    ]
    request_header_modifier: HTTPHeaderFilter | None = None
    response_header_modifier: HTTPHeaderFilter | None = None
    request_mirror: HTTPRequestMirrorFilter | None = None
    extension_ref: LocalObjectReference | None = None


GRPCFilters: TypeAlias = Annotated[tuple[GRPCRouteFilter, ...], Meta(max_length=16)]


class GRPCMethodMatch(Model, frozen=True, kw_only=True):
    """GRPCMethodMatch; at least one of `service` and `method` is set."""

    type: Literal["Exact", "RegularExpression"] = "Exact"
    service: Annotated[str, Meta(max_length=1024)] | None = None
    """Name with package, such as `com.example.User`; None for any."""
    method: Annotated[str, Meta(max_length=1024)] | None = None


class GRPCHeaderMatch(Model, frozen=True, kw_only=True):
    """GRPCHeaderMatch; the name is compared without regard to case."""

    type: Literal["Exact", "RegularExpression"] = "Exact"
    name: HeaderName
    value: Annotated[str, Meta(min_length=1, max_length=4096)]


class GRPCRouteMatch(Model, frozen=True, kw_only=True):
    """GRPCRouteMatch: all of its conditions hold at once."""

    method: GRPCMethodMatch | None = None
    headers: Annotated[tuple[GRPCHeaderMatch, ...], Meta(max_length=16)] = ()


class GRPCBackendRef(BackendRef, frozen=True, kw_only=True):
    """GRPCBackendRef: a backend, its share of the requests and what happens on the way."""

    filters: GRPCFilters = ()


class GRPCRouteRule(Model, frozen=True, kw_only=True):
    """GRPCRouteRule; without `matches` it takes every request."""

    name: SectionName | None = None
    matches: Annotated[tuple[GRPCRouteMatch, ...], Meta(max_length=64)] = ()
    filters: GRPCFilters = ()
    backend_refs: Annotated[tuple[GRPCBackendRef, ...], Meta(max_length=16)] = ()
    session_persistence: SessionPersistence | None = None


class GRPCRouteSpec(CommonRouteSpec, frozen=True, kw_only=True):
    """GRPCRouteSpec."""

    hostnames: Annotated[tuple[Hostname, ...], Meta(max_length=16)] = ()
    rules: Annotated[tuple[GRPCRouteRule, ...], Meta(max_length=16)] = ()


class GRPCRoute(ApiObject, frozen=True, kw_only=True):
    """Routing of gRPC requests for its parents: Gateways, Services or both."""

    spec: GRPCRouteSpec
    api_version: str = "gateway.networking.k8s.io/v1"
    kind: str = "GRPCRoute"
