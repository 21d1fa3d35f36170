"""What decisions are read from: objects, IR and reports of one moment, found by what is asked for.

Nothing is decided here. Every index is made once, when it is first needed.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from fairlead.analysis.explain.request import split_port
from fairlead.ir.endpoint import Endpoint
from fairlead.ir.fleet import Proxy
from fairlead.ir.listener import Chain, GatewayListener, OutboundListener, UdpListener
from fairlead.ir.virtual_host import VirtualHost
from fairlead.translate import hostnames
from fairlead.translate.outputs import Outputs
from fairlead.translate.sources import Key, Sources

V = TypeVar("V")

ListenerKey = tuple[str, str]
"""(proxy, listener name)."""


@dataclass(frozen=True)
class Facts:
    """What there is. Valid until the next change of the graph."""

    sources: Sources
    outputs: Outputs

    @cached_property
    def gateways(self) -> Mapping[Key, Proxy]:
        """Proxies of Gateways, by the Gateway."""
        return {
            (proxy.namespace, proxy.gateway): proxy
            for _, proxy in self.outputs.fleet.items()
            if proxy.kind == "gateway"
        }

    @cached_property
    def ports(self) -> Mapping[str, tuple[GatewayListener | UdpListener, ...]]:
        """What a Gateway's proxy listens on, by proxy; sorted by port."""
        found: dict[str, list[GatewayListener | UdpListener]] = defaultdict(list)
        for (proxy, _), listener in self.outputs.listeners.items():
            if not isinstance(listener, OutboundListener):
                found[proxy].append(listener)
        return {
            proxy: tuple(sorted(each, key=lambda one: (one.port, one.name)))
            for proxy, each in found.items()
        }

    @cached_property
    def outbound(self) -> Mapping[Key, OutboundListener]:
        """Listeners of pods, by pod."""
        return {
            (listener.namespace, listener.pod): listener
            for _, listener in self.outputs.listeners.items()
            if isinstance(listener, OutboundListener)
        }

    def caller(self, key: Key) -> OutboundListener | None:
        """The listener of a pod, or of the first pod of a Deployment of that name."""
        if key in self.outbound:
            return self.outbound[key]
        for pod_key, pod in self.outputs.pods.items():
            owners = pod.metadata.owner_references
            if pod_key[0] == key[0] and any(owner.name == key[1] for owner in owners):
                return self.outbound.get(pod_key)
        return None

    @cached_property
    def chains(self) -> Mapping[ListenerKey, Mapping[str, Chain]]:
        """Chains of a Gateway's port by server name; the empty one stands for all others.

        Of two chains for one name, the first by name has it.
        """
        found: dict[ListenerKey, dict[str, Chain]] = defaultdict(dict)
        for (proxy, listener, _), chain in self.outputs.chains.items():
            for name in chain.server_names or ("",):
                found[proxy, listener].setdefault(name, chain)
        return found

    @cached_property
    def hosts(self) -> Mapping[str, Mapping[str, VirtualHost]]:
        """Virtual hosts by domain, by table."""
        found: dict[str, dict[str, VirtualHost]] = defaultdict(dict)
        for (table, _), host in self.outputs.virtual_hosts.items():
            for domain in host.domains:
                found[table].setdefault(domain, host)
        return found

    def chain(self, proxy: str, listener: str, server_name: str) -> Chain | None:
        """The chain of a connection: of its server name, else of the longest wildcard above it."""
        return _most_specific(self.chains.get((proxy, listener), {}), server_name, "")

    def host(self, table: str, host: str, *, any_port: bool) -> VirtualHost | None:
        """The virtual host of a request; None if there is none.

        Args:
            table: The route table.
            host: As rules see it.
            any_port: Whether its port does not count (Gateways).
        """
        name = split_port(host)[0] if any_port else host
        return _most_specific(self.hosts.get(table, {}), name.lower(), hostnames.ANY)

    def endpoints(self, cluster: str) -> tuple[Endpoint, ...] | None:
        """Ready endpoints of a cluster; None if they aren't known before a request is made."""
        described = self.outputs.clusters.get(cluster)
        if described is None or described.passthrough or described.dns_name:
            return None
        found = self.outputs.endpoints.get(cluster)
        if found is None:
            return ()
        if found.shares:
            return tuple(each for share in found.shares for each in share.addresses)
        return found.addresses


def _most_specific(found: Mapping[str, V], name: str, otherwise: str) -> V | None:
    """What an exact name holds, else the longest ``*.suffix`` above it, else `otherwise`."""
    if name in found:
        return found[name]
    start = name.find(".", 1)
    while start > 0:
        wildcard = f"*{name[start:]}"
        if wildcard in found:
            return found[wildcard]
        start = name.find(".", start + 1)
    return found.get(otherwise)
