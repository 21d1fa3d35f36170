"""TLS of a Gateway: of its listeners, of its clients and towards backends."""

from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec

from fairlead.api.model import Model
from fairlead.api.reference import ObjectReference, SecretObjectReference
from fairlead.api.scalar import AnnotationValue, PortNumber


class ListenerTLSConfig(Model, frozen=True, kw_only=True):
    """ListenerTLSConfig."""

    mode: Literal["Terminate", "Passthrough"] = "Terminate"
    certificate_refs: Annotated[tuple[SecretObjectReference, ...], msgspec.Meta(max_length=64)] = ()
    options: Annotated[Mapping[str, AnnotationValue], msgspec.Meta(max_length=16)] = {}


class FrontendTLSValidation(Model, frozen=True, kw_only=True):
    """FrontendTLSValidation: how certificates of clients are checked."""

    ca_certificate_refs: Annotated[
        tuple[ObjectReference, ...], msgspec.Meta(min_length=1, max_length=16)
    ]
    mode: Literal["AllowValidOnly", "AllowInsecureFallback"] = "AllowValidOnly"


class TLSConfig(Model, frozen=True, kw_only=True):
    """TLSConfig of clients' connections."""

    validation: FrontendTLSValidation | None = None


class TLSPortConfig(Model, frozen=True, kw_only=True):
    """TLSPortConfig: wins over the default on its port."""

    port: PortNumber
    tls: TLSConfig


class FrontendTLSConfig(Model, frozen=True, kw_only=True):
    """FrontendTLSConfig."""

    default: TLSConfig
    per_port: Annotated[tuple[TLSPortConfig, ...], msgspec.Meta(max_length=64)] = ()


class GatewayBackendTLS(Model, frozen=True, kw_only=True):
    """GatewayBackendTLS: the certificate that the Gateway shows to backends."""

    client_certificate_ref: SecretObjectReference | None = None


class GatewayTLSConfig(Model, frozen=True, kw_only=True):
    """GatewayTLSConfig."""

    backend: GatewayBackendTLS | None = None
    frontend: FrontendTLSConfig | None = None
