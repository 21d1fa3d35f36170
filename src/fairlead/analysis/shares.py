"""Which share of a rule's requests a backend gets, and what it would be without the route."""

from collections.abc import Iterator

import msgspec

from fairlead import api
from fairlead.analysis.routes import Route
from fairlead.analysis.view import View
from fairlead.translate.sources import Key


class Share(msgspec.Struct, frozen=True):
    """One route's rule that sends to a Service."""

    route: Route
    rule: int
    """Index in the route."""
    weight: int
    """Sum of the weights of the rule's backendRefs to that Service."""
    total: int
    """Sum of all weights of the rule."""


def shares_of(view: View, service: Key) -> Iterator[Share]:
    """The rules of all routes that send to `service`, by route and rule."""
    for route in view.routes:
        namespace = route.metadata.namespace
        for index, rule in enumerate(route.spec.rules):
            here = [
                backend.weight
                for backend in rule.backend_refs
                if backend.is_service and backend.key_from(namespace) == service
            ]
            if here:
                total = sum(backend.weight for backend in rule.backend_refs)
                yield Share(route, index, sum(here), total)


def without_route(view: View, service: Key, port: int, backend: Key) -> tuple[int, int]:
    """What a backend would get of a Service's requests if no route acted on it.

    Returns:
        (how many of the Service's ready endpoints are the backend's too, how many it has).
    """
    item = view.object("Service", backend)
    own = view.endpoints(service, port)
    if not isinstance(item, api.Service):
        return 0, len(own)
    theirs = {
        endpoint for each in item.spec.ports for endpoint in view.endpoints(backend, each.port)
    }
    return sum(endpoint in theirs for endpoint in own), len(own)
