"""A graph with the whole of translation, filled from manifests."""

import json

import msgspec
import yaml

from fairlead import api
from fairlead.graph import Change, Graph
from fairlead.ir.proxy_status import ProxyStatus
from fairlead.ir.workload import Workload
from fairlead.translate.build import build
from fairlead.translate.sources import Settings, Sources

EDGES = (
    "fleet",
    "listeners",
    "chains",
    "virtual_hosts",
    "clusters",
    "endpoints",
    "cluster_use",
    "reports",
)


CLASS = """
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: fairlead}
spec: {controllerName: fairlead.dev/gateway-controller}
"""
"""The class of ours; without a cluster there is no need for one."""


def config_map(name, namespace="default", **data):
    """A ConfigMap, as YAML."""
    return f"""
apiVersion: v1
kind: ConfigMap
metadata: {{name: {name}, namespace: {namespace}}}
data: {json.dumps(data)}
"""


def objects(text):
    """The objects of a YAML text; namespaced ones live in ``default`` unless they say so."""
    for document in yaml.safe_load_all(text):
        kind = api.KIND_OF[document["kind"]]
        if kind.namespaced:
            document["metadata"].setdefault("namespace", "default")
        yield msgspec.convert(document, kind.model)


class World:
    """Sources and outputs, and ways to change the one and look at the other."""

    def __init__(self, *texts, address="127.0.0.1", **settings):
        self.graph = Graph()
        self.sources = Sources.on(self.graph)
        self.outputs = build(self.graph, self.sources, Settings(**settings))
        self.address = address
        for edge in EDGES:
            self.graph.watch(getattr(self.outputs, edge))
        self.apply(*texts)

    def changes(self, *items):
        """The changes that bring in manifests (as text), objects and facts."""
        for item in items:
            match item:
                case str():
                    yield from self.changes(*objects(item))
                case Workload():
                    yield Change(self.sources.workloads, (item.namespace, item.name), item)
                case ProxyStatus():
                    yield Change(self.sources.proxy_status, item.proxy, item)
                case api.Gateway():
                    yield Change(self.sources.gateways, item.key, item)
                    if self.address:
                        yield Change(self.sources.gateway_addresses, item.key, (self.address,))
                case _:
                    yield Change(self.sources.of(item.kind), item.key, item)

    def apply(self, *items):
        """Bring items in; what changed at the edges: {edge: {key: (old, new)}}."""
        return self.commit(list(self.changes(*items)))

    def remove(self, kind, name, namespace="default"):
        """Take one object away."""
        return self.commit([Change(self.sources.of(kind), (namespace, name), None)])

    def address_of(self, gateway, addresses, namespace="default"):
        """The change by which the data plane assigns addresses to a Gateway."""
        return Change(self.sources.gateway_addresses, (namespace, gateway), tuple(addresses))

    def commit(self, changes):
        """Apply changes; what changed at the edges."""
        events = self.graph.apply(changes)
        each = {edge: dict(events[getattr(self.outputs, edge)]) for edge in EDGES}
        return {edge: keys for edge, keys in each.items() if keys}

    def hosts(self, table="gateway/default/gate/http-80"):
        """{host: its rules' names in order} of one route table."""
        return {
            name: [rule.name for rule in host.rules]
            for (owner, name), host in self.outputs.virtual_hosts.items()
            if owner == table
        }

    def rules(self, host="*", table="gateway/default/gate/http-80"):
        """The rules of one virtual host."""
        return self.outputs.virtual_hosts.get((table, host)).rules

    def report(self, kind, name, namespace="default"):
        """The report of one object, None if there is none."""
        return self.outputs.reports.get((kind, namespace, name))

    def parent(self, name, index=0, namespace="default"):
        """Conditions of one parent of a route: {type: condition}."""
        report = self.report("HTTPRoute", name, namespace)
        return {condition.type: condition for condition in report.parents[index].conditions}

    def gateway(self, name="gate", namespace="default"):
        """Conditions of a Gateway: {type: condition}."""
        report = self.report("Gateway", name, namespace)
        return {condition.type: condition for condition in report.conditions}

    def listener(self, listener, name="gate", namespace="default"):
        """The report of one listener and its conditions: {type: condition}."""
        report = self.report("Gateway", name, namespace)
        found = next(each for each in report.listeners if each.name == listener)
        return found, {condition.type: condition for condition in found.conditions}
