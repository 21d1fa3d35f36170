"""XBackend (GEP-4894): a host outside the cluster or selected pods, and how to connect to them.

In: XBackends. Out: `Backend` values, asked by those who write rules, and the clusters and endpoints
of those that something is sent to. An XBackend is a destination of its own: no DestinationRule or
policy for a Service shapes it. What is wrong with one stays in the model: nothing is sent there.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import msgspec

from fairlead import api
from fairlead.graph import Collection, Context, Index
from fairlead.ir.cluster import Cluster, RetryBudget, UpstreamTls
from fairlead.ir.endpoint import Endpoints
from fairlead.ir.http_policy import SessionPersistence
from fairlead.ir.origin import Origin
from fairlead.ir.workload import Workload
from fairlead.translate import (
    certificates,
    cluster_name,
    endpoints,
    pod_endpoint,
    session_persistence,
    upstream_tls,
)
from fairlead.translate.backend_traffic_policy import BackendTrafficPolicies
from fairlead.translate.certificates import CertificateInputs
from fairlead.translate.cluster_name import ClusterName
from fairlead.translate.finding import Finding
from fairlead.translate.pod_endpoint import Labelled
from fairlead.translate.sources import Key, Settings, Sources
from fairlead.translate.trust import TrustInputs
from fairlead.translate.upstream_tls import Origination

Spoken: TypeAlias = Literal["http", "h2c", "ws", "tcp"]

XBACKEND: Final = (api.EXPERIMENTAL_GROUP, "XBackend")

_PROTOCOLS: Final[dict[str, Spoken]] = {
    "HTTP": "http",
    "HTTP11": "http",
    "MCP": "http",
    "HTTP2": "h2c",
    "H2C": "h2c",
    "GRPC": "h2c",
    "WSS": "ws",
    "TCP": "tcp",
}
_ANY_VERSION: Final = frozenset({"", "HTTP"})
"""Protocols that leave the version of HTTP to the route."""


class Backend(msgspec.Struct, frozen=True):
    """One XBackend, read."""

    namespace: str
    name: str
    port: int
    origin: Origin
    protocol: str = ""
    """As written; empty leaves it to the route."""
    hostname: str = ""
    """Of an ExternalHostname backend."""
    selector: tuple[tuple[str, str], ...] = ()
    """Labels of the pods of an EndpointSelector backend, sorted."""
    tls: UpstreamTls | None = None
    session: SessionPersistence | None = None
    retry_budget: RetryBudget | None = None
    findings: tuple[Finding, ...] = ()
    """What is wrong with it."""
    usable: bool = True
    """Whether anything can be sent there in spite of the findings."""

    @property
    def spoken(self) -> Spoken:
        """What is spoken to it unless the route asks for something else."""
        return _PROTOCOLS[self.protocol] if self.protocol else "http"

    def refusal(self, wanted: str) -> str:
        """Why what is `wanted` (`backend_ref.Wanted`) cannot be sent; empty if it can."""
        if wanted == "udp":
            return "XBackends take no UDP; use a Service"
        if wanted in {"tcp", "raw"}:
            return ""
        if self.spoken == "tcp":
            return f"its spec.protocol is {self.protocol}, which is not HTTP"
        if wanted == "h2c" and self.spoken != "h2c" and self.protocol not in _ANY_VERSION:
            return f"its spec.protocol is {self.protocol}, which carries no gRPC"
        return ""

    def cluster(self, wanted: str) -> str:
        """Name of the cluster by which what is `wanted` is sent.

        TLS that is passed through is not wrapped again.
        """
        spoken = None
        if wanted in {"tcp", "raw"}:
            spoken = None if self.spoken == "tcp" else "tcp"
        elif wanted == "h2c":
            spoken = None if self.spoken == "h2c" else "h2c"
        refused = not self.usable
        return str(
            ClusterName(
                self.namespace,
                self.name,
                self.port,
                kind="XBackend",
                refused=refused,
                spoken=None if refused else spoken,
                plain=wanted == "raw" and self.tls is not None and not refused,
            )
        )


@dataclass(frozen=True, slots=True)
class BackendClusters:
    """Clusters of the XBackends that are in use."""

    clusters: Collection[str, Cluster]
    endpoints: Collection[str, Endpoints]


@dataclass(frozen=True, slots=True)
class BackendInputs:
    """What XBackends are made from."""

    settings: Settings
    certificates: CertificateInputs
    trusts: TrustInputs
    traffic: BackendTrafficPolicies


def build(sources: Sources, inputs: BackendInputs) -> Collection[Key, Backend]:
    """Derive the XBackends."""

    def read(ctx: Context, key: Key, source: api.XBackend) -> Backend:
        return _read(ctx, inputs, key, source)

    return sources.backends.map("XBackends", read)


def clusters(
    known: Collection[Key, Backend],
    demanded: Collection[str, str],
    pods: Index[Key, Workload, Labelled],
) -> BackendClusters:
    """Derive the clusters of XBackends that are in use, and what stands behind them.

    Args:
        known: The XBackends.
        demanded: Names of the clusters that are made on demand, of any sort.
        pods: Live pods by label.
    """

    def cluster(ctx: Context, text: str, _term: str) -> Cluster | None:
        name = cluster_name.parse(text)
        if name is None or name.kind != "XBackend":
            return None
        found = ctx.fetch(known, (name.namespace, name.name))
        if found is None or not found.usable or found.port != name.port:
            return None
        return _cluster(name, found)

    def addresses(ctx: Context, name: str, made: Cluster) -> Endpoints | None:
        if made.dns_name:
            return None
        found = ctx.fetch(known, (made.namespace, made.service))
        if found is None:
            return None
        selected = pod_endpoint.selected(ctx, pods, found.namespace, dict(found.selector))
        slots = [
            pod_endpoint.slot(pod, found.port) for pod in selected if not pod_endpoint.ended(pod)
        ]
        return Endpoints(name, endpoints.among(slots).ready)

    made = demanded.map("clusters of XBackends", cluster)
    return BackendClusters(made, made.map("endpoints of XBackends", addresses))


def _read(ctx: Context, inputs: BackendInputs, key: Key, source: api.XBackend) -> Backend:
    """Read one XBackend."""
    spec = source.spec
    findings = list(_findings(spec, inputs.settings.cluster_domain))
    secured = _tls(ctx, inputs, key, spec.tls)
    session = _session(spec, key)
    if isinstance(session, Finding):
        findings.append(session)
    usable = not findings and (secured.tls is not None or spec.tls.mode == "None")
    traffic = inputs.traffic.of(ctx, ("XBackend", *key))
    selector = spec.endpoint_selector
    kept = session if isinstance(session, SessionPersistence) else None
    return Backend(
        *key,
        port=spec.port.number or 0,
        origin=Origin("XBackend", *key),
        protocol=spec.protocol or "",
        hostname=spec.external_hostname.hostname if spec.external_hostname else "",
        selector=tuple(sorted(selector.match_labels.items())) if selector else (),
        tls=secured.tls,
        session=kept or (traffic.session if traffic else None),
        retry_budget=traffic.retry_budget if traffic else None,
        findings=(*findings, *secured.findings),
        usable=usable,
    )


def _tls(ctx: Context, inputs: BackendInputs, key: Key, tls: api.BackendTLS) -> Origination:
    """Read spec.tls; without TLS where it cannot be had as it is written."""
    if tls.mode == "None":
        return Origination(None)
    if tls.validation is None:
        message = f"mode {tls.mode} needs to know whom to trust; write it"
        return Origination(None, (Finding("Invalid", "spec.tls.validation", message),))
    found = upstream_tls.originate(ctx, inputs.trusts, ("XBackend", *key), tls.validation)
    if tls.mode == "ServerOnly":
        return found
    field = "spec.tls.clientCertificateRef"
    if tls.client_certificate_ref is None:
        message = f"mode {tls.mode} needs a certificate to show; write it"
        return Origination(None, (*found.findings, Finding("Invalid", field, message)))
    referrer = (*XBACKEND, key[0])
    name = certificates.resolve_one(
        ctx,
        inputs.certificates,
        referrer,
        tls.client_certificate_ref,
        "InvalidClientCertificateRef",
    )
    if isinstance(name, Finding):
        fault = Finding(name.reason, f"{field}.{name.field}", name.message)
        return Origination(None, (*found.findings, fault))
    shown = msgspec.structs.replace(found.tls, certificate=name) if found.tls else None
    return Origination(shown, found.findings)


def _session(spec: api.BackendSpec, key: Key) -> SessionPersistence | Finding | None:
    if spec.session_persistence is None:
        return None
    field = "spec.sessionPersistence"
    return session_persistence.read(spec.session_persistence, field, ("XBackend", *key))


def _findings(spec: api.BackendSpec, cluster_domain: str) -> Iterator[Finding]:
    """Yield what keeps anything from being sent to an XBackend."""
    if spec.port.number is None:
        yield Finding("Invalid", "spec.port.number", "write the port to connect to")
    if spec.external_hostname is not None:
        hostname = spec.external_hostname.hostname
        fault = _hostname_fault(hostname, cluster_domain)
        if fault:
            yield Finding("Invalid", "spec.externalHostname.hostname", f"{hostname} {fault}")
    elif spec.endpoint_selector is None:
        yield Finding("Invalid", "spec.type", f"write {_field(spec.type)}, which it asks for")


def _hostname_fault(hostname: str, cluster_domain: str) -> str:
    """Why a host must not be reached from here, empty if it may (GEP-4894)."""
    if hostname.endswith((".cluster.local", f".{cluster_domain}")):
        return "is a name of this cluster; use type EndpointSelector, or a Service as backend"
    return "is an IP address; write the name of the host" if api.is_ip(hostname) else ""


def _field(kind: str) -> str:
    """The field of the spec that a type asks for."""
    return f"spec.{kind[0].lower()}{kind[1:]}"


def _cluster(name: ClusterName, backend: Backend) -> Cluster:
    return Cluster(
        name=str(name),
        namespace=backend.namespace,
        service=backend.name,
        port=backend.port,
        protocol=name.spoken or backend.spoken,
        tls=None if name.plain else backend.tls,
        retry_budget=backend.retry_budget,
        dns_name=backend.hostname,
        origin=backend.origin,
    )
