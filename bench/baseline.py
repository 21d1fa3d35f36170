"""The hand-written Envoy configuration that ours is compared with, in the same run.

What an engineer would write for the same hosts, rules and Services after reading Envoy's guide
for edge proxies: one listener, one route table, static clusters, the same counters. No control
plane.
"""

import json
from pathlib import Path
from typing import Any

ROUTER = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"
MANAGER = (
    "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3"
    ".HttpConnectionManager"
)


def cluster(name: str, upstream: tuple[str, int]) -> dict[str, Any]:
    """A static cluster with one endpoint."""
    address, port = upstream
    endpoint = {
        "endpoint": {"address": {"socket_address": {"address": address, "port_value": port}}}
    }
    return {
        "name": name,
        "type": "STATIC",
        "connect_timeout": "5s",
        "lb_policy": "LEAST_REQUEST",
        "circuit_breakers": {
            "thresholds": [
                {"max_connections": 1000000, "max_requests": 1000000, "max_retries": 1000000}
            ]
        },
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [endpoint]}]},
    }


def virtual_host(host: str, target: str, other: str) -> dict[str, Any]:
    """Two rules, as the routes of the benchmarks have."""
    retry = {
        "retry_on": "connect-failure,refused-stream,reset-before-request",
        "num_retries": 2,
        "retry_host_predicate": [
            {
                "name": "envoy.retry_host_predicates.previous_hosts",
                "typed_config": {
                    "@type": "type.googleapis.com/"
                    "envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate"
                },
            }
        ],
    }
    return {
        "name": host,
        "domains": [host],
        "routes": [
            {
                "match": {
                    "path_separated_prefix": "/api",
                    "headers": [{"name": "x-version", "string_match": {"exact": "next"}}],
                },
                "route": {"cluster": other, "timeout": "0s", "retry_policy": retry},
            },
            {
                "match": {"prefix": "/"},
                "route": {"cluster": target, "timeout": "0s", "retry_policy": retry},
            },
        ],
    }


def listener(address: tuple[str, int], hosts: list[dict[str, Any]]) -> dict[str, Any]:
    """One HTTP listener with its route table inline."""
    host, port = address
    manager = {
        "@type": MANAGER,
        "stat_prefix": "hand",
        "normalize_path": True,
        "merge_slashes": True,
        "path_with_escaped_slashes_action": "UNESCAPE_AND_REDIRECT",
        "use_remote_address": True,
        "common_http_protocol_options": {
            "idle_timeout": "3600s",
            "headers_with_underscores_action": "REJECT_REQUEST",
        },
        "http2_protocol_options": {
            "max_concurrent_streams": 100,
            "initial_stream_window_size": 65536,
            "initial_connection_window_size": 1048576,
        },
        "stream_idle_timeout": "300s",
        "request_timeout": "300s",
        "request_headers_timeout": "60s",
        "http_filters": [
            {
                "name": "envoy.filters.http.router",
                "typed_config": {"@type": ROUTER, "suppress_envoy_headers": True},
            }
        ],
        "route_config": {"name": "hand", "virtual_hosts": hosts},
    }
    return {
        "name": "hand",
        "per_connection_buffer_limit_bytes": 32768,
        "address": {"socket_address": {"address": host, "port_value": port}},
        "filter_chains": [
            {
                "filters": [
                    {
                        "name": "envoy.filters.network.http_connection_manager",
                        "typed_config": manager,
                    }
                ]
            }
        ],
    }


def bootstrap(
    listeners: list[dict[str, Any]], clusters: list[dict[str, Any]], admin: Path
) -> dict[str, Any]:
    """A complete static bootstrap."""
    prefixes = ["listener_manager.", "cluster_manager.", "server."]
    suffixes = [".upstream_rq_time", ".downstream_rq_time", "_rq_total", "_cx_total", "_active"]
    suffixes += [f"_rq_{each}xx" for each in range(1, 6)]
    patterns = [{"prefix": each} for each in prefixes] + [{"suffix": each} for each in suffixes]
    return {
        "node": {"id": "hand", "cluster": "hand"},
        "admin": {"address": {"pipe": {"path": str(admin), "mode": 0o600}}},
        "stats_config": {"stats_matcher": {"inclusion_list": {"patterns": patterns}}},
        "static_resources": {"listeners": listeners, "clusters": clusters},
    }


def upstream(address: tuple[str, int], body: str = "hello\n") -> dict[str, Any]:
    """A listener that answers every request itself: the backend of the benchmarks."""
    answer = {"status": 200, "body": {"inline_string": body}}
    made = listener(address, [])
    made["name"] = "upstream"
    manager = made["filter_chains"][0]["filters"][0]["typed_config"]
    manager["stat_prefix"] = "upstream"
    manager["route_config"]["virtual_hosts"] = [
        {
            "name": "all",
            "domains": ["*"],
            "routes": [{"match": {"prefix": "/"}, "direct_response": answer}],
        }
    ]
    return made


def write(path: Path, config: dict[str, Any]) -> Path:
    """Write a bootstrap as JSON."""
    path.write_text(json.dumps(config))
    return path
