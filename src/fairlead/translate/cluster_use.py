"""Which proxy needs which cluster: whatever its virtual hosts, chains and listeners send to.

In: all virtual hosts, chains and listeners. Out: `ir.assignment.ClusterUse` by (proxy, cluster).
It changes only with the first or the last of them that names a cluster.
"""

from collections.abc import Iterable, Iterator
from typing import TypeAlias

from fairlead.graph import Collection, Context, Graph
from fairlead.ir.assignment import ClusterUse
from fairlead.ir.backend import Backend, Forward
from fairlead.ir.fleet import MESH_PROXY
from fairlead.ir.http_policy import ExternalAuth, HttpPolicies
from fairlead.ir.listener import Chain, GatewayListener, Listener, TcpChain, UdpListener
from fairlead.ir.rule import Route, Rule
from fairlead.ir.virtual_host import VirtualHost

Use: TypeAlias = tuple[str, str]
"""(proxy, cluster)."""


def build(
    graph: Graph,
    virtual_hosts: Collection[tuple[str, str], VirtualHost],
    chains: Collection[tuple[str, str, str], Chain],
    listeners: Collection[tuple[str, str], Listener],
) -> Collection[Use, ClusterUse]:
    """Derive the use of clusters from everything that names one."""
    named = (
        virtual_hosts.index("virtual hosts by use of clusters", _of_virtual_host),
        chains.index("chains by use of clusters", _of_chain),
        listeners.index("listeners by use of clusters", _of_listener),
    )
    places = ("virtual hosts", "chains", "listeners")
    used = graph.join(
        "used clusters",
        *(
            index.terms(f"clusters used by {place}")
            for index, place in zip(named, places, strict=True)
        ),
    )

    def use(_ctx: Context, key: Use, _term: Use) -> ClusterUse:
        return ClusterUse(*key)

    return used.map("use of clusters", use)


def proxy_of(table: str) -> str:
    """Name of the proxy that has a route table: ``gateway/NS/NAME/http-PORT`` or ``mesh/NS``."""
    if table.startswith("gateway/"):
        return table.rpartition("/")[0]
    return MESH_PROXY


def _of_virtual_host(_key: tuple[str, str], host: VirtualHost) -> Iterator[Use]:
    clusters = {cluster for rule in host.rules for cluster in _of_rule(rule)}
    if host.filters is not None:
        asked = [each for each in host.filters.requests if isinstance(each, ExternalAuth)]
        clusters.update(each.cluster for each in asked)
    proxy = proxy_of(host.table)
    for cluster in sorted(clusters):
        yield proxy, cluster


def _of_rule(rule: Rule) -> Iterator[str]:
    """The clusters that a rule forwards to, mirrors to and asks for leave."""
    yield from _asked(rule.policies)
    if isinstance(rule.action, Route):
        yield from (mirror.cluster for mirror in rule.action.mirrors)
        for backend in rule.action.backends:
            if isinstance(backend, Forward):
                yield backend.cluster
                yield from (mirror.cluster for mirror in backend.mirrors)
                yield from _asked(backend.policies)


def _asked(policies: HttpPolicies | None) -> Iterator[str]:
    """The cluster of an authorization service."""
    if policies is not None and policies.external_auth is not None:
        yield policies.external_auth.cluster


def _of_chain(key: tuple[str, str, str], chain: Chain) -> Iterator[Use]:
    if isinstance(chain, TcpChain):
        yield from _uses(key[0], chain.backends)


def _of_listener(key: tuple[str, str], listener: Listener) -> Iterator[Use]:
    if isinstance(listener, UdpListener):
        yield key[0], listener.cluster
    elif isinstance(listener, GatewayListener) and listener.tracing is not None:
        yield key[0], listener.tracing.cluster


def _uses(proxy: str, backends: Iterable[Backend]) -> Iterator[Use]:
    clusters = {backend.cluster for backend in backends if isinstance(backend, Forward)}
    for cluster in sorted(clusters):
        yield proxy, cluster
