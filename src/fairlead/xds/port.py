"""What the chains of a Gateway's port have in common."""

import msgspec

from fairlead.ir.listener import GatewayListener, Tracing
from fairlead.xds.access_log import log_path
from fairlead.xds.scopes import Layout


class Port(msgspec.Struct, frozen=True, gc=False):
    """What of a `GatewayListener` its chains depend on.

    No other change of the listener makes them anew.
    """

    name: str
    """Of the listener; also the prefix of its statistics."""
    table: str
    layout: Layout
    inspected: bool
    """Whether connections begin with a TLS handshake, whose server name finds their chain."""
    http3: bool
    tracing: Tracing | None
    bind_port: int
    access_log: str
    """Path of the file that a line for each request goes to; empty for none."""


def port(listener: GatewayListener, layout: Layout, access_log: str) -> Port:
    """What the chains of a listener need to know, if its table is laid out like that."""
    inspected = is_inspected(listener)
    return Port(
        name=listener.name,
        table=listener.table,
        layout=layout,
        inspected=inspected,
        http3=listener.http3 and inspected,
        tracing=listener.tracing,
        bind_port=listener.bind_port,
        access_log=log_path(access_log, listener),
    )


def is_inspected(listener: GatewayListener) -> bool:
    """Whether a listener takes TLS connections, of HTTPS and TLS listeners."""
    return listener.name.startswith("tls-")
