"""Where proxies accept connections, and what becomes of them."""

from typing import Literal

import msgspec

from fairlead.ir.backend import Backend
from fairlead.ir.origin import Origin


class SpanAttribute(msgspec.Struct, frozen=True, gc=False):
    """An attribute that every span carries."""

    name: str
    kind: Literal["literal", "header", "semantic"]
    """Whether `value` is the text itself, a request header, or a name of OpenTelemetry's
    semantic conventions such as ``http.request.method``."""
    value: str


class Tracing(msgspec.Struct, frozen=True, gc=False):
    """Spans of requests, sent by OTLP over gRPC (XTelemetryPolicy tracing)."""

    cluster: str
    """Name of the `ir.cluster.Cluster` of the collector."""
    authority: str
    headers: tuple[tuple[str, str], ...] = ()
    """Sent with each export, in the order of the policy."""
    sampling: float = 100.0
    """Percent of the requests on which we decide, 0 to 100."""
    parent_based: bool = True
    """Whether a request that belongs to a trace keeps that trace's own decision."""
    service: str = ""
    """``service.name`` of the spans."""
    span_name: str = ""
    """Empty for the proxy's default."""
    attributes: tuple[SpanAttribute, ...] = ()
    origin: Origin | None = None


class GatewayListener(msgspec.Struct, frozen=True, gc=False, tag="gateway"):
    """One bound TCP port of a Gateway. What it does with connections stands in its chains."""

    proxy: str
    """Name of an `ir.fleet.Proxy`."""
    name: str
    """Unique in the proxy: ``http-80``, ``tls-443`` (HTTPS and TLS share a port), ``tcp-9000``.
    Never changes while the port and the kind of its protocol stay."""
    addresses: tuple[str, ...]
    """IP addresses to bind; at least one."""
    port: int
    """Port as the Gateway's listeners declare it."""
    bind_port: int
    """Port that the process binds; differs from `port` by the port offset."""
    table: str
    """Route table of its `HttpChain`s, ``PROXY/NAME``; empty if it has none."""
    origins: tuple[Origin, ...]
    http3: bool = False
    """Also served by HTTP/3 on UDP, and advertised (Alt-Svc)."""
    proxy_protocol: Literal["off", "optional", "required"] = "off"
    """Whether connections start with a PROXY protocol header."""
    tracing: Tracing | None = None
    access_log: bool = False
    """Whether each request, or connection, is logged."""


class UdpListener(msgspec.Struct, frozen=True, gc=False, tag="udp"):
    """One bound UDP port of a Gateway: its sessions go to one cluster."""

    proxy: str
    name: str
    """``udp-5300``."""
    addresses: tuple[str, ...]
    port: int
    bind_port: int
    cluster: str
    """Name of an `ir.cluster.Cluster`; one that does not exist drops everything."""
    origins: tuple[Origin, ...]


class OutboundListener(msgspec.Struct, frozen=True, gc=False, tag="outbound"):
    """Takes the outbound requests of one pod: an HTTP proxy on the pod's own address.

    Accepting on it is what tells who the client is: pod, namespace, service account.
    """

    proxy: str
    name: str
    """``outbound/NAMESPACE/POD``."""
    address: str
    bind_port: int
    table: str
    namespace: str
    pod: str
    access_log: bool = False
    """Whether each request is logged."""


Listener = GatewayListener | UdpListener | OutboundListener


class ClientValidation(msgspec.Struct, frozen=True, gc=False):
    """Certificates of clients (Gateway spec.tls.frontend)."""

    trust: str
    """Name of an `ir.secret.TrustBundle`."""
    insecure_fallback: bool = False
    """AllowInsecureFallback: a certificate is asked for, none or a bad one is let in."""


class DownstreamTls(msgspec.Struct, frozen=True, gc=False):
    """TLS that a proxy terminates."""

    certificates: tuple[str, ...]
    """Names of `ir.secret.Certificate`s, at least one, in the order of the listener."""
    validation: ClientValidation | None = None
    minimum_version: Literal["", "1.2", "1.3"] = ""
    maximum_version: Literal["", "1.2", "1.3"] = ""


class HttpChain(msgspec.Struct, frozen=True, gc=False, tag="http"):
    """Connections that carry HTTP."""

    name: str
    """Unique in its listener and stable: ``http``, or the hostname of the Gateway listener."""
    server_names: tuple[str, ...] = ()
    """SNI names (exact or ``*.suffix``), sorted; empty takes what no other chain takes."""
    tls: DownstreamTls | None = None
    owner: str = ""
    """Hostname of the Gateway listener that a TLS connection belongs to (``*`` if it has none).
    A request on it for a virtual host of another owner is misdirected: 421. Empty: no check."""
    filtered: bool = False
    """Whether its virtual hosts may have filters of a listener (`VirtualHost.filters`)."""
    origin: Origin | None = None


class TcpChain(msgspec.Struct, frozen=True, gc=False, tag="tcp"):
    """Connections whose bytes are passed on as they are."""

    name: str
    """Unique in its listener and stable: ``tcp``, or the SNI name."""
    backends: tuple[Backend, ...]
    """By weight. `Invalid` ones, no backend or weights that sum to 0: the connection is closed."""
    server_names: tuple[str, ...] = ()
    tls: DownstreamTls | None = None
    """None passes TLS through (or there is none)."""
    origin: Origin | None = None


Chain = HttpChain | TcpChain
