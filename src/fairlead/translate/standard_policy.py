"""What Gateway API's own policies make of one destination, whoever calls it.

In: BackendTLSPolicies and XBackendTrafficPolicies. Out: a value for each Service port that one of
them is for. They take precedence over a DestinationRule, which has no say in the same things here.
"""

from collections.abc import Iterator

import msgspec

from fairlead import api
from fairlead.graph import Collection, Context, Graph
from fairlead.ir.cluster import RetryBudget, UpstreamTls
from fairlead.ir.http_policy import SessionPersistence
from fairlead.ir.origin import Origin
from fairlead.translate import service_port
from fairlead.translate.backend_tls_policy import BackendTlsPolicies
from fairlead.translate.backend_traffic_policy import BackendTrafficPolicies
from fairlead.translate.policy_target import TargetKey
from fairlead.translate.service_port import Port, PortKey
from fairlead.translate.sources import Key, Sources


class StandardPolicy(msgspec.Struct, frozen=True):
    """The standard policies of one destination, together."""

    tls: UpstreamTls | None = None
    """TLS that is originated; None for none."""
    refused: bool = False
    """A policy asks for TLS that cannot be had: nothing may be sent, least of all in clear."""
    retry_budget: RetryBudget | None = None
    session: SessionPersistence | None = None
    origin: Origin | None = None
    """The policy that asks for TLS, else the one for the rest."""

    @property
    def encrypted(self) -> bool:
        """Whether bytes of a client may only reach this destination inside TLS."""
        return self.tls is not None or self.refused


def build(
    graph: Graph, sources: Sources, tls: BackendTlsPolicies, traffic: BackendTrafficPolicies
) -> Collection[PortKey, StandardPolicy]:
    """Derive the standard policies of all Service ports that have one."""

    def of_service(
        ctx: Context, target: TargetKey, _term: TargetKey
    ) -> Iterator[tuple[PortKey, StandardPolicy]]:
        service = ctx.fetch(sources.services, target[1:]) if target[0] == "Service" else None
        if service is not None:
            for port in service_port.ports(service):
                found = _of_port(ctx, tls, traffic, service, port)
                if found is not None:
                    yield (*target[1:], port.port), found

    targeted = graph.join(
        "targets of policies",
        tls.by_target.terms("targets of BackendTLSPolicies"),
        traffic.by_target.terms("targets of XBackendTrafficPolicies"),
    )
    return targeted.flat_map("standard policies", of_service)


def _of_port(
    ctx: Context,
    tls: BackendTlsPolicies,
    traffic: BackendTrafficPolicies,
    service: api.Service,
    port: Port,
) -> StandardPolicy | None:
    """The policies of one port, None if it has none."""
    key: Key = service.key
    secured = tls.of_port(ctx, key, port.name)
    shaped = traffic.of(ctx, ("Service", *key))
    if secured is None and shaped is None:
        return None
    origin = Origin("BackendTLSPolicy", *secured[0]) if secured else None
    originated = secured[1] if secured else None
    return StandardPolicy(
        tls=originated,
        refused=secured is not None and originated is None,
        retry_budget=shaped.retry_budget if shaped else None,
        session=shaped.session if shaped else None,
        origin=origin or (shaped.origin if shaped else None),
    )
