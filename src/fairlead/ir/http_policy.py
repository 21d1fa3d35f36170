"""What a rule does besides matching and forwarding: one value for each HTTP filter."""

from typing import Literal

import msgspec

from fairlead.ir.origin import Origin


class Mirror(msgspec.Struct, frozen=True, gc=False):
    """HTTPRequestMirrorFilter: a copy of a share of the requests, whose answer is ignored.

    One whose backend does not resolve does not exist: the request itself is served all the same.
    """

    cluster: str
    """Name of an `ir.cluster.Cluster`."""
    numerator: int = 100
    denominator: int = 100


class SessionPersistence(msgspec.Struct, frozen=True, gc=False):
    """Keeps a client at the endpoint of its first request (GEP-1619)."""

    kind: Literal["cookie", "header"]
    name: str
    path: str = "/"
    """Of the cookie."""
    lifetime: float | None = None
    """Seconds of a permanent cookie (absoluteTimeout); None for a session cookie."""
    secure: bool = False
    """Whether the cookie is for TLS alone."""


class Cors(msgspec.Struct, frozen=True, gc=False):
    """HTTPCORSFilter."""

    allow_origins: tuple[str, ...]
    """As written: ``*``, ``https://example.com``, ``https://*.example.com:8443``."""
    methods: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    expose_headers: tuple[str, ...] = ()
    credentials: bool = False
    max_age: int = 5
    """Seconds."""


class ExternalAuth(msgspec.Struct, frozen=True, gc=False, tag="external_auth"):
    """HTTPExternalAuthFilter: an authorization service decides on each request (GEP-1494)."""

    protocol: Literal["grpc", "http"]
    cluster: str
    """Name of the `ir.cluster.Cluster` of the service."""
    authority: str
    """Host of the service, as gRPC checks call it; HTTP checks keep the host of the request."""
    path: str = ""
    """Prefix of the path of HTTP checks."""
    request_headers: tuple[str, ...] = ()
    """Lower-case names of headers that are passed on to the service. Empty: all of them (grpc),
    none but those that always are (http)."""
    response_headers: tuple[str, ...] = ()
    """Headers of the service's answer that are passed on to the backend (http); empty: all."""
    body_bytes: int = 0
    """Greatest body, which is passed on; larger ones are answered 413. 0 passes none on."""


class RateLimit(msgspec.Struct, frozen=True, gc=False, tag="rate_limit"):
    """LocalRateLimit: a token bucket for each proxy: what is over it is answered 429."""

    requests: int
    """Tokens that are added every `seconds`."""
    seconds: float
    burst: int
    """Tokens that the bucket holds."""
    origin: Origin | None = None


class Fault(msgspec.Struct, frozen=True, gc=False, tag="fault"):
    """FaultInjection: injected delays and aborts. Percentages 0 to 100."""

    delay: float = 0.0
    """Seconds."""
    delay_percent: float = 0.0
    abort_status: int = 0
    """HTTP status; 0 for none."""
    abort_grpc_status: int = 0
    """gRPC status; 0 for none. At most one of the two is set."""
    abort_percent: float = 0.0
    origin: Origin | None = None


class HttpPolicies(msgspec.Struct, frozen=True, gc=False):
    """The HTTP filters of one rule that are on."""

    cors: Cors | None = None
    external_auth: ExternalAuth | None = None
    rate_limit: RateLimit | None = None
    fault: Fault | None = None


RequestFilter = ExternalAuth | RateLimit | Fault


class ListenerFilters(msgspec.Struct, frozen=True, gc=False):
    """What a Gateway listener does to every request before a rule is looked for (GEP-5224)."""

    requests: tuple[RequestFilter, ...] = ()
    """In the order in which they act, at most `MOST_LISTENER_FILTERS`."""
    refused: bool = False
    """One of them cannot be carried out: every request is answered 500."""


MOST_LISTENER_FILTERS = 4
