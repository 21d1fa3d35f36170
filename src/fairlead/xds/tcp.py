"""Connections whose bytes are passed on (`ir.listener.TcpChain`), as network filters.

A connection is shared out by weight when it begins. One that falls to a backend that does not
resolve, or that nobody can take, is closed without a byte.
"""

from typing import Final

from fairlead.ir.backend import Backend, Forward
from fairlead.xds import access_log
from fairlead.xds.action import INVALID
from fairlead.xds.messages import Message, TcpProxy, duration, extension

IDLE: Final = 3600
"""Seconds after which a connection is closed on which nothing happens."""
_CONNECT_ATTEMPTS: Final = 3
"""To endpoints, for one connection: those that refuse are passed over."""

_LOGGED: Final = {
    "time": "%START_TIME%",
    "server_name": "%REQUESTED_SERVER_NAME%",
    "client": "%DOWNSTREAM_REMOTE_ADDRESS%",
    "flags": "%RESPONSE_FLAGS%",
    "details": "%CONNECTION_TERMINATION_DETAILS%",
    "chain": "%FILTER_CHAIN_NAME%",
    "upstream": "%UPSTREAM_HOST%",
    "received": "%BYTES_RECEIVED%",
    "sent": "%BYTES_SENT%",
    "milliseconds": "%DURATION%",
}


def proxy(stat_prefix: str, backends: tuple[Backend, ...], log_path: str) -> Message:
    """The filter that passes a connection on.

    Args:
        stat_prefix: Of its statistics, ``tcp.PREFIX.*``.
        backends: By weight; `Invalid` ones, and no weight at all, close the connection.
        log_path: Path of the file that a line for each connection goes to; empty for none.
    """
    fields: dict[str, Message] = {
        "stat_prefix": stat_prefix,
        "idle_timeout": duration(IDLE),
        "max_connect_attempts": {"value": _CONNECT_ATTEMPTS},
        **access_log.fields(log_path, _LOGGED),
        **_target(tuple(each for each in backends if each.weight > 0)),
    }
    return extension("envoy.filters.network.tcp_proxy", TcpProxy(**fields))


def _target(backends: tuple[Backend, ...]) -> dict[str, Message]:
    if len(backends) <= 1:
        return {"cluster": _cluster(backends[0]) if backends else INVALID}
    shares = [{"name": _cluster(each), "weight": each.weight} for each in backends]
    return {"weighted_clusters": {"clusters": shares}}


def _cluster(backend: Backend) -> str:
    return backend.cluster if isinstance(backend, Forward) else INVALID
