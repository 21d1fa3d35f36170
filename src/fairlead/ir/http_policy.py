"""What a rule does besides matching and forwarding: one value for each HTTP filter."""

from typing import Literal

import msgspec

from fairlead.ir.backend import Backend
from fairlead.ir.origin import Origin


class Mirror(msgspec.Struct, frozen=True, gc=False):
    """HTTPRequestMirrorFilter: a copy of a share of the requests, whose answer is ignored."""

    backend: Backend
    """An `Invalid` one gets nothing; the request itself is served all the same."""
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


class Cors(msgspec.Struct, frozen=True, gc=False):
    """HTTPCORSFilter."""

    origins: tuple[str, ...]
    """As written: ``*``, ``https://example.com``, ``https://*.example.com:8443``."""
    methods: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    expose_headers: tuple[str, ...] = ()
    credentials: bool = False
    max_age: int = 5
    """Seconds."""


class ExternalAuth(msgspec.Struct, frozen=True, gc=False):
    """HTTPExternalAuthFilter: an authorization service decides on each request (GEP-1494)."""

    protocol: Literal["grpc", "http"]
    backend: Backend
    """`Invalid`: every request is refused."""
    path: str = ""
    """Prefix of the path of HTTP checks."""
    request_headers: tuple[str, ...] = ()
    """Headers that are passed on to the service; lower case."""
    response_headers: tuple[str, ...] = ()
    """Headers of the service's answer that are passed on to the backend (HTTP)."""
    body_bytes: int = 0
    """How much of the body is passed on; 0 for none."""


class RateLimit(msgspec.Struct, frozen=True, gc=False):
    """A token bucket for each proxy: what is over it is answered 429."""

    requests: int
    """Tokens that are added every `seconds`."""
    seconds: float
    burst: int
    """Tokens that the bucket holds."""
    origin: Origin | None = None


class Fault(msgspec.Struct, frozen=True, gc=False):
    """Injected delays and aborts. Percentages 0 to 100."""

    delay: float = 0.0
    """Seconds."""
    delay_percent: float = 0.0
    abort_status: int = 0
    """HTTP status; 0 for no abort."""
    abort_percent: float = 0.0
    origin: Origin | None = None


class HttpPolicies(msgspec.Struct, frozen=True, gc=False):
    """The HTTP filters of one rule that are on."""

    cors: Cors | None = None
    external_auth: ExternalAuth | None = None
    rate_limit: RateLimit | None = None
    fault: Fault | None = None


class ListenerFilters(msgspec.Struct, frozen=True, gc=False):
    """What a Gateway listener does to every request (experimental listeners[].filters)."""

    external_auth: ExternalAuth | None = None
    rate_limit: RateLimit | None = None
    fault: Fault | None = None
