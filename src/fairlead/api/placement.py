"""Where pods run: the fields of PodSpec that decide it, as settings give them in YAML.

In: a field's name and its value as YAML text. Out: the value, checked against the model and
written as canonical JSON, or an error that names the place in it.
"""

from collections.abc import Mapping
from typing import Annotated, Literal, TypeAlias

import msgspec

from fairlead.api.finding import field
from fairlead.api.metadata import LabelSelector
from fairlead.api.model import Model
from fairlead.api.scalar import SUBDOMAIN, NonNegative, Positive
from fairlead.api.schema import Checker
from fairlead.api.yaml_text import TextError, parse

Weight: TypeAlias = Annotated[int, msgspec.Meta(ge=1, le=100, description="a weight, 1 to 100")]


class PlacementError(ValueError):
    """A value that its field cannot have; the message names the place and what is wrong."""


class Toleration(Model, frozen=True, kw_only=True):
    """corev1.Toleration."""

    key: str = ""
    operator: Literal["Exists", "Equal", "Lt", "Gt"] | None = None
    value: str = ""
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None
    toleration_seconds: int | None = None


class NodeSelectorRequirement(Model, frozen=True, kw_only=True):
    """corev1.NodeSelectorRequirement."""

    key: str
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"]
    values: tuple[str, ...] = ()


class NodeSelectorTerm(Model, frozen=True, kw_only=True):
    """corev1.NodeSelectorTerm."""

    match_expressions: tuple[NodeSelectorRequirement, ...] = ()
    match_fields: tuple[NodeSelectorRequirement, ...] = ()


class NodeSelector(Model, frozen=True, kw_only=True):
    """corev1.NodeSelector."""

    node_selector_terms: Annotated[tuple[NodeSelectorTerm, ...], msgspec.Meta(min_length=1)]


class PreferredSchedulingTerm(Model, frozen=True, kw_only=True):
    """corev1.PreferredSchedulingTerm."""

    weight: Weight
    preference: NodeSelectorTerm


class NodeAffinity(Model, frozen=True, kw_only=True):
    """corev1.NodeAffinity."""

    required_during_scheduling_ignored_during_execution: NodeSelector | None = None
    preferred_during_scheduling_ignored_during_execution: tuple[PreferredSchedulingTerm, ...] = ()


class PodAffinityTerm(Model, frozen=True, kw_only=True):
    """corev1.PodAffinityTerm."""

    topology_key: str
    label_selector: LabelSelector | None = None
    namespaces: tuple[str, ...] = ()
    namespace_selector: LabelSelector | None = None
    match_label_keys: tuple[str, ...] = ()
    mismatch_label_keys: tuple[str, ...] = ()


class WeightedPodAffinityTerm(Model, frozen=True, kw_only=True):
    """corev1.WeightedPodAffinityTerm."""

    weight: Weight
    pod_affinity_term: PodAffinityTerm


class PodAffinity(Model, frozen=True, kw_only=True):
    """corev1.PodAffinity and PodAntiAffinity."""

    required_during_scheduling_ignored_during_execution: tuple[PodAffinityTerm, ...] = ()
    preferred_during_scheduling_ignored_during_execution: tuple[WeightedPodAffinityTerm, ...] = ()


class Affinity(Model, frozen=True, kw_only=True):
    """corev1.Affinity."""

    node_affinity: NodeAffinity | None = None
    pod_affinity: PodAffinity | None = None
    pod_anti_affinity: PodAffinity | None = None


class TopologySpreadConstraint(Model, frozen=True, kw_only=True):
    """corev1.TopologySpreadConstraint."""

    max_skew: Positive
    topology_key: str
    when_unsatisfiable: Literal["DoNotSchedule", "ScheduleAnyway"]
    label_selector: LabelSelector | None = None
    min_domains: NonNegative | None = None
    node_affinity_policy: Literal["Honor", "Ignore"] | None = None
    node_taints_policy: Literal["Honor", "Ignore"] | None = None
    match_label_keys: tuple[str, ...] = ()


class Placement(Model, frozen=True, kw_only=True):
    """The fields of corev1.PodSpec that say where a pod runs."""

    affinity: Affinity | None = None
    node_selector: Mapping[str, str] | None = None
    priority_class_name: (
        Annotated[
            str,
            msgspec.Meta(
                max_length=253, pattern=rf"^{SUBDOMAIN}\Z", description="a PriorityClass's name"
            ),
        ]
        | None
    ) = None
    tolerations: tuple[Toleration, ...] | None = None
    topology_spread_constraints: tuple[TopologySpreadConstraint, ...] | None = None


FIELDS: tuple[str, ...] = Placement.__struct_encode_fields__
_encoder = msgspec.json.Encoder(order="sorted")


def read(name: str, text: str) -> str:
    """The value of a field of PodSpec, as canonical JSON.

    Args:
        name: One of `FIELDS`.
        text: The value in YAML, or in JSON.

    Raises:
        PlacementError: The text is no YAML, or no such value.
    """
    try:
        raw = {name: parse(text)}
    except TextError as error:
        raise PlacementError(str(error)) from None
    if raw[name] is None:
        raise PlacementError(f"{name} has no value")
    found = Checker(core=True).check(raw, Placement)
    if found:
        first = found[0]
        raise PlacementError(f"{field(first.path)}: {first.message}")
    try:
        value = msgspec.convert(raw, Placement)
    except msgspec.ValidationError as error:
        raise PlacementError(str(error)) from None
    return _encoder.encode(msgspec.to_builtins(value)[name]).decode()
