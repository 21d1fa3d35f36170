"""What tenants have, and the words for what one may try against another one.

The namespace `infra` has the Gateways, `victim` (labelled ``team: shop``) a shop on them. Each
attack is there from the start, of the namespace `evil`, with hosts and names of its own.
"""

import os
from dataclasses import dataclass

from feature.route_scene import documents, pod, service

VICTIM, EVIL, BYSTANDER = "victim", "evil", "bystander"
GATEWAY_API = "gateway.networking.k8s.io/v1"
EXPERIMENTAL = "gateway.networking.x-k8s.io/v1alpha1"
CORE_GROUP = 'group: ""'
EDGE = "{name: edge, namespace: infra"

ADDRESS = f"{{type: IPAddress, value: 127.0.78.{os.getpid() % 250 + 1}}}"
"""That the victim's Gateway and the attacker's ask for; no other test run has it."""

Said = tuple[str, str, str]
"""Status, reason, and words of the message."""


@dataclass(frozen=True)
class Attack:
    """One attack, and how it ends."""

    name: str
    text: str
    """The documents."""
    kind: str
    """Of the object whose status says why it fails, in the plural, lower case."""
    object: str
    """Its name."""
    condition: str
    said: Said
    safe: tuple[str, ...] = ()
    """URLs at the edge that the victim's backend still answers."""
    closed: tuple[str, ...] = ()
    """URLs at the edge that no backend answers."""


def thing(kind: str, name: str, spec: str, *, api: str = GATEWAY_API, namespace: str = EVIL) -> str:
    """A document; `spec` is YAML in flow style."""
    metadata = f"{{name: {name}, namespace: {namespace}}}"
    return f"apiVersion: {api}\nkind: {kind}\nmetadata: {metadata}\nspec: {spec}\n"


def to(backend: str = "app", more: str = "") -> str:
    """A backendRef to port 80."""
    return f"{{name: {backend}, port: 80{more}}}"


def route(kind: str, name: str, parent: str, hosts: str = "", rules: str = "") -> str:
    """A route of the attacker; without rules one that sends all to its own backend."""
    hostnames = f", hostnames: [{hosts}]" if hosts else ""
    rules = rules or f"{{backendRefs: [{to()}]}}"
    return thing(kind, name, f"{{parentRefs: [{parent}]{hostnames}, rules: [{rules}]}}")


def grant(name: str, kind: str, to_kind: str, *, origin: str, target: str, at: str) -> str:
    """A ReferenceGrant from a namespace to an object of another one."""
    core = 'group: ""'
    spec = (
        f"{{from: [{{group: gateway.networking.k8s.io, kind: {kind}, namespace: {origin}}}],"
        f" to: [{{{core}, kind: {to_kind}, name: {target}}}]}}"
    )
    return thing("ReferenceGrant", name, spec, namespace=at)


def http_listener(name: str, host: str = "", more: str = "") -> str:
    hostname = f", hostname: {host!r}" if host else ""
    return f"{{name: {name}, port: 80, protocol: HTTP{hostname}{more}}}"


def base(echo) -> dict[str, str]:
    """The Gateways, and what is the victim's and the attacker's own."""
    spaces = [
        f"apiVersion: v1\nkind: Namespace\nmetadata: {{name: {name}, labels: {{{labels}}}}}\n"
        for name, labels in ((VICTIM, "team: shop"), (EVIL, "team: evil"), (BYSTANDER, ""))
    ]
    shop = "allowedRoutes: {namespaces: {from: Selector, selector: {matchLabels: {team: shop}}}}"
    every = "allowedRoutes: {namespaces: {from: All}}"
    listeners = (
        http_listener("shop", "shop.example", f", {shop}"),
        http_listener("open", "*.open.example", f", {every}"),
        http_listener(
            "web",
            "*.web.example",
            ", allowedRoutes: {namespaces: {from: All}, kinds: [{kind: HTTPRoute}]}",
        ),
        http_listener("reach", "*.reach.example", f", {every}"),
        http_listener("own", "own.example"),
        f"{{name: tcp, port: 18901, protocol: TCP, {every}}}",
    )
    edge = '{name: edge, namespace: infra, creationTimestamp: "2020-01-01T00:00:00Z"}'
    anyone = http_listener("http", more=f", {every}")
    sets = "allowedListeners: {namespaces: {from: All}}"
    gateways = [
        thing(
            "Gateway",
            "edge",
            f"{{gatewayClassName: fairlead, {sets}, addresses: [{ADDRESS}],"
            f" listeners: [{', '.join(listeners)}]}}",
            namespace="infra",
        ).replace("{name: edge, namespace: infra}", edge),
        thing(
            "Gateway",
            "closed",
            f"{{gatewayClassName: fairlead, listeners: [{anyone}]}}",
            namespace="infra",
        ),
    ]
    victims = "{parentRefs: [%s}], hostnames: [%s], rules: [{backendRefs: [%s]}]}"
    hosts = "shop.example", "shop.open.example", "shop.web.example"
    routes = [
        (
            "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\n"
            f"metadata: {{name: shop-{number}, namespace: {VICTIM},"
            ' creationTimestamp: "2020-01-01T00:00:00Z"}\n'
            f"spec: {victims % (EDGE, host, to())}\n"
        )
        for number, host in enumerate(hosts)
    ]
    services = [
        service("app", echo.port(name), namespace=name) for name in (VICTIM, EVIL, BYSTANDER)
    ]
    clients = [pod(namespace=name) for name in (VICTIM, EVIL, BYSTANDER)]
    return {
        "spaces.yaml": documents(*spaces),
        "gateways.yaml": documents(*gateways),
        "routes.yaml": documents(*routes),
        "services.yaml": documents(*services),
        "clients.yaml": documents(*clients),
    }
