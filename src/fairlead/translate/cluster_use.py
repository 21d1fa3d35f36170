"""Which proxy needs which cluster: what its virtual hosts forward to.

In: all virtual hosts. Out: `ir.assignment.ClusterUse` by (proxy, cluster). It changes only with
the first or the last rule of a proxy that forwards to a cluster.
"""

from collections.abc import Iterator

from fairlead.graph import Collection, Context
from fairlead.ir.assignment import ClusterUse
from fairlead.ir.backend import Forward
from fairlead.ir.fleet import MESH_PROXY
from fairlead.ir.rule import Route
from fairlead.ir.virtual_host import VirtualHost

Use = tuple[str, str]
"""(proxy, cluster)."""


def build(virtual_hosts: Collection[tuple[str, str], VirtualHost]) -> Collection[Use, ClusterUse]:
    """Derive the use of clusters from the virtual hosts."""

    def use(_ctx: Context, key: Use, _term: Use) -> ClusterUse:
        return ClusterUse(*key)

    used = virtual_hosts.index("virtual hosts by use of clusters", _uses)
    return used.terms("used clusters").map("use of clusters", use)


def proxy_of(table: str) -> str:
    """Name of the proxy that has a route table: ``gateway/NS/NAME/http-PORT`` or ``mesh/NS``."""
    if table.startswith("gateway/"):
        return table.rpartition("/")[0]
    return MESH_PROXY


def _uses(_key: tuple[str, str], host: VirtualHost) -> Iterator[Use]:
    proxy = proxy_of(host.table)
    clusters = {
        backend.cluster
        for rule in host.rules
        if isinstance(rule.action, Route)
        for backend in rule.action.backends
        if isinstance(backend, Forward)
    }
    for cluster in sorted(clusters):
        yield proxy, cluster
