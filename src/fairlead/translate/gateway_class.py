"""GatewayClass: whose Gateways are ours, and what its owner is told."""

from collections.abc import Mapping

import msgspec

from fairlead import api
from fairlead.graph import Context
from fairlead.translate import parameters
from fairlead.translate.conditions import Conditions
from fairlead.translate.finding import Finding
from fairlead.translate.report import Report
from fairlead.translate.sources import Settings, Sources
from fairlead.translate.supported_features import supported_features


class Ownership(msgspec.Struct, frozen=True):
    """Whose the Gateways of a class are."""

    foreign: bool = False
    """Another controller serves the class, or (in a cluster) nobody does."""
    refused: bool = False
    """The class is ours, but not accepted."""
    defaults: Mapping[str, str] = {}
    """Settings for all its Gateways, see `parameters`."""


def ownership(ctx: Context, sources: Sources, settings: Settings, name: str) -> Ownership:
    """Whose the Gateways of class `name` are."""
    found = ctx.fetch(sources.gateway_classes, ("", name))
    if found is None:
        return Ownership(foreign=not settings.standalone)
    if found.spec.controller_name != settings.controller_name:
        return Ownership(foreign=True)
    defaults = parameters.of_class(ctx, sources, found)
    if isinstance(defaults, Finding):
        return Ownership(refused=True)
    return Ownership(defaults=defaults)


def report(
    ctx: Context, sources: Sources, settings: Settings, found: api.GatewayClass
) -> Report | None:
    """Conditions of a GatewayClass; None if another controller's name stands in it."""
    if found.spec.controller_name != settings.controller_name:
        return None
    make = Conditions(found.metadata.generation)
    defaults = parameters.of_class(ctx, sources, found)
    if isinstance(defaults, Finding):
        accepted = make.false("Accepted", defaults.reason, str(defaults))
    else:
        accepted = make.true("Accepted", "Accepted", "Gateways of this class are served")
    version = make.true("SupportedVersion", "SupportedVersion", "Gateway API v1.7.0")
    return Report(
        "GatewayClass",
        "",
        found.metadata.name,
        found.metadata.generation,
        conditions=(accepted, version),
        features=supported_features(standalone=settings.standalone),
    )
