"""The HTTP filters of every connection manager: all there could be, off but for the first.

The first one refuses paths that a server might read in another way than routes do.

Routes and virtual hosts switch on what they need by ``typed_per_filter_config``, so that no change
of a route changes a listener, which would drain its connections. A filter that is off is left out
of a request's chain.

Filters of a listener come first (GEP-5224); each of them sits in a slot that can hold any filter,
since they act in the order that their owner chose. Those of rules follow in one order: CORS, so
that preflights need no credentials and refusals can be read by scripts; faults, which stand for
what goes wrong in a backend but cost it nothing; the rate limit, which protects the authorization
service as well; authorization; and at last the session, which picks the endpoint.
"""

from functools import cache
from typing import Final

from fairlead.ir.http_policy import MOST_LISTENER_FILTERS
from fairlead.xds.filter_messages import (
    Composite,
    Cors,
    ExecuteFilterAction,
    ExtensionWithMatcher,
    ExtensionWithMatcherPerRoute,
    HttpFault,
    LocalRateLimit,
    SkipFilter,
    StatefulSession,
)
from fairlead.xds.messages import Matcher, Message, extension

SLOTS: Final = tuple(
    f"fairlead.listener.{number}" for number in range(1, MOST_LISTENER_FILTERS + 1)
)
"""Names of the filters that hold those of a listener, in the order in which they act."""
CORS: Final = "fairlead.cors"
FAULT: Final = "fairlead.fault"
RATE_LIMIT: Final = "fairlead.local_ratelimit"
EXTERNAL_AUTH: Final = "fairlead.ext_authz"
SESSION: Final = "fairlead.stateful_session"

DOT_SEGMENTS: Final = "fairlead.dot_segments"
"""Name of the filter that refuses paths of which a server could make other ones."""

_LEFT: Final = r"[^?]*/\.\.?;\C*"
"""Dot segments with parameters, as they are left once a path is normalised. Envoy resolves them
where they are written so, not where a dot was escaped or a backslash stood before it. Servers that
drop parameters (Servlet containers do) would go up by them, past the rule that was found. What
follows may be any bytes: queries are not normalised, and ``.`` means well-formed UTF-8 only."""

IDLE_STATISTICS: Final = "idle"
"""What a rate limit without a limit counts under; the field must not be empty."""


@cache
def guard() -> dict[str, Message]:
    """What comes before all others: 400 for a path with a dot segment that has parameters.

    A fault that is always on costs a request less than RBAC would, which notes its decision. Few
    paths have a semicolon, and only those are compared with the expression.
    """
    matched = [{"contains": ";"}, {"safe_regex": {"regex": _LEFT}}]
    fault = HttpFault(
        abort={"http_status": 400, "percentage": {"numerator": 100}},
        headers=[{"name": ":path", "string_match": each} for each in matched],
    )
    return extension(DOT_SEGMENTS, fault)


@cache
def listed(*, slots: bool) -> tuple[dict[str, Message], ...]:
    """Everything that can stand before the router, switched off.

    Args:
        slots: Whether its virtual hosts may have filters of a listener.
    """
    own = [(CORS, Cors()), (FAULT, HttpFault()), (RATE_LIMIT, _no_limit())]
    own += [(EXTERNAL_AUTH, _slot()), (SESSION, StatefulSession())]
    named = [*((name, _slot()) for name in SLOTS if slots), *own]
    return tuple([{**extension(name, config), "disabled": True} for name, config in named])


def filling(name: str, config: Message) -> Message:
    """What puts a filter of its own configuration into a slot, for a route or a virtual host.

    Args:
        name: Of Envoy's filter.
        config: Its configuration; unlike that of a route it may say everything.
    """
    action = ExecuteFilterAction(typed_config=extension(name, config))
    return ExtensionWithMatcherPerRoute(xds_matcher=_always("execute", action))


def empty() -> Message:
    """What leaves a slot empty that is switched on."""
    return ExtensionWithMatcherPerRoute(xds_matcher=_skip())


def _slot() -> Message:
    inner = extension("envoy.filters.http.composite", Composite())
    return ExtensionWithMatcher(extension_config=inner, xds_matcher=_skip())


def _no_limit() -> Message:
    return LocalRateLimit(stat_prefix=IDLE_STATISTICS)


def _skip() -> Message:
    return _always("skip", SkipFilter())


def _always(name: str, action: Message) -> Message:
    """A Matcher that comes to the same action for every request."""
    return Matcher(on_no_match={"action": extension(name, action)})
