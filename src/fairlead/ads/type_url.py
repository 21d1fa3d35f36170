"""The xDS types that are served, and what ads knows about each of them.

Order matters in four ways, all taken from how Envoy behaves: secrets come before all else, since
clusters and listeners wait for those they name; what routes point at comes before the routes;
routes wait for new clusters; and clusters leave last. Secrets don't leave: Envoy forgets those
that nothing names any more.
"""

from typing import Final

from fairlead.xds.type_url import CLUSTER, ENDPOINTS, LISTENER, ROUTES, SCOPE, SECRET

ORDER: Final = (SECRET, CLUSTER, ENDPOINTS, SCOPE, ROUTES, LISTENER)
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

SOLITARY: Final = frozenset({SECRET})
"""Types where every resource travels in a response of its own, a new one too.

Envoy takes a refused secret without a word when the same is sent once more, so a trial would
condemn another one."""
