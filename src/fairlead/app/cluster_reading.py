"""Translation of what somebody may read of a cluster, without asking its control plane.

In: a `Listing`. Out: a `Pipeline` as if all that was read were served. What is never read stands
in: certificates of listeners, and classes of Gateways where GatewayClasses are hidden.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from fairlead import api
from fairlead.app import stand_ins
from fairlead.app.offline import apply, offline
from fairlead.app.pipeline import AnyChange, Pipeline
from fairlead.graph import Change
from fairlead.translate.sources import CONTROLLER_NAME, Key, Settings, Sources

if TYPE_CHECKING:  # it comes with an HTTP client, which linting files does not take
    from fairlead.providers.kube.listing import Listing


def translated(listing: "Listing", now: Callable[[], datetime]) -> Pipeline:
    """The pipeline of what was read.

    Raises:
        GraphError: translation failed, which is a mistake of ours.
    """
    controller = controller_of(listing)
    settings = Settings(controller, standalone=False)
    pipeline = offline(listing.batch, now, settings, dict(_addresses(listing)))
    if "gatewayclasses" in listing.hidden:
        apply(pipeline, _classes(pipeline.sources, controller))
    apply(pipeline, stand_ins.certificates(pipeline, now()))
    return pipeline


def _addresses(listing: "Listing") -> Iterable[tuple[Key, tuple[str, ...]]]:
    """The addresses that Gateways have: those of their status, and no others."""
    for change in listing.batch.changes:
        if change.kind == "Gateway":
            status = listing.status.get(("Gateway", change.key), {})
            given: Iterable[Mapping[str, str]] = status.get("addresses") or ()
            yield change.key, tuple(each["value"] for each in given if "value" in each)


def controller_of(listing: "Listing") -> str:
    """The controller name that the installation serves, as far as that could be seen."""
    return listing.controller or CONTROLLER_NAME


def _classes(sources: Sources, controller: str) -> Iterable[AnyChange]:
    """A GatewayClass of ours for each that a Gateway names."""
    names = sorted({gateway.spec.gateway_class_name for _, gateway in sources.gateways.items()})
    spec = api.GatewayClassSpec(controller_name=controller)
    for name in names:
        made = api.GatewayClass(metadata=api.ObjectMeta(name=name), spec=spec)
        yield Change(sources.gateway_classes, made.key, made)
