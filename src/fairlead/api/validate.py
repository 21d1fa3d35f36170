"""Which rules an object has to keep: those of all objects, and those of its kind."""

from collections.abc import Iterator

from fairlead.api.config_map import ConfigMap
from fairlead.api.deployment import Deployment
from fairlead.api.destination_rule import DestinationRule
from fairlead.api.endpoint_slice import EndpointSlice
from fairlead.api.finding import Finding
from fairlead.api.gateway import Gateway
from fairlead.api.http_route import HTTPRoute
from fairlead.api.kinds import Object
from fairlead.api.pod import Pod
from fairlead.api.rules import core, destination_rule, gateway, http_route, metadata
from fairlead.api.secret import Secret
from fairlead.api.service import Service


def check(obj: Object) -> tuple[Finding, ...]:
    """Every rule that the object breaks, those of its metadata first."""
    return (*metadata.metadata(obj.kind, obj.metadata), *_of_kind(obj))


def _of_kind(obj: Object) -> Iterator[Finding]:
    match obj:
        case HTTPRoute():
            yield from http_route.http_route(obj)
        case Service():
            yield from core.service(obj)
        case EndpointSlice():
            yield from core.endpoint_slice(obj)
        case Gateway():
            yield from gateway.gateway(obj)
        case DestinationRule():
            yield from destination_rule.destination_rule(obj)
        case Pod():
            yield from core.pod(obj)
        case Deployment():
            yield from core.deployment(obj)
        case Secret():
            yield from core.secret(obj)
        case ConfigMap():
            yield from core.config_map(obj)
        case _:
            return
