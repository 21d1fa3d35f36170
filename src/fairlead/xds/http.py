"""HTTP on a listener: ``HttpConnectionManager`` and its HTTP filters, in their order.

A Gateway stands at the edge and is hardened as Envoy's edge guide and Istio's edge profile ask. A
pod's outbound listener is an HTTP proxy between friends: it changes as little as it can.
"""

from typing import Final

from fairlead.ir.listener import HttpChain, OutboundListener
from fairlead.xds import access_log, action, http_filters, scopes, tracing
from fairlead.xds.messages import (
    EarlyHeaderMutation,
    ForwardProxyFilter,
    HttpConnectionManager,
    Message,
    Router,
    duration,
    extension,
    wrapped,
)
from fairlead.xds.port import Port
from fairlead.xds.scopes import Layout

MANAGER: Final = "envoy.filters.network.http_connection_manager"
"""Name of the network filter."""

DNS_CACHE: Final[Message] = {
    "name": "passthrough",
    "dns_lookup_family": "V4_PREFERRED",
    "dns_query_timeout": duration(2),
}
"""The one of the filter and of the passthrough cluster: Envoy wants them alike."""

OWNER: Final = "x-fairlead-listener"
"""Tells inside Envoy which Gateway listener the connection of a request belongs to; overwritten
on each request, removed before the backend."""

_OWN: Final[Message] = {"prefix": "x-fairlead-"}
"""Headers that mean something between our listeners and routes; nobody else sets them."""

_CLAIMED: Final[Message] = {
    "safe_regex": {
        "regex": "forwarded|x-(?:(?:envoy|fairlead)-.*|real-ip"
        "|forwarded-(?:[^f].*|f[^o].*|fo[^r].*|for.+))"
    }
}
"""Those, and headers by which proxies tell backends about clients. A stranger's are dropped before
Envoy writes its own; to ``x-forwarded-for`` it appends, so that the last address is the true one.
One expression for all: several would each go through all headers of each request."""

HOP_BY_HOP: Final = ("proxy-connection",)
"""Request headers that are meant for an HTTP proxy only."""

_NOBODY: Final[Message] = {
    "cidr_ranges": [{"address_prefix": "255.255.255.255", "prefix_len": wrapped(32)}]
}
"""Who may set a request's timeouts and retries by headers. An empty list would be taken for the
default, private addresses."""

_IDLE: Final = duration(3600)
_REQUEST: Final = duration(300)
_REQUEST_HEADERS: Final = duration(60)
HTTP2_WINDOWS: Final[Message] = {
    "initial_stream_window_size": wrapped(64 * 1024),
    "initial_connection_window_size": wrapped(1024 * 1024),
}
"""Bytes that a peer may send before they are read, of clients as of endpoints (edge guide): a slow
reader on the other side makes Envoy hold no more."""
_HTTP2: Final[Message] = {"max_concurrent_streams": wrapped(100), **HTTP2_WINDOWS}
_HTTP3: Final[Message] = {"quic_protocol_options": _HTTP2}
_LOGGED: Final = {
    "time": "%START_TIME%",
    "method": "%REQ(:method)%",
    "host": "%REQ(:authority)%",
    "path": "%REQ(:path)%",
    "status": "%RESPONSE_CODE%",
    "flags": "%RESPONSE_FLAGS%",
    "details": "%RESPONSE_CODE_DETAILS%",
    "route": "%ROUTE_NAME%",
    "upstream": "%UPSTREAM_HOST%",
    "milliseconds": "%DURATION%",
}


def gateway_manager(port: Port, chain: HttpChain, *, http3: bool = False) -> Message:
    """For a Gateway: the port of a host does not matter, and clients are not trusted.

    Requests carry the scheme of their connection, whatever they claim, and no certificate of a
    client but the one that was checked here.

    Args:
        port: The listener.
        chain: Its connections.
        http3: Whether they are QUIC's.
    """
    tracing_fields = tracing.manager_field(port.tracing) if port.tracing is not None else {}
    owner = ((OWNER, chain.owner.replace("%", "%%")),) if chain.owner else ()
    codec: dict[str, Message] = {"codec_type": "HTTP3", "http3_protocol_options": _HTTP3}
    return HttpConnectionManager(
        **_common(port.name, port.access_log),
        **scopes.manager_fields(port.table, port.layout),
        **_early(_CLAIMED, (*scopes.early_headers(port.table, port.layout), *owner)),
        **tracing_fields,
        **(codec if http3 else {}),
        common_http_protocol_options={
            "idle_timeout": _IDLE,
            "headers_with_underscores_action": "REJECT_REQUEST",
        },
        http_filters=[http_filters.guard(), *http_filters.listed(slots=chain.filtered), _router()],
        internal_address_config=_NOBODY,
        merge_slashes=True,
        normalize_path=wrapped(value=True),
        path_with_escaped_slashes_action="UNESCAPE_AND_REDIRECT",
        request_timeout=_REQUEST,
        scheme_header_transformation={"scheme_to_overwrite": "https" if chain.tls else "http"},
        use_remote_address=wrapped(value=True),
    )


def outbound_manager(listener: OutboundListener, layout: Layout, log_path: str) -> Message:
    """For a pod's own requests: the port of a host tells the Service port, and counts.

    Paths are normalised, so that a rule takes the same requests from a Gateway and from a pod, and
    ``..`` leads past none; slashes stay as they are.
    """
    common = _common(listener.name, log_path)
    common["upgrade_configs"].append({"upgrade_type": "CONNECT"})
    return HttpConnectionManager(
        **common,
        **scopes.manager_fields(listener.table, layout),
        **_early(_OWN, scopes.early_headers(listener.table, layout)),
        common_http_protocol_options={"idle_timeout": _IDLE},
        http_filters=[
            http_filters.guard(),
            _forward_proxy(),
            *http_filters.listed(slots=False),
            _router(),
        ],
        normalize_path=wrapped(value=True),
        skip_xff_append=True,
        use_remote_address=wrapped(value=False),
    )


def _common(name: str, log_path: str) -> dict[str, Message]:
    """What every listener has."""
    return {
        **access_log.fields(log_path, _LOGGED),
        "stat_prefix": name,
        "http2_protocol_options": _HTTP2,
        "request_headers_timeout": _REQUEST_HEADERS,
        "server_header_transformation": "PASS_THROUGH",
        "stream_idle_timeout": duration(action.STREAM_IDLE),
        "strip_trailing_host_dot": True,
        "upgrade_configs": [{"upgrade_type": "websocket"}],
    }


def _early(dropped: Message, headers: tuple[tuple[str, str], ...]) -> dict[str, Message]:
    """What happens to request headers before a route is looked for.

    Args:
        dropped: `StringMatcher` of the names of those that are dropped.
        headers: Those that are then set, by name and format string.
    """
    mutations: list[Message] = [{"remove_on_match": {"key_matcher": dropped}}]
    mutations += [
        {
            "append": {
                "header": {"key": name, "value": value},
                "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
            }
        }
        for name, value in headers
    ]
    return {
        "early_header_mutation_extensions": [
            extension(
                "envoy.http.early_header_mutation.header_mutation",
                EarlyHeaderMutation(mutations=mutations),
            )
        ]
    }


def _router() -> Message:
    """The last filter; requests and responses carry no headers of its own."""
    return extension("envoy.filters.http.router", Router(suppress_envoy_headers=True))


def _forward_proxy() -> Message:
    """Resolves the host of requests to the passthrough cluster, and lets all others be."""
    return extension(
        "envoy.filters.http.dynamic_forward_proxy", ForwardProxyFilter(dns_cache_config=DNS_CACHE)
    )
