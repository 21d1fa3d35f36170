"""What the owner of a ListenerSet is told (ListenerSetStatus).

In: `ManagedListenerSet`, its listeners, and how far the proxy of its Gateway has come. Conditions
of other sets are no part of it, so that nobody learns what they hold.
"""

from fairlead import api
from fairlead.graph import Context
from fairlead.translate import listener_report
from fairlead.translate.conditions import Conditions, Refusal
from fairlead.translate.listener_report import ListenerFacts, Waiting
from fairlead.translate.listener_set import ManagedListenerSet
from fairlead.translate.listeners import ManagedListener
from fairlead.translate.report import Condition, ListenerReport, Report
from fairlead.translate.sources import Key


def report(ctx: Context, known: ListenerFacts, key: Key, found: api.ListenerSet) -> Report | None:
    """Everything to tell about a ListenerSet; None if its Gateway is another controller's."""
    managed = ctx.fetch(known.gateways.sets, key)
    if managed is None:
        return None
    make = Conditions(found.metadata.generation)
    gateway = ctx.fetch(known.gateways.managed, managed.gateway)
    pending = listener_report.waiting(ctx, known, gateway) if gateway is not None else None
    own = ctx.fetch_by(known.gateways.by_parent, ("ListenerSet", *key))
    listeners = tuple(sorted((each for _, each in own), key=lambda each: each.index))
    told = tuple(listener_report.report(ctx, known, make, each, pending) for each in listeners)
    refused = _refused(managed, listeners)
    return Report(
        kind="ListenerSet",
        namespace=key[0],
        name=key[1],
        generation=found.metadata.generation,
        conditions=(
            _accepted(make, refused, listeners),
            _programmed(make, refused, pending, listeners, told),
        ),
        listeners=told,
    )


def _refused(managed: ManagedListenerSet, listeners: tuple[ManagedListener, ...]) -> Refusal | None:
    """Of Accepted=False, or None."""
    if managed.refused is not None:
        return managed.refused
    if not any(listener.valid for listener in listeners):
        return "ListenersNotValid", "no listener is valid; see status.listeners"
    return None


def _accepted(
    make: Conditions,
    refused: Refusal | None,
    listeners: tuple[ManagedListener, ...],
) -> Condition:
    if refused is not None:
        return make.negative("Accepted", refused)
    invalid = [listener.name for listener in listeners if not listener.valid]
    if invalid:
        message = f"listeners that are not valid: {', '.join(invalid)}; the others are served"
        return make.true("Accepted", "ListenersNotValid", message)
    return make.true("Accepted", "Accepted", "the listeners are served by the Gateway")


def _programmed(
    make: Conditions,
    refused: Refusal | None,
    pending: Waiting | None,
    listeners: tuple[ManagedListener, ...],
    told: tuple[ListenerReport, ...],
) -> Condition:
    if refused is not None:
        return make.false("Programmed", refused[0], "the ListenerSet is not accepted")
    if pending is not None:
        reason = "Pending" if pending.reason == "Pending" else "ParentNotProgrammed"
        return make.false("Programmed", reason, f"its Gateway: {pending.message}")
    for reason in ("Invalid", "Pending"):
        for listener, one in zip(listeners, told, strict=True):
            condition = listener_report.programmed(one)
            if listener.valid and condition.reason == reason:
                message = f"listener {listener.name}: {condition.message}"
                return make.false("Programmed", reason, message)
    return make.true("Programmed", "Programmed", "the proxy has acknowledged every valid listener")
