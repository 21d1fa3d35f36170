"""One ordered rule of a virtual host: a match and what to do with the request."""

from typing import Literal

import msgspec

from fairlead.ir.backend import Backend
from fairlead.ir.filter import HeaderModifier, PathModifier, UrlRewrite
from fairlead.ir.http_policy import HttpPolicies, Mirror
from fairlead.ir.match import Match
from fairlead.ir.origin import Origin


class HashOn(msgspec.Struct, frozen=True, gc=False):
    """What consistent hashing reads from a request: exactly one of the fields is set."""

    header: str | None = None
    cookie: str | None = None
    cookie_path: str | None = None
    cookie_ttl: float | None = None
    """Seconds; None leaves the cookie to the application, 0 makes a session cookie."""
    query: str | None = None
    source_ip: bool = False


class Retry(msgspec.Struct, frozen=True, gc=False):
    """HTTPRouteRetry. `attempts` further tries after the first; 0 switches retries off."""

    attempts: int
    codes: tuple[int, ...] = ()
    backoff: float | None = None
    """Seconds, least pause before a retry; None for the proxy's default."""


class Route(msgspec.Struct, frozen=True, gc=False, tag="route"):
    """Forward to the backends by weight. No backend, or weights that sum to 0: `unavailable`."""

    backends: tuple[Backend, ...]
    rewrite: UrlRewrite | None = None
    timeout: float | None = None
    """Seconds for the whole request (timeouts.request); 0 disables, None is the default."""
    backend_timeout: float | None = None
    """Seconds for each attempt and its answer (timeouts.backendRequest); 0 disables, None is the
    default."""
    retry: Retry | None = None
    """None: the default of the house (connection errors, twice, another endpoint)."""
    unavailable: Literal[500, 503] = 500
    """Answer where no backend can take a request, and for the share of `Invalid` ones; 503 is what
    gRPC clients see as UNAVAILABLE."""
    idle_timeout: float | None = None
    """Seconds in which nothing happens until a request is ended; None is the proxy's default."""
    hash_on: tuple[HashOn, ...] = ()
    mirrors: tuple[Mirror, ...] = ()


class Redirect(msgspec.Struct, frozen=True, gc=False, tag="redirect"):
    """HTTPRequestRedirectFilter; None keeps that part of the request's URL."""

    status: int = 302
    scheme: str | None = None
    hostname: str | None = None
    path: PathModifier | None = None
    port: int | None = None
    """Already decided by the spec's rules on scheme and listener port. None keeps what the request
    has; a well-known port of the scheme is not shown where that can be avoided."""
    listener_scheme: Literal["http", "https"] = "http"
    """Scheme of the requests, which `scheme` None keeps: tells which port is the well-known one."""


class Respond(msgspec.Struct, frozen=True, gc=False, tag="respond"):
    """Answer by ourselves. 500 stands for a rule that cannot be carried out."""

    status: int
    reason: str = ""


Action = Route | Redirect | Respond


class Rule(msgspec.Struct, frozen=True, gc=False):
    """One match of one rule of a route; a rule with three matches becomes three of these.

    Virtual hosts hold them in the order in which they are tried: Gateway API's precedence is
    already decided.
    """

    name: str
    """Unique in its virtual host: ``NAMESPACE/ROUTE/RULE-INDEX/MATCH-INDEX``, with ``grpc/`` before
    that for a GRPCRoute."""
    match: Match
    action: Action
    origin: Origin
    request_headers: HeaderModifier | None = None
    response_headers: HeaderModifier | None = None
    policies: HttpPolicies | None = None
    """What else is done to requests before they are forwarded or redirected; None for nothing."""
