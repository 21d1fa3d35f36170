"""What an Envoy is started with (`envoy.config.bootstrap.v3.Bootstrap`), as JSON.

What comes in is the proxy's name and where its sockets are; everything it serves comes by ADS.
Hardened as Envoy's edge guide asks, as far as the bootstrap has a say. Same input, same bytes.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fairlead.ir.fleet import TUNNEL_CLUSTER
from fairlead.ir.match import MAX_REGEX_PROGRAM_SIZE

ADS_CLUSTER = "ads"
NODE_CLUSTER = "fairlead"

_STAT_PREFIXES = (
    "cluster_manager.",
    "control_plane.",
    "filesystem.",
    "listener_manager.",
    "main_thread.",
    "overload.",
    "server.",
)
_STAT_SUFFIXES = (
    # what is asked of a Service port, and how it goes (cluster.NAME.*; PREFIX stands for a bound
    # port in http.PREFIX.*, tcp.PREFIX.* and udp.PREFIX.*)
    ".downstream_cx_active",
    ".downstream_cx_total",
    ".downstream_cx_destroy_remote_active_rq",
    ".downstream_cx_no_route",
    ".downstream_rq_1xx",
    ".downstream_rq_2xx",
    ".downstream_rq_3xx",
    ".downstream_rq_4xx",
    ".downstream_rq_5xx",
    ".downstream_rq_active",
    ".downstream_rq_time",
    ".downstream_rq_total",
    ".downstream_sess_active",
    ".downstream_sess_no_route",
    ".downstream_sess_total",
    ".no_cluster",
    ".no_route",
    ".outlier_detection.ejections_active",
    ".outlier_detection.ejections_enforced_total",
    ".upstream_cx_active",
    ".upstream_cx_connect_fail",
    ".upstream_cx_overflow",
    ".upstream_cx_total",
    ".upstream_rq_2xx",
    ".upstream_rq_3xx",
    ".upstream_rq_4xx",
    ".upstream_rq_5xx",
    ".upstream_rq_active",
    ".upstream_rq_pending_overflow",
    ".upstream_rq_retry",
    ".upstream_rq_retry_overflow",
    ".upstream_rq_time",
    ".upstream_rq_timeout",
    ".upstream_rq_total",
)
_REFUSED_ROUTES = r"http\..*\.update_rejected"
_RELEASED = 8 * 1024 * 1024
"""Bytes of free memory given back each second, of what was not needed for five minutes: by itself
Envoy's allocator keeps what it had at most for good."""


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """What differs between proxies and machines."""

    node: str
    """Name of the `ir.fleet.Proxy`, which ADS knows the proxy by; in a cluster with the pod's name
    (`ads.access`)."""
    ads_socket: Path
    admin_socket: Path
    max_heap_bytes: int
    """At 95 % of it memory is given back, at 98 % requests are answered 503."""
    max_connections: int = 50_000
    """Downstream connections, over all listeners."""
    patient: bool = False
    """Wait for the first configuration however long it takes, rather than be ready without any."""

    def to_json(self) -> bytes:
        """The bootstrap file."""
        return json.dumps(self.message(), indent=1, sort_keys=True).encode() + b"\n"

    def message(self) -> dict[str, Any]:
        """The Bootstrap message in its JSON form."""
        from_ads: dict[str, Any] = {"resource_api_version": "V3", "ads": {}}
        if self.patient:
            from_ads["initial_fetch_timeout"] = "0s"
        return {
            "node": {"id": self.node, "cluster": NODE_CLUSTER},
            "admin": {"address": {"pipe": {"path": str(self.admin_socket), "mode": 0o600}}},
            "dynamic_resources": {
                "ads_config": _ads_config(),
                "cds_config": from_ads,
                "lds_config": from_ads,
            },
            "static_resources": {"clusters": [_ads_cluster(self.ads_socket), _tunnel_cluster()]},
            "stats_config": {"stats_matcher": _stats_matcher()},
            "deferred_stat_options": {"enable_deferred_creation_stats": True},
            # a worker makes a cluster of its own when it first needs it: of thousands, few are
            "cluster_manager": {"enable_deferred_cluster_creation": True},
            "memory_allocator_manager": {
                "bytes_to_release": _RELEASED,
                "memory_release_interval": "1s",
            },
            "overload_manager": self._overload_manager(),
            "layered_runtime": {
                "layers": [{"name": "fairlead", "static_layer": runtime()}],
            },
        }

    def _overload_manager(self) -> dict[str, Any]:
        heap = "envoy.resource_monitors.fixed_heap"
        connections = "envoy.resource_monitors.global_downstream_max_connections"
        config = "type.googleapis.com/envoy.extensions.resource_monitors"
        return {
            "refresh_interval": "0.25s",
            "resource_monitors": [
                {
                    "name": heap,
                    "typed_config": {
                        "@type": f"{config}.fixed_heap.v3.FixedHeapConfig",
                        "max_heap_size_bytes": self.max_heap_bytes,
                    },
                },
                {
                    "name": connections,
                    "typed_config": {
                        "@type": f"{config}.downstream_connections.v3.DownstreamConnectionsConfig",
                        "max_active_downstream_connections": self.max_connections,
                    },
                },
            ],
            "actions": [
                _action("envoy.overload_actions.shrink_heap", heap, 0.95),
                _action("envoy.overload_actions.stop_accepting_requests", heap, 0.98),
            ],
        }


def _action(name: str, monitor: str, threshold: float) -> dict[str, Any]:
    return {"name": name, "triggers": [{"name": monitor, "threshold": {"value": threshold}}]}


def _ads_config() -> dict[str, Any]:
    """One delta stream; a lost one is resumed fast, since the server is on the same machine."""
    backoff = {"base_interval": "0.1s", "max_interval": "2s"}
    grpc = {"cluster_name": ADS_CLUSTER, "retry_policy": {"retry_back_off": backoff}}
    return {
        "api_type": "DELTA_GRPC",
        "transport_api_version": "V3",
        "set_node_on_first_message_only": True,
        "grpc_services": [{"envoy_grpc": grpc}],
    }


def _ads_cluster(socket: Path) -> dict[str, Any]:
    """The control plane. No keep-alive: the kernel tells at once when a Unix socket's peer dies."""
    options = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
    endpoint = {"endpoint": {"address": {"pipe": {"path": str(socket)}}}}
    return {
        "name": ADS_CLUSTER,
        "type": "STATIC",
        "connect_timeout": "1s",
        "typed_extension_protocol_options": {
            options: {
                "@type": f"type.googleapis.com/{options}",
                "explicit_http_config": {"http2_protocol_options": {}},
            }
        },
        "load_assignment": {
            "cluster_name": ADS_CLUSTER,
            "endpoints": [{"lb_endpoints": [endpoint]}],
        },
    }


def _tunnel_cluster() -> dict[str, Any]:
    """The way back to a listener, whose address routes put into a header."""
    return {
        "name": TUNNEL_CLUSTER,
        "type": "ORIGINAL_DST",
        "lb_policy": "CLUSTER_PROVIDED",
        "connect_timeout": "1s",
        "original_dst_lb_config": {"use_http_header": True},
    }


def _stats_matcher() -> dict[str, Any]:
    """An inclusion list: of a large configuration's statistics, a hundredth is ever read.

    Nothing that each cluster has from the start (membership_*, update_*): a Service that no
    request has come to has no series.
    """
    patterns = [{"prefix": prefix} for prefix in _STAT_PREFIXES]
    patterns += [{"suffix": suffix} for suffix in _STAT_SUFFIXES]
    patterns += [{"safe_regex": {"regex": _REFUSED_ROUTES}}]
    return {"inclusion_list": {"patterns": patterns}}


def runtime() -> dict[str, Any]:
    """Settings that Envoy has in its runtime only."""
    return {
        # fields of one name count as one, joined by commas (RFC 9110, 5.3), as they do in matchers
        "envoy.reloadable_features.match_headers_individually": False,
        # a burst on one connection waits for its turn: other connections come in between
        "http.max_requests_per_io_cycle": 1,
        # a connection is closed at half of it, if most of its streams were reset within a second:
        # clients may still cancel, once, all the 100 streams that they may have open
        "overload.premature_reset_total_stream_count": 210,
        "re2.max_program_size.error_level": MAX_REGEX_PROGRAM_SIZE,
        "tracing.opentelemetry.flush_interval_ms": 1000,  # a span is not kept back for longer
    }
