"""GatewayClass: whose Gateways are ours, and what its owner is told."""

from typing import Literal

from fairlead import api
from fairlead.graph import Context
from fairlead.translate.report import Condition, Report
from fairlead.translate.sources import Settings, Sources

IMPLICIT_CLASS = "fairlead"
"""The class that exists without a GatewayClass object."""

Ownership = Literal["ours", "refused", "foreign"]


def ownership(ctx: Context, sources: Sources, settings: Settings, name: str) -> Ownership:
    """Whose the Gateways of class `name` are.

    Returns:
        ``ours``; ``refused`` if the class is ours but not accepted; ``foreign`` if another
        controller serves it, or (in a cluster) nobody does.
    """
    found = ctx.fetch(sources.gateway_classes, ("", name))
    if found is None:
        return "ours" if settings.standalone or name == IMPLICIT_CLASS else "foreign"
    if found.spec.controller_name != settings.controller_name:
        return "foreign"
    return "refused" if found.spec.parameters_ref is not None else "ours"


def report(settings: Settings, found: api.GatewayClass) -> Report | None:
    """Conditions of a GatewayClass; None if another controller's name stands in it."""
    if found.spec.controller_name != settings.controller_name:
        return None
    generation = found.metadata.generation
    accepted = Condition(
        "Accepted", "True", "Accepted", "Gateways of this class are served", generation
    )
    if found.spec.parameters_ref is not None:
        message = "spec.parametersRef: no kind of parameters is supported; remove it"
        accepted = Condition("Accepted", "False", "InvalidParameters", message, generation)
    version = Condition(
        "SupportedVersion", "True", "SupportedVersion", "Gateway API v1.7.0", generation
    )
    return Report(
        "GatewayClass", "", found.metadata.name, generation, conditions=(accepted, version)
    )
