"""metav1: what all objects share."""

from collections.abc import Mapping
from typing import Literal

from fairlead.api.model import Labels, Lenient, Model


class OwnerReference(Model, frozen=True, kw_only=True):
    """metav1.OwnerReference."""

    api_version: str
    kind: str
    name: str
    uid: str = ""
    controller: bool = False
    block_owner_deletion: bool = False


class ObjectMeta(Model, frozen=True, kw_only=True):
    """metav1.ObjectMeta without `managedFields`, which never gets in."""

    name: str
    namespace: str = ""
    """Empty for cluster-scoped kinds."""
    labels: Mapping[str, str] = {}
    annotations: Mapping[str, str] = {}
    generation: int = 1
    """Changes with the spec; from files, the provider counts it."""
    creation_timestamp: str | None = None
    """RFC 3339; from files only if written there."""
    uid: str = ""
    generate_name: str = ""
    resource_version: str = ""
    owner_references: tuple[OwnerReference, ...] = ()
    finalizers: tuple[str, ...] = ()
    deletion_timestamp: str | None = None
    deletion_grace_period_seconds: int | None = None
    self_link: str = ""

    @property
    def key(self) -> tuple[str, str]:
        """(namespace, name)."""
        return (self.namespace, self.name)


class TemplateMeta(Lenient, frozen=True, kw_only=True):
    """The ObjectMeta of a template, whose objects are named by their owner."""

    name: str = ""
    namespace: str = ""
    labels: Mapping[str, str] = {}
    annotations: Mapping[str, str] = {}


class LabelSelectorRequirement(Model, frozen=True, kw_only=True):
    """metav1.LabelSelectorRequirement; another operator is the reader's to report."""

    key: str
    operator: str
    """In, NotIn, Exists or DoesNotExist."""
    values: tuple[str, ...] = ()


class LabelSelector(Model, frozen=True, kw_only=True):
    """metav1.LabelSelector; an empty one selects everything."""

    match_labels: Mapping[str, str] = {}
    match_expressions: tuple[LabelSelectorRequirement, ...] = ()

    def matches(self, labels: Labels) -> bool:
        """Whether `labels` satisfy every term; an unknown operator matches nothing."""
        if any(labels.get(key) != value for key, value in self.match_labels.items()):
            return False
        return all(_holds(term, labels) for term in self.match_expressions)


def _holds(term: LabelSelectorRequirement, labels: Labels) -> bool:
    value = labels.get(term.key)
    match term.operator:
        case "In":
            return value is not None and value in term.values
        case "NotIn":
            return value is None or value not in term.values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
        case _:
            return False


class ApiObject(Model, frozen=True, kw_only=True):
    """What every object has; kinds add `spec` or their own top-level fields."""

    metadata: ObjectMeta

    @property
    def key(self) -> tuple[str, str]:
        """(namespace, name); the namespace is empty for cluster-scoped kinds."""
        return self.metadata.key


Protocol = Literal["TCP", "UDP", "SCTP"]
"""corev1.Protocol."""
