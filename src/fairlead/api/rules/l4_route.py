"""Rules of TLSRoute, TCPRoute and UDPRoute."""

from collections.abc import Iterator
from typing import Final

from fairlead.api.codes import Code
from fairlead.api.finding import Finding, Path
from fairlead.api.ip import is_ip
from fairlead.api.rules import http_filter
from fairlead.api.rules.route import parent_refs, rule_names
from fairlead.api.tcp_route import TCPRoute
from fairlead.api.tls_route import TLSRoute
from fairlead.api.udp_route import UDPRoute

_LAX: Final = "gateway.networking.k8s.io/v1alpha2"
"""The version that takes several rules, and a TLSRoute without hostnames."""


def l4_route(route: TLSRoute | TCPRoute | UDPRoute) -> Iterator[Finding]:
    """The validations of the specs, experimental channel of Gateway API v1.7.0."""
    spec = route.spec
    yield from parent_refs(("spec", "parentRefs"), spec.parent_refs)
    rules: Path = ("spec", "rules")
    if len(spec.rules) > 1 and route.api_version != _LAX:
        message = f"has {len(spec.rules)} entries, at most 1 is allowed"
        remedy = "put all backendRefs into one rule, or make a route of each"
        yield Finding(Code.BOUNDS, rules, message, remedy)
    yield from rule_names(rules, [rule.name for rule in spec.rules])
    for index, rule in enumerate(spec.rules):
        for position, backend in enumerate(rule.backend_refs):
            yield from http_filter.backend_port((*rules, index, "backendRefs", position), backend)


def tls_route(route: TLSRoute) -> Iterator[Finding]:
    """Hostnames are there, and names; then what all routes of connections keep."""
    hostnames = route.spec.hostnames
    if route.api_version != _LAX:
        if not hostnames:
            message = "`hostnames` is required"
            yield Finding(Code.REQUIRED, ("spec",), message, "list the server names to route")
        for index, hostname in enumerate(hostnames):
            if is_ip(hostname):
                message = f"`{hostname}` is an IP address, clients ask for names only"
                yield Finding(Code.RULE, ("spec", "hostnames", index), message, "write a name")
    yield from l4_route(route)
