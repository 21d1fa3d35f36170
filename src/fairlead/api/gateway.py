"""Gateway (gateway.networking.k8s.io/v1), standard and experimental fields."""

from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec

from fairlead.api.gateway_tls import GatewayTLSConfig, ListenerTLSConfig
from fairlead.api.http_filter import HTTPExternalAuthFilter
from fairlead.api.metadata import ApiObject, LabelSelector
from fairlead.api.model import Model
from fairlead.api.reference import GATEWAY_GROUP, LocalObjectReference
from fairlead.api.scalar import (
    DOMAIN_PREFIXED,
    SUBDOMAIN,
    AnnotationValue,
    Group,
    Hostname,
    KindName,
    PortNumber,
    SectionName,
)


class RouteGroupKind(Model, frozen=True, kw_only=True):
    """RouteGroupKind."""

    group: Group = GATEWAY_GROUP
    kind: KindName


class RouteNamespaces(Model, frozen=True, kw_only=True):
    """RouteNamespaces: whose routes may attach; `selector` counts when `from_` is Selector."""

    from_: Literal["All", "Selector", "Same"] = "Same"
    selector: LabelSelector | None = None


class AllowedRoutes(Model, frozen=True, kw_only=True):
    """AllowedRoutes; without `kinds`, the kinds that fit the listener's protocol."""

    namespaces: RouteNamespaces = RouteNamespaces()
    kinds: Annotated[tuple[RouteGroupKind, ...], msgspec.Meta(max_length=8)] = ()


class ListenerRequestFilter(Model, frozen=True, kw_only=True):
    """A filter that acts on every request of a listener (experimental)."""

    type: Literal["ExternalAuth", "ExtensionRef"]
    external_auth: HTTPExternalAuthFilter | None = None
    extension_ref: LocalObjectReference | None = None


class ListenerFilters(Model, frozen=True, kw_only=True):
    """Filters of a listener (experimental)."""

    requests: Annotated[tuple[ListenerRequestFilter, ...], msgspec.Meta(max_length=16)] = ()


class Listener(Model, frozen=True, kw_only=True):
    """Listener. `protocol` is HTTP, HTTPS, TLS, TCP, UDP or an implementation's own."""

    name: SectionName
    hostname: Hostname | None = None
    port: PortNumber
    protocol: Annotated[
        str,
        msgspec.Meta(
            min_length=1,
            max_length=255,
            pattern=rf"^[a-zA-Z0-9]([-a-zA-Z0-9]*[a-zA-Z0-9])?\Z|{SUBDOMAIN}\/[A-Za-z0-9]+\Z",
            description="a protocol such as HTTP",
        ),
    ]
    tls: ListenerTLSConfig | None = None
    allowed_routes: AllowedRoutes = AllowedRoutes()
    filters: ListenerFilters | None = None


class GatewaySpecAddress(Model, frozen=True, kw_only=True):
    """GatewaySpecAddress: an address that is asked for; no value means any of the type."""

    type: Annotated[
        str,
        msgspec.Meta(
            min_length=1,
            max_length=253,
            pattern=rf"^Hostname|IPAddress|NamedAddress|{DOMAIN_PREFIXED}\Z",
            description="IPAddress, Hostname, NamedAddress or a domain-prefixed type",
        ),
    ] = "IPAddress"
    value: Annotated[str, msgspec.Meta(max_length=253)] | None = None
    routability: Annotated[str, msgspec.Meta(max_length=253)] | None = None


class LocalParametersReference(Model, frozen=True, kw_only=True):
    """LocalParametersReference."""

    group: Group
    kind: KindName
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=253)]


class GatewayInfrastructure(Model, frozen=True, kw_only=True):
    """GatewayInfrastructure: what is put on the objects made for a Gateway."""

    labels: Annotated[Mapping[str, str], msgspec.Meta(max_length=8)] = {}
    annotations: Annotated[Mapping[str, AnnotationValue], msgspec.Meta(max_length=16)] = {}
    parameters_ref: LocalParametersReference | None = None


class ListenerNamespaces(Model, frozen=True, kw_only=True):
    """ListenerNamespaces: whose ListenerSets may attach."""

    from_: Literal["All", "Selector", "Same", "None"] = "None"
    selector: LabelSelector | None = None


class AllowedListeners(Model, frozen=True, kw_only=True):
    """AllowedListeners."""

    namespaces: ListenerNamespaces = ListenerNamespaces()


class GatewaySpec(Model, frozen=True, kw_only=True):
    """GatewaySpec."""

    gateway_class_name: Annotated[str, msgspec.Meta(min_length=1, max_length=253)]
    listeners: Annotated[tuple[Listener, ...], msgspec.Meta(min_length=1, max_length=64)]
    addresses: Annotated[tuple[GatewaySpecAddress, ...], msgspec.Meta(max_length=16)] = ()
    infrastructure: GatewayInfrastructure | None = None
    allowed_listeners: AllowedListeners | None = None
    tls: GatewayTLSConfig | None = None
    default_scope: Literal["All", "None"] | None = None


class Gateway(ApiObject, frozen=True, kw_only=True):
    """Where traffic enters: listeners on an address."""

    spec: GatewaySpec
    api_version: str = "gateway.networking.k8s.io/v1"
    kind: str = "Gateway"
