"""Virtual hosts (`ir.virtual_host.VirtualHost`) as parts of a route configuration.

Serialised once, then only copied: into responses, and into each shard that needs them.
"""

from typing import Final

from fairlead.ir.fleet import TUNNEL_CLUSTER
from fairlead.ir.match import Match
from fairlead.ir.rule import Route
from fairlead.ir.virtual_host import VirtualHost
from fairlead.xds import action, http, matcher, policy, retry, session, wire
from fairlead.xds.messages import Message, duration, serialized
from fairlead.xds.messages import Route as RouteMessage
from fairlead.xds.messages import VirtualHost as VirtualHostMessage
from fairlead.xds.resource import Part
from fairlead.xds.route import placed

FIELD: Final = 2
"""Number of `virtual_hosts` in ``envoy.config.route.v3.RouteConfiguration``."""

MISDIRECTED: Final = 421
"""Status of a request whose host belongs to another listener than its connection (RFC 9110)."""

TUNNEL_IDLE: Final = 3600
"""Seconds after which a tunnel is closed where nothing passes."""

_NAME: Final = 1
_DOMAINS: Final = 2
_ROUTES: Final = 3
_MATCHER: Final = 21
_FAILING: Final = wire.framed(
    _ROUTES,
    serialized(
        RouteMessage(match={"prefix": "/"}, direct_response={"status": action.NOT_CARRIED_OUT})
    ),
)

_UNMATCHED: Final = serialized(
    RouteMessage(match={"prefix": "/"}, direct_response={"status": action.UNMATCHED})
)
"""Where a listener has filters: they act on what no rule matches as well, and Envoy takes them from
a route only."""


_TUNNEL: Final = serialized(
    RouteMessage(
        name="tunnel",
        match={"connect_matcher": {}},
        route={
            "cluster": TUNNEL_CLUSTER,
            "timeout": duration(0),
            "idle_timeout": duration(TUNNEL_IDLE),
            "upgrade_configs": [{"upgrade_type": "CONNECT", "connect_config": {}}],
        },
        request_headers_to_add=[
            {
                "header": {
                    "key": "x-envoy-original-dst-host",
                    "value": "%DOWNSTREAM_LOCAL_ADDRESS%",
                },
                "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
            }
        ],
    )
)
"""Takes the bytes of a tunnel back to the listener that the request came by."""


def part(host: VirtualHost) -> Part:
    """The virtual host with its field frame.

    The retry policy of the house stands at the virtual host, where Envoy parses it once for all
    its routes. Should Envoy refuse the virtual host, one that answers 500 takes its place.
    """
    fields: dict[str, Message] = {}
    if any(isinstance(rule.action, Route) for rule in host.rules):
        fields["retry_policy"] = retry.house_policy()
    if configured := policy.of_host(host):
        fields["typed_per_filter_config"] = configured
    message = VirtualHostMessage(name=host.name, domains=host.domains, **fields)
    body = wire.framed(FIELD, serialized(message) + _decision(host))
    return Part(
        key=host.name,
        body=body,
        fallback=_failing(host),
        digest=wire.digest(body),
        origins=tuple(dict.fromkeys(rule.origin for rule in host.rules)),
    )


def _decision(host: VirtualHost) -> bytes:
    """The rest of the message: its routes, or a matcher where they are many.

    Before anything else, requests that came by a connection for another listener are told so.
    """
    misdirected = _misdirected(host)
    first = wire.framed(_ROUTES, misdirected) if misdirected else b""
    if host.tunnel:
        first += wire.framed(_ROUTES, _TUNNEL)
    if host.filters is not None and host.filters.refused:
        return first + _FAILING
    rules = map(session.secured, host.rules) if host.owner else host.rules
    entries = [
        matcher.Entry(condition, tuple([serialized(RouteMessage(**fields)) for fields in made]))
        for rule in rules
        for condition, made in placed(rule)
    ]
    if host.filters is not None:
        entries.append(matcher.Entry(Match(), (_UNMATCHED,)))
    if len(entries) >= matcher.LEAST and (tree := matcher.tree(entries)) is not None:
        if misdirected:
            tree = matcher.by_header(http.OWNER, host.owner, tree, misdirected)
        if host.tunnel:
            tree = matcher.after_method("CONNECT", _TUNNEL, tree)
        return wire.framed(_MATCHER, tree)
    routes = [wire.framed(_ROUTES, route) for each in entries for route in each.routes]
    return b"".join((first, *routes))


def _misdirected(host: VirtualHost) -> bytes:
    """The route of requests on connections of another owner, past all filters; empty for none."""
    if not host.owner:
        return b""
    other = {"name": http.OWNER, "string_match": {"exact": host.owner}, "invert_match": True}
    return serialized(
        RouteMessage(
            match={"prefix": "/", "headers": [other]},
            direct_response={"status": MISDIRECTED},
            typed_per_filter_config=policy.none_of_host(host),
        )
    )


def _failing(host: VirtualHost) -> bytes:
    """A virtual host for the same domains that answers 500."""
    domains = [wire.framed(_DOMAINS, domain.encode()) for domain in host.domains]
    return wire.framed(
        FIELD, b"".join((wire.framed(_NAME, host.name.encode()), *domains, _FAILING))
    )
