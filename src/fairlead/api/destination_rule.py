"""DestinationRule (networking.istio.io/v1, v1beta1, v1alpha3), every field of its schema."""

from collections.abc import Mapping

from fairlead.api.metadata import ApiObject
from fairlead.api.model import Model
from fairlead.api.traffic_policy import TrafficPolicy


class Subset(Model, frozen=True, kw_only=True):
    """Subset."""

    name: str
    labels: Mapping[str, str] = {}
    traffic_policy: TrafficPolicy | None = None


class WorkloadSelector(Model, frozen=True, kw_only=True):
    """istio.type.v1beta1 WorkloadSelector."""

    match_labels: Mapping[str, str] = {}


class DestinationRuleSpec(Model, frozen=True, kw_only=True):
    """DestinationRule's spec."""

    host: str
    """A Service: a name in the rule's namespace, an FQDN, or a wildcard such as `*.ns.svc`."""
    traffic_policy: TrafficPolicy | None = None
    subsets: tuple[Subset, ...] = ()
    export_to: tuple[str, ...] = ()
    """Namespaces, `.` for the rule's own, `*` (or nothing at all) for every one."""
    workload_selector: WorkloadSelector | None = None


class DestinationRule(ApiObject, frozen=True, kw_only=True):
    """How connections to a Service are made and balanced."""

    spec: DestinationRuleSpec
    api_version: str = "networking.istio.io/v1"
    kind: str = "DestinationRule"
