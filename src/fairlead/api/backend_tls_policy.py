"""BackendTLSPolicy (gateway.networking.k8s.io/v1; v1alpha3 in the experimental channel)."""

from collections.abc import Mapping
from typing import Annotated, Literal

from msgspec import Meta

from fairlead.api.metadata import ApiObject
from fairlead.api.model import Model
from fairlead.api.reference import LocalObjectReference, LocalPolicyTargetReferenceWithSectionName
from fairlead.api.scalar import SUBDOMAIN, AnnotationValue, Hostname, PreciseHostname


class SubjectAltName(Model, frozen=True, kw_only=True):
    """SubjectAltName; the field that `type` names is set, and no other."""

    type: Literal["Hostname", "URI"]
    hostname: Hostname | None = None
    uri: (
        Annotated[
            str,
            Meta(
                min_length=1,
                max_length=253,
                pattern=r"^[^:/?#]+://[^/?#\n]*[^?#\n]*(\?[^#\n]*)?(#.*)?",
                description="an absolute URI such as spiffe://cluster.local/ns/a/sa/b",
            ),
        ]
        | None
    ) = None


class BackendTLSPolicyValidation(Model, frozen=True, kw_only=True):
    """BackendTLSPolicyValidation: whom the backend's certificate must be of, and who says so.

    Either `ca_certificate_refs` or `well_known_ca_certificates` is set.
    """

    hostname: PreciseHostname
    """Sent as SNI; without `subject_alt_names`, the certificate must be for it as well."""
    ca_certificate_refs: Annotated[tuple[LocalObjectReference, ...], Meta(max_length=8)] = ()
    """The standard channel takes an empty list for none."""
    well_known_ca_certificates: (
        Annotated[
            str,
            Meta(
                min_length=1,
                max_length=253,
                pattern=rf"^(System|{SUBDOMAIN}/([A-Za-z0-9][-A-Za-z0-9_.]{{0,61}})?[A-Za-z0-9])\Z",
                description="System or a domain-prefixed name",
            ),
        ]
        | None
    ) = None
    subject_alt_names: Annotated[tuple[SubjectAltName, ...], Meta(max_length=5)] = ()


class BackendTLSPolicySpec(Model, frozen=True, kw_only=True):
    """BackendTLSPolicySpec."""

    target_refs: Annotated[
        tuple[LocalPolicyTargetReferenceWithSectionName, ...], Meta(min_length=1, max_length=16)
    ]
    validation: BackendTLSPolicyValidation
    options: Annotated[Mapping[str, AnnotationValue], Meta(max_length=16)] = {}


class BackendTLSPolicy(ApiObject, frozen=True, kw_only=True):
    """How connections to Services of its namespace use TLS."""

    spec: BackendTLSPolicySpec
    api_version: str = "gateway.networking.k8s.io/v1"
    kind: str = "BackendTLSPolicy"
