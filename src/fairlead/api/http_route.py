"""HTTPRoute (gateway.networking.k8s.io/v1), standard and experimental fields."""

from typing import Annotated, Literal, TypeAlias

from msgspec import Meta

from fairlead.api.http_filter import HTTPRouteFilter
from fairlead.api.metadata import ApiObject
from fairlead.api.model import Model
from fairlead.api.reference import BackendRef
from fairlead.api.route import CommonRouteSpec
from fairlead.api.scalar import (
    GatewayDuration,
    HeaderName,
    HeaderValue,
    Hostname,
    NonNegative,
    SectionName,
)
from fairlead.api.session_persistence import SessionPersistence

HTTPMethod: TypeAlias = Literal[
    "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"
]
Filters: TypeAlias = Annotated[tuple[HTTPRouteFilter, ...], Meta(max_length=16)]


class HTTPPathMatch(Model, frozen=True, kw_only=True):
    """HTTPPathMatch."""

    type: Literal["Exact", "PathPrefix", "RegularExpression"] = "PathPrefix"
    value: Annotated[str, Meta(max_length=1024)] = "/"


class HTTPHeaderMatch(Model, frozen=True, kw_only=True):
    """HTTPHeaderMatch; the name is compared without regard to case."""

    type: Literal["Exact", "RegularExpression"] = "Exact"
    name: HeaderName
    value: HeaderValue


class HTTPQueryParamMatch(Model, frozen=True, kw_only=True):
    """HTTPQueryParamMatch."""

    type: Literal["Exact", "RegularExpression"] = "Exact"
    name: HeaderName
    value: Annotated[str, Meta(min_length=1, max_length=1024)]


class HTTPRouteMatch(Model, frozen=True, kw_only=True):
    """HTTPRouteMatch: all of its conditions hold at once."""

    path: HTTPPathMatch = HTTPPathMatch()
    headers: Annotated[tuple[HTTPHeaderMatch, ...], Meta(max_length=16)] = ()
    query_params: Annotated[tuple[HTTPQueryParamMatch, ...], Meta(max_length=16)] = ()
    method: HTTPMethod | None = None


class HTTPBackendRef(BackendRef, frozen=True, kw_only=True):
    """HTTPBackendRef: a backend, its share of the requests and what happens on the way."""

    filters: Filters = ()


class HTTPRouteTimeouts(Model, frozen=True, kw_only=True):
    """HTTPRouteTimeouts: GEP-2257 durations; `0s` means no limit."""

    request: GatewayDuration | None = None
    backend_request: GatewayDuration | None = None


class HTTPRouteRetry(Model, frozen=True, kw_only=True):
    """HTTPRouteRetry (experimental)."""

    codes: tuple[Annotated[int, Meta(ge=400, le=599)], ...] = ()
    attempts: NonNegative = 1
    backoff: GatewayDuration | None = None


class HTTPRouteRule(Model, frozen=True, kw_only=True):
    """HTTPRouteRule."""

    name: SectionName | None = None
    matches: Annotated[tuple[HTTPRouteMatch, ...], Meta(max_length=64)] = (HTTPRouteMatch(),)
    filters: Filters = ()
    backend_refs: Annotated[tuple[HTTPBackendRef, ...], Meta(max_length=16)] = ()
    timeouts: HTTPRouteTimeouts | None = None
    retry: HTTPRouteRetry | None = None
    session_persistence: SessionPersistence | None = None


class HTTPRouteSpec(CommonRouteSpec, frozen=True, kw_only=True):
    """HTTPRouteSpec."""

    hostnames: Annotated[tuple[Hostname, ...], Meta(max_length=16)] = ()
    rules: Annotated[tuple[HTTPRouteRule, ...], Meta(min_length=1, max_length=16)] = (
        HTTPRouteRule(),
    )


class HTTPRoute(ApiObject, frozen=True, kw_only=True):
    """Routing of HTTP requests for its parents: Gateways, Services or both."""

    spec: HTTPRouteSpec
    api_version: str = "gateway.networking.k8s.io/v1"
    kind: str = "HTTPRoute"
