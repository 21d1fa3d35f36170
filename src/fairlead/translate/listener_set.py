"""ListenerSets: which Gateway each adds its listeners to, if that lets it (GEP-1713).

In: ListenerSets, Gateways, Namespaces. Out: one `ManagedListenerSet` each, and the listeners in
it as entries among those of the Gateway. A set's change re-runs its own entry only.
"""

from collections.abc import Iterator

import msgspec

from fairlead import api
from fairlead.graph import Collection, Context
from fairlead.translate import age, listener_conflicts, namespace_labels
from fairlead.translate.conditions import Refusal
from fairlead.translate.listener_conflicts import Entry, EntryKey
from fairlead.translate.managed_gateway import GatewayInputs, ManagedGateway
from fairlead.translate.sources import Key


class ManagedListenerSet(msgspec.Struct, frozen=True, gc=False):
    """A ListenerSet whose Gateway is ours."""

    gateway: Key
    created: str
    """Creation timestamp; ``~``, which sorts last, if it has none."""
    refused: Refusal | None
    """Of Accepted=False, as far as the Gateway decides."""
    attached: bool
    """Whether its listeners are among those of the Gateway."""


def build(
    inputs: GatewayInputs, gateways: Collection[Key, ManagedGateway]
) -> Collection[Key, ManagedListenerSet]:
    """Find the Gateway of every ListenerSet."""

    def managed(ctx: Context, key: Key, found: api.ListenerSet) -> ManagedListenerSet | None:
        return _managed(ctx, inputs, gateways, key, found)

    return inputs.sources.listener_sets.map("ListenerSets of ours", managed)


def entries(
    ctx: Context, inputs: GatewayInputs, key: Key, managed: ManagedListenerSet
) -> Iterator[tuple[EntryKey, Entry]]:
    """The listeners of a set; those of one that may not attach are in nobody's way."""
    found = ctx.fetch(inputs.sources.listener_sets, key)
    refused = None if managed.attached else managed.refused
    for index, source in enumerate(found.spec.listeners if found is not None else ()):
        yield listener_conflicts.entry(
            managed.gateway,
            ("ListenerSet", *key),
            index,
            source,
            inputs.settings.port_offset,
            created=managed.created,
            refused=refused,
        )


def _managed(
    ctx: Context,
    inputs: GatewayInputs,
    gateways: Collection[Key, ManagedGateway],
    key: Key,
    found: api.ListenerSet,
) -> ManagedListenerSet | None:
    ref = found.spec.parent_ref
    created = age.created(found.metadata)
    target = ref.key_from(key[0])
    shown = f"Gateway {target[0]}/{target[1]}"
    if (ref.group, ref.kind) != (api.GATEWAY_GROUP, "Gateway"):
        if not inputs.settings.standalone:
            return None
        message = (
            f"spec.parentRef: {ref.kind} of group {ref.group!r} takes no listeners; use a Gateway"
        )
        return ManagedListenerSet(target, created, ("Invalid", message), attached=False)
    gateway = ctx.fetch(gateways, target)
    if gateway is None:
        if not inputs.settings.standalone or ctx.fetch(inputs.sources.gateways, target) is not None:
            return None
        refused = ("ParentNotAccepted", f"spec.parentRef: {shown} does not exist")
        return ManagedListenerSet(target, created, refused, attached=False)
    if not _allows(ctx, inputs, gateway, key[0]):
        message = (
            f"{shown} takes no ListenerSets from namespace {key[0]}; its owner can allow that in "
            "spec.allowedListeners.namespaces"
        )
        return ManagedListenerSet(target, created, ("NotAllowed", message), attached=False)
    refused = None
    if gateway.refused is not None:
        refused = ("ParentNotAccepted", f"{shown} is not accepted; see its status")
    return ManagedListenerSet(target, created, refused, attached=True)


def _allows(ctx: Context, inputs: GatewayInputs, gateway: ManagedGateway, namespace: str) -> bool:
    """Whether ListenerSets of `namespace` may attach (allowedListeners.namespaces)."""
    allowed = gateway.allowed
    match allowed.from_:
        case "None":
            return False
        case "All":
            return True
        case "Same":
            return namespace == gateway.namespace
        case "Selector":
            labels = namespace_labels.labels(ctx, inputs.sources, namespace)
            return allowed.selector is not None and allowed.selector.matches(labels)
