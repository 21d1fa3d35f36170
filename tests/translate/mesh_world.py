"""A graph with the east-west part of translation, filled from manifests and live pods."""

from fairlead.graph import Change, Graph
from fairlead.ir.rule import Route
from fairlead.ir.workload import Workload
from fairlead.translate import (
    certificates,
    destinations,
    mesh,
    references,
    services,
    trust,
    workloads,
)
from fairlead.translate.service_parent import service_parent
from fairlead.translate.sources import Settings, Sources
from translate.world import objects


def pod(name, namespace="default", *, ip, labels=None, **facts):
    """A live pod."""
    pairs = tuple(sorted((labels or {}).items()))
    return Workload(namespace, name, pairs, ip, **{"ready": True, **facts})


class World:
    """Everything that part derives, and ways to change what it derives from."""

    def __init__(self, **settings):
        self.graph = Graph()
        self.sources = Sources.on(self.graph)
        self.settings = Settings(**settings)
        grants = references.build(self.sources)
        self.clusters = destinations.build(
            self.graph,
            self.sources,
            self.settings,
            certificates.build(self.sources, grants),
            trust.build(self.graph, self.sources, self.settings, grants),
        ).clusters
        self.mesh = mesh.build(self.graph, self.sources, self.settings, self.clusters)
        self.workloads = workloads.build(self.graph, self.sources, Settings())
        self.service_reports = services.build(self.sources, self.clusters, self.mesh.addresses)
        self.parents = self.sources.http_routes.map(
            "first service parents",
            lambda ctx, _key, route: service_parent(
                ctx, self.sources, self.clusters.ports, route, route.spec.parent_refs[0]
            ),
        )
        self.watched = {
            "clusters": self.clusters.clusters,
            "endpoints": self.clusters.endpoints,
            "virtual_hosts": self.mesh.virtual_hosts,
            "listeners": self.mesh.listeners,
            "fleet": self.mesh.fleet,
            "addresses": self.mesh.addresses,
            "pods": self.workloads.pods,
            "destination_rules": self.clusters.rules.reports,
            "services": self.service_reports,
            "deployments": self.workloads.deployment_reports,
            "pod_reports": self.workloads.pod_reports,
        }
        for collection in self.watched.values():
            self.graph.watch(collection)

    def changes(self, *items):
        """The changes that bring in manifests (as text), objects and live pods."""
        for item in items:
            if isinstance(item, Workload):
                yield Change(self.sources.workloads, (item.namespace, item.name), item)
            elif isinstance(item, str):
                yield from self.changes(*objects(item))
            else:
                yield Change(self.sources.of(item.kind), item.key, item)

    def apply(self, *items):
        """Bring items in; what changed at the edges, by the names of `watched`."""
        return self.events(self.graph.apply(list(self.changes(*items))))

    def remove(self, source, key):
        """Take one object away."""
        return self.events(self.graph.apply([Change(source, key, None)]))

    def events(self, events):
        return {name: dict(events[each]) for name, each in self.watched.items() if events[each]}

    def state(self):
        """Everything derived, to compare two worlds."""
        return {name: dict(each.items()) for name, each in self.watched.items()}

    def host(self, table, name):
        """A virtual host."""
        return self.mesh.virtual_hosts.get((table, name))

    def shares(self, table, name):
        """(cluster, weight) of the only rule of a virtual host that forwards."""
        (rule,) = (each for each in self.host(table, name).rules if isinstance(each.action, Route))
        return [(entry.cluster, entry.weight) for entry in rule.action.backends]

    def condition(self, reports, key, kind):
        """A condition of an object as (status, reason, message), None if it has none."""
        for condition in self.watched[reports].get(key).conditions:
            if condition.type == kind:
                return condition.status, condition.reason, condition.message
        return None
