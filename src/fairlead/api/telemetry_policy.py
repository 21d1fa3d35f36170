"""XTelemetryPolicy (gateway.networking.x-k8s.io/v1alpha1, GEP-4768; experimental)."""

from typing import Annotated, Literal

from msgspec import Meta

from fairlead.api.http_filter import Fraction, HeaderList
from fairlead.api.metadata import ApiObject
from fairlead.api.model import Model
from fairlead.api.reference import BackendObjectReference, LocalPolicyTargetReference
from fairlead.api.scalar import HeaderName

_WORD = r"[a-zA-Z0-9_.:/-]+"
Mode = Literal["Enabled", "Disabled", "ImplementationDefault"]


class TracingProvider(Model, frozen=True, kw_only=True):
    """TracingProvider: an OpenTelemetry collector (OTLP), and headers sent to it."""

    backend_ref: BackendObjectReference
    headers: HeaderList = ()


class ParentBasedSampling(Model, frozen=True, kw_only=True):
    """ParentBasedSampling: what counts for requests that carry a sampling decision."""

    mode: Mode = "ImplementationDefault"
    sampling_rate: Fraction | None = None


class TracingAttribute(Model, frozen=True, kw_only=True):
    """TracingAttribute; the field that `source_type` names is set, and no other."""

    name: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=256,
            pattern=rf"^{_WORD}\Z",
            description="the name of an attribute: letters, digits and _.:/-",
        ),
    ]
    source_type: Literal["Header", "Literal", "Attribute"]
    header_name: HeaderName | None = None
    literal_value: Annotated[str, Meta(min_length=1, max_length=1024)] | None = None
    attribute_key: (
        Annotated[
            str,
            Meta(
                min_length=1,
                max_length=256,
                pattern=r"^[a-z0-9_.-]+\Z",
                description="the key of an attribute: lower case letters, digits and _.-",
            ),
        ]
        | None
    ) = None


class Tracing(Model, frozen=True, kw_only=True):
    """Tracing; all but `mode` is set only while `mode` is Enabled."""

    mode: Mode = "ImplementationDefault"
    provider: TracingProvider | None = None
    sampling_rate: Fraction | None = None
    """Share of the requests that have no parent span."""
    parent_based_sampling: ParentBasedSampling | None = None
    service_name: (
        Annotated[
            str,
            Meta(
                min_length=1,
                max_length=253,
                pattern=rf"^{_WORD}\Z",
                description="a name of letters, digits and _.:/-",
            ),
        ]
        | None
    ) = None
    span_name: (
        Annotated[
            str,
            Meta(
                min_length=1,
                max_length=256,
                pattern=rf"^{_WORD}( {_WORD})*\Z",
                description="words of letters, digits and _.:/-",
            ),
        ]
        | None
    ) = None
    attributes: tuple[TracingAttribute, ...] = ()


class TelemetryPolicySpec(Model, frozen=True, kw_only=True):
    """TelemetryPolicySpec."""

    target_refs: Annotated[
        tuple[LocalPolicyTargetReference, ...], Meta(min_length=1, max_length=16)
    ]
    tracing: Tracing | None = None
    """None only if the user left it out, which is an error."""


class XTelemetryPolicy(ApiObject, frozen=True, kw_only=True):
    """What proxies tell of the requests of a Gateway."""

    spec: TelemetryPolicySpec
    api_version: str = "gateway.networking.x-k8s.io/v1alpha1"
    kind: str = "XTelemetryPolicy"
