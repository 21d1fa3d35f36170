"""Certificates and trust bundles that proxies are given, and which proxy is given which.

In: all that can be used, the listeners that are bound and their chains, and the clusters that
proxies use. Out: `ir.secret.Secret` by name, and `ir.assignment.SecretUse` by (proxy, secret): a
proxy is sent what its own listeners and clusters name and nothing else, since it asks for nothing
else: of a Gateway without an address no listener is bound, while it has chains.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from fairlead.graph import Collection, Context, Graph
from fairlead.ir.assignment import ClusterUse, SecretUse
from fairlead.ir.cluster import Cluster
from fairlead.ir.listener import Chain, DownstreamTls, Listener
from fairlead.ir.secret import SYSTEM_TRUST, Secret, TrustBundle
from fairlead.translate.certificates import CertificateInputs
from fairlead.translate.trust import TrustInputs

_User = tuple[str, str, str, str]
"""``chain``, proxy, listener and chain, or ``cluster``, proxy, cluster and nothing."""


class _Need(msgspec.Struct, frozen=True, gc=False):
    """What one chain or cluster of a proxy names."""

    proxy: str
    secrets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Secrets:
    """What `build` puts on the graph."""

    secrets: Collection[str, Secret]
    secret_use: Collection[tuple[str, str], SecretUse]


def build(
    graph: Graph,
    certificates: CertificateInputs,
    trust: TrustInputs,
    *,
    listeners: Collection[tuple[str, str], Listener],
    chains: Collection[tuple[str, str, str], Chain],
    clusters: Collection[str, Cluster],
    cluster_use: Collection[tuple[str, str], ClusterUse],
) -> Secrets:
    """Derive what proxies are given.

    Args:
        graph: Where to.
        certificates: All certificates.
        trust: All trust bundles.
        listeners: By (proxy, listener name); chains of others count for nothing.
        chains: By (proxy, listener name, chain name).
        clusters: By name.
        cluster_use: By (proxy, cluster).
    """
    there = listeners.map("listeners that are bound", lambda _ctx, _key, _listener: True)

    def of_chain(
        ctx: Context, key: tuple[str, str, str], chain: Chain
    ) -> Iterator[tuple[_User, _Need]]:
        if chain.tls is not None and ctx.fetch(there, key[:2]):
            yield ("chain", *key), _Need(key[0], _named(chain.tls))

    def of_cluster(
        ctx: Context, key: tuple[str, str], _: ClusterUse
    ) -> Iterator[tuple[_User, _Need]]:
        proxy, name = key
        cluster = ctx.fetch(clusters, name)
        if cluster is not None and cluster.tls is not None:
            named = (cluster.tls.trust, cluster.tls.certificate)
            yield ("cluster", proxy, name, ""), _Need(proxy, tuple(filter(None, named)))

    needs = graph.join(
        "needs of secrets",
        chains.flat_map("secrets of chains", of_chain),
        cluster_use.flat_map("secrets of clusters", of_cluster),
    )
    used = needs.index(
        "needs by secret", lambda _key, need: [(need.proxy, s) for s in need.secrets]
    )
    use = used.terms("used secrets").map("use of secrets", lambda _ctx, key, _: SecretUse(*key))
    system = graph.singleton("system trust", lambda _ctx: TrustBundle(SYSTEM_TRUST, ""))
    secrets: Collection[str, Secret] = graph.join(
        "secrets of proxies",
        certificates.certificates,
        trust.bundles,
        system.flat_map("system trust by name", lambda _ctx, _key, each: [(each.name, each)]),
    )
    return Secrets(secrets, use)


def _named(tls: DownstreamTls) -> tuple[str, ...]:
    trust = (tls.validation.trust,) if tls.validation is not None else ()
    return tuple(dict.fromkeys((*tls.certificates, *trust)))
