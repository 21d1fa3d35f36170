"""Everything that requests and connections can be sent to, and what shapes it.

In: Services, XBackends, DestinationRules, BackendTLSPolicies, XBackendTrafficPolicies. Out:
`Clusters`, and once it is known who sends where, the reports of the policies and XBackends.
"""

from dataclasses import dataclass

from fairlead.graph import Collection, Graph
from fairlead.ir.assignment import ClusterUse
from fairlead.translate import (
    backend,
    backend_report,
    backend_tls_policy,
    backend_traffic_policy,
    clusters,
    policy_target,
    standard_policy,
)
from fairlead.translate.backend_tls_policy import BackendTlsPolicies
from fairlead.translate.backend_traffic_policy import BackendTrafficPolicies
from fairlead.translate.certificates import CertificateInputs
from fairlead.translate.clusters import Clusters
from fairlead.translate.report import Report
from fairlead.translate.sources import Key, Settings, Sources
from fairlead.translate.trust import TrustInputs


@dataclass(frozen=True, slots=True)
class Destinations:
    """What `build` puts on the graph."""

    sources: Sources
    settings: Settings
    clusters: Clusters
    tls: BackendTlsPolicies
    traffic: BackendTrafficPolicies

    def reports(
        self, use: Collection[tuple[str, str], ClusterUse]
    ) -> dict[str, Collection[Key, Report]]:
        """Derive the reports by kind; `use` tells which proxy sends to which cluster."""
        ancestry = policy_target.ancestry(use, standalone=self.settings.standalone)
        return {
            "BackendTLSPolicy": backend_tls_policy.reports(self.tls, ancestry),
            "XBackendTrafficPolicy": backend_traffic_policy.reports(self.traffic, ancestry),
            "XBackend": backend_report.build(self.sources, self.clusters.xbackends, ancestry),
        }


def build(
    graph: Graph,
    sources: Sources,
    settings: Settings,
    certificates: CertificateInputs,
    trusts: TrustInputs,
) -> Destinations:
    """Derive the destinations.

    Args:
        graph: Where all of it lives.
        sources: What is written, and the pods as they run.
        settings: Cluster domain.
        certificates: What may be shown to XBackends.
        trusts: Whom endpoints' certificates may come from.
    """
    tls = backend_tls_policy.build(sources, trusts)
    traffic = backend_traffic_policy.build(sources)
    standard = standard_policy.build(graph, sources, tls, traffic)
    xbackends = backend.build(
        sources, backend.BackendInputs(settings, certificates, trusts, traffic)
    )
    found = clusters.build(graph, sources, settings, standard, xbackends)
    return Destinations(sources, settings, found, tls, traffic)
