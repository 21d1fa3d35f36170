"""Where a rule sends its requests."""

import msgspec

from fairlead.ir.filter import HeaderModifier, UrlRewrite
from fairlead.ir.http_policy import HttpPolicies, Mirror, SessionPersistence
from fairlead.ir.origin import Origin


class Forward(msgspec.Struct, frozen=True, gc=False, tag="forward"):
    """A backend that takes `weight` out of the sum of its rule's weights."""

    cluster: str
    """Name of an `ir.cluster.Cluster`."""
    weight: int
    request_headers: HeaderModifier | None = None
    response_headers: HeaderModifier | None = None
    rewrite: UrlRewrite | None = None
    """Rewrite of this backendRef alone (HTTPRouteBackendURLRewrite); wins over the rule's."""
    mirrors: tuple[Mirror, ...] = ()
    """Of this backendRef alone, besides those of the rule."""
    policies: HttpPolicies | None = None
    """Of this backendRef alone; each of its filters takes the place of the rule's."""
    session: SessionPersistence | None = None
    """Which endpoint of the cluster returning clients get; the backend is chosen by weight."""
    origin: Origin | None = None


class Invalid(msgspec.Struct, frozen=True, gc=False, tag="invalid"):
    """A reference that resolves to nothing: its share of the requests is answered 500."""

    weight: int
    reason: str
    """Reason of the ResolvedRefs condition, such as ``BackendNotFound``."""
    message: str
    origin: Origin | None = None


Backend = Forward | Invalid
