"""XBackend (gateway.networking.x-k8s.io/v1alpha1, GEP-4894; experimental)."""

from collections.abc import Mapping
from typing import Annotated, Literal

from msgspec import Meta

from fairlead.api.backend_tls_policy import BackendTLSPolicyValidation
from fairlead.api.metadata import ApiObject
from fairlead.api.model import Model
from fairlead.api.reference import SecretObjectReference
from fairlead.api.scalar import PortNumber, PreciseHostname
from fairlead.api.session_persistence import SessionPersistence


class BackendPort(Model, frozen=True, kw_only=True):
    """BackendPort; `number` is None only if the user left it out, which is an error."""

    number: PortNumber | None = None


class ExternalHostnameBackend(Model, frozen=True, kw_only=True):
    """ExternalHostnameBackend."""

    hostname: PreciseHostname


class EndpointSelectorBackend(Model, frozen=True, kw_only=True):
    """EndpointSelectorBackend: pods of the XBackend's namespace that have all these labels."""

    match_labels: Annotated[Mapping[str, str], Meta(min_length=1, max_length=64)]


class BackendTLS(Model, frozen=True, kw_only=True):
    """BackendTLS: None is plain text, ClientAndServer shows a certificate as well."""

    mode: Literal["None", "ServerOnly", "ClientAndServer"]
    client_certificate_ref: SecretObjectReference | None = None
    validation: BackendTLSPolicyValidation | None = None


class BackendSpec(Model, frozen=True, kw_only=True):
    """BackendSpec; the field that `type` names is set, the other is not."""

    type: Literal["ExternalHostname", "EndpointSelector"]
    port: BackendPort
    external_hostname: ExternalHostnameBackend | None = None
    endpoint_selector: EndpointSelectorBackend | None = None
    session_persistence: SessionPersistence | None = None
    protocol: Literal["TCP", "HTTP", "HTTP2", "HTTP11", "H2C", "MCP", "GRPC", "WSS"] | None = None
    """None: the one of the route."""
    tls: BackendTLS = BackendTLS(mode="None")


class XBackend(ApiObject, frozen=True, kw_only=True):
    """A destination of requests: a host outside the cluster, or pods."""

    spec: BackendSpec
    api_version: str = "gateway.networking.x-k8s.io/v1alpha1"
    kind: str = "XBackend"
