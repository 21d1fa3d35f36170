"""Reports: what the owners of objects get back, before clocks and writers touch it."""

from typing import Literal

import msgspec

from fairlead import api


class Condition(msgspec.Struct, frozen=True, gc=False):
    """metav1.Condition without lastTransitionTime, which the status writer knows."""

    type: str
    status: Literal["True", "False", "Unknown"]
    reason: str
    message: str
    observed_generation: int


class ParentReport(msgspec.Struct, frozen=True, gc=False):
    """One entry of RouteStatus.parents."""

    parent_ref: api.ParentReference
    """Echo of the spec's parentRef, field by field, no additions."""
    conditions: tuple[Condition, ...]
    proxies: tuple[str, ...] = ()
    """Names of the proxies that serve the route for this parent."""


class AncestorReport(msgspec.Struct, frozen=True, gc=False):
    """One entry of PolicyStatus.ancestors (GEP-713)."""

    ancestor_ref: api.ParentReference
    """The Gateway, or for routes of the mesh the Service, for which the policy counts."""
    conditions: tuple[Condition, ...]


class ListenerReport(msgspec.Struct, frozen=True, gc=False):
    """One entry of Gateway status.listeners."""

    name: str
    supported_kinds: tuple[tuple[str, str], ...]
    """(group, kind) pairs."""
    attached_routes: int
    conditions: tuple[Condition, ...]


class Report(msgspec.Struct, frozen=True, gc=False):
    """Everything to tell about one object."""

    kind: str
    namespace: str
    name: str
    generation: int
    conditions: tuple[Condition, ...] = ()
    parents: tuple[ParentReport, ...] = ()
    ancestors: tuple[AncestorReport, ...] = ()
    """Of policies, at most 16."""
    listeners: tuple[ListenerReport, ...] = ()
    addresses: tuple[tuple[str, str], ...] = ()
    """Gateway status.addresses: (type, value) pairs."""
    routability: tuple[str, ...] = ()
    """Of each of a Gateway's addresses, in the same order (GEP-5093); empty for the default."""
    attached_listener_sets: int | None = None
    """Gateway status.attachedListenerSets."""
    features: tuple[str, ...] = ()
    """GatewayClass status.supportedFeatures, sorted."""
