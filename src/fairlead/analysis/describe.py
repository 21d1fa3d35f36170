"""`fairlead describe`: one object in words, as lines with a depth.

The lines about a Service start with those that `istioctl x describe` prints, so that what people
look for there is found here; what follows is what that tool cannot see: routes and their shares.
"""

from collections.abc import Callable, Mapping
from typing import TypeAlias

from fairlead.analysis.describe_gateway import describe_gateway
from fairlead.analysis.describe_object import object_description
from fairlead.analysis.describe_route import route_description
from fairlead.analysis.describe_service import describe_service
from fairlead.analysis.lines import Line
from fairlead.analysis.routes import ROUTE_KINDS
from fairlead.analysis.view import View
from fairlead.translate.sources import Key

Description: TypeAlias = Callable[[View, Key], list[Line] | None]

_OBJECTS = (
    "ListenerSet",
    "BackendTLSPolicy",
    "XBackend",
    "XBackendTrafficPolicy",
    "XTelemetryPolicy",
    "LocalRateLimit",
    "FaultInjection",
)

DESCRIPTIONS: Mapping[str, tuple[str, Description]] = {
    "service": ("Service", describe_service),
    "route": ("HTTPRoute", route_description("HTTPRoute")),
    "gateway": ("Gateway", describe_gateway),
    **{kind.lower(): (kind, route_description(kind)) for kind in ROUTE_KINDS[1:]},
    **{kind.lower(): (kind, object_description(kind)) for kind in _OBJECTS},
}
"""Name on the command line to kind and function; a function returns None for no such object."""
