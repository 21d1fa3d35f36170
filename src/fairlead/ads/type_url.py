"""The xDS types that are served, and what ads knows about each of them.

Order matters in three ways, all taken from how Envoy behaves: what routes point at comes before
the routes, routes wait for new clusters, and clusters leave last.
"""

from typing import Final

from fairlead.xds.type_url import CLUSTER, ENDPOINTS, LISTENER, ROUTES, SCOPE

ORDER: Final = (CLUSTER, ENDPOINTS, SCOPE, ROUTES, LISTENER)
"""In which the types are considered whenever something can be sent."""

ROUTING: Final = frozenset({SCOPE, ROUTES, LISTENER})
"""Types that lead requests to clusters: held until new clusters have endpoints."""

REMOVABLE: Final = frozenset({CLUSTER, SCOPE, LISTENER})
"""Types where Envoy acts on a removal. It ignores removals of the others, and a removal told to
a subscription that waits for its first answer ends that wait: they are never told."""

ALONE: Final = frozenset({ROUTES, LISTENER})
"""Types where a change of what already serves travels in a response of its own.

A refused route table takes the later resources of its response with it, a refused listener
spoils the acknowledgement of the others. What is new travels together: on a first load that is
one response instead of thousands."""
