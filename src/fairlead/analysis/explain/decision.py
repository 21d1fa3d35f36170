"""What `decide` answers."""

from typing import Literal

import msgspec

from fairlead.analysis.explain.request import Headers
from fairlead.ir.backend import Backend
from fairlead.ir.endpoint import Endpoint
from fairlead.ir.listener import Chain
from fairlead.ir.rule import Rule
from fairlead.ir.virtual_host import VirtualHost


class Shown(msgspec.Struct, frozen=True):
    """A request as rules see it: once the proxy has put it in order."""

    method: str
    scheme: str
    host: str
    """With its port, without a trailing dot."""
    path: str
    """Normalised, with the query."""
    headers: Headers
    """Names in lower case; without those that the proxy writes itself (x-request-id)."""


class Sent(msgspec.Struct, frozen=True):
    """A request as it reaches a backend."""

    method: str
    host: str
    path: str
    headers: Headers
    """Without those that proxies add for backends (x-forwarded-for, x-request-id)."""


class Share(msgspec.Struct, frozen=True):
    """What becomes of `weight` out of the sum of the weights of all shares."""

    weight: int
    cluster: str
    """Name of the `ir.cluster.Cluster`; empty if the backendRef does not resolve."""
    status: int | None
    """What the proxy answers itself; None if an endpoint does."""
    why: str
    """Why the proxy answers; else empty."""
    sent: Sent | None
    endpoints: tuple[Endpoint, ...]
    """Ready ones; empty also where they aren't known before a request is made (host names)."""
    backend: Backend
    grpc_status: int | None = None
    """What the proxy answers in gRPC, where that does not follow from `status`."""


class Where(msgspec.Struct, frozen=True):
    """The place that a connection comes to."""

    kind: Literal["gateway", "mesh"]
    proxy: str
    listener: str
    """Name of the `ir.listener.Listener`."""
    table: str
    """Its route table; empty for connections that carry no HTTP."""
    namespace: str
    name: str
    """Of the Gateway, or of the pod that calls."""
    port: int
    """Of the listener as it is declared; of a pod's outbound listener."""
    chain: Chain | None = None
    meshed: bool = True
    """False for a pod that opted out of the mesh."""


class Decision(msgspec.Struct, frozen=True):
    """What happens to a request.

    What is up to chance or to others is not decided: which share of the weights a request is, what
    an authorization service says, whether a rate limit is used up, faults of less than 100 %.
    """

    where: Where | None
    """None if the request reaches no listener."""
    status: int | None = None
    """What the proxy answers itself; None if that is up to a backend, or nothing is answered.
    Clients of gRPC see 200 with `grpc_status` instead."""
    grpc_status: int | None = None
    location: str | None = None
    """Of a redirect."""
    closed: bool = False
    """The connection is closed, or never made, without an HTTP answer."""
    why: str = ""
    """Why the request did not come as far as a rule, in a sentence."""
    notes: tuple[str, ...] = ()
    """What was done to the request before a rule was looked for."""
    chances: tuple[str, ...] = ()
    """What may become of it besides, and is not decided here."""
    shown: Shown | None = None
    host: VirtualHost | None = None
    rule: Rule | None = None
    shares: tuple[Share, ...] = ()
    """In the order of backendRefs, those without weight left out."""

    @property
    def rule_name(self) -> str:
        """Name of the rule (``NAMESPACE/ROUTE/RULE/MATCH``); empty if none was come to."""
        return self.rule.name if self.rule is not None else ""

    @property
    def backends(self) -> tuple[tuple[str, int], ...]:
        """Cluster and weight of each share; the cluster is empty where the proxy answers itself."""
        return tuple(
            ("" if share.status is not None else share.cluster, share.weight)
            for share in self.shares
        )

    @property
    def sent(self) -> Sent | None:
        """The request as the first share that is forwarded sends it."""
        return next((share.sent for share in self.shares if share.sent is not None), None)

    @property
    def path(self) -> str | None:
        """The path and query that reach a backend."""
        return self.sent.path if self.sent is not None else None

    @property
    def authority(self) -> str | None:
        """The host that reaches a backend."""
        return self.sent.host if self.sent is not None else None

    @property
    def request_headers(self) -> Headers:
        """The headers that reach a backend."""
        return self.sent.headers if self.sent is not None else ()
