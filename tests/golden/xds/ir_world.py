"""A graph with the whole of xds, filled from IR."""

from dataclasses import dataclass

import msgspec

from fairlead.graph import Change, Graph
from fairlead.ir.assignment import ClusterUse, SecretUse
from fairlead.ir.cluster import Cluster
from fairlead.ir.endpoint import Endpoints
from fairlead.ir.listener import (
    GatewayListener,
    HttpChain,
    OutboundListener,
    TcpChain,
    UdpListener,
)
from fairlead.ir.secret import Certificate, TrustBundle
from fairlead.ir.virtual_host import VirtualHost
from fairlead.xds.build import build
from fairlead.xds.scopes import Layout


@dataclass(frozen=True)
class Chained:
    """A chain, and the listener that it belongs to."""

    chain: HttpChain | TcpChain
    listener: str
    proxy: str = "gateway/ns/gw"


class IrWorld:
    """Collections of IR as sources, and what becomes of them."""

    def __init__(self, **options):
        self.graph = Graph()
        self.listeners = self.graph.source("listeners")
        self.virtual_hosts = self.graph.source("virtual_hosts")
        self.clusters = self.graph.source("clusters")
        self.endpoints = self.graph.source("endpoints")
        self.cluster_use = self.graph.source("cluster_use")
        self.chains = self.graph.source("chains")
        self.secrets = self.graph.source("secrets")
        self.secret_use = self.graph.source("secret_use")
        self.built = build(
            self.graph,
            listeners=self.listeners,
            virtual_hosts=self.virtual_hosts,
            clusters=self.clusters,
            endpoints=self.endpoints,
            cluster_use=self.cluster_use,
            chains=self.chains,
            secrets=self.secrets,
            secret_use=self.secret_use,
            **options,
        )
        self.resources = self.built.resources
        self.graph.watch(self.resources)

    def commit(self, changes):
        """Apply changes and all that they call forth: {(proxy, type, name): resource or None}."""
        changed = {}
        while changes:
            events = self.graph.apply(changes)
            changed |= {key: new for key, (_, new) in events[self.resources].items()}
            changes = self.built.feedback(events)
        return changed

    def put(self, *values):
        """Bring values of IR in."""
        return self.commit([self.change(value) for value in values])

    def change(self, value):
        """The change that brings in one value."""
        match value:
            case Chained(chain=inner):
                place = self.chains, (value.proxy, value.listener, inner.name)
                return Change(*place, inner)
            case Certificate() | TrustBundle():
                place = self.secrets, value.name
            case SecretUse():
                place = self.secret_use, (value.proxy, value.secret)
            case GatewayListener() | UdpListener() | OutboundListener():
                place = self.listeners, (value.proxy, value.name)
            case VirtualHost():
                place = self.virtual_hosts, (value.table, value.name)
            case Cluster():
                place = self.clusters, value.name
            case Endpoints():
                place = self.endpoints, value.cluster
            case ClusterUse():
                place = self.cluster_use, (value.proxy, value.cluster)
        return Change(*place, value)

    def messages(self, type_url):
        """{(proxy, name): wire bytes}."""
        return {
            (proxy, name): resource.head + b"".join(part.body for part in resource.parts)
            for (proxy, url, name), resource in sorted(self.resources.items())
            if url == type_url
        }


DEFAULTS = {
    "listeners": {"proxy": "gateway/ns/gw", "addresses": ["127.0.0.1"], "origins": []},
    "udp_listeners": {"proxy": "gateway/ns/gw", "addresses": ["127.0.0.1"], "origins": []},
    "http_chains": {},
    "tcp_chains": {},
    "certificates": {},
    "trust_bundles": {},
    "outbound": {"proxy": "mesh"},
    "virtual_hosts": {"table": "gateway/ns/gw/http-80"},
    "clusters": {},
    "endpoints": {},
}
KINDS = {
    "listeners": GatewayListener,
    "udp_listeners": UdpListener,
    "http_chains": HttpChain,
    "tcp_chains": TcpChain,
    "certificates": Certificate,
    "trust_bundles": TrustBundle,
    "outbound": OutboundListener,
    "virtual_hosts": VirtualHost,
    "clusters": Cluster,
    "endpoints": Endpoints,
}
ORIGIN = {"kind": "HTTPRoute", "namespace": "ns", "name": "route", "rule": "0"}


TAGS = {"exact", "prefix", "regex", "full", "forward", "invalid", "route", "redirect", "respond"}


def tagged(value):
    """``{forward: {...}}`` as msgspec reads a union: ``{type: forward, ...}``."""
    match value:
        case {**only} if len(only) == 1 and TAGS.issuperset(only):
            (tag, fields), *_ = only.items()
            return {"type": tag, **tagged(fields)}
        case dict():
            return {name: tagged(part) for name, part in value.items()}
        case list():
            return [tagged(part) for part in value]
    return value


def values(document):
    """The IR values of a document: lists by kind, with what is the same everywhere left out."""
    for kind, entries in document.items():
        for entry in entries:
            fields = {**DEFAULTS[kind], **entry}
            if kind == "virtual_hosts":
                fields.setdefault("domains", [fields["name"]])
                fields["rules"] = [
                    {"name": f"ns/route/{index}/0", "match": {}, "origin": ORIGIN, **rule}
                    for index, rule in enumerate(fields.get("rules", []))
                ]
            if kind == "clusters" and "namespace" not in fields:
                namespace, service, port = fields["name"].split("/")
                fields |= {"namespace": namespace, "service": service, "port": int(port)}
            listener = fields.pop("listener", "")
            made = msgspec.convert(tagged(fields), KINDS[kind])
            yield Chained(made, listener) if listener else made
            if kind == "listeners" and made.name.startswith("http-"):
                yield Chained(HttpChain("http"), made.name, made.proxy)


def world(document):
    """Everything of a document; each of its proxies uses all of its clusters and secrets.

    Under `layouts` it may say in how many bits of shards a table is laid out, under `access_log`
    where requests are logged, under `system_trust` where the machine's authorities are.
    """
    document = dict(document)
    options = {name: document.pop(name, "") for name in ("access_log", "system_trust")}
    made = IrWorld(**options)
    layouts = document.pop("layouts", {})
    found = list(values(document))
    bound = GatewayListener | UdpListener | OutboundListener
    proxies = {each.proxy for each in found if isinstance(each, bound)}
    clusters = {each.name for each in found if isinstance(each, Cluster)}
    secrets = {each.name for each in found if isinstance(each, Certificate | TrustBundle)}
    uses = [ClusterUse(proxy, name) for proxy in proxies for name in clusters]
    uses += [SecretUse(proxy, name) for proxy in proxies for name in secrets]
    made.put(*found, *uses)
    made.graph.apply(
        [Change(made.built.layouts, table, Layout(bits)) for table, bits in layouts.items()]
    )
    return made
